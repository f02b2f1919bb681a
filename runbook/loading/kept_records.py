"""Keep the records of files without problems as JSON, so that the same text isn't read and checked twice.

Records contain no code. Values are built from them in the same way as from records that come from YAML.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from runbook.cache import entry_of, find_kept, keep
from runbook.loading.records import ProcedureMention, Record
from runbook.model import Position
from runbook.model.fields import Shape
from runbook.model.later import INDEXED, SAID, Later, Row

__all__ = ["find_record", "keep_record"]

_READING_CODE = ("loading", "model", "steps")
"""The packages whose code decides which record a text gives."""


def find_record(
    data: bytes, shape: str, name: str, shapes: Mapping[str, Shape]
) -> tuple[Record, list[ProcedureMention]] | None:
    """Return the record of a file with these bytes, and the procedures that it names; None if none is kept.

    `shape` is the table to read it by, one of `shapes`; `name` is the file's name in places.
    """
    kept = find_kept(entry_of(data, use=shape, code=_READING_CODE))
    try:
        record = _Unpacker(name, shapes).value(kept["record"])
        references = [ProcedureMention(text, Position(name, *at), width) for text, at, width in kept["references"]]
    except (ValueError, LookupError, TypeError, AttributeError):
        return None  # nothing usable is kept, so the file is read again
    return (record, references) if isinstance(record, Record) and record.shape.name == shape else None


def keep_record(data: bytes, record: Record, references: Iterable[ProcedureMention]) -> None:
    """Keep the record of a file with these bytes."""
    kept = {
        "record": _packed_file(record),
        "references": [(each.text, (each.at.line, each.at.column), each.width) for each in references],
    }
    keep(entry_of(data, use=record.shape.name, code=_READING_CODE), kept)


# --- records as JSON ----------------------------------------------------------------------------------------------
#
# Texts, numbers and booleans stay as they are, and a tuple is a list. An object has one key, which says what it is.


def _packed_file(record: Record) -> Any:
    """Pack a file's record. In a long table, each entry is a text of its own, which is parsed when it's asked for."""
    if record.shape.name not in _TABLES:
        return _packed(record)
    shape, kind, values, places, at = _packed(record)["record"]
    tables = {name: _packed_table(each) for name, each in values.items() if _is_table(each)}
    return {"record": (shape, kind, {**values, **tables}, places, at)}


def _is_table(packed: Any) -> bool:
    return isinstance(packed, list) and bool(packed) and isinstance(packed[0], dict) and "record" in packed[0]


def _packed_table(packed: list[Any]) -> Any:
    rows = []
    for entry in packed:
        values = entry["record"][2]
        said: set[str] = set()
        _add_said(values, said)
        index = {key: value for key, value in values.items() if key in INDEXED}
        rows.append((index, sorted(said), json.dumps(entry, separators=(",", ":"))))
    return {"table": rows}


def _add_said(packed: Any, said: set[str]) -> None:
    if isinstance(packed, dict):
        said.update(value for key, value in packed.items() if key in SAID and isinstance(value, str))
    for each in packed.values() if isinstance(packed, dict) else packed:
        if isinstance(each, dict | list | tuple):
            _add_said(each, said)


def _packed(value: object) -> Any:
    match value:
        case Record():
            values = {name: _packed(each) for name, each in value.values.items()}
            places = {name: (at.line, at.column) for name, at in value.places.items()}
            return {"record": (value.shape.name, value.kind, values, places, (value.at.line, value.at.column))}
        case tuple():
            return [_packed(each) for each in value]
        case dict():
            return {"map": [(_packed(key), _packed(each)) for key, each in value.items()]}
        case str() | int() | float():
            return value
        case _:
            return {"day": str(value)}  # a date, as ISO 8601 has it; there is no other type


_TABLES = frozenset({"policy", "programs"})
"""The files whose lists are long, and of which the guard needs a few entries."""


class _Unpacker:
    """Turns JSON back into records. The guard waits for this before every command, so it makes few recursive calls."""

    def __init__(self, name: str, shapes: Mapping[str, Shape]) -> None:
        self._name = name
        self._shapes = shapes

    def value(self, packed: Any) -> Any:
        if isinstance(packed, list):
            return tuple([self.value(each) if isinstance(each, list | dict) else each for each in packed])
        if not isinstance(packed, dict):
            return packed
        ((tag, inner),) = packed.items()
        if tag == "map":
            return {self.value(key): self.value(each) for key, each in inner}
        if tag == "table":
            rows = [Row(index, frozenset(said)) for index, said, _ in inner]
            return Later(rows, lambda at: self.value(json.loads(inner[at][2])))
        if tag == "day":
            from datetime import date

            return date.fromisoformat(inner)
        return self._record(*inner)

    def _record(self, shape: str, kind: str, values: Any, places: Any, at: Any) -> Record:
        return Record(
            self._shapes[shape],
            kind,
            {key: self.value(each) if isinstance(each, list | dict) else each for key, each in values.items()},
            {key: Position(self._name, line, column) for key, (line, column) in places.items()},
            Position(self._name, *at),
        )
