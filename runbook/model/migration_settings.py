"""A team's settings of the migration check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runbook.model.fields import KEBAB, LINE, NAME, Choice, Either, ListOf, MapOf, Shaped, Whole, key, shape
from runbook.model.migration_rule import LEVELS, NEWEST_POSTGRES
from runbook.model.terms import Position

__all__ = ["EXPOSED_SCHEMAS", "NEWEST_POSTGRES", "OFF", "SHAPES", "MigrationSettings", "RuleLevel", "TableSize"]

OFF = "off"
"""The level of a rule that isn't checked."""
_LEVEL = Choice((*LEVELS, OFF))

EXPOSED_SCHEMAS = ("public", "graphql_public")
"""The schemas that a hosted project's API serves unless its settings say otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLevel:
    """Another level for one rule, with the reason."""

    level: str = key(_LEVEL, "The level of its findings, or `off`.")
    because: str = key(LINE, "Why. A rule that guards data needs a reason to be lowered.", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSize:
    """How large a table is."""

    rows: int = key(Whole(0), "Its rows, as the statistics have them.")
    megabytes: int = key(Whole(0), "Its size on disk, with its indexes.")

    @property
    def bytes(self) -> int:
        """The size in bytes."""
        return self.megabytes << 20


SMALL_TABLE = TableSize(rows=10_000, megabytes=10)
LARGE_TABLE = TableSize(rows=1_000_000, megabytes=1_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationSettings:
    """What a team changes about the migration check."""

    levels: Mapping[str, RuleLevel] = key(
        MapOf(KEBAB, Either(_LEVEL, Shaped("rule-level"))),
        "Other levels for rules, by the rule's name: `error`, `warning`, `notice` or `off`.",
        default=dict,
        read=lambda values: {name: _level(each) for name, each in values.items()},
    )
    ignore: tuple[str, ...] = key(
        ListOf(LINE), "Files that aren't checked: paths or patterns from the project's root.", default=()
    )
    postgres: int = key(
        Whole(15),
        "The major version of the database: 15, 16 or 17. Syntax that came later is an error.",
        default=17,
        said="17",
    )
    exposed_schemas: tuple[str, ...] = key(
        ListOf(NAME), "The schemas that the API serves.", default=EXPOSED_SCHEMAS, said="public and graphql_public"
    )
    small_table: TableSize = key(
        Shaped("table-size"),
        "A table with fewer rows and megabytes is small: with --against, a scan or rewrite of it is only a notice.",
        default=SMALL_TABLE,
        said="10,000 rows and 10 MB",
    )
    large_table: TableSize = key(
        Shaped("table-size"),
        "A table with as many rows or megabytes is large: with --against, a warning about it is an error.",
        default=LARGE_TABLE,
        said="1,000,000 rows or 1,000 MB",
    )
    at: Position


def _level(value: str | RuleLevel) -> RuleLevel:
    return RuleLevel(level=value) if isinstance(value, str) else value


SHAPES = (
    shape(MigrationSettings, "migration-settings", "settings of the migration check", "How migrations are checked."),
    shape(TableSize, "table-size", "a table's size", "How large a table is."),
    shape(RuleLevel, "rule-level", "a rule's level", "Another level for one rule."),
)
"""The migration check in a team's file."""
