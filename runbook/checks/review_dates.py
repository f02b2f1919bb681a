"""Dates: a review that has not happened yet is a typing mistake, and would hide a page that is overdue."""

from __future__ import annotations

from datetime import date, timedelta

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject

__all__ = ["check_reviewed"]


def check_reviewed(subject: Subject, notes: Notes, today: date) -> None:
    """No review is in the future; a day is allowed for, as it is tomorrow already elsewhere on Earth."""
    for procedure in subject.book.procedures.values():
        if procedure.reviewed > today + timedelta(days=1):
            day = procedure.reviewed.isoformat()
            notes.add(procedure.at, f"the review of {day} is in the future", "reviewed:", day)
