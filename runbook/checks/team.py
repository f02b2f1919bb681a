"""Check a team's file and the files that extend the packaged ones."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject
from runbook.loading.place import TEAM_FILE
from runbook.model import Position

__all__ = ["check_team", "check_unique_entries"]


def check_team(subject: Subject, notes: Notes) -> None:
    """Report what a team's file must not contain: secrets (it's on pages and screens), unsafe links, and dead names."""
    team = subject.book.team
    if team is None:
        return
    from runbook.markup import is_safe_link, unsafe_link_message  # only a team's book needs these
    from runbook.policy.redaction import Redactor

    text, redactor = subject.book.sources.get(team.at.file, ""), Redactor()
    for number, line in enumerate(text.splitlines(), 1):
        if redactor.redact(line) != line:
            message = f"looks like a secret; {TEAM_FILE} is shown on pages and screens, so remove it and revoke it"
            notes.add(Position(team.at.file, number, len(line) - len(line.lstrip()) + 1), message)
    pages = [(one.page, one.at) for one in team.contacts.values() if one.page]
    for address, at in (*pages, *((each, team.at) for each in team.links.values())):
        if not is_safe_link(address):
            notes.add(at, unsafe_link_message(address), address)
    for one in team.projects.values():
        if (first := team.project_of(one.ref)) is not one and first is not None:
            notes.add(one.at, f"'{first.name}' has the same ref", "ref:", one.ref)
    for receiver in filter(lambda one: one.program, team.notify):
        if not os.access(Path(subject.book.directory) / receiver.program, os.X_OK):
            message = f"there is no program {receiver.program} that may be executed, so nobody would get a message"
            notes.add(receiver.at, message, "program:", receiver.program)


def check_unique_entries(subject: Subject, notes: Notes) -> None:
    """Report a team's pattern, advice or known error with the id of a packaged one: a page would show both."""
    book = subject.book
    for entries, noun in ((book.patterns, "pattern"), (book.advice, "topic"), (book.errors, "known error")):
        _check_unique(entries, noun, notes)


def _check_unique(entries: Iterable[object], noun: str, notes: Notes) -> None:
    seen: set[str] = set()
    for entry in entries:
        name, at = str(getattr(entry, "id", "")), getattr(entry, "at", None)
        if name in seen and isinstance(at, Position):
            notes.add(at, f"the packaged book has a {noun} '{name}'; choose another id", "id:", name)
        seen.add(name)
