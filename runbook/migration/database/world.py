"""What exists in a database while pending migrations are played on paper, one statement after the other. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from runbook.migration.database.change import Act, Change
from runbook.migration.database.facts import Dependent, Facts, Relation
from runbook.migration.syntax_tree import Name

__all__ = ["World"]

_Key = tuple[str, Name, str]
_ELSEWHERE = ("pg_catalog", "extensions")
"""Schemas in which a hosted project also looks up a name without a schema."""


@dataclass
class World:
    """The database's objects, less those that statements dropped so far, plus those that they made."""

    facts: Facts
    _made: set[_Key] = field(default_factory=set)
    _gone: set[_Key] = field(default_factory=set)
    _unsure: set[_Key] = field(default_factory=set)

    def apply(self, change: Change, *, perhaps: bool = False) -> None:
        """Add what a statement makes or drops. `perhaps`: it may not run, as in an IF."""
        key = _key(change)
        if change.act is Act.NEEDS:
            return
        self._made.discard(key)
        self._gone.discard(key)
        if perhaps:
            self._unsure.add(key)
        elif change.act is Act.MAKES:
            self._made.add(key)
        else:
            self._gone.add(key)

    def has(self, change: Change) -> bool | None:
        """Whether the object of a change exists; None if that can't be known."""
        key = _key(change)
        for known, answer in ((self._unsure, None), (self._made, True), (self._gone, False)):
            if key in known:
                return answer
        if change.part:
            return self._has_part(change)
        return self._found(change)

    def relation(self, name: Name) -> Relation | None:
        """Return a relation of the database, unless a statement has dropped or made one of that name."""
        key = ("relation", name, "")
        is_changed = key in self._gone or key in self._made or key in self._unsure
        return None if is_changed else self.facts.relations.get(name)

    def has_schema(self, name: str) -> bool:
        """Whether a schema exists, or may."""
        key = ("schema", Name("", name), "")
        return key in self._made or key in self._unsure or (name in self.facts.schemas and key not in self._gone)

    def functions(self, name: Name) -> list[tuple[str, ...]]:
        """Return the argument types of the functions with a name that no statement has dropped."""
        gone = {part for kind, each, part in self._gone | self._unsure if (kind, each) == ("function", name)}
        return [each for each in self.facts.functions.get(name, ()) if ",".join(each) not in gone]

    def remaining(self, found: list[Dependent]) -> list[Dependent]:
        """Return the dependents that no statement has dropped yet."""
        gone = {_identity(key) for key in self._gone | self._unsure}
        return [each for each in found if not ({each.identity, each.identity.rpartition(" on ")[2]} & gone)]

    def is_changed(self, kind: str, name: Name, part: str = "") -> bool:
        """Whether a statement has made, dropped or renamed this object."""
        return any((kind, name, part) in known for known in (self._made, self._gone, self._unsure))

    def _has_part(self, change: Change) -> bool | None:
        relation = self.relation(change.name)
        if relation is None:
            return None  # made by a pending statement, or missing, which is reported by itself
        if change.kind == "column":
            return change.part in relation.columns
        if change.kind == "constraint":
            return change.part in relation.constraints
        return change.part in (relation.triggers if change.kind == "trigger" else relation.policies)

    def _found(self, change: Change) -> bool | None:
        name, facts = change.name, self.facts
        if change.kind == "schema":
            return name.name in facts.schemas
        if change.kind == "extension":
            return name.name in facts.extensions
        if not self.has_schema(name.schema):
            return False
        places = [name, *(Name(schema, name.name) for schema in self._also(change))]
        if change.kind == "type":
            return any(place in facts.types for place in places)
        if change.kind == "function":
            return self._has_function(change)
        return any(place in facts.relations for place in places)

    def _also(self, change: Change) -> Iterator[str]:
        """Yield where else a needed name may be. A statement makes its object in the first schema."""
        if change.name.schema == "public" and change.act is not Act.MAKES:
            yield from _ELSEWHERE

    def _has_function(self, change: Change) -> bool | None:
        found = self.facts.functions.get(change.name)
        if not found:
            # Functions of extensions and of PostgreSQL itself aren't looked up.
            return None if change.act is Act.NEEDS else False
        return True if change.types is None else tuple(change.types) in found


def _key(change: Change) -> _Key:
    kind = change.kind
    part = ",".join(change.types or ()) if kind == "function" else change.part
    return kind, change.name, part


def _identity(key: _Key) -> str:
    """Return an object's name as PostgreSQL's pg_identify_object writes it, for names that need no quotes."""
    kind, name, part = key
    if kind == "column":
        return f"{name}.{part}"
    if kind == "function":
        return f"{name}({part})"
    return f"{part} on {name}" if part else str(name)
