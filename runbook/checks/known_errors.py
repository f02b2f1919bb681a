"""Check that each known error can be recognized, and that its own examples are recognized as it."""

from __future__ import annotations

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject
from runbook.diagnosis import error_in, known_error

__all__ = ["check_known_errors"]


def check_known_errors(subject: Subject, notes: Notes) -> None:
    """Report known errors that match nothing, that could match the text of a row, or that miss their own examples."""
    errors = subject.book.errors
    for one in errors:
        if not one.sqlstates and not one.messages:
            notes.add(one.at, f"'{one.id}' needs 'sqlstates' or 'messages': without them it matches no error", one.id)
        for message in one.messages:
            if not message.startswith("^") or message.startswith("^.*"):
                # An error may quote a row, and a row may say anything.
                what = f"'{message}' must begin with ^ and fixed text, or it may match a row that an error quotes"
                notes.add(one.at, what, message)
        for line in one.shown:
            found = error_in(line, errors)
            fits = known_error(errors, found, major=one.majors[0] if one.majors else None) if found else None
            if fits is not one:
                what = f"is recognized as '{fits.id}', not as '{one.id}'" if fits else "isn't recognized"
                notes.add(one.at, f"'{line}' {what}", line)
