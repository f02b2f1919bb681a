"""Check review dates: one in the future is a typo, and would hide an overdue page. Overdue reviews are no mistakes."""

from __future__ import annotations

from datetime import date, timedelta

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject
from runbook.model import Book, Procedure

__all__ = ["check_reviewed", "overdue"]


def overdue(book: Book, today: date) -> tuple[Procedure, ...]:
    """Return the procedures whose review is overdue, the longest one first."""
    return tuple(
        sorted((one for one in book.procedures.values() if one.due < today), key=lambda one: (one.due, one.id))
    )


def check_reviewed(subject: Subject, notes: Notes, today: date) -> None:
    """Report reviews in the future. One day is allowed, because elsewhere on Earth it's already tomorrow."""
    for procedure in subject.book.procedures.values():
        if procedure.reviewed > today + timedelta(days=1):
            day = procedure.reviewed.isoformat()
            notes.add(procedure.at, f"the review of {day} is in the future", "reviewed:", day)
