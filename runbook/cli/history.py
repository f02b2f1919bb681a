"""`runbook history`: all runs, newest first."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

from runbook.cli.open_journal import journal_here
from runbook.cli.run_options import columns
from runbook.errors import ExitCode, UsageError
from runbook.printable import json_text, one_line

__all__ = ["command"]


@click.command("history")
@click.option("--target", metavar="TEXT", help="Only runs on targets whose name has this text.")
@click.option("--since", metavar="WHEN", help="Only runs that began then or later: 2026-11-01, 12h, 30d.")
@click.option("--value", metavar="TEXT", help="Only runs with a value that has this text, such as a version.")
@click.option("--operator", metavar="NAME", help="Only runs in which somebody with this name took part.")
@click.option(
    "--kind",
    type=click.Choice(["production", "local", "machine", "drill"]),
    help="Only runs on this kind of target. Drills that people walked are listed only if you ask for them here.",
)
@click.option("--procedure", metavar="NAME", help="Only runs of procedures whose name has this text.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--limit", "-n", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most.")
@click.pass_obj
def command(
    book: str | None,
    *,
    target: str | None,
    since: str | None,
    value: str | None,
    operator: str | None,
    kind: str | None,
    procedure: str | None,
    form: str,
    limit: int,
) -> int:
    """List past runs, the newest first: when, what, where, by whom, and how far they got.

    The options narrow the list, and each text may be in any case. With a shared journal, it has the runs of the team.
    """
    from runbook.journal.facts import Query
    from runbook.model import TargetKind
    from runbook.reports.run_history import rows

    query = Query(
        target=target or "",
        value=value or "",
        operator=operator or "",
        kind=TargetKind[kind.upper()].value if kind else "",
        procedure=procedure or "",
        since=None if since is None else _moment(since, datetime.now(UTC)),
    )
    width, is_narrowed = columns(), query != Query()
    found = rows(journal_here(book), limit, query)
    if form == "json":
        click.echo(json_text([row.as_dict() for row in found], indent=2))
    elif not found and is_narrowed:
        click.echo("No run is like that. `runbook history` lists them all.")
    elif not found:
        click.echo("There are no runs yet. `runbook list` shows what you can run.")
    else:
        for row in found:
            click.echo(row.as_text(width))
    return ExitCode.DONE


_AGO = re.compile(r"([0-9]{1,5})(min|h|d|w)")
_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def _moment(text: str, now: datetime) -> datetime:
    """Return a date or a time in UTC, or how long ago. Raises UsageError."""
    if ago := _AGO.fullmatch(text):
        return now - int(ago[1]) * _UNITS[ago[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"--since {one_line(text)}: expected a date, a time or how long ago",
            hint="For example: 2026-11-01, 2026-11-01T14:30, 90min, 12h, 30d or 8w. Times are UTC.",
        ) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
