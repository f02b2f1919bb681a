"""`runbook find`: find the page for an error, a symptom or a command. It needs neither network nor Node."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runbook.cache import entry_of, find_kept, keep
from runbook.errors import ExitCode, UsageError
from runbook.loading.place import PACKAGED_BOOK, book_directory
from runbook.printable import json_text, one_line

if TYPE_CHECKING:
    from runbook.search.ranking import Hit
    from runbook.search.record import Index

__all__ = ["command", "open_index"]

_MOST, _MOST_BESIDE = 5, 3
_ANSWERS = frozenset({"option", "sign"})
"""The sources of lines that belong to one answer of a question."""
_CODE = ("cli/find.py", "expansion.py", "loading", "model", "search", "steps")
"""The code that determines the index of a book."""


@click.command("find", context_settings={"ignore_unknown_options": True})
@click.argument("text", nargs=-1, type=click.UNPROCESSED, metavar="[TEXT]")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output format.")
@click.pass_obj
def command(book: str | None, text: tuple[str, ...], form: str) -> int:
    """Find the page for an error, a symptom or a command.

    TEXT can be a few words, an SQLSTATE, an HTTP status, a command line or an error. With -, it's read from standard
    input: paste an error of any length, then press Ctrl-D. In a pipe, you can leave out the -.

    \b
      runbook find rows missing
      runbook find 57014
      runbook find -
      npx supabase db push 2>&1 | runbook find

    Exits with 1 if nothing is found.
    """  # noqa: D301 - a raw docstring would print click's mark \b instead of obeying it
    asked = _asked(text)
    if not asked.strip():
        hint = "For example: runbook find rows missing. To paste an error: runbook find -, then Ctrl-D."
        raise UsageError("there is no text to search for", hint=hint)
    from runbook.search.ranking import find

    hits = find(open_index(book), asked, _MOST)
    if form == "json":
        click.echo(json_text([_record(hit) for hit in hits], indent=2))
    elif hits:
        click.echo("\n".join(_lines(hits, min(shutil.get_terminal_size().columns, 100))))
    else:
        click.echo("Nothing found. Try the SQLSTATE, only the message, or fewer words.", err=True)
        click.echo("All procedures: runbook list", err=True)
    return ExitCode.DONE if hits else ExitCode.NOT_COMPLETED


def _asked(text: tuple[str, ...]) -> str:
    if text and text != ("-",):
        return " ".join(text)
    if not text and sys.stdin.isatty():
        return ""
    from runbook.search.words import LONGEST

    return sys.stdin.buffer.read(4 * LONGEST).decode("utf-8", "replace")


# --- The index ------------------------------------------------------------------------------------------------------


def open_index(book: str | None) -> Index:
    """Return the index of a book, from the cache if its files were indexed before. Raises what `open_to_read` does."""
    from runbook.search.record import Index

    entry = entry_of(_fingerprint(book), use="search", code=_CODE)
    with suppress(KeyError, TypeError, ValueError):  # there is no entry, or a damaged one
        return Index.read(find_kept(entry))
    from runbook.cli.open_book import read_sound
    from runbook.search.index import build_index

    opened, is_whole = read_sound(book)
    index = build_index(opened)
    if is_whole:
        keep(entry, index.record)
    return index


def _fingerprint(book: str | None) -> bytes:
    """Return the content of all files that go into the index: the book's own, and the packaged ones as fallback."""
    own, packaged = os.fspath(book_directory(book)), os.fspath(PACKAGED_BOOK)
    # Keep another book apart from the packaged one, even if it has no files.
    parts = [own.encode()]
    for directory in dict.fromkeys((packaged, own)):
        folders = (directory, *(os.path.join(directory, name) for name in ("procedures", "changes")))  # noqa: PTH118 - a start counts milliseconds
        for folder in folders:
            with suppress(OSError):
                names = sorted(each.path for each in os.scandir(folder) if each.name.endswith((".yaml", ".yml")))
                parts += [part for name in names for part in (name.encode(), Path(name).read_bytes())]
    return b"\0".join(parts)


# --- What is printed ------------------------------------------------------------------------------------------------


def _record(hit: Hit) -> dict[str, Any]:
    """Return a hit as a JSON record. `page` is its place on the site."""
    entry, line = hit.entry, hit.line
    return {
        "kind": entry.kind.value,
        "id": entry.id,
        "title": entry.title,
        "page": f"{entry.page}.html{'#' if hit.anchor else ''}{hit.anchor}",
        "procedure": entry.see,
        "matched": line.text if line else "",
        "answer": line.label if line and line.source in _ANSWERS else "",
        "verdict": entry.verdict,
        "means": entry.means,
        "do": list(entry.do),
        "is_sure": hit.is_sure,
        "score": round(hit.score, 3),
    }


def _lines(hits: Sequence[Hit], width: int) -> Iterator[str]:
    first, *others = hits
    is_sure = first.is_sure
    yield from _first(first, width)
    if others:
        yield from ("", "Or:" if is_sure else "Or one of these:")
        for hit in others[: _MOST_BESIDE if is_sure else _MOST]:
            yield from _other(hit, width)


def _first(hit: Hit, width: int) -> Iterator[str]:
    entry = hit.entry
    yield one_line(entry.title)
    yield from _wrapped(f"{entry.verdict} {entry.means}", width, "  ")
    yield from _matched(hit, width)
    if len(entry.do) == 1:
        yield from _wrapped(entry.do[0], width, "  Instead: " if entry.verdict else "  Do: ")
    else:
        for number, text in enumerate(entry.do, start=1):
            yield from _wrapped(text, width, f"  {number}. ")
    yield f"  {_way(hit)}"


def _matched(hit: Hit, width: int) -> Iterator[str]:
    """Yield the line that matched and the answer to give, unless the title or the summary already is that line."""
    line = hit.line
    if hit.entry.kind != "procedure" or line is None or line.text in {hit.entry.means, hit.entry.title}:
        return
    yield from _wrapped(line.text, width, "  Matches: ")
    if line.label and line.source in _ANSWERS:
        yield from _wrapped(line.label, width, "  Answer to step ")


def _way(hit: Hit) -> str:
    if hit.entry.see:
        return f"runbook run {hit.entry.see}"
    return f"On the site: {hit.entry.page}{'#' if hit.anchor else ''}{hit.anchor}"


def _other(hit: Hit, width: int) -> Iterator[str]:
    title, way, line = one_line(hit.entry.title), _way(hit), hit.line
    if len(title) + len(way) + 4 <= width:
        yield f"  {title}  {way:>{width - len(title) - 4}}"
    else:
        yield from _wrapped(title, width, "  ")
        yield f"    {way}"
    if line is not None and line.text not in {hit.entry.title, hit.entry.means}:
        yield f"    {textwrap.shorten(one_line(line.text), max(width - 4, 16), placeholder=' …')}"


def _wrapped(text: str, width: int, first: str) -> list[str]:
    """Return a text as lines. The later ones are indented to where the text starts on the first."""
    return textwrap.wrap(
        one_line(text),
        max(width, len(first) + 16),
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_on_hyphens=False,
        break_long_words=False,
    )
