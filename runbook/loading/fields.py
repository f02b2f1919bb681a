"""What the field table is made of: types of values, fields, kinds and shapes. Data only, no reading.

`runbook.loading.schema` is the table; `records` reads nodes by it, `jsonschema` writes it down for editors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

__all__ = [
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
]


@dataclass(frozen=True, slots=True)
class Text:
    """Text. `pattern` must match all of it, `says` names that form; `template` lets it hold `{{name}}`.

    `longest` is the most characters that it may have, 0 for no limit of its own. In `prose` nothing is filled in, so
    that a placeholder would be shown as it is written.
    """

    pattern: str | None = None
    says: str = "text"
    template: bool = False
    empty: bool = False
    longest: int = 0
    prose: bool = False


@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression, which must compile; `groups` is how many groups it must have at least."""

    groups: int = 0


@dataclass(frozen=True, slots=True)
class CommandLine:
    """One command, split into words on reading; it never goes through a shell."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProcedureId:
    """The id of a procedure of this book."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number of at least `minimum`."""

    minimum: int = 0


@dataclass(frozen=True, slots=True)
class Number:
    """A number above zero; a fraction is written with a point."""


@dataclass(frozen=True, slots=True)
class Truth:
    """`true` or `false`."""


@dataclass(frozen=True, slots=True)
class Day:
    """A date, `2026-11-23`."""


@dataclass(frozen=True, slots=True)
class Duration:
    """A number with its unit; `units` are those allowed, of s, m, h and d. Read as seconds."""

    units: str = "smh"


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value; what it must be is known by the part that uses it."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list with at least `minimum` items."""

    item: Type
    minimum: int = 1


@dataclass(frozen=True, slots=True)
class MapOf:
    """Names with values; `key` is the type of the names (`Text`, `Choice` or `Whole`)."""

    key: Type
    value: Type


@dataclass(frozen=True, slots=True)
class Shaped:
    """A mapping of the shape with that name."""

    shape: str


@dataclass(frozen=True, slots=True)
class Either:
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


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a mapping. `doc` is a sentence for authors; `default` is what an absent key means, in words.

    A `required` field may be left out beside the key named `unless`.
    """

    name: str
    type: Type
    doc: str
    required: bool = False
    default: str = ""
    unless: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the forms a mapping may take. Its first field tells the form; the others go with that one only."""

    fields: tuple[Field, ...]

    @property
    def key(self) -> str:
        """The name that tells the form."""
        return self.fields[0].name


@dataclass(frozen=True)
class Shape:
    """One sort of mapping: its fields, and its kinds where it has several forms (then exactly one is taken)."""

    name: str
    noun: str
    doc: str
    fields: tuple[Field, ...] = ()
    kinds: tuple[Kind, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """All fields of all kinds by name."""
        every = (*(field for kind in self.kinds for field in kind.fields), *self.fields)
        return {field.name: field for field in every}

    @cached_property
    def kinds_of(self) -> Mapping[str, tuple[str, ...]]:
        """The kinds (by key) that take a field; a common field is not in it."""
        found: dict[str, list[str]] = {}
        for kind in self.kinds:
            for field in kind.fields:
                found.setdefault(field.name, []).append(kind.key)
        return {name: tuple(keys) for name, keys in found.items()}
