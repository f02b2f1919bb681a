"""Read the rules and a team's settings, which the check needs before anything else, and quickly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from runbook.errors import BookError, Finding, UsageError
from runbook.loading.files import read_file, shown_name
from runbook.loading.place import PACKAGED_BOOK, TEAM_FILE, book_directory, is_team_book
from runbook.loading.records import build
from runbook.model import migration_rule, migration_settings, team
from runbook.model.fields import Shape
from runbook.model.migration_rule import MigrationRule
from runbook.model.migration_settings import MigrationSettings
from runbook.model.terms import Position

__all__ = ["RULES_FILE", "Setup", "read_rules", "read_setup"]

RULES_FILE = "migration_rules.yaml"

_SHAPES: Mapping[str, Shape] = {
    shape.name: shape for module in (migration_rule, migration_settings, team) for shape in module.SHAPES
}


class Setup(NamedTuple):
    """The rules by id, and a team's settings."""

    rules: Mapping[str, MigrationRule]
    settings: MigrationSettings


def read_setup(directory: str | None = None) -> Setup:
    """Return the packaged rules, and the settings in the team's book that is named or belongs to this project.

    Raises UsageError if the named book doesn't exist, and BookError if the settings have problems.
    """
    rules, place = read_rules(), book_directory(directory)
    if not place.is_dir():
        raise UsageError(f"there is no book at '{place}'", hint="Name its directory with --book or RUNBOOK_BOOK.")
    if not is_team_book(place):
        return Setup(rules, MigrationSettings(at=Position("", 1, 1)))
    file = read_file(place / TEAM_FILE, f"{shown_name(place)}/{TEAM_FILE}", "team", _SHAPES)
    if file.record is None:
        raise BookError(file.findings)
    settings: MigrationSettings | None = build(file.record).migrations
    if settings is None:
        return Setup(rules, MigrationSettings(at=Position("", 1, 1)))
    from runbook.checks.migration_settings import setting_problems  # few teams have settings

    problems = [
        _at_token(file.source.text, at, message, token) for at, message, token in setting_problems(settings, rules)
    ]
    if problems:
        raise BookError(problems)
    return Setup(rules, settings)


@cache
def read_rules() -> Mapping[str, MigrationRule]:
    """Return the packaged rules by id. Raises BookError if their file is damaged."""
    file = read_file(
        PACKAGED_BOOK / RULES_FILE, f"{shown_name(Path(PACKAGED_BOOK))}/{RULES_FILE}", "migration_rules", _SHAPES
    )
    if file.record is None:
        raise BookError(file.findings)
    rules: Sequence[MigrationRule] = build(file.record)
    return {rule.id: rule for rule in rules}


def _at_token(text: str, at: Position, message: str, token: str) -> Finding:
    lines = text.splitlines()
    for number, line in _from(lines, at.line):
        column = line.find(token)
        if token and column >= 0:
            return Finding(at.file, number, column + 1, message, line, len(token))
    return Finding(at.file, at.line, at.column, message, lines[at.line - 1] if lines else "")


def _from(lines: Sequence[str], number: int) -> Iterator[tuple[int, str]]:
    return ((at, line) for at, line in enumerate(lines, 1) if at >= number)
