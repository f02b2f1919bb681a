"""A rule of the migration check: what it catches, why, what to write instead, and examples that test it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runbook.model.fields import (
    KEBAB,
    LINE,
    Choice,
    Either,
    Field,
    ListOf,
    MapOf,
    Shape,
    Shaped,
    Text,
    Truth,
    Whole,
    file_of,
    key,
    shape,
)
from runbook.model.terms import Position
from runbook.printable import shortened

__all__ = [
    "BY_SIZE",
    "EARLIER_NAME",
    "GROUPS",
    "LEVELS",
    "NEWEST_POSTGRES",
    "PLACE",
    "SHAPES",
    "MigrationExample",
    "MigrationRule",
]

NEWEST_POSTGRES = 17
"""The newest major version of PostgreSQL that the rules know."""

LEVELS = ("error", "warning", "notice")
"""How much a finding counts. Only an error changes the exit code."""

BY_SIZE = ("both", "raises")
"""How the size of a table changes a level, if a database is there to ask: both ways, or only up."""

GROUPS: Mapping[str, str] = {
    "files": "Files and names",
    "transactions": "Transactions",
    "locks": "Locks",
    "rewrites": "Rewrites and scans",
    "data": "Data",
    "removals": "What is dropped or renamed",
    "access": "Who may see and change data",
    "functions": "Functions",
    "platform": "Supabase's own objects and settings",
    "style": "Habits",
    "database": "What only a database shows",
}
"""The sections of the reference, in order: id → heading."""
PLACE = "/*^*/"
"""In an example's SQL, this comes right before the place that the finding must name."""
EARLIER_NAME = "00000000000000_a.sql"
"""The name of the earlier migration in an example."""
_NAME = "20260101000000_example.sql"
_LONGEST_LINE = 200
"""An example of what is too long to read shows only its beginning."""
_GUARDS_DATA = frozenset({"data", "access"})
_SQL = Text(says="SQL", literal=True)
_TEXT = Text(prose=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationExample:
    """A migration that tests a rule. In its SQL, `/*^*/` comes right before the place that the finding must name."""

    sql: str
    name: str = _NAME
    earlier: str = ""
    base: Mapping[str, str] | None = None
    removes: tuple[str, ...] = ()
    database: str = ""
    history: Mapping[str, str] | None = None
    open: str = ""
    open_seconds: int = 0
    waiting: str = ""
    postgres: int = NEWEST_POSTGRES

    @property
    def needs_database(self) -> bool:
        """Whether only a database can show the finding."""
        return bool(self.database or self.history is not None or self.open)

    @property
    def shown(self) -> str:
        """The SQL as a reader sees it. What matters around it comes before, as comments."""
        history, base = self.history or {}, self.base or {}
        since = f", for {self.open_seconds} s" if self.open_seconds else ""
        around = (
            (f"An earlier migration{'' if self.name == _NAME else f', {EARLIER_NAME}'}:", self.earlier),
            ("The database has:", self.database),
            (f"A session has open{since}:", self.open),
            ("Another one waits:", self.waiting),
            *((f"The history has {name}:", ran or "no statements") for name, ran in history.items()),
            *((f"The base branch has {name}:", sql or "nothing") for name, sql in base.items()),
        )
        lines = [] if self.name == _NAME else [f"-- {self.name}"]
        lines += [] if self.postgres == NEWEST_POSTGRES else [f"-- On PostgreSQL {self.postgres}"]
        for title, sql in around:
            if sql:
                lines += [f"-- {title}", *(f"--   {line}" for line in sql.rstrip().split("\n"))]
        lines += [f"-- This branch removes {name}" for name in self.removes]
        lines += self.sql.replace(PLACE, "").rstrip().split("\n")
        return "\n".join(shortened(line, _LONGEST_LINE) for line in lines)


def _example(value: str | MigrationExample) -> MigrationExample:
    return MigrationExample(sql=value) if isinstance(value, str) else value


def _all(values: tuple[str | MigrationExample, ...]) -> tuple[MigrationExample, ...]:
    return tuple(map(_example, values))


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationRule:
    """One rule of `runbook migration check`. The code that detects it is registered under its id."""

    id: str = key(KEBAB, "The rule's name; unique in the file.")
    level: str = key(Choice(LEVELS), "How much a finding counts. Only an error changes the exit code.")
    group: str = key(Choice(tuple(GROUPS)), "The section of the reference that it belongs to.")
    title: str = key(LINE, "What is wrong, in a few words.")
    catches: str = key(_TEXT, "What it reports, in one sentence.", read=str.strip)
    why: str = key(_TEXT, "What can happen otherwise.", read=str.strip)
    fix: str = key(_TEXT, "What to write instead, in one sentence. Findings show it.", read=str.strip)
    fails: tuple[MigrationExample, ...] = key(
        ListOf(Either(_SQL, Shaped("migration-example")), 2), "Migrations that it must report.", read=_all
    )
    passes: tuple[MigrationExample, ...] = key(
        ListOf(Either(_SQL, Shaped("migration-example")), 2),
        "Migrations that it must not report.",
        read=_all,
    )
    waived: MigrationExample | None = key(
        Either(_SQL, Shaped("migration-example")),
        "A migration that it must report as waived. A rule without one can't be waived.",
        default=None,
        read=_example,
    )
    destroys: bool = key(Truth(), "Whether what it reports loses rows or values.", default=False)
    see: str = key(KEBAB, "The pattern or procedure that shows the safe way.", default="")
    by_size: str = key(
        Choice(BY_SIZE),
        "With --against: `both` makes it a notice on a small table, and an error instead of a warning on a large one; "
        "`raises` only the second.",
        default="",
    )
    source: str = key(
        Text(r"https://\S+", "an address that begins with https://"), "The incident or document behind it."
    )
    at: Position

    @property
    def can_be_waived(self) -> bool:
        """Whether a comment above the statement can waive it."""
        return self.waived is not None

    @property
    def needs_reason(self) -> bool:
        """Whether a team must give a reason to lower its level: it guards data, or who may see it."""
        return self.level == "error" and self.group in _GUARDS_DATA


_EXAMPLE = Shape(
    "migration-example",
    "an example",
    "A migration that tests a rule.",
    (
        Field("sql", _SQL, "The file. `/*^*/` comes right before the place of the finding.", True, attribute="sql"),
        Field("name", LINE, "The file's name, if it matters.", default=_NAME, attribute="name"),
        Field("earlier", _SQL, "An earlier migration in the same folder.", attribute="earlier"),
        Field(
            "base",
            MapOf(LINE, Text(says="SQL", literal=True, empty=True)),
            "The migrations on the branch that it's compared with, by name.",
            attribute="base",
        ),
        Field("database", _SQL, "SQL that builds the database to compare it with.", attribute="database"),
        Field(
            "history",
            MapOf(LINE, Text(says="SQL", literal=True, empty=True)),
            "What the database's history says: file names with their SQL, empty if it has no statements.",
            attribute="history",
        ),
        Field("postgres", Whole(15), "The major version in the settings.", attribute="postgres"),
        Field("open", _SQL, "SQL of another session, whose transaction stays open.", attribute="open"),
        Field("open_seconds", Whole(0), "How long that transaction has been open.", attribute="open_seconds"),
        Field("waiting", _SQL, "SQL of a session that waits for that one.", attribute="waiting"),
        Field("removes", ListOf(LINE), "Which of these the branch removes.", attribute="removes"),
    ),
    build=lambda _kind, values: MigrationExample(**{k: v for k, v in values.items() if not k.endswith("at")}),
)

SHAPES = (
    file_of(
        Field("rules", ListOf(Shaped("migration-rule")), "One entry for each rule."),
        "migration_rules",
        "the rules of the migration check",
        "What `runbook migration check` reports, with examples that test it.",
    ),
    shape(MigrationRule, "migration-rule", "a rule of the migration check", "One rule, with examples that test it."),
    _EXAMPLE,
)
"""The file of the migration check's rules."""
