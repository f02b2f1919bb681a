"""Parse YAML into nodes that know their place, and refuse the parts of YAML that surprise people.

This works on the parser's events, not on composed nodes: only events still show anchors, aliases and tags, aliases are
never followed (so a YAML bomb can't expand), and deep nesting is stopped before it costs anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from runbook.loading.source_text import Problems, SourceText
from runbook.model import Position

__all__ = ["DEPTH_LIMIT", "Entry", "Listing", "Mapping", "Node", "Scalar", "parse"]

DEPTH_LIMIT = 32
"""Levels of nesting. A branch within a branch within a drill needs sixteen."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_ODD_BEGINNINGS = frozenset(_Loader.yaml_implicit_resolvers)
"""First characters of plain values that YAML may not take for text. Asking PyYAML about every value would be slow."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value as it is written. `kind` is what YAML takes it for: str, int, float, bool, null, timestamp."""

    text: str
    kind: str
    at: Position
    start: int
    """Offset in the file of the first character, including the quote."""
    end: int

    @property
    def width(self) -> int:
        """Characters from start to end, line breaks included."""
        return max(1, self.end - self.start)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list."""

    items: tuple[Node, ...]
    at: Position


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value`."""

    key: Scalar
    value: Node


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys with values; no key occurs twice."""

    entries: tuple[Entry, ...]
    at: Position

    def get(self, name: str) -> Node | None:
        """Return the value of a key, or None if it's absent."""
        return next((entry.value for entry in self.entries if entry.key.text == name), None)


Node = Scalar | Listing | Mapping


class _StopReading(Exception):
    """The rest of the file can't be understood; the problem is already noted."""


def parse(source: SourceText, problems: Problems) -> Node | None:
    """Return the file's one document, or None if it has none that can be used. Problems are added to `problems`."""
    try:
        return _Composer(source, problems).document()
    except _StopReading:
        return None
    except yaml.MarkedYAMLError as error:
        at = _syntax_place(error, source)
        problems.add(at, _syntax_message(error, source, at))
    except yaml.YAMLError as error:
        problems.add(Position(source.name, 1, 1), f"is not YAML: {str(error).splitlines()[0]}")
    return None


def _syntax_place(error: yaml.MarkedYAMLError, source: SourceText) -> Position:
    marks: list[Any] = [mark for mark in (error.problem_mark, error.context_mark) if mark is not None]
    # A quote or bracket that is never closed is noticed only at the end of the file. Point to where it was opened.
    inside = [mark for mark in marks if mark.line < len(source.lines)]
    if inside:
        return Position(source.name, inside[0].line + 1, inside[0].column + 1)
    last = max(1, len(source.lines))
    return Position(source.name, last, len(source.line(last)) + 1)


def _syntax_message(error: yaml.MarkedYAMLError, source: SourceText, at: Position) -> str:
    if "\t" in source.line(at.line)[: at.column]:
        return "a tab can't indent YAML; use spaces"
    problem = " ".join(part for part in (error.context, error.problem) if part)
    if "mapping values are not allowed" in problem:
        problem += " (a text that contains ': ' must be quoted)"
    if "cannot start any token" in problem:
        problem += " (a text that begins with @ ` % or a tab must be quoted)"
    return f"not valid YAML: {problem}"


class _Composer:
    def __init__(self, source: SourceText, problems: Problems) -> None:
        self._name = source.name
        self._problems = problems
        self._loader: Any = _Loader(source.text)
        self._events: Iterator[Any] = iter(self._loader.get_event, None)

    def document(self) -> Node | None:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.StreamEndEvent):
                break
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    self._problems.add(
                        self._at(event), "a second document starts here; a file can have only one", width=3
                    )
                    raise _StopReading
                root = self._node(next(self._events), depth=0)
        return root

    def _at(self, event: Any) -> Position:
        mark = event.start_mark
        return Position(self._name, mark.line + 1, mark.column + 1)

    def _node(self, event: Any, *, depth: int) -> Node:
        at = self._at(event)
        if depth > DEPTH_LIMIT:
            self._problems.add(at, f"is nested deeper than {DEPTH_LIMIT} levels")
            raise _StopReading
        self._refuse_surprises(event, at)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._listing(at, depth)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(at, depth)
        return self._scalar(event, at)

    def _refuse_surprises(self, event: Any, at: Position) -> None:
        if isinstance(event, yaml.AliasEvent):
            name = str(event.anchor)
            self._problems.add(at, f"the alias *{name} isn't allowed: write the value out", width=len(name) + 1)
            return
        if event.anchor is not None:
            message = f"the anchor &{event.anchor} isn't allowed: write values out"
            self._problems.add(at, message, width=len(event.anchor) + 1)
        if event.tag is not None:
            tag = event.tag.replace(_TAG, "!!")
            self._problems.add(at, f"the tag {tag} isn't allowed in a book", width=len(tag))

    def _scalar(self, event: Any, at: Position) -> Scalar:
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, yaml.AliasEvent):
            return Scalar("", "alias", at, start, end)
        plain = event.implicit[0] and event.tag is None and event.value[:1] in _ODD_BEGINNINGS
        kind = self._loader.resolve(yaml.ScalarNode, event.value, (True, False)).removeprefix(_TAG) if plain else "str"
        return Scalar(event.value, kind, at, start, end)

    def _listing(self, at: Position, depth: int) -> Listing:
        items = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._node(event, depth=depth + 1))
        return Listing(tuple(items), at)

    def _mapping(self, at: Position, depth: int) -> Mapping:
        entries: dict[str, Entry] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._node(event, depth=depth + 1)
            value = self._node(next(self._events), depth=depth + 1)
            self._take(key, value, entries)
        return Mapping(tuple(entries.values()), at)

    def _take(self, key: Node, value: Node, entries: dict[str, Entry]) -> None:
        if not isinstance(key, Scalar):
            self._problems.add(key.at, "a key must be a plain word, not a list or a mapping")
        elif key.kind == "merge":
            self._problems.add(key.at, "the merge key << isn't allowed: write the keys out", width=2)
        elif key.kind == "alias":
            pass  # already noted
        elif key.text in entries:
            first = entries[key.text].key.at.line
            self._problems.add(key.at, f"the key '{key.text}' appears twice, first on line {first}", width=key.width)
        else:
            entries[key.text] = Entry(key, value)
