"""`runbook report`: what a postmortem needs to know about a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runbook.cli.open_book import open_if_sound
from runbook.cli.open_journal import journal_here
from runbook.cli.output_file import put_out
from runbook.cli.run_argument import complete_run, find_run
from runbook.errors import ExitCode

if TYPE_CHECKING:
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
    put_out(_written(_report(book, run), form, full=full, sources=sources), output, "the report")
    return ExitCode.DONE


def _report(book: str | None, run: str | None) -> RunReport:
    from runbook.journal.interface import proof_of
    from runbook.reports.run_report import report_of

    journal = journal_here(book)
    name = find_run(journal, run)
    events = journal.events(name)
    return report_of(events, open_if_sound(book), proof=proof_of(journal, name, len(events)))


def _written(report: RunReport, form: str, *, full: bool, sources: bool) -> str:
    if form == "json":
        from runbook.reports.json_format import as_json

        return as_json(report)
    if form == "html":
        from runbook.reports.html import as_html

        return as_html(report, full=full, sources=sources)
    from runbook.reports.markdown import as_markdown

    return as_markdown(report, full=full, sources=sources)
