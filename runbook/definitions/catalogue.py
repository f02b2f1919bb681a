"""Read the answer of the query in `queries`: what the database has now, and what its migrations changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runbook.definitions.changes import Change, ObjectName, changes_in
from runbook.definitions.routines import argument_types
from runbook.errors import UsageError
from runbook.policy.sql_tokens import tokens

__all__ = ["Catalogue", "Function", "Policy", "Relation", "Trigger", "found_in"]


@dataclass(frozen=True, slots=True)
class Function:
    """A function that exists."""

    object: ObjectName
    types: tuple[str, ...]
    definition: str
    body: str
    owner: str
    comment: str
    grants: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, view, index or sequence that exists. Only those of the wanted name have all fields filled."""

    object: ObjectName
    kind: str
    rls: bool
    size: str
    definition: str
    grants: tuple[tuple[str, str], ...]
    columns: Mapping[str, str]
    """Types, by name."""
    required: frozenset[str] = frozenset()
    """Columns that are NOT NULL."""
    constraints: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger that exists. `enabled` is a letter as in `pg_trigger.tgenabled`."""

    object: ObjectName
    table: ObjectName
    enabled: str
    definition: str
    function: ObjectName


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that exists, as `pg_policies` shows it."""

    object: ObjectName
    table: ObjectName
    permissive: bool
    roles: tuple[str, ...]
    command: str
    using: str
    check: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the database has, and what its migrations changed, as far as the query asked for it."""

    next_version: str
    changes: tuple[Change, ...]
    functions: tuple[Function, ...] = ()
    relations: Mapping[ObjectName, Relation] = field(default_factory=dict)
    types: frozenset[ObjectName] = frozenset()
    """Enums, domains and ranges."""
    triggers: tuple[Trigger, ...] = ()
    policies: tuple[Policy, ...] = ()

    @classmethod
    def read(cls, document: str) -> Catalogue:
        """Read the answer to the query. Raises UsageError if a part of it is missing."""
        found = found_in(document)
        if found is None:
            raise UsageError(
                "can't read the history: the answer is incomplete",
                hint="Copy the earlier definition from git by hand.",
            )
        changes = tuple(changes_in((str(version), str(text)) for version, text in found.get("history") or ()))

        def name(row: Mapping[str, Any], of: str = "name") -> ObjectName:
            return ObjectName(row["schema"], row[of])

        return cls(
            str(found.get("next_version") or "").rjust(14, "0"),
            changes,
            tuple(
                Function(
                    name(row),
                    tuple(argument_types(list(tokens(one)))[0] for one in row["types"] or ()),
                    row["definition"],
                    row["body"],
                    row["owner"],
                    row["comment"] or "",
                    _pairs(row["grants"]),
                )
                for row in found.get("functions") or ()
            ),
            {
                name(row): Relation(
                    name(row),
                    row["kind"],
                    row["rls"],
                    row["size"] or "",
                    row["definition"] or "",
                    _pairs(row["grants"]),
                    {column[0]: column[1] for column in row["columns"] or ()},
                    frozenset(column[0] for column in row["columns"] or () if column[2]),
                    frozenset(row["constraints"] or ()),
                )
                for row in found.get("relations") or ()
            },
            frozenset(ObjectName(*row) for row in found.get("types") or ()),
            tuple(
                Trigger(name(row), name(row, "table"), row["enabled"], row["definition"], ObjectName(*row["function"]))
                for row in found.get("triggers") or ()
            ),
            tuple(
                Policy(
                    name(row),
                    name(row, "table"),
                    row["permissive"] == "PERMISSIVE",
                    tuple(sorted(row["roles"])),
                    row["cmd"].lower(),
                    row["using"] or "",
                    row["check"] or "",
                )
                for row in found.get("policies") or ()
            ),
        )


def found_in(document: str) -> Mapping[str, Any] | None:
    """Return the JSON in the only row of a query's answer, from the column `found`; None if the answer lacks it."""
    try:
        rows = json.loads(document)
        found = (rows["rows"] if isinstance(rows, Mapping) else rows)[0]["found"]
        return dict(json.loads(found) if isinstance(found, str) else found)
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return None


def _pairs(rows: Sequence[Sequence[str]] | None) -> tuple[tuple[str, str], ...]:
    return tuple((row[0], row[1]) for row in rows or ())
