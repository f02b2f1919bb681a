"""`runbook resume`: continue a run that stopped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from runbook.cli.open_journal import journal_here
from runbook.cli.run_argument import complete_run, find_run
from runbook.cli.run_options import ports_for, require_person, walk_settings
from runbook.errors import UsageError

if TYPE_CHECKING:
    from runbook.engine.state import RunState

__all__ = ["command"]


@click.command("resume")
@click.argument("run", required=False, shell_complete=complete_run)
@click.option("--workdir", metavar="DIR", help="The Supabase project's directory (default: where the run was).")
@click.option("--yes", is_flag=True, hidden=True)
@click.pass_obj
def command(book: str | None, run: str | None, workdir: str | None, yes: bool) -> int:
    """Continue a run that stopped or was cut off.

    On another machine, it continues in the project around you, and shows first what is different there.

    Without RUN, this resumes the run with a step that may be half done, or else the one that stopped last. If nobody
    saw how a step ended, it's never repeated by itself: you see what is known, can run the step's check, and decide.
    If the procedure or the target has changed since, you see the difference first.
    """
    require_person(yes=yes)

    from runbook.checks import open_book
    from runbook.engine.session import resume
    from runbook.engine.state import fold
    from runbook.model import TargetKind
    from runbook.runtime.termination import ends_cleanly

    journal = journal_here(book)
    name = find_run(journal, run, unfinished=run is None)
    state = fold(journal.events(name))
    header = state.header
    if header is None or header.target.kind == TargetKind.DRILL:
        raise UsageError(f"can't resume run {name}: its target no longer exists")
    opened = open_book(book)
    ports = ports_for(opened, TargetKind(header.target.kind), workdir or _directory(state))
    with ends_cleanly(), walk_settings(ports["journal"], opened) as settings:
        return resume(name, opened, settings=settings, **ports)


def _directory(state: RunState) -> str:
    """Return the directory where the run was, or the current one if that isn't here."""
    from runbook.journal.liveness import this_host

    is_here = state.host == this_host() and Path(state.directory).is_dir()
    return state.directory if is_here else "."
