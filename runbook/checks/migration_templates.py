"""Check that each migration which a procedure writes is checked by a command of its step."""

from __future__ import annotations

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject

__all__ = ["check_templates"]


def check_templates(subject: Subject, notes: Notes) -> None:
    """Report steps that write a migration, and have no `check`."""
    for _, place in subject.places:
        for action in place.step.actions:
            file = action.written_file()
            if file is not None and file.is_migration and not file.is_checked:
                message = "nothing checks this migration; add 'check: runbook migration check FILE'"
                notes.add(place.step.at, message, "template:" if file.text else place.step.id)
