"""The types of values in the book's files, and how a dataclass declares its own YAML keys.

A dataclass declares each attribute that is written in YAML with `key(…)`; `shape` turns it into the table of one
mapping. The loader reads files by that table and builds the dataclass. The JSON Schemas and the reference on the site
are generated from it too, so a key's name, type and meaning are stated once, where its value lives.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from runbook.model.terms import Effect, Verdict

__all__ = [
    "EFFECT",
    "FLAG",
    "FLAGS",
    "KEBAB",
    "LINE",
    "LINES",
    "LINE_TEMPLATE",
    "LITERAL",
    "MAJOR",
    "NAME",
    "PATHS",
    "PROSE",
    "SQL",
    "TEMPLATE",
    "TESTS",
    "TEXTS",
    "VALUES",
    "VERDICT",
    "WORDS",
    "Anything",
    "Choice",
    "CommandLine",
    "Day",
    "Duration",
    "Either",
    "Field",
    "Kind",
    "ListOf",
    "MapOf",
    "Number",
    "ProcedureId",
    "Regex",
    "Shape",
    "Shaped",
    "Text",
    "Truth",
    "Type",
    "Whole",
    "fields_of",
    "file_of",
    "forms",
    "in_days",
    "key",
    "shape",
]


# --- types of values --------------------------------------------------------------------------------------------
#
# The guard imports these with the policy before every command; named tuples take a sixth of the time of dataclasses.


class Text(NamedTuple):
    """Text. `pattern` must match all of it, and `says` describes that form; `template` allows `{{name}}`.

    `longest` is the maximum number of characters, 0 for no limit of its own. In `prose` nothing is filled in, so a
    placeholder would be shown as it is written. A `literal` text is for programs, not a sentence for people.
    """

    pattern: str | None = None
    says: str = "text"
    template: bool = False
    empty: bool = False
    longest: int = 0
    prose: bool = False
    literal: bool = False


class Regex(NamedTuple):
    """A regular expression that `runbook.linear_regex` can compile, with at least `groups` groups."""

    groups: int = 0


class CommandLine:
    """One command, split into words when it is read; it never goes through a shell."""

    __slots__ = ()


class Choice(NamedTuple):
    """One of a few words."""

    options: tuple[str, ...]


class ProcedureId:
    """The id of a procedure of this book."""

    __slots__ = ()


class Whole(NamedTuple):
    """A whole number of at least `minimum`."""

    minimum: int = 0


class Number:
    """A number above zero; a fraction has a decimal point."""

    __slots__ = ()


class Truth:
    """`true` or `false`."""

    __slots__ = ()


class Day:
    """A date, `2026-11-23`."""

    __slots__ = ()


class Duration(NamedTuple):
    """A number with its unit, read as seconds. `units` lists the allowed units, out of s, m, h and d."""

    units: str = "smh"


def in_days(seconds: float) -> int:
    """Return a duration in whole days."""
    return int(seconds / 86400)


class Anything:
    """Any value; the code that uses it knows what it must be."""

    __slots__ = ()


class ListOf(NamedTuple):
    """A list with at least `minimum` items."""

    item: Type
    minimum: int = 1


class MapOf(NamedTuple):
    """At least `minimum` names with values; `key` is the type of the names (`Text`, `Choice` or `Whole`)."""

    key: Type
    value: Type
    minimum: int = 0


class Shaped(NamedTuple):
    """A mapping of the shape with that name."""

    shape: str


class Either(NamedTuple):
    """One of two types, told apart by how the value is written (a text, a list or a mapping)."""

    scalar: Type
    other: Type


Type = (
    Text
    | Regex
    | CommandLine
    | Choice
    | ProcedureId
    | Whole
    | Number
    | Truth
    | Day
    | Duration
    | Anything
    | ListOf
    | MapOf
    | Shaped
    | Either
)


# --- types that many keys share ---------------------------------------------------------------------------------

KEBAB = Text(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", "a name in lower case with hyphens, such as see-history")
NAME = Text(r"[a-z][a-z0-9_]{0,62}", "a name in lower case with underscores, such as function_name")
LINE = Text(r"[^\n]+", "one line of text", prose=True)
LINE_TEMPLATE = Text(r"[^\n]+", "one line of text", prose=True, template=True)
LINES = ListOf(LINE)
TEXTS = Text()
PROSE = Text(prose=True)
TEMPLATE = Text(template=True)
LITERAL = Text(template=True, literal=True)
SQL = Text(template=True, says="SQL", longest=20_000, literal=True)
WORDS = ListOf(Text(empty=True), minimum=0)
FLAG = Text(r"-{1,2}[A-Za-z0-9][A-Za-z0-9-]*", "a flag such as --linked or -f")
FLAGS = ListOf(FLAG, 0)
PATHS = ListOf(Text(r"[^.\s]+(?:\.[^.\s]+)*", "keys with dots between them, such as tasks.*.cmds"), 0)
MAJOR = Whole(1)
EFFECT = Choice(tuple(Effect))
VERDICT = Choice(tuple(Verdict))
TESTS = ListOf(Shaped("line-test"), 0)
VALUES = MapOf(NAME, Text(template=True, empty=True))


# --- keys and mappings ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a mapping. `doc` is a sentence for authors; `default` says in words what a missing key means.

    A `required` field may be left out if the key named `unless` is given. `attribute` is where the value lives in the
    dataclass; `read` turns the value from the file into it.
    """

    name: str
    type: Type
    doc: str
    required: bool = False
    default: str = ""
    unless: str = ""
    attribute: str = ""
    read: Callable[[Any], object] | None = None
    not_in: tuple[str, ...] = ()
    """Places where a kind of step doesn't take this key: `check` or `undo`."""


