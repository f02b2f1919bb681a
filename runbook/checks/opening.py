"""Open a book for a walk. A book that passed before isn't checked again, and no check is imported."""

from __future__ import annotations

from hashlib import sha256
from shlex import quote

from runbook.cache import entry_of, find_kept, keep
from runbook.errors import BookError
from runbook.loading.book import Reading, load_book
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
    passed = _entry_of(reading)
    if reading.book and find_kept(passed) is True:
        return reading.book
    from runbook.checks.book import check_walks  # most books passed before

    checked = check_walks(reading.book) if reading.book else ()
    if reading.findings or checked or reading.book is None:
        # In an emergency, a mistake in a team's file must not keep anybody from a packaged procedure.
        packaged = f"\n  To use the packaged book meanwhile: runbook --book {quote(str(PACKAGED_BOOK))} run NAME"
        raise BookError((*reading.findings, *checked), instead=packaged if is_team_book(place) else "")
    keep(passed, True)
    return reading.book


def _entry_of(reading: Reading) -> str | None:
    """Return the cache's entry for a book that passed, None for one with problems: parts of it are left out."""
    if reading.book is None or reading.findings:
        return None
    texts = sha256()
    for name, text in sorted(reading.book.sources.items()):
        texts.update(f"{name}\0{len(text)}\0{text}".encode())
    return entry_of(texts.digest(), use="ready for a walk", code=_CODE)
