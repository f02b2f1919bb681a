"""Check that at most one procedure is the emergency, which is offered first."""

from __future__ import annotations

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject

__all__ = ["check_emergency"]


def check_emergency(subject: Subject, notes: Notes) -> None:
    """Report each procedure with `emergency` after the first."""
    marked = [one for one in subject.book.procedures.values() if one.is_emergency]
    for one in marked[1:]:
        notes.add(one.at, f"only one procedure can be the emergency, and {marked[0].id} already is", "emergency:")
