"""Read nodes into records, check each by the table of its mapping, and note every problem."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import replace
from difflib import get_close_matches

from runbook.loading.records import ProcedureMention, Record
from runbook.loading.scalars import plain_value, read_scalar
from runbook.loading.source_text import Problems
from runbook.loading.yaml_nodes import Listing, Mapping, Node, Scalar
from runbook.model import Position
from runbook.model.fields import Anything, Either, ListOf, MapOf, ProcedureId, Shape, Shaped, Type

__all__ = ["RecordReader"]


class RecordReader:
    """Reads the nodes of one file by the tables of the mappings in it."""

    def __init__(self, shapes: MappingOf[str, Shape], problems: Problems) -> None:
        self._shapes = shapes
        self._problems = problems
        self.records: list[Record] = []
        """Every record that was read. If it has mistakes, only its valid part."""
        self.references: list[ProcedureMention] = []
        """Every place that names a procedure by its id."""

    def read(self, node: Node, kind: Type) -> object | None:
        """Return the value, or None (with a problem noted) if it isn't of that type."""
        if isinstance(node, Scalar) and node.kind == "alias":
            return None  # noted where it was read
        if isinstance(kind, Either):
            kind = kind.scalar if isinstance(node, Scalar) else kind.other
        match kind:
            case Shaped(shape):
                value: object | None = self.record(node, self._shapes[shape])
            case ListOf():
                value = self._list(node, kind)
            case MapOf():
                value = self._map(node, kind)
            case Anything():
                value = plain_value(node)
            case _:
                value = self._scalar(node, kind)
        return value

    def _scalar(self, node: Node, kind: Type) -> object | None:
        if not isinstance(node, Scalar):
            found = "a list" if isinstance(node, Listing) else "a mapping"
            self._problems.add(node.at, f"expected one value, found {found}; if it's text, quote it")
            return None
        if isinstance(kind, ProcedureId):
            self.references.append(ProcedureMention(node.text, node.at, node.width))
        return read_scalar(node, kind, self._problems)

    def _list(self, node: Node, kind: ListOf) -> tuple[object, ...] | None:
        if not isinstance(node, Listing):
            self._problems.add(node.at, "expected a list: [a, b], or one '- ' line for each")
            return None
        if len(node.items) < kind.minimum:
            count = len(node.items)
            problem = f"has {count} item where {kind.minimum} are needed" if count else "is empty; leave the key out"
            self._problems.add(node.at, f"this list {problem}")
        read = [self.read(item, kind.item) for item in node.items]
        return None if None in read else tuple(read)

    def _map(self, node: Node, kind: MapOf) -> dict[object, object] | None:
        if not isinstance(node, Mapping):
            self._problems.add(node.at, "expected names with values: 'name: value'")
            return None
        if len(node.entries) < kind.minimum:
            self._problems.add(node.at, "is empty; at least one name with a value is needed")
        found: dict[object, object] = {}
        for entry in node.entries:
            key, value = self.read(entry.key, kind.key), self.read(entry.value, kind.value)
            if key is not None and value is not None:
                found[key] = replace(value, at=entry.key.at) if isinstance(value, Record) else value
        return found

    def record(self, node: Node, shape: Shape) -> Record | None:
        """Read a mapping by its shape. Return None only if it isn't a mapping."""
        if not isinstance(node, Mapping):
            self._problems.add(node.at, f"expected {shape.noun}, with keys such as '{next(iter(shape.by_name))}'")
            return None
        kind = self._kind(node, shape)
        values: dict[str, object] = {}
        places: dict[str, Position] = {}
        for entry in node.entries:
            name = entry.key.text
            if self._knows(entry.key, shape, kind):
                places[name] = entry.value.at
                value = self.read(entry.value, self._field_type(name, shape, kind))
                if value is not None:
                    values[name] = value
        self._require(node, shape, kind)
        record = Record(shape, kind, values, places, node.at)
        self.records.append(record)
        return record

    def _kind(self, node: Mapping, shape: Shape) -> str:
        if not shape.kinds:
            return ""
        keys = [kind.key for kind in shape.kinds]
        present = [entry for entry in node.entries if entry.key.text in keys]
        if not present:
            self._problems.add(node.at, f"{_named(node, shape)} needs one of {_series(keys)}")
            return ""
        for entry in present[1:]:
            message = f"{_named(node, shape)} has '{present[0].key.text}' and '{entry.key.text}'; only one is allowed"
            self._problems.add(entry.key.at, message, width=entry.key.width)
        return present[0].key.text

    def _knows(self, key: Scalar, shape: Shape, kind: str) -> bool:
        if key.kind not in {"str", "null"} and key.text not in shape.by_name:
            self._problems.add(key.at, f"the key {key.text} isn't text: quote it", width=key.width)
            return False
        if key.text not in shape.by_name:
            self._problems.add(key.at, _unknown(key.text, shape, kind), width=key.width)
            return False
        takers = shape.kinds_of.get(key.text, ())
        if takers and kind and kind not in takers and key.text not in {each.key for each in shape.kinds}:
            message = f"'{key.text}' can only be used with {_series(takers)}, not with '{kind}'"
            self._problems.add(key.at, message, width=key.width)
            return False
        return True

    def _field_type(self, name: str, shape: Shape, kind: str) -> Type:
        own = (field for each in shape.kinds if each.key == kind for field in each.fields if field.name == name)
        return next(own, shape.by_name[name]).type

    def _require(self, node: Mapping, shape: Shape, kind: str) -> None:
        names = {entry.key.text for entry in node.entries}
        own = [field for each in shape.kinds if each.key == kind for field in each.fields]
        missing = [
            f"'{field.name}'"
            for field in (*own, *shape.fields)
            if field.required and field.name not in names and field.unless not in names
        ]
        if missing:
            self._problems.add(node.at, f"{_named(node, shape)} has no {' and no '.join(missing)}")


def _named(node: Mapping, shape: Shape) -> str:
    for name in ("id", "name", "when", "file"):
        value = node.get(name)
        if isinstance(value, Scalar) and name in shape.by_name:
            return f"{shape.noun} '{value.text}'"
    return shape.noun


def _unknown(name: str, shape: Shape, kind: str) -> str:
    known = [field for field in shape.by_name if not kind or kind in shape.kinds_of.get(field, (kind,))]
    close = get_close_matches(name, known, n=1, cutoff=0.6) or get_close_matches(name, shape.by_name, n=1, cutoff=0.6)
    advice = f"did you mean '{close[0]}'?" if close else f"it takes {_series(known)}"
    return f"unknown key '{name}' in {shape.noun}; {advice}"


def _series(names: list[str] | tuple[str, ...]) -> str:
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
