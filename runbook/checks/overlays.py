"""Check what a team's changes rest on: a packaged step or text that has changed since may need another change."""

from __future__ import annotations

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject

__all__ = ["check_overlays"]


def check_overlays(subject: Subject, notes: Notes) -> None:
    """Report each change of a team whose base isn't as it was when they wrote it."""
    for procedure in subject.book.procedures.values():
        for change in procedure.changes:
            if change.stale:
                notes.add(change.at, f"{change.stale}; run `runbook upgrade` to see the difference and to accept it")
