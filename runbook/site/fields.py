"""The reference of the YAML: every file, every mapping, every key, from the tables that read them."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.loading.shapes import FILES, SHAPES
from runbook.model.fields import (
    Anything,
    Choice,
    CommandLine,
    Day,
    Duration,
    Either,
    Field,
    ListOf,
    MapOf,
    Number,
    ProcedureId,
    Regex,
    Shape,
    Shaped,
    Text,
    Truth,
    Type,
    Whole,
)
from runbook.model.templates import PLACEHOLDER
from runbook.site.markup import lines, tag, text
from runbook.site.prose import inline

__all__ = ["field_reference", "type_words"]

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


def field_reference() -> str:
    """Render all files, and below each the mappings that only it uses."""
    files = {"procedures/NAME.yaml": "procedure", **FILES}
    shown: set[str] = set()
    return lines(*(_file(file, shape, shown) for file, shape in files.items()))


def _file(file: str, name: str, shown: set[str]) -> str:
    anchor = f"file-{name}"
    parts = [tag("h2", tag("code", text(file)), id=anchor)]
    for shape in _reachable(name):
        if shape not in shown:
            shown.add(shape)
            parts.append(_shape(SHAPES[shape]))
    return lines(*parts)


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


def _shape(shape: Shape) -> str:
    heads = tag("thead", tag("tr", *(tag("th", one, scope="col") for one in ("Key", "Value", "Meaning"))))
    rows = (_field(shape, field) for field in shape.by_name.values())
    forms = ""
    if shape.kinds:
        keys = ", ".join(tag("code", text(kind.key)) for kind in shape.kinds)
        forms = tag("p", f"It has exactly one of {keys}.")
    return lines(
        tag("h3", text(shape.noun[0].upper() + shape.noun[1:]), id=f"shape-{shape.name}"),
        tag("p", _prose(shape.doc)),
        forms,
        tag("table", heads, tag("tbody", *rows), class_="rb-table rb-fields"),
    )


def _field(shape: Shape, field: Field) -> str:
    only = [key for key in shape.kinds_of.get(field.name, ()) if key != field.name]
    notes = [
        _required(field),
        f"Default: {tag('code', text(field.default))}." if field.default else "",
        f"Only with {' or '.join(tag('code', text(key)) for key in only)}." if only else "",
    ]
    meaning = " ".join([_prose(field.doc), *(note for note in notes if note)])
    return tag(
        "tr",
        tag("th", tag("code", text(field.name)), scope="row"),
        tag("td", type_words(field.type), data_label="Value"),
        tag("td", meaning, data_label="Meaning"),
    )


def _prose(doc: str) -> str:
    """Render a sentence about templates: here `{{name}}` is meant as it is written."""
    held = inline(PLACEHOLDER.sub("\ue010\\1\ue011", doc))
    return held.replace("\ue010", '<code class="rb-template">{{').replace("\ue011", "}}</code>")


def _required(field: Field) -> str:
    if not field.required:
        return ""
    unless = f", unless there is {tag('code', text(field.unless))}" if field.unless else ""
    return tag("strong", f"Required{unless}.")


def type_words(type_: Type) -> str:
    """Say in words (HTML) what a value must be."""
    match type_:
        case Text(says=says):
            words = text(says)
        case Choice(options):
            words = " or ".join(tag("code", text(option)) for option in options)
        case Duration(units):
            words = f"duration in {' or '.join(_UNITS[unit] for unit in units)}, as {tag('code', f'30{units[0]}')}"
        case Shaped(shape):
            words = tag("a", text(SHAPES[shape].noun), href=f"#shape-{shape}")
        case ListOf(item):
            words = f"list of {type_words(item)}"
        case MapOf(key, value):
            words = f"{type_words(key)} → {type_words(value)}"
        case Either(scalar, other):
            words = f"{type_words(scalar)}, or {type_words(other)}"
        case _:
            words = _PLAIN[type(type_)]
    return words
