"""All checks of a book, and the one way to open a book that is fit for use."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

from runbook.checking.commands import check_commands
from runbook.checking.dates import check_reviewed
from runbook.checking.drills import check_answers
from runbook.checking.notes import Notes
from runbook.checking.parameters import check_examples, check_shadows
from runbook.checking.placeholders import check_each, check_names, check_secrets, check_unused
from runbook.checking.rules import check_rule_tests
from runbook.errors import BookError, Finding
from runbook.model import Book
from runbook.reading import PACKAGED_BOOK, Reading, load_book
from runbook.reading.text import TooManyError

__all__ = ["CHECKS", "check_book", "find_problems", "open_book"]

CHECKS: tuple[Callable[[Book, Notes], None], ...] = (
    check_names,
    check_unused,
    check_each,
    check_secrets,
    check_examples,
    check_shadows,
    check_commands,
    check_answers,
    check_rule_tests,
)
"""What is checked, each by one function that says what must hold."""


def check_book(book: Book, *, today: date | None = None) -> tuple[Finding, ...]:
    """Return everything that is wrong with a book that could be read, sorted. `today` is the system's if not given."""
    notes = Notes(book)
    with suppress(TooManyError):
        for check in CHECKS:
            check(book, notes)
        check_reviewed(book, notes, today or date.today())
    return notes.findings


def find_problems(directory: str | None) -> tuple[Reading, tuple[Finding, ...]]:
    """Read a book as far as it goes and return it with all findings, of reading and of checking, sorted.

    None stands for the directory in RUNBOOK_BOOK or the packaged book. Raises UsageError where there is no book.
    """
    named = directory or os.environ.get("RUNBOOK_BOOK")
    reading = load_book(Path(named) if named else PACKAGED_BOOK)
    checked = check_book(reading.book) if reading.book else ()
    return reading, tuple(sorted({*reading.findings, *checked}))


def open_book(directory: str | None = None) -> Book:
    """Return the book in a directory (None: RUNBOOK_BOOK, or the packaged one).

    Raises BookError on any finding, and UsageError where there is no book.
    """
    reading, findings = find_problems(directory)
    if findings or reading.book is None:
        raise BookError(findings)
    return reading.book
