"""The reference of the YAML: every file, every mapping, every key, from the tables that read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from runbook.loading.shapes import FILES, SHAPES
from runbook.model.fields import (
    Anything,
    Choice,
    CommandLine,
    Day,
    Duration,
    Either,
    ListOf,
    MapOf,
    Number,
    ProcedureId,
    Regex,
    Shaped,
    Text,
    Truth,
    Type,
    Whole,
)
from runbook.site.templating import render

__all__ = ["ValueType", "field_reference", "value_type"]

_PLAIN: dict[type, str] = {
    Regex: "regular expression",
    CommandLine: "command",
    ProcedureId: "id of a procedure",
    Whole: "whole number",
    Number: "number",
    Truth: "true or false",
    Day: "date",
    Anything: "anything",
}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueType:
    """What a value must be: `words` for people, `options` to choose from, `shape` to look up, `inner` within it."""

    kind: Literal["words", "choice", "duration", "shape", "list", "map", "either"] = "words"
    words: str = ""
    options: tuple[str, ...] = ()
    shape: str = ""
    inner: tuple[ValueType, ...] = ()


def field_reference() -> Markup:
    """Render all files, and below each the mappings that only it uses."""
    files = {"procedures/NAME.yaml": "procedure", **FILES}
    shown: set[str] = set()
    sections = []
    for file, name in files.items():
        new = [shape for shape in _reachable(name) if shape not in shown]
        shown.update(new)
        sections.append((file, name, [SHAPES[shape] for shape in new]))
    return render("reference/yaml.html", files=sections, value_type=value_type)


def _reachable(name: str) -> list[str]:
    """Return a shape and all shapes its fields lead to, in the order of reading."""
    found = [name]
    for shape in found:
        for field in SHAPES[shape].by_name.values():
            found += [inner for inner in _shapes_in(field.type) if inner not in found]
    return found


def _shapes_in(type_: Type) -> Iterator[str]:
    match type_:
        case Shaped(shape):
            yield shape
        case ListOf(item):
            yield from _shapes_in(item)
        case MapOf(_, value):
            yield from _shapes_in(value)
        case Either(scalar, other):
            yield from _shapes_in(scalar)
            yield from _shapes_in(other)


def value_type(type_: Type) -> ValueType:
    """Say what a value of that type must be."""
    match type_:
        case Text(says=says):
            found = ValueType(words=says)
        case Choice(options):
            found = ValueType(kind="choice", options=tuple(options))
        case Duration(units):
            found = ValueType(kind="duration", words=f"30{units[0]}", options=tuple(_UNITS[unit] for unit in units))
        case Shaped(shape):
            found = ValueType(kind="shape", words=SHAPES[shape].noun, shape=shape)
        case ListOf(item):
            found = ValueType(kind="list", inner=(value_type(item),))
        case MapOf(key, value):
            found = ValueType(kind="map", inner=(value_type(key), value_type(value)))
        case Either(scalar, other):
            found = ValueType(kind="either", inner=(value_type(scalar), value_type(other)))
        case _:
            found = ValueType(words=_PLAIN[type(type_)])
    return found
