"""`runbook readiness`: who has drilled which procedure and when, and what is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from runbook.cli.open_journal import journal_of
from runbook.cli.output_file import put_out
from runbook.cli.run_options import columns
from runbook.errors import ExitCode

if TYPE_CHECKING:
    from runbook.reports.readiness import Readiness

__all__ = ["command"]


@click.command("readiness")
@click.option("--operator", metavar="NAME", help="Only this person's drills, and what is due for them.")
@click.option("--due", "only_due", is_flag=True, help="Only the procedures that are due.")
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True)
@click.option("--output", "-o", metavar="FILE", help="Write to this file instead of standard output.")
@click.pass_obj
def command(book: str | None, *, operator: str | None, only_due: bool, form: str, output: str | None) -> int:
    """Show who has drilled which procedure and when, what is due, and which reviews are overdue.

    Drills that people walk are in the journal; with a shared one, these are the team's. A procedure is due once nobody
    has passed a drill of it for `drill_every` days (of the procedure or of team.yaml, 90 by default). With --operator,
    a drill that this person failed is due at once.

    The site shows the team's readiness if its book has an export: --format json --output team-runbook/readiness.json
    """
    from runbook.checks import open_book
    from runbook.journal.facts import DRILL, Query
    from runbook.reports.readiness import readiness_of

    opened = open_book(book)
    journal = journal_of(opened.team)
    recorded = journal.last_events(Query(kind=DRILL))
    found = readiness_of(opened, recorded, datetime.now(UTC).date(), (operator or "").strip())
    if only_due:
        found = replace(found, procedures=found.due)
    if journal.waiting:
        click.echo(f"The shared journal has yet to get some: {journal.waiting}.", err=True)
    put_out(_written(found, form, columns() if output is None else 80), output, "the readiness")
    return ExitCode.DONE


def _written(readiness: Readiness, form: str, width: int) -> str:
    if form == "text":
        from runbook.reports.readiness_text import as_text

        return as_text(readiness, width) + "\n"
    from runbook.reports import readiness_export

    return readiness_export.as_json(readiness) if form == "json" else readiness_export.as_csv(readiness)
