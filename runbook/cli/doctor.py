"""`runbook doctor`: what this machine has, what it lacks, and the command that adds it."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click

from runbook.cli.doctor_checks import Diagnosis, Found, diagnose
from runbook.errors import ExitCode
from runbook.printable import json_text
from runbook.runtime.running_mark import running

__all__ = ["command"]

_WORDS = {Found.GOOD: "ok", Found.NOTE: "note", Found.MISSING: "MISSING", Found.OPTIONAL: "optional"}


@click.command("doctor")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output format.")
@click.option("--workdir", metavar="DIR", help="The Supabase project's directory (default: around this one).")
@click.pass_obj
def command(book: str | None, form: str, workdir: str | None) -> int:
    """Show what this machine has and what it lacks, each with the command that adds it.

    It changes nothing and shows no secret. The exit code is 1 if `runbook run` lacks something.
    """
    with running("Looking at this machine"):
        checks = diagnose(book, workdir)
    if form == "json":
        click.echo(json_text([asdict(one) for one in checks], indent=2))
    else:
        click.echo("\n".join(_lines(checks, min(shutil.get_terminal_size().columns, 100))))
    return ExitCode.NOT_COMPLETED if any(one.found is Found.MISSING for one in checks) else ExitCode.DONE


def _lines(checks: Sequence[Diagnosis], width: int) -> Iterator[str]:
    room = max(len(one.name) for one in checks)
    for one in checks:
        lead = f"{_WORDS[one.found]:<8}  {one.name:<{room}}  "
        yield from textwrap.wrap(
            one.text,
            max(width, len(lead) + 30),
            initial_indent=lead,
            subsequent_indent=" " * len(lead),
            break_on_hyphens=False,
            break_long_words=False,
        ) or [lead.rstrip()]
        if one.fix:  # in one piece, to be copied
            yield f"{'':{len(lead)}}-> {one.fix}"
    missing = [one.name for one in checks if one.found is Found.MISSING]
    yield ""
    if missing:
        yield f"Before `runbook run`, fix: {', '.join(missing)}."
        yield from (f"  {one.name}: {one.fix}" for one in checks if one.found is Found.MISSING and one.fix)
    else:
        yield "`runbook run` has all it needs."
