"""`runbook history`: all runs, newest first."""

from __future__ import annotations

import click

from runbook.cli.open_journal import journal_here
from runbook.cli.run_options import columns
from runbook.errors import ExitCode
from runbook.printable import json_text

__all__ = ["command"]


@click.command("history")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--limit", "-n", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most.")
@click.pass_obj
def command(book: str | None, form: str, limit: int) -> int:
    """List past runs, the newest first: when, what, where, by whom, and how far they got."""
    from runbook.reports.run_history import rows

    width = columns()
    found = rows(journal_here(book), limit)
    if form == "json":
        click.echo(json_text([row.as_dict() for row in found], indent=2))
    elif not found:
        click.echo("There are no runs yet. `runbook list` shows what you can run.")
    else:
        for row in found:
            click.echo(row.as_text(width))
    return ExitCode.DONE
