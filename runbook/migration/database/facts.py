"""What one look at a database found, as values. Pure: `facts.sql` asks, `reading` runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from runbook.migration.syntax_tree import Name
from runbook.printable import json_text

__all__ = [
    "Asked",
    "Dependent",
    "Drop",
    "Facts",
    "Index",
    "InvalidIndex",
    "PreparedTransaction",
    "Relation",
    "Session",
    "TableLock",
    "read_facts",
    "statement_for",
]


class Drop(NamedTuple):
    """Something that a migration drops or renames: a relation, a column, a function or a type."""

    kind: str
    name: Name
    part: str = ""
    """The column."""


class Asked(NamedTuple):
    """What the migrations name, so that the look is limited to it."""

    relations: frozenset[Name] = frozenset()
    functions: frozenset[Name] = frozenset()
    types: frozenset[Name] = frozenset()
    drops: frozenset[Drop] = frozenset()


class Index(NamedTuple):
    """An index: on which table, and whether a constraint can use it."""

    table: str
    valid: bool
    unique: bool
    plain: bool
    """It has neither a WHERE nor an expression."""
    constraint: bool
    """A constraint has it already."""


class Relation(NamedTuple):
    """A table, view, index or sequence. `rows` and `bytes` are None if the database can't say."""

    name: Name
    kind: str
    rows: int | None
    bytes: int | None
    columns: Mapping[str, bool]
    """Whether each column is NOT NULL."""
    constraints: Mapping[str, bool]
    """Whether each constraint is validated."""
    checks: tuple[str, ...]
    """The expressions of the validated check constraints."""
    triggers: frozenset[str]
    policies: frozenset[str]
    publications: tuple[str, ...]
    as_index: Index | None
    """What it is as an index, if it is one."""


class Dependent(NamedTuple):
    """What depends on something: its type, and its name as PostgreSQL writes it."""

    type: str
    identity: str

    def __str__(self) -> str:
        return f"{self.type} {self.identity}"


class InvalidIndex(NamedTuple):
    """An index that isn't valid, and the session that is building it, if any."""

    name: Name
    table: str
    partitioned: bool
    pid: int | None
    phase: str
    percent: int | None


class PreparedTransaction(NamedTuple):
    """A prepared transaction: it keeps its locks until somebody ends it. `open` is in seconds."""

    gid: str
    owner: str
    open: int
    tables: frozenset[Name]


class TableLock(NamedTuple):
    """A lock on a table, its indexes or its partitions. `waits` is in seconds."""

    table: Name
    pid: int
    mode: str
    granted: bool
    waits: int


class Session(NamedTuple):
    """A session with an open transaction. `open` and `unchanged` are in seconds."""

    pid: int
    user: str
    application: str
    state: str
    type: str
    query: str
    open: int
    unchanged: int
    blocked_by: tuple[int, ...]


class Facts(NamedTuple):
    """All that one look found."""

    major: int
    database: str
    user: str
    sees_sessions: bool
    """Whether this role may see what others do."""
    schemas: frozenset[str]
    extensions: frozenset[str]
    relations: Mapping[Name, Relation]
    functions: Mapping[Name, Sequence[tuple[str, ...]]]
    """The types of the arguments of each function with a name."""
    types: frozenset[Name]
    dependents: Mapping[Drop, Sequence[Dependent]]
    texts: Mapping[Drop, Sequence[str]]
    """Functions whose text names what is dropped."""
    invalid_indexes: Sequence[InvalidIndex]
    unvalidated: Sequence[tuple[Name, str]]
    prepared: Sequence[PreparedTransaction]
    locks: Sequence[TableLock]
    sessions: Mapping[int, Session]


def statement_for(asked: Asked) -> str:
    """Return the one statement that looks these things up."""
    drops = [[each.kind, *each.name, each.part or None] for each in asked.drops]
    it = {
        "relations": sorted([*each] for each in asked.relations),
        "functions": sorted([*each] for each in asked.functions),
        "types": sorted([*each] for each in asked.types),
        "drops": sorted(drops, key=str),
    }
    return _template().replace("{asked}", json_text(it).replace("'", "''"))


@cache
def _template() -> str:
    from importlib.resources import files

    return (files("runbook.migration.database") / "facts.sql").read_text("utf-8").strip()


def read_facts(found: Mapping[str, Any]) -> Facts:
    """Return the facts in the document that the statement returns."""
    functions: dict[Name, list[tuple[str, ...]]] = {}
    for each in _rows(found, "functions"):
        functions.setdefault(_name(each), []).append(tuple(each["types"]))
    sessions = [_session(each) for each in _rows(found, "sessions")]
    return Facts(
        major=found["version"] // 10000,
        database=found["database"],
        user=found["user"],
        sees_sessions=found["sees_sessions"],
        schemas=frozenset(_rows(found, "schemas")),
        extensions=frozenset(_rows(found, "extensions")),
        relations={each.name: each for each in map(_relation, _rows(found, "relations"))},
        functions=functions,
        types=frozenset(Name(*each) for each in _rows(found, "types")),
        dependents=_by_drop(_rows(found, "dependents"), Dependent),
        texts=_by_drop(_rows(found, "texts"), str),
        invalid_indexes=[
            InvalidIndex(
                _name(each), each["table"], each["partitioned"], each["pid"], each["phase"] or "", each["percent"]
            )
            for each in _rows(found, "invalid_indexes")
        ],
        unvalidated=[(Name(each["schema"], each["table"]), each["name"]) for each in _rows(found, "unvalidated")],
        prepared=[
            PreparedTransaction(
                each["gid"], each["owner"], each["open"], frozenset(Name(*one) for one in each["tables"] or ())
            )
            for each in _rows(found, "prepared")
        ],
        locks=[
            TableLock(_name(each), each["pid"], each["mode"], each["granted"], each["waits"] or 0)
            for each in _rows(found, "locks")
        ],
        sessions={each.pid: each for each in sessions},
    )


def _rows(found: Mapping[str, Any], key: str) -> Sequence[Any]:
    return found[key] or ()  # an aggregate of nothing is NULL


def _name(each: Mapping[str, Any]) -> Name:
    return Name(each["schema"], each["name"])


def _by_drop(rows: Sequence[Any], build: Any) -> dict[Drop, list[Any]]:
    found: dict[Drop, list[Any]] = {}
    for kind, schema, name, part, *rest in rows:
        found.setdefault(Drop(kind, Name(schema, name), part or ""), []).append(build(*rest))
    return {drop: sorted(each) for drop, each in found.items()}


def _relation(each: Mapping[str, Any]) -> Relation:
    constraints = each["constraints"] or ()
    return Relation(
        name=_name(each),
        kind=each["kind"],
        rows=each["rows"],
        bytes=each["bytes"],
        columns={one["name"]: one["required"] for one in each["columns"] or ()},
        constraints={one["name"]: one["valid"] for one in constraints},
        checks=tuple(one["check"] for one in constraints if one["check"] and one["valid"]),
        triggers=frozenset(each["triggers"] or ()),
        policies=frozenset(each["policies"] or ()),
        publications=tuple(sorted(each["publications"] or ())),
        as_index=Index(**each["index"]) if each["index"] else None,
    )


def _session(each: Mapping[str, Any]) -> Session:
    return Session(
        pid=each["pid"],
        user=each["user"] or "",
        application=each["application"] or "",
        state=each["state"] or "",
        type=each["type"] or "",
        query=" ".join((each["query"] or "").split()),
        open=each["open"] or 0,
        unchanged=each["unchanged"] or 0,
        blocked_by=tuple(each["blocked_by"] or ()),
    )
