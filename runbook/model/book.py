"""The book: all procedures with the policy, the SQL patterns, the advice and the known errors they rest on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from runbook.errors import UsageError
from runbook.model.evidence import Evidence
from runbook.model.fields import (
    KEBAB,
    LINE,
    NAME,
    TEXTS,
    Either,
    Field,
    ListOf,
    MapOf,
    ProcedureId,
    Shape,
    Shaped,
    Text,
    Truth,
    file_of,
    key,
    shape,
)
from runbook.model.known_error import KnownError
from runbook.model.migration_rule import MigrationRule
from runbook.model.policy import Policy
from runbook.model.procedure import Procedure, Section
from runbook.model.search_words import SearchWords
from runbook.model.team import Team
from runbook.model.terms import Position

__all__ = ["SHAPES", "Advice", "Book", "Pattern", "files_of"]

_NEXT_FILE = re.compile(r"^-- Next file\.$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A schema change: the safe form, the unsafe form, and the check that catches the unsafe one."""

    id: str = key(KEBAB, "The pattern's name; unique in the file.")
    title: str = key(LINE, "What the change does.")
    safe: str = key(Text(says="SQL", literal=True), "The SQL that is safe.", read=str.rstrip)
    unsafe: str = key(Text(says="SQL", literal=True), "The SQL that isn't safe.", read=str.rstrip)
    why: str = key(TEXTS, "What the unsafe form does.", read=str.strip)
    caught_by: tuple[str, ...] = key(
        Either(LINE, ListOf(LINE)),
        "What catches the unsafe form: rules of `runbook migration check` by their names, or another check in words.",
        read=lambda value: (value,) if isinstance(value, str) else tuple(value),
    )
    notes: tuple[str, ...] = key(ListOf(TEXTS, 0), "More notes.", default=())
    see: str | None = key(ProcedureId(), "The id of the procedure that does it.", default=None)
    names: Mapping[str, str] = key(
        MapOf(NAME, Text(r"[^\n]+", "SQL in one line", template=True, literal=True)),
        "What `runbook migration new` asks for and replaces in the safe SQL, each as it is there. One made of earlier "
        "ones, such as {{table}}_{{column}}_key, isn't asked for.",
        default=dict,
        said="no file can be made from the pattern",
    )
    rollback: tuple[str, ...] = key(
        ListOf(LINE, 0), "What undoes each of the files, for the header of a new one.", default=()
    )
    one_at_a_time: bool = key(
        Truth(), "Whether a file must wait for days after the one before it.", default=False, said="no"
    )
    at: Position

    @property
    def files(self) -> tuple[str, ...]:
        """The migration files in the safe form."""
        return files_of(self.safe)


def files_of(sql: str) -> tuple[str, ...]:
    """Return the migration files in a pattern's SQL. A line "-- Next file." begins another one."""
    return tuple(part.strip() for part in _NEXT_FILE.split(sql))


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A do / don't list on one topic; each entry pairs the advice with its reason ("" if it's obvious)."""

    id: str = key(KEBAB, "The topic's name; unique in the file.")
    title: str = key(LINE, "The topic.")
    do: tuple[tuple[str, str], ...] = key(ListOf(Shaped("point"), 0), "What to do.", default=())
    dont: tuple[tuple[str, str], ...] = key(ListOf(Shaped("point"), 0), "What not to do.", default=())
    watch: tuple[tuple[str, str], ...] = key(ListOf(Shaped("point"), 0), "What to keep an eye on.", default=())
    at: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """All that was read from one book directory."""

    directory: str
    sources: Mapping[str, str]
    """The text of every file read, by the name that positions use, so that findings can show the line."""
    procedures: Mapping[str, Procedure]
    policy: Policy
    patterns: tuple[Pattern, ...]
    advice: tuple[Advice, ...]
    errors: tuple[KnownError, ...]
    search: SearchWords
    evidence: tuple[Evidence, ...] = ()
    """What a run records of its target before its first write and after its last one."""
    migration_rules: tuple[MigrationRule, ...] = ()
    """The rules of `runbook migration check`."""
    team: Team | None = None
    """Whose book it is; None for the packaged book, and for one that stands alone."""

    @property
    def emergencies(self) -> tuple[Procedure, ...]:
        """Return the procedures for when something is broken, the one to begin with first."""
        wrong = (one for one in self.procedures.values() if one.section is Section.WRONG)
        return tuple(sorted(wrong, key=lambda one: (not one.is_emergency, one.title)))

    def procedure(self, name: str) -> Procedure:
        """Return the procedure with that id; raises UsageError naming the closest ones."""
        if name in self.procedures:
            return self.procedures[name]
        from difflib import get_close_matches  # most names are right

        close = get_close_matches(name, self.procedures, n=3, cutoff=0.4)
        hint = f"Did you mean {' or '.join(close)}?" if close else "`runbook list` shows all procedures."
        raise UsageError(f"no procedure is called '{name}'", hint=hint)


_POINT = Shape(
    "point",
    "a point",
    "One piece of advice.",
    (
        Field("text", TEXTS, "The advice.", required=True, attribute="text"),
        Field("why", TEXTS, "The reason, if it isn't obvious.", attribute="why"),
    ),
    build=lambda _kind, values: (values["text"], values.get("why", "")),
)

SHAPES = (
    file_of(
        Field("patterns", ListOf(Shaped("pattern")), "One entry for each change."),
        "patterns",
        "the patterns file",
        "Schema changes: the safe form and the unsafe one.",
    ),
    shape(Pattern, "pattern", "a pattern", "A schema change, done safely and unsafely."),
    file_of(
        Field("advice", ListOf(Shaped("topic")), "One entry for each topic."),
        "advice",
        "the advice file",
        "Do and don't, by topic.",
    ),
    shape(Advice, "topic", "a topic", "What to do and what not to do, on one topic."),
    _POINT,
)
"""The patterns file and the advice file."""
