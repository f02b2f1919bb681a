"""The argument RUN of many commands: which run it means, and how a shell completes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runbook.cli.open_journal import journal_here
from runbook.errors import JournalError, MissingPartError, UsageError

if TYPE_CHECKING:
    import click

    from runbook.journal.interface import StoredJournal

__all__ = ["complete_run", "find_run"]


def complete_run(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the runs that begin with the typed text, newest first."""
    try:
        runs = journal_here(ctx.find_root().params.get("book")).runs()
        return [run for run in runs if run.startswith(incomplete)]
    except (JournalError, MissingPartError, UsageError):
        return []


def find_run(journal: StoredJournal, name: str | None, *, unfinished: bool = False) -> str:
    """Return a run by its id or an unambiguous part of it, or else the newest, which no drill is. Raises UsageError."""
    if name is None:
        return _most_urgent(journal) if unfinished else _newest(journal)
    runs = journal.runs()
    found = [run for run in runs if run == name] or [run for run in runs if name in run]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"there is no run called '{name}'", hint="`runbook history` lists them all.")
    shown = ", ".join(found[:5]) + (" and more" if len(found) > 5 else "")
    raise UsageError(f"'{name}' matches several runs: {shown}", hint="Give more of its id.")


def _newest(journal: StoredJournal) -> str:
    from runbook.journal.facts import Query

    if runs := journal.runs(Query(), limit=1):
        return runs[0]
    raise UsageError("there are no runs yet", hint=_saved(journal) or "`runbook list` shows what you can run.")


def _most_urgent(journal: StoredJournal) -> str:
    """Return the run to resume first: one with a step that may be half done, or else the one that stopped last.

    Runs whose process is still alive are left out.
    """
    from runbook.engine.state import fold
    from runbook.journal.events import DrillEnded, RunFinished
    from runbook.journal.facts import Query

    at_work = {holder.run for holder in journal.holders() if holder.alive and not holder.elsewhere}
    found = []
    for run, last in journal.last_events(Query()):
        if isinstance(last, RunFinished | DrillEnded):  # most have, and reading all of a long one takes a second
            continue
        try:
            state = fold(journal.events(run))
        except JournalError as damage:
            hint = "Name the run: `runbook history` lists them. `runbook journal check` names all damage."
            raise JournalError(f"can't tell which run to resume: {damage.message}", hint=hint) from damage
        if not state.ended and run not in at_work and state.updated is not None:
            found.append((state.unknown is not None, state.updated, run))
    if found:
        return max(found)[2]
    if at_work:
        raise UsageError("every unfinished run is still running", hint="`runbook status` shows who runs it.")
    raise UsageError("there is no run to resume", hint=_saved(journal) or "`runbook history` lists all runs.")


def _saved(journal: StoredJournal) -> str:
    """Return where a run saved its events when the journal's file was removed, "" if none did."""
    file = Path(journal.place)
    saved = sorted(file.parent.glob("saved-*.sqlite3"))
    if not saved:
        return ""
    return f"Events of another journal are saved in {saved[-1]}. To use them, move that to {file}."
