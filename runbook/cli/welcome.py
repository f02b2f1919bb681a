"""What `runbook` prints without a verb: the emergency first, then a run to resume, then where to look."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from runbook.cli.list import headings
from runbook.cli.verbs import verbs
from runbook.errors import RunbookError
from runbook.printable import one_line

__all__ = ["emergency_line", "welcome"]


def welcome(book: str | None) -> Iterator[str]:
    """Yield lines that fit a small terminal. Anything that can't be read is left out; the verbs themselves say why."""
    emergency = _emergency(book)
    yield "In an emergency:"
    if emergency:
        yield f"  runbook run {emergency}"
    yield '  runbook find "ERROR OR SYMPTOM"'
    if stopped := _unfinished(book):
        run, outcome = stopped
        yield from ("", f"A run is {one_line(outcome)}:", f"  runbook resume {run}")
    yield from ("", "Otherwise:")
    lines = {
        "list": "all procedures",
        "show NAME": "read one",
        "drill NAME": "practise it on a throwaway database",
        "doctor": "what this machine lacks",
        "--help": "all commands",
    }
    known = {*verbs(), "--help"}
    yield from (f"  runbook {line:<11}  {what}" for line, what in lines.items() if line.split()[0] in known)


def emergency_line(book: str | None) -> str:
    """Return the command for an emergency, "" if the book names no procedure for it."""
    name = _emergency(book)
    return f"runbook run {name}" if name else ""


def _emergency(book: str | None) -> str:
    with suppress(RunbookError):
        return next((one.id for one in headings(book) if one.is_emergency), "")
    return ""


def _unfinished(book: str | None) -> tuple[str, str] | None:
    """Return the newest run that can be resumed, and how far it got."""
    from runbook.cli.open_journal import local_journal, shared_address
    from runbook.cli.run_argument import find_run
    from runbook.engine.state import fold
    from runbook.reports.run_report import outcome_of

    with suppress(RunbookError):
        journal = local_journal()
        # A shared journal is somewhere else, and this screen asks nobody.
        if shared_address(book) is None and journal.exists():
            run = find_run(journal, None, unfinished=True)
            return run, outcome_of(fold(journal.events(run)))
    return None
