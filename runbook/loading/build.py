"""Records to values: each mapping that was read becomes what its table says it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook.loading.records import Record
from runbook.model.fields import Shape

__all__ = ["build"]


def build(record: Record, shapes: Mapping[str, Shape], *, keyed: str = "") -> Any:
    """Return the value that a record stands for, with all that is within it. `keyed` is the key it stands under.

    Places go with the values: `at` is that of the mapping, `<attribute>_at` that of one key's value.
    """
    shape = shapes[record.shape]
    assert shape.build is not None
    values: dict[str, Any] = {"at": record.at}
    if shape.keyed_by:
        values[shape.keyed_by] = keyed
    for field in shape.taken(record.kind):
        if field.name in record.values:
            value = _built(record.values[field.name], shapes)
            values[field.attribute] = value if field.read is None else field.read(value)
            values[f"{field.attribute}_at"] = record.places[field.name]
    return shape.build(record.kind, values)


def _built(value: object, shapes: Mapping[str, Shape]) -> object:
    if isinstance(value, Record):
        return build(value, shapes)
    if isinstance(value, tuple):
        return tuple(_built(item, shapes) for item in value)
    if isinstance(value, dict):
        return {
            key: build(item, shapes, keyed=str(key)) if isinstance(item, Record) else _built(item, shapes)
            for key, item in value.items()
        }
    return value
