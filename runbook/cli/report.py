"""`runbook report`: the timeline of a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runbook.cli.run_options import complete_run, find_run, journal_here
from runbook.errors import BookError, ExitCode, RunbookError, UsageError

if TYPE_CHECKING:
    from runbook.journal.events import Event
    from runbook.model import KnownError

__all__ = ["command"]


@click.command("report")
@click.argument("run", required=False, shell_complete=complete_run)
@click.option("--format", "form", type=click.Choice(["md", "json"]), default="md", show_default=True)
@click.option("--output", metavar="FILE", help="Write to this file instead of standard output.")
@click.pass_obj
def command(book: str | None, run: str | None, form: str, output: str | None) -> int:
    """Print the timeline of a run (default: the newest): what was done when, by whom, and what it showed."""
    from runbook.reports.run_report import as_json, as_markdown, write

    journal = journal_here()
    name = find_run(journal, run)
    events = journal.events(name)
    titles, errors = _titles_and_errors(book, events)
    proof = journal.proof(name, len(events))
    text = (as_json if form == "json" else as_markdown)(events, titles, proof, errors)
    if output is None or _is_standard_output(output):
        click.echo(text, nl=False)
        return ExitCode.DONE
    try:
        write(Path(output), text)
    except OSError as error:
        raise RunbookError(f"the report can't be written to {output}: {error.strerror}") from error
    return ExitCode.DONE


def _is_standard_output(file: str) -> bool:
    """Return whether the name means where standard output goes, as /dev/stdout does.

    Opening it anew would write over what the shell's own redirection has written so far.
    """
    try:
        return os.path.samestat(os.stat(file), os.fstat(1))  # noqa: PTH116 - a name and a descriptor, alike
    except OSError:
        return False


def _titles_and_errors(book: str | None, events: Sequence[Event]) -> tuple[dict[str, str], tuple[KnownError, ...]]:
    """Return the steps' titles, if the book still has the procedure as it was, and the errors that the book knows.

    A report is written without them, too.
    """
    from runbook.checks import open_book
    from runbook.engine.state import fold
    from runbook.reports.run_report import titles_of

    state = fold(events)
    try:
        opened = open_book(book)
    except (BookError, UsageError):
        return {}, ()
    procedure = opened.procedures.get(state.header.procedure if state.header else "")
    is_same = procedure is not None and procedure.digest == state.digest
    return titles_of(procedure, state) if procedure and is_same else {}, opened.errors
