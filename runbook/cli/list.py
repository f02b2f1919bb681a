"""`runbook list`: all procedures, in the order in which people need them."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from runbook.cli.contents import SECTIONS, Heading, read_contents
from runbook.errors import ExitCode
from runbook.loading.place import book_directory
from runbook.printable import json_text, one_line, printable
from runbook.quick_answers import remember

if TYPE_CHECKING:
    from runbook.model import Book, Procedure

__all__ = ["command"]


@click.command("list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output format.")
@click.option("--long", "is_long", is_flag=True, help="Say what each procedure is for.")
@click.pass_obj
def command(book: str | None, form: str, is_long: bool) -> int:
    """List all procedures, the one for an emergency first."""
    if form == "json":
        page = json_text([_record(one) for one in _in_order(_open(book))], indent=2)
    else:
        width = min(shutil.get_terminal_size().columns, 100)
        page = printable("\n".join(_lines(headings(book), width, is_long=is_long)))
    remember(f"{page}\n")
    click.echo(page)
    return ExitCode.DONE


def headings(book: str | None) -> list[Heading]:
    """Return what the list shows of each procedure, in the order of need. Raises what opening a book raises."""
    found = read_contents(book_directory(book))
    if found is None:
        read = _open(book).procedures.values()
        found = [Heading(one.id, one.summary, one.section.value, one.minutes, one.is_emergency) for one in read]
    order = list(SECTIONS)
    return sorted(found, key=lambda one: (order.index(one.section), not one.is_emergency, one.id))


def _open(book: str | None) -> Book:
    from runbook.cli.open_book import open_to_read

    return open_to_read(book)


def _in_order(book: Book) -> list[Procedure]:
    order = list(SECTIONS)
    found = book.procedures.values()
    return sorted(found, key=lambda one: (order.index(one.section.value), not one.is_emergency, one.id))


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


def _lines(found: Sequence[Heading], width: int, *, is_long: bool) -> Iterator[str]:
    if not found:
        yield "This book has no procedures."
        return
    for one in found:
        if one.is_emergency:
            yield f"In an emergency: runbook run {one.id}"
    room = max(len(one.id) for one in found)
    for section, title in SECTIONS.items():
        if here := [one for one in found if one.section == section]:
            yield from ("", title) if is_long else (title,)
            yield from _described(here, room, width) if is_long else _compact(here, room, width)
    yield from ("", "Next: runbook run NAME, show NAME or drill NAME")
    if not is_long:
        yield "What each is for: runbook list --long"


def _described(found: Sequence[Heading], room: int, width: int) -> Iterator[str]:
    for one in found:
        lead, minutes = f"  {one.id:<{room}}  ", f"  {one.minutes:>3} min"
        space = max(width - len(lead) - len(minutes), 16)
        first, *rest = textwrap.wrap(one_line(one.summary), space) or [""]
        yield f"{lead}{first:<{space}}{minutes}"
        yield from (f"{'':{len(lead)}}{text}" for text in rest)


def _compact(found: Sequence[Heading], room: int, width: int) -> Iterator[str]:
    """Yield names and minutes in two columns, or only the names, one after another, if two columns don't fit."""
    cells = [f"  {one.id:<{room}}  {one.minutes:>3} min" for one in found]
    if 2 * len(cells[0]) > width:
        # Two spaces between names, and textwrap never breaks inside one.
        names = "  ".join(one.id for one in found)
        yield from textwrap.wrap(names, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
        return
    for index in range(0, len(cells), 2):
        yield "".join(cells[index : index + 2])
