"""`runbook list`: all procedures, in the order in which they are needed."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

import runbook
from runbook.cli.contents import SECTIONS, Heading, read_contents
from runbook.errors import ExitCode
from runbook.printable import json_text, one_line

if TYPE_CHECKING:
    from runbook.model import Book, Procedure

__all__ = ["command"]


@click.command("list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
@click.pass_obj
def command(book: str | None, form: str) -> int:
    """Show all procedures, the emergency ones first."""
    if form == "json":
        click.echo(json_text([_record(one) for one in _in_order(_open(book))], indent=2))
    else:
        click.echo("\n".join(_lines(_headings(book), min(shutil.get_terminal_size().columns, 100))))
    return ExitCode.DONE


def _headings(book: str | None) -> list[Heading]:
    directory = Path(book) if book else Path(runbook.__file__).parent / "book"
    quick = read_contents(directory)
    if quick is not None:
        return quick
    found = _open(book).procedures.values()
    return [Heading(one.id, one.summary, one.section.value, one.minutes) for one in found]


def _open(book: str | None) -> Book:
    from runbook.cli.open_book import open_to_read

    return open_to_read(book)


def _in_order(book: Book) -> list[Procedure]:
    order = list(SECTIONS)
    return sorted(book.procedures.values(), key=lambda one: (order.index(one.section.value), one.id))


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


def _lines(headings: Sequence[Heading], width: int) -> Iterator[str]:
    if not headings:
        yield "This book has no procedures."
        return
    room = max(len(one.id) for one in headings)
    for section, title in SECTIONS.items():
        here = sorted((one for one in headings if one.section == section), key=lambda one: one.id)
        if here:
            yield title
            yield from _section(here, room, width)
            yield ""
    yield "Walk through one: runbook run NAME"
    yield "Read it:          runbook show NAME"
    yield "Practise it:      runbook drill NAME"


def _section(headings: Sequence[Heading], room: int, width: int) -> Iterator[str]:
    for one in headings:
        lead, minutes = f"  {one.id:<{room}}  ", f"  {one.minutes:>3} min"
        space = max(width - len(lead) - len(minutes), 16)
        first, *rest = textwrap.wrap(one_line(one.summary), space) or [""]
        yield f"{lead}{first:<{space}}{minutes}"
        yield from (f"{'':{len(lead)}}{text}" for text in rest)
