"""`runbook watch`: see what somebody else does, as it happens."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from runbook.cli.open_book import open_if_sound
from runbook.cli.open_journal import journal_here
from runbook.cli.run_argument import complete_run, find_run
from runbook.cli.run_options import columns
from runbook.errors import ExitCode, JournalUnreachableError

if TYPE_CHECKING:
    from runbook.journal.events import Event
    from runbook.journal.interface import StoredJournal

__all__ = ["command"]

_LOOK_SECONDS = 0.5


@click.command("watch")
@click.argument("run", required=False, shell_complete=complete_run)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Lines for people, or one line of JSON for each event.",
)
@click.pass_obj
def command(book: str | None, run: str | None, form: str) -> int:
    """Show a run from its beginning, and then each thing that happens, until it has finished. This changes nothing.

    Without RUN, it's the one that holds a target now, or else the newest. Ctrl-C ends the watching, not the run.
    """
    from runbook.reports.live_view import LiveView

    journal = journal_here(book)
    name = _at_work(journal) if run is None else find_run(journal, run)
    view = LiveView(open_if_sound(book), columns())
    try:
        for event in _events(journal, name):
            lines = [json.dumps(_as_json(event))] if form == "json" else view.lines(event)
            for line in lines:
                click.echo(line)
    except KeyboardInterrupt:
        click.echo(err=True)
    return ExitCode.DONE


def _events(journal: StoredJournal, run: str) -> Iterator[Event]:
    """Yield the run's events, each as soon as it's recorded, until the run has finished."""
    from runbook.journal.events import DrillEnded, RunFinished

    seen, is_lost = 0, False
    while True:
        try:
            events: Sequence[Event] = journal.events(run)
        except JournalUnreachableError as error:
            if not is_lost:
                click.echo(f"{error.message}; trying again", err=True)
            events, is_lost = (), True
        else:
            is_lost = False
        yield from events[seen:]
        seen = max(seen, len(events))
        if events and isinstance(events[-1], RunFinished | DrillEnded):
            return
        time.sleep(_LOOK_SECONDS)


def _at_work(journal: StoredJournal) -> str:
    held = [holder for holder in journal.holders() if not holder.elsewhere]
    return max(held, key=lambda holder: holder.since).run if held else find_run(journal, None)


def _as_json(event: Event) -> dict[str, object]:
    from runbook.journal.codec import encode

    return encode(event)
