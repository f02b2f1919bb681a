"""What `run` and `resume` share: a person at a terminal, and the real ports."""

from __future__ import annotations

import getpass
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import click

from runbook import __version__
from runbook.cli.open_journal import journal_of
from runbook.errors import (
    BookError,
    JournalUnreachableError,
    NoTerminalError,
    UsageError,
)
from runbook.printable import one_line
from runbook.quick_answers import known_opening, remember

if TYPE_CHECKING:
    from runbook.engine.context import Identity
    from runbook.engine.ports import Clock, Executor, Operator, Target
    from runbook.engine.session import Settings
    from runbook.journal.events import TargetSeen
    from runbook.journal.interface import StoredJournal
    from runbook.model import Book, TargetKind

__all__ = [
    "WalkPorts",
    "columns",
    "complete_procedure",
    "person",
    "ports_for",
    "report_path",
    "require_person",
    "walk_settings",
]


class WalkPorts(TypedDict):
    """The keyword arguments that the session's `walk` and `resume` share."""

    operator: Operator
    executor: Executor
    target: Target
    journal: StoredJournal
    clock: Clock
    identity: Identity


def require_person(*, yes: bool = False, instead: str = "To only read it: runbook show NAME") -> None:
    """Raise NoTerminalError unless a person can be asked at a terminal; a pipe or a flag doesn't count.

    `instead` says what works without one.
    """
    if yes:
        raise NoTerminalError(
            "--yes has no effect: no flag confirms for a person",
            hint="Run it at a terminal without --yes. To rehearse unattended: runbook drill NAME --auto",
        )
    if not (_is_terminal(0) and _is_terminal(1)):
        raise NoTerminalError(
            "there is no terminal to confirm on, so nothing was started",
            hint=f"Run it at a terminal, not in a pipe or a job. {instead}",
        )


def ports_for(book: Book, kind: TargetKind, workdir: str | None, *, dry: bool = False) -> WalkPorts:
    """Return the real ports for the Supabase project in `workdir`, or around the current directory.

    Only `TargetKind.MACHINE` needs no project. `dry` makes the first screen say that the run writes nothing.
    """
    from runbook.engine.context import Identity
    from runbook.engine.rules import describe_book
    from runbook.journal.liveness import this_host
    from runbook.model import TargetKind
    from runbook.runtime.cli_target import CliTarget
    from runbook.runtime.executor import PtyExecutor, SystemClock
    from runbook.runtime.programs import Programs
    from runbook.runtime.project import find_project
    from runbook.runtime.this_machine import ThisMachine
    from runbook.terminal import TerminalOperator

    programs, place = Programs(), Path(workdir or ".")
    target: CliTarget | ThisMachine
    if kind is TargetKind.MACHINE:
        target = ThisMachine(place.resolve(), this_host())
    else:
        target = CliTarget(find_project(place), kind, book.policy, team=book.team, programs=programs)
    titles = {name: procedure.title for name, procedure in book.procedures.items()}
    journal = journal_of(book.team)
    executor, described = PtyExecutor.here(programs=programs), describe_book(book)
    return WalkPorts(
        operator=TerminalOperator(
            titles=titles,
            notes=target.notes,
            book=described,
            protected=_protected(book),
            early_keys=executor.take_early_keys,
            dry=dry,
            opening=known_opening(),
            remember=remember,
        ),
        executor=executor,
        target=target,
        journal=journal,
        clock=SystemClock(),
        identity=Identity(person(), this_host(), os.getpid(), __version__, "" if dry else journal.role),
    )


def _protected(book: Book) -> Callable[[TargetSeen], str]:
    """Return a function that tells the name to type before a run on a target begins, "" for none."""

    def name_of(seen: TargetSeen) -> str:
        project = book.team.project_of(seen.project_ref) if book.team else None
        return project.name if project and project.asks_for_name else ""

    return name_of


@contextmanager
def walk_settings(journal: StoredJournal, book: Book, *, ticket: str = "") -> Iterator[Settings]:
    """Yield the settings of a real walk: drafts in this user's directory, a report at the end, and notifications.

    After the walk, name the receivers that got no message, and what still waits for the shared journal.
    """
    from runbook.cli.notifications import notifying
    from runbook.engine.session import Settings
    from runbook.user_directories import state_directory
    from runbook.variables import take_values

    try:
        with notifying(book) as notify:
            yield Settings(
                environment=take_values(os.environ),
                scratch=state_directory() / "scratch",
                finished=_reporter(journal, book),
                ticket=one_line(ticket),
                takes_snapshots=True,
                notify=notify,
            )
    finally:
        if waiting := journal.waiting:
            with suppress(OSError):  # the terminal may be gone
                click.echo(f"{waiting}. The next command that reaches the shared journal sends them.", err=True)


def report_path(run: str) -> Path:
    """Return where the report of a finished run is kept."""
    from runbook.user_directories import state_directory

    return state_directory() / "reports" / f"{run}.md"


def columns() -> int:
    """Return the width of the terminal, or more than any line needs if a program reads the output."""
    return min(shutil.get_terminal_size().columns, 100) if _is_terminal(1) else 100_000


def complete_procedure(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the procedures that begin with the typed text; none if the book can't be read."""
    from runbook.checks import open_book

    try:
        book = open_book(ctx.find_root().params.get("book"))
    except (BookError, UsageError):
        return []
    return sorted(name for name in book.procedures if name.startswith(incomplete))


def _reporter(journal: StoredJournal, book: Book) -> Callable[[str], None]:
    def report(run: str) -> None:
        from runbook.journal.interface import proof_of
        from runbook.reports.markdown import as_markdown
        from runbook.reports.report_file import write_private
        from runbook.reports.run_report import report_of

        # The journal has everything, so `runbook report` can write this file again at any time.
        with suppress(OSError, JournalUnreachableError):
            events = journal.events(run)
            text = as_markdown(report_of(events, book, proof=proof_of(journal, run, len(events))))
            write_private(report_path(run), text)

    return report


def person() -> str:
    """Return the user at the keyboard; under sudo, the user who called it."""
    try:
        return one_line(os.environ.get("SUDO_USER") or getpass.getuser())
    except (OSError, KeyError):
        return f"user {os.getuid()}"


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False
