"""`runbook report`: what a postmortem needs to know about a run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runbook.cli.open_journal import journal_here
from runbook.cli.run_options import complete_run, find_run
from runbook.errors import BookError, ExitCode, RunbookError, UsageError

if TYPE_CHECKING:
    from runbook.model import Book
    from runbook.reports.run_report import RunReport

__all__ = ["command"]


@click.command("report")
@click.argument("run", required=False, shell_complete=complete_run)
@click.option(
    "--format",
    "form",
    type=click.Choice(["md", "html", "json"]),
    default="md",
    show_default=True,
    help="Markdown, one HTML file to read or print, or JSON for programs.",
)
@click.option("--output", "-o", metavar="FILE", help="Write to this file instead of standard output.")
@click.option("--full", is_flag=True, help="Show long commands and outputs whole. JSON always has them whole.")
@click.option("--sources", is_flag=True, help="Append the procedure as it was. JSON always has it.")
@click.pass_obj
def command(book: str | None, run: str | None, form: str, output: str | None, full: bool, sources: bool) -> int:
    """Write the report of a run (default: the newest), as a postmortem needs it.

    It has a summary, a place for the impact, the decisions and why they were made, a timeline, the commands with their
    results, and what was skipped. Times are UTC. Secrets are left out.
    """
    from runbook.reports.report_file import write

    text = _written(_report(book, run), form, full=full, sources=sources)
    if output is None or _is_standard_output(output):
        click.echo(text, nl=False)
        return ExitCode.DONE
    try:
        write(Path(output), text)
    except OSError as error:
        raise RunbookError(f"the report can't be written to {output}: {error.strerror}") from error
    return ExitCode.DONE


def _report(book: str | None, run: str | None) -> RunReport:
    from runbook.journal.interface import proof_of
    from runbook.reports.run_report import report_of

    journal = journal_here(book)
    name = find_run(journal, run)
    events = journal.events(name)
    return report_of(events, _read(book), proof=proof_of(journal, name, len(events)))


def _written(report: RunReport, form: str, *, full: bool, sources: bool) -> str:
    if form == "json":
        from runbook.reports.json_format import as_json

        return as_json(report)
    if form == "html":
        from runbook.reports.html import as_html

        return as_html(report, full=full, sources=sources)
    from runbook.reports.markdown import as_markdown

    return as_markdown(report, full=full, sources=sources)


def _read(book: str | None) -> Book | None:
    """Return the book, or None if it can't be read: a report can be written without it."""
    from runbook.checks import open_book

    try:
        return open_book(book)
    except (BookError, UsageError):
        return None


def _is_standard_output(file: str) -> bool:
    """Return whether the name means where standard output goes, as /dev/stdout does.

    Opening it again would overwrite what the shell's own redirection has written so far.
    """
    try:
        return os.path.samestat(os.stat(file), os.fstat(1))  # noqa: PTH116 - a name and a descriptor, alike
    except OSError:
        return False
