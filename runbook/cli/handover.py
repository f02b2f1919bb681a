"""`runbook handover`: leave a run that nobody is at to somebody else."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from runbook.cli.notifications import notifying
from runbook.cli.open_journal import journal_of
from runbook.cli.run_argument import complete_run, find_run
from runbook.cli.run_options import person
from runbook.errors import ExitCode, TargetHeldError, UsageError
from runbook.printable import one_line

__all__ = ["command"]


@click.command("handover")
@click.argument("run", required=False, shell_complete=complete_run)
@click.option("--to", "to", required=True, metavar="NAME", help="Who continues.")
@click.option("--note", metavar="TEXT", help="What they must know (default: you are asked).")
@click.pass_obj
def command(book: str | None, run: str | None, to: str, note: str | None) -> int:
    """Hand over a run that stopped or was cut off. Without RUN, it's the one that `resume` would continue.

    Whoever resumes it sees your note first. While somebody walks it, they hand over by themselves: with the key h.
    """
    from runbook.checks import open_book
    from runbook.engine.state import apply, fold
    from runbook.journal.events import HandedOver
    from runbook.policy.redaction import hide_known

    opened = open_book(book)
    journal = journal_of(opened.team)
    name = find_run(journal, run, unfinished=run is None)
    state = fold(journal.events(name))
    if state.ended:
        raise UsageError(f"run {name} has finished", hint=f"`runbook report {name}` shows what it did.")
    for holder in journal.holders():
        if holder.run == name and holder.alive:
            raise TargetHeldError(
                f"{holder.operator} is at work in run {name}, in process {holder.pid} on {holder.host}",
                hint="They hand over with the key h. If nobody is there, `runbook resume` takes the run over.",
            )
    said = hide_known(_note() if note is None else note).strip()
    if not said:
        raise UsageError("a hand-over needs a note", hint="Say what is done, what you saw, and what comes next.")
    event = HandedOver(at=datetime.now(UTC), note=said, to=one_line(to), operator=person(), role=journal.role)
    journal.append(name, event)
    procedure = opened.procedures.get(state.header.procedure) if state.header else None
    with notifying(opened) as notify:
        if notify is not None and procedure is not None:
            notify(event, apply(state, event), procedure)
    click.echo(f"Handed over to {one_line(to)}, who continues with: runbook resume {name}")
    return ExitCode.DONE


def _note() -> str:
    if not sys.stdin.isatty():
        return ""
    return str(click.prompt("What must they know?", default="", show_default=False))
