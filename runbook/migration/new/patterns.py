"""Read the patterns of a book without the rest of it, and check that files can be made from them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from runbook.errors import BookError, UsageError
from runbook.loading.files import read_file, shown_name
from runbook.loading.place import PACKAGED_BOOK, book_directory, is_team_book
from runbook.loading.records import build
from runbook.migration.new.templates import is_template, name_problems
from runbook.model import book
from runbook.model.book import Pattern

if TYPE_CHECKING:
    from runbook.checks.findings import Notes
    from runbook.checks.subject import Subject

__all__ = ["check_templates", "find_template", "read_templates"]

_FILE = "patterns.yaml"
_SHAPES = {shape.name: shape for shape in book.SHAPES}


def read_templates(named: str | None = None) -> Mapping[str, Pattern]:
    """Return the patterns by id from which a file can be made: the packaged ones, and a team's own.

    Raises UsageError if the named book doesn't exist, and BookError if a file is damaged.
    """
    place = book_directory(named)
    if not place.is_dir():
        raise UsageError(f"there is no book at '{place}'", hint="Name its directory with --book or RUNBOOK_BOOK.")
    places = (PACKAGED_BOOK, place) if is_team_book(place) else (place,)
    found = (pattern for each in places for pattern in _read(each))
    return {pattern.id: pattern for pattern in found if is_template(pattern)}


def find_template(name: str, templates: Mapping[str, Pattern]) -> Pattern:
    """Return the pattern of that id. Raises UsageError with those that are close."""
    if name in templates:
        return templates[name]
    from difflib import get_close_matches  # most names are right

    close = get_close_matches(name, templates, n=3)
    hint = f"Did you mean {' or '.join(close)}?" if close else "`runbook migration new --list` shows all patterns."
    raise UsageError(f"there is no pattern '{name}' to make a file from", hint=hint)


def check_templates(subject: Subject, notes: Notes) -> None:
    """Report names and rollback notes of patterns that don't fit their SQL."""
    for pattern in subject.book.patterns:
        for problem in name_problems(pattern):
            notes.add(pattern.at, problem, "names:")


def _read(directory: Path) -> tuple[Pattern, ...]:
    if not (directory / _FILE).is_file():
        return ()
    file = read_file(directory / _FILE, f"{shown_name(directory)}/{_FILE}", "patterns", _SHAPES)
    if file.record is None or file.findings:
        raise BookError(file.findings)
    patterns: tuple[Pattern, ...] = build(file.record)
    return patterns
