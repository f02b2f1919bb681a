"""`runbook status`: what is running now."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from runbook.cli.run_options import journal_here
from runbook.errors import BookError, ExitCode, UsageError
from runbook.printable import json_text

__all__ = ["command"]


@click.command("status")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def command(book: str | None, form: str) -> int:
    """Show what is running now and where it stands: who, which step, since when, and the last output.

    Works from another terminal while a run goes on. The first line of each run can be pasted into a chat.
    """
    from runbook.checks import open_book
    from runbook.reports.run_history import running

    try:
        opened = open_book(book)
    except (BookError, UsageError):
        opened = None  # a broken book must not hide a run
    procedures, errors = (opened.procedures, opened.errors) if opened else ({}, ())
    found = running(journal_here(), procedures, datetime.now(UTC), errors)
    if form == "json":
        click.echo(json_text([one.as_dict() for one in found], indent=2))
    elif not found:
        click.echo("Nothing is running.")
    for one in found if form == "text" else ():
        click.echo(one.as_text())
    return ExitCode.DONE
