"""Places for values: a mark that travels through filling, and tells where it came out and how it was escaped there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from runbook.model import Include
from runbook.model.templates import PLACEHOLDER

__all__ = [
    "BUILT_IN",
    "FilledPart",
    "Piece",
    "Places",
    "Slot",
    "SqlName",
    "ValueScope",
    "filled_pieces",
    "marks_in",
    "name_of",
    "parts",
    "place",
]

# Private-use characters: no book, command or database has them, so a mark is never mistaken for text.
_OPEN, _CLOSE = "\ue000", "\ue001"
_PROBE = "'\"\\"
"""Ends every mark. What filling made of these three characters tells how it escapes values at that place."""
_MODES = {_PROBE: "word", "''\"\\": "text", "''\"\\\\": "escape", '\'""\\': "quoted"}

_MARK = re.compile(rf"{_OPEN}(?P<key>[a-z0-9_.-]+)(?P<probe>['\"\\]+){_CLOSE}")
_NAME = re.compile(rf"{_MARK.pattern}|\"(?P<inner>(?:[^\"{_OPEN}]|{_OPEN}[^{_CLOSE}]*'\"\"\\{_CLOSE})*)\"")
"""A mark, or a name in SQL's own quotes: a mark first, since it holds a quotation mark itself."""

BUILT_IN = ("project_ref", "env_file")
"""Values that every procedure has without declaring them."""


@dataclass(frozen=True, slots=True)
class Slot:
    """An empty place. `mode` says how a value is escaped there: `word`, `text`, `escape` or `quoted`."""

    key: str
    mode: str


@dataclass(frozen=True, slots=True)
class SqlName:
    """A name in SQL, quoted only where it has to be."""

    parts: tuple[str | Slot, ...]


FilledPart = str | Slot | SqlName


def parts(filled: str) -> Iterator[FilledPart]:
    """Split filled text into what is fixed, what is a place, and what is an SQL name with places in it."""
    end = 0
    for match in _NAME.finditer(filled):
        if _OPEN in (match["inner"] or ""):
            yield from _plain_parts(filled[end : match.start()])
            yield SqlName(tuple(_plain_parts(match["inner"])))
            end = match.end()
    yield from _plain_parts(filled[end:])


def _plain_parts(filled: str) -> Iterator[str | Slot]:
    end = 0
    for match in _MARK.finditer(filled):
        if match.start() > end:
            yield filled[end : match.start()]
        yield Slot(match["key"], _MODES[match["probe"]])
        end = match.end()
    if end < len(filled):
        yield filled[end:]


def marks_in(filled: str) -> tuple[str, ...]:
    """Return the keys of all places, in order of first appearance."""
    return tuple(dict.fromkeys(match["key"] for match in _MARK.finditer(filled)))


@dataclass(frozen=True, slots=True)
class ValueScope:
    """What names mean at one place of a page.

    Inside an included procedure its parameters stand for texts of the outer one (`bound`), and its own variables
    get the include's anchor as a prefix, so that two of the same name have two places.
    """

    prefix: str = ""
    bound: Mapping[str, str] = field(default_factory=dict)

    def key(self, name: str) -> str:
        """Return the key of a variable that comes to be here."""
        return name if name in BUILT_IN else self.prefix + name

    def value(self, name: str) -> str:
        """Return what stands for a name: a mark, or the outer text it is bound to."""
        return self.bound[name] if name in self.bound else f"{_OPEN}{self.key(name)}{_PROBE}{_CLOSE}"

    def fill(self, template: str) -> str:
        """Put marks into a text that is shown (commands and SQL are filled as the walk fills them)."""
        return PLACEHOLDER.sub(lambda match: self.value(match[1]), template)

    def inside(self, anchor: str, include: Include) -> ValueScope:
        """Return the scope of an included procedure's steps."""
        bound = {name: self.fill(template) for name, template in include.values.items()}
        return ValueScope(f"{anchor}.", bound)


class Places(Mapping[str, str]):
    """Values for the walk's filling: each name stands for its place."""

    def __init__(self, scope: ValueScope) -> None:
        self._scope = scope

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __getitem__(self, name: str) -> str:
        return self._scope.value(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of one look, for a template. `note` is the meaning of a term, or the key of a place."""

    text: str
    kind: Literal["", "place", "flag", "term", "placeholder"] = ""
    note: str = ""


def place(scope: ValueScope | None, name: str) -> tuple[Piece, ...]:
    """Return what prose shows where the value of a name belongs."""
    # The target is words of the command line, which differ by CLI major: prose has no field for it.
    return (Piece("the target"),) if name == "target" else filled_pieces((scope or ValueScope()).value(name))


def filled_pieces(filled: str) -> tuple[Piece, ...]:
    """Split filled text into what is fixed and the places that follow the page's fields."""
    return tuple(piece for part in parts(filled) for piece in _pieces(part))


def _pieces(part: FilledPart) -> Iterator[Piece]:
    if isinstance(part, str):
        yield Piece(part)
    elif isinstance(part, Slot):
        yield Piece(f"<{name_of(part.key)}>", "place", part.key)
    else:
        for inner in part.parts:
            yield from _pieces(inner)


def name_of(key: str) -> str:
    """Return the name a person sees for a key."""
    return key.rsplit(".", 1)[-1]