def key(  # noqa: PLR0913 - all but the first two are keywords
    type_: Type,
    doc: str,
    *,
    name: str = "",
    default: Any = dataclasses.MISSING,
    said: str = "",
    required: bool | None = None,
    unless: str = "",
    read: Callable[[Any], object] | None = None,
    not_in: tuple[str, ...] = (),
) -> Any:
    """Return a dataclass field that is written in YAML, under `name` or the attribute's own name.

    It is required if it has no `default`, unless `required` says otherwise; `said` is the default in words, if that
    helps an author. `read` turns the value from the file into the attribute's value.
    """
    is_required = default is dataclasses.MISSING if required is None else required
    stated = Field(name, type_, doc, is_required, said, unless, "", read, not_in)
    if isinstance(default, list | dict | set):
        raise TypeError("a mutable default would be shared: give a tuple")
    if callable(default):
        return dataclasses.field(default_factory=default, metadata={"key": stated})
    return dataclasses.field(default=default, metadata={"key": stated})


def fields_of(cls: type) -> tuple[Field, ...]:
    """Return the keys that a dataclass declares, in order."""
    stated = ((each.name, each.metadata["key"]) for each in dataclasses.fields(cls) if "key" in each.metadata)
    return tuple(dataclasses.replace(one, name=one.name or name, attribute=name) for name, one in stated)


class Kind(NamedTuple):
    """One of the forms a mapping may take. Its first field identifies the form; only this form takes the others."""

    fields: tuple[Field, ...]

    @property
    def key(self) -> str:
        """The key that identifies the form."""
        return self.fields[0].name


@dataclass(frozen=True)
class Shape:
    """The table of one mapping: its fields, and its kinds if it has several forms (a mapping then has exactly one).

    `build` makes the value from the form's key and the attributes by name (nested values are built already).
    """

    name: str
    noun: str
    doc: str
    fields: tuple[Field, ...] = ()
    kinds: tuple[Kind, ...] = ()
    build: Callable[[str, dict[str, Any]], object] | None = None
    keyed_by: str = ""
    """The attribute that holds the key of this mapping in an outer mapping, if there is one."""

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """All fields of all kinds by name."""
        every = (*(field for kind in self.kinds for field in kind.fields), *self.fields)
        return {field.name: field for field in every}

    @cached_property
    def kinds_of(self) -> Mapping[str, tuple[str, ...]]:
        """The kinds (by key) that take each field, without the fields that all kinds share."""
        found: dict[str, list[str]] = {}
        for kind in self.kinds:
            for field in kind.fields:
                found.setdefault(field.name, []).append(kind.key)
        return {name: tuple(keys) for name, keys in found.items()}

    def taken(self, kind: str) -> tuple[Field, ...]:
        """Return the fields of the form that the key identifies, its own fields first."""
        own = self._own_fields.get(kind, ())
        return (*own, *self.fields) if own else self.fields

    @cached_property
    def _own_fields(self) -> Mapping[str, tuple[Field, ...]]:
        return {kind.key: kind.fields for kind in self.kinds}


def forms(cls: type, *taken: tuple[str | Field, ...]) -> tuple[Kind, ...]:
    """Return the forms of a mapping that becomes that dataclass in every form; see `Kind`.

    Each form is given as the attributes that only it takes, or as a field declared for that form alone.
    """
    stated = {field.attribute: field for field in fields_of(cls)}
    found = ([stated[one] if isinstance(one, str) else one for one in own] for own in taken)
    return tuple(Kind((dataclasses.replace(first, required=False), *others)) for first, *others in found)


def shape(cls: type, name: str, noun: str, doc: str, kinds: tuple[Kind, ...] = (), *, keyed_by: str = "") -> Shape:
    """Return the table of a mapping that becomes that dataclass; see `Shape`.

    The attribute `at` of the dataclass, if it has one, gets the mapping's position, and `kind` the key of its form.
    """
    names = {each.name for each in dataclasses.fields(cls)}
    bound = {field.attribute for kind in kinds for field in kind.fields}

    def build(kind: str, values: dict[str, Any]) -> object:
        return cls(**{name: value for name, value in {"kind": kind, **values}.items() if name in names})

    common = tuple(field for field in fields_of(cls) if field.attribute not in bound)
    return Shape(name, noun, doc, common, kinds, build, keyed_by)


def file_of(field: Field, name: str, noun: str, doc: str) -> Shape:
    """Return the table of a file with a single key, whose value is the file's whole content."""
    only = dataclasses.replace(field, attribute=field.name, required=True)
    return Shape(name, noun, doc, (only,), build=lambda _kind, values: values[only.name])
