"""Run all checks on a book, or those that decide whether anybody can walk through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date

from runbook.checks.answers import check_pick_lists, check_suggestions, check_ways_back
from runbook.checks.commands import check_commands, check_weaknesses
from runbook.checks.drill_answers import check_answers
from runbook.checks.emergency import check_emergency
from runbook.checks.findings import Notes
from runbook.checks.known_errors import check_known_errors
from runbook.checks.links import check_links
from runbook.checks.loosenings import check_loosenings
from runbook.checks.migration_settings import check_migration_settings
from runbook.checks.migration_templates import check_templates
from runbook.checks.overlays import check_overlays
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
from runbook.checks.team import check_team, check_unique_entries
from runbook.checks.warnings import check_warnings
from runbook.errors import Finding
from runbook.extras import installed
from runbook.loading import Reading, book_directory, load_book
from runbook.loading.source_text import TooManyError
from runbook.model import Book

__all__ = ["CHECKS", "check_book", "check_walks", "find_problems"]

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
"""The checks that a book must pass before anybody can walk through it."""


def check_book(book: Book, *, today: date | None = None) -> tuple[Finding, ...]:
    """Return all problems of a book that could be read, sorted. `today` defaults to the system's date.

    This includes what only the book's author can fix: warnings, queries, migration templates, review dates, and
    whatever the extras check (the guard: the policy's own tests).
    """

    def check_dates(subject: Subject, notes: Notes) -> None:
        check_reviewed(subject, notes, today or date.today())

    extra = [each.check_book for each in installed().values() if each.check_book]
    checks = (
        check_warnings,
        check_weaknesses,
        check_read_only_rules,
        check_loosenings,
        check_overlays,
        check_team,
        check_migration_settings,
        check_unique_entries,
        check_templates,
        check_links,
        check_known_errors,
        check_emergency,
    )
    return _found(book, (*CHECKS, *checks, check_dates, *extra))


def check_walks(book: Book) -> tuple[Finding, ...]:
    """Return the problems that a walk could run into, sorted."""
    return _found(book, CHECKS)


def find_problems(directory: str | None) -> tuple[Reading, tuple[Finding, ...]]:
    """Read as much of a book as possible, and return it with all findings of reading and checking, sorted.

    If a procedure can't be read, only the findings of reading are returned: fix those first.

    None means RUNBOOK_BOOK, the team's book of this project, or the packaged one. Raises UsageError if there is none.
    """
    reading = load_book(book_directory(directory))
    # If a procedure is missing, every reference to one of its steps would be reported too.
    checked = check_book(reading.book) if reading.book and not reading.has_gaps else ()
    return reading, tuple(sorted({*reading.findings, *checked}))


def _found(book: Book, checks: Sequence[Callable[[Subject, Notes], None]]) -> tuple[Finding, ...]:
    notes, subject = Notes(book), Subject(book)
    with suppress(TooManyError):
        for check in checks:
            check(subject, notes)
    return notes.findings
