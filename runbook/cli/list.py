"""`runbook list`: all procedures, in the order in which they are needed."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterator, Sequence

import click

from runbook.cli.reading_room import open_to_read
from runbook.errors import ExitCode
from runbook.model import Book, Procedure, Section

__all__ = ["SECTION_TITLES", "command"]

SECTION_TITLES = {
    Section.WRONG: "When it goes wrong",
    Section.BEFORE: "Before a migration",
    Section.DURING: "During a migration",
    Section.FUNCTIONS: "Edge functions",
    Section.START: "Start here",
}
"""Titles of the sections, the emergency first: who looks here in a hurry looks for that."""


@click.command("list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
@click.pass_obj
def command(book: str | None, form: str) -> int:
    """Show all procedures, the emergency ones first."""
    opened = open_to_read(book)
    if form == "json":
        click.echo(json.dumps([_record(one) for one in _in_order(opened)], indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(_lines(opened, min(shutil.get_terminal_size().columns, 100))))
    return ExitCode.DONE


def _in_order(book: Book) -> list[Procedure]:
    order = list(SECTION_TITLES)
    return sorted(book.procedures.values(), key=lambda one: (order.index(one.section), one.id))


def _record(procedure: Procedure) -> dict[str, object]:
    return {
        "id": procedure.id,
        "title": procedure.title,
        "summary": procedure.summary,
        "section": procedure.section.value,
        "minutes": procedure.minutes,
        "use_when": procedure.use_when,
        "owner": procedure.owner,
        "reviewed": procedure.reviewed.isoformat(),
        "parameters": [parameter.name for parameter in procedure.parameters],
        "drills": [drill.name for drill in procedure.drills],
        "digest": procedure.digest,
    }


def _lines(book: Book, width: int) -> Iterator[str]:
    procedures = _in_order(book)
    if not procedures:
        yield "This book has no procedures."
        return
    room = max(len(one.id) for one in procedures)
    for section, title in SECTION_TITLES.items():
        here = [one for one in procedures if one.section is section]
        if here:
            yield title
            yield from _section(here, room, width)
            yield ""
    yield "Walk through one: runbook run NAME     Read it: runbook show NAME"
    yield "Practise it:      runbook drill NAME"


def _section(procedures: Sequence[Procedure], room: int, width: int) -> Iterator[str]:
    for one in procedures:
        lead = f"  {one.id:<{room}}  "
        minutes = f"  {one.minutes:>3} min"
        wrapped = textwrap.wrap(one.summary, max(width - len(lead) - len(minutes), 20)) or [""]
        yield f"{lead}{wrapped[0]:<{max(width - len(lead) - len(minutes), 20)}}{minutes}"
        for text in wrapped[1:]:
            yield f"{'':{len(lead)}}{text}"
