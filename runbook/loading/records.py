"""Define records, the checked mappings of a file with their places, and build values from them."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from typing import Any, NamedTuple

from runbook.model import Position
from runbook.model.fields import Shape
from runbook.model.later import Later

__all__ = ["ProcedureMention", "Record", "build"]


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping that was read by its shape: only known keys, each with a value of its type.

    `kind` is the key that decided its form.
    """

    shape: Shape
    kind: str
    values: MappingOf[str, object]
    places: MappingOf[str, Position]
    at: Position


class ProcedureMention(NamedTuple):
    """A place that names a procedure by its id; `width` is how many characters the id takes up there."""

    text: str
    at: Position
    width: int


def build(record: Record, *, keyed: object = "") -> Any:
    """Return the value of a record, including everything in it. `keyed` is the key that the record is under.

    Values keep their places: `at` is the place of the mapping, `<attribute>_at` that of one key's value.
    """
    shape = record.shape
    assert shape.build is not None
    values: dict[str, Any] = {"at": record.at}
    if shape.keyed_by:
        values[shape.keyed_by] = keyed
    for field in shape.taken(record.kind):
        if field.name in record.values:
            value = _built(record.values[field.name])
            values[field.attribute] = value if field.read is None else field.read(value)
            values[f"{field.attribute}_at"] = record.places[field.name]
    return shape.build(record.kind, values)


def _built(value: object, keyed: object = "") -> object:
    if isinstance(value, str):  # first, because most are, and startup time counts
        return value
    if isinstance(value, Record):
        return build(value, keyed=keyed)
    if isinstance(value, Later):
        return value.then(build)
    if isinstance(value, tuple):
        return tuple([item if isinstance(item, str) else _built(item) for item in value])
    if isinstance(value, dict):
        return {key: _built(item, key) for key, item in value.items()}
    return value
