"""Check a team's settings of the migration check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject
from runbook.model.migration_rule import LEVELS, MigrationRule
from runbook.model.migration_settings import NEWEST_POSTGRES, OFF, MigrationSettings
from runbook.model.terms import Position

__all__ = ["check_migration_settings", "setting_problems"]

_ORDER = (*LEVELS, OFF)


def check_migration_settings(subject: Subject, notes: Notes) -> None:
    """Report settings of the migration check that name no rule, or that lower a guard without a reason."""
    team = subject.book.team
    if team and team.migrations:
        rules = {rule.id: rule for rule in subject.book.migration_rules}
        for at, message, token in setting_problems(team.migrations, rules):
            notes.add(at, message, "migrations:", token)


def setting_problems(
    settings: MigrationSettings, rules: Mapping[str, MigrationRule]
) -> Iterator[tuple[Position, str, str]]:
    """Yield each problem with the place of the settings and the word to look for there."""
    for name, chosen in settings.levels.items():
        rule = rules.get(name)
        if rule is None:
            from difflib import get_close_matches  # most names are right

            close = get_close_matches(name, rules, n=1)
            advice = f"; did you mean '{close[0]}'?" if close else ""
            yield settings.at, f"there is no rule '{name}' of the migration check{advice}", name
        elif not chosen.because and rule.needs_reason and _ORDER.index(chosen.level) > _ORDER.index(rule.level):
            message = f"'{name}' guards data: give a reason, as in {{level: {chosen.level}, because: …}}"
            yield settings.at, message, name
    small, large = settings.small_table, settings.large_table
    if small.rows > large.rows or small.megabytes > large.megabytes:
        yield settings.at, "a small table can't be larger than a large one", "small_table"
    if settings.postgres > NEWEST_POSTGRES:
        message = f"PostgreSQL {settings.postgres} isn't known; expected 15, 16 or {NEWEST_POSTGRES}"
        yield settings.at, message, str(settings.postgres)
