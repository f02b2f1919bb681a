"""Open a book for a walk. A book that passed before isn't checked again, and no check is imported."""

from __future__ import annotations

from hashlib import sha256
from shlex import quote

from runbook.cache import entry_of, find_kept, keep
from runbook.errors import BookError, Finding
from runbook.loading.book import load_book
from runbook.loading.place import PACKAGED_BOOK, book_directory, is_team_book
from runbook.model import Book

__all__ = ["open_book"]

_CODE = ("", "checks", "definitions", "loading", "model", "policy", "steps", "steps/history_sql")
"""The folders whose files decide whether a book passes; the first has the modules outside packages."""


def open_book(directory: str | None = None) -> Book:
    """Return the book in a directory (None: see `book_directory`), ready for a walk.

    Raises BookError on any finding that affects a walk, and UsageError if there is no book. What only the author can
    fix is left to `runbook check`: a wrong clock must not keep anybody from an emergency procedure.
    """
    place = book_directory(directory)
    reading = load_book(place)
    checked = _problems(reading.book) if reading.book else ()
    if reading.findings or checked or reading.book is None:
        # In an emergency, a mistake in a team's file must not keep anybody from a packaged procedure.
        packaged = f"\n  To use the packaged book meanwhile: runbook --book {quote(str(PACKAGED_BOOK))} run NAME"
        raise BookError((*reading.findings, *checked), instead=packaged if is_team_book(place) else "")
    return reading.book


def _problems(book: Book) -> tuple[Finding, ...]:
    """Return what `check_walks` finds. That it finds nothing is kept: each start of a walk asks."""
    texts = sha256()
    for name, text in sorted(book.sources.items()):
        texts.update(f"{name}\0{len(text)}\0{text}".encode())
    passed = entry_of(texts.digest(), use="ready for a walk", code=_CODE)
    if find_kept(passed) is True:
        return ()
    from runbook.checks.book import check_walks

    found = check_walks(book)
    if not found:
        keep(passed, True)
    return found
