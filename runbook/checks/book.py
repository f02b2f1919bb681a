"""All checks of a book, and the one way to open a book that is fit for use."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

from runbook.checks.answers import check_pick_lists, check_suggestions, check_ways_back
from runbook.checks.commands import check_commands, check_weaknesses
from runbook.checks.drill_answers import check_answers
from runbook.checks.emergency import check_emergency
from runbook.checks.findings import Notes
from runbook.checks.known_errors import check_known_errors
from runbook.checks.links import check_links
from runbook.checks.migration_templates import check_templates
from runbook.checks.parameters import (
    check_examples,
    check_lines,
    check_names_of_settings,
    check_secret_defaults,
    check_shadows,
)
from runbook.checks.placeholders import check_lists, check_names, check_secrets, check_unused
from runbook.checks.read_only_rules import check_read_only_rules
from runbook.checks.review_dates import check_reviewed
from runbook.checks.subject import Subject
from runbook.checks.warnings import check_warnings
from runbook.errors import BookError, Finding
from runbook.extras import installed
from runbook.loading import PACKAGED_BOOK, Reading, load_book
from runbook.loading.source_text import TooManyError
from runbook.model import Book

__all__ = ["CHECKS", "check_book", "find_problems", "open_book"]

CHECKS: tuple[Callable[[Subject, Notes], None], ...] = (
    check_names,
    check_unused,
    check_lists,
    check_secrets,
    check_examples,
    check_shadows,
    check_names_of_settings,
    check_secret_defaults,
    check_lines,
    check_commands,
    check_ways_back,
    check_pick_lists,
    check_suggestions,
    check_answers,
)
"""What must hold of a book that is walked, each told by one function."""


def check_book(book: Book, *, today: date | None = None) -> tuple[Finding, ...]:
    """Return everything that is wrong with a book that could be read, sorted. `today` is the system's if not given.

    This holds the book to its author's standard too: its warnings, its queries, the templates of its
    migrations, the dates of reviews, and whatever the extras check (the guard: the policy's own tests).
    """

    def check_dates(subject: Subject, notes: Notes) -> None:
        check_reviewed(subject, notes, today or date.today())

    extra = [each.check_book for each in installed().values() if each.check_book]
    checks = (
        check_warnings,
        check_weaknesses,
        check_read_only_rules,
        check_templates,
        check_links,
        check_known_errors,
        check_emergency,
    )
    return _found(book, (*CHECKS, *checks, check_dates, *extra))


def find_problems(directory: str | None) -> tuple[Reading, tuple[Finding, ...]]:
    """Read a book as far as it goes and return it with all findings, of reading and of checking, sorted.

    If a procedure can't be read, only the findings of reading are returned: fix those first.

    None stands for the directory in RUNBOOK_BOOK or the packaged book. Raises UsageError where there is no book.
    """
    reading = load_book(_directory(directory))
    # With a procedure missing, every place that names one of its steps would be called wrong, too.
    checked = check_book(reading.book) if reading.book and not reading.has_gaps else ()
    return reading, tuple(sorted({*reading.findings, *checked}))


def open_book(directory: str | None = None) -> Book:
    """Return the book in a directory (None: RUNBOOK_BOOK, or the packaged one), fit to be walked.

    Raises BookError on any finding that bears on a walk, and UsageError where there is no book. What only its author
    must see to is left to `runbook check`: a clock that is wrong must not keep anybody from an emergency procedure.
    """
    reading = load_book(_directory(directory))
    checked = _found(reading.book, CHECKS) if reading.book else ()
    if reading.findings or checked or reading.book is None:
        raise BookError((*reading.findings, *checked))
    return reading.book


def _directory(named: str | None) -> Path:
    found = named or os.environ.get("RUNBOOK_BOOK")
    return Path(found) if found else PACKAGED_BOOK


def _found(book: Book, checks: Sequence[Callable[[Subject, Notes], None]]) -> tuple[Finding, ...]:
    notes, subject = Notes(book), Subject(book)
    with suppress(TooManyError):
        for check in checks:
            check(subject, notes)
    return notes.findings
