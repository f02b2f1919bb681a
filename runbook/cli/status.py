"""`runbook status`: what is running now, and which runs can be resumed."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from runbook.cli.open_journal import journal_here
from runbook.cli.run_options import columns
from runbook.errors import BookError, ExitCode, UsageError
from runbook.extras import installed
from runbook.printable import json_text

__all__ = ["command"]

_SHOWN = 5
"""How many stopped runs are shown; `runbook history` has the others."""


@click.command("status")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def command(book: str | None, form: str) -> int:
    """Show what is running now: who, which step, since when, and what its command printed.

    With a shared journal, these are the runs of the whole team.

    Works from another terminal during a run. You can paste the first line of each run into a chat. Stopped runs and
    running drills are listed below.
    """
    from runbook.checks import open_book
    from runbook.reports.run_history import running, stopped

    try:
        opened = open_book(book)
    except (BookError, UsageError):
        opened = None  # a broken book must not hide a run
    procedures, errors = (opened.procedures, opened.errors) if opened else ({}, ())
    journal, width = journal_here(book), columns()
    found, waiting = running(journal, procedures, datetime.now(UTC), errors), stopped(journal)
    drills = [said for extra in installed().values() if extra.under_way for said in extra.under_way()]
    if form == "json":
        known = {"running": [one.as_dict() for one in found], "stopped": [one.as_dict() for one in waiting]}
        click.echo(json_text({**known, "drills": drills}, indent=2))
        return ExitCode.DONE
    if not found and not drills:
        click.echo("Nothing is running.")
    for one in found:
        click.echo(one.as_text(width))
    if waiting:
        click.echo("\nStopped. To continue one: runbook resume RUN")
    for row in waiting[:_SHOWN]:
        click.echo(row.as_text(width))
    if len(waiting) > _SHOWN:
        click.echo(f"and {len(waiting) - _SHOWN} more: see `runbook history`")
    if journal.waiting:
        click.echo(f"\nThe shared journal has yet to get them: {journal.waiting}.")
    for number, said in enumerate(drills):
        click.echo(f"\n{said}" if number or found or waiting else said)
    return ExitCode.DONE
