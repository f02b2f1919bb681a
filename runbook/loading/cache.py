"""Records of files that were read without a problem, kept as JSON: the same text is not read and checked twice.

An entry is named by the SHA-256 of the file's bytes, of the table it was read by, and of the code that read it. So an
edited file and another version of runbook never find an old record, and nothing has to be invalidated. Entries are
plain data: records hold no code, and values are built from them as they are from YAML.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import runbook
from runbook.errors import RunbookError
from runbook.loading.records import Record, Reference
from runbook.model import Position
from runbook.model.fields import Shape
from runbook.runtime.user_directories import cache_directory, is_private, make_private

__all__ = ["ENTRY_LIMIT", "find_record", "keep_record"]

ENTRY_LIMIT = 400
"""Entries. Beyond it the oldest go; a book has some thirty files, and each edit of one leaves an entry behind."""

_READING_CODE = ("loading", "model", "steps")
"""The packages whose code decides which record a text gives."""


def find_record(data: bytes, shape: str, name: str, shapes: Mapping[str, Shape]) -> tuple[Record, list[Reference]] | None:
    """Return the record of a file with these bytes, and the procedures it speaks of; None if none is kept.

    `shape` is the table to read it by, one of `shapes`; `name` is the file's name in places.
    """
    entry = _entry(data, shape)
    # What others could have written may say anything, such as that a fatal command is harmless.
    if entry is None or not is_private(entry) or not is_private(entry.parent):
        return None
    try:
        found = json.loads(entry.read_bytes())
        record = _Unpacker(name, shapes).value(found["record"])
        references = [Reference(text, Position(name, *at), width) for text, at, width in found["references"]]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None  # cut off or damaged; it is read anew and written over
    return (record, references) if isinstance(record, Record) and record.shape.name == shape else None


def keep_record(data: bytes, record: Record, references: Iterable[Reference]) -> None:
    """Keep the record of a file with these bytes. Where that is not possible, the next start is slower."""
    entry = _entry(data, record.shape.name)
    if entry is None:
        return
    kept = {
        "record": _packed(record),
        "references": [(each.text, (each.at.line, each.at.column), each.width) for each in references],
    }
    with suppress(OSError):
        make_private(entry.parent)
        _write(entry, json.dumps(kept, separators=(",", ":")).encode())
        _drop_oldest(entry.parent)


def _entry(data: bytes, shape: str) -> Path | None:
    """Return where the record of these bytes belongs; None without a home, or without code that can be told apart."""
    code = _fingerprint()
    if not code:
        return None
    name = sha256(b"\0".join([code, shape.encode(), data])).hexdigest()
    try:
        return cache_directory() / "records" / f"{name}.json"
    except RunbookError:
        return None


@cache
def _fingerprint() -> bytes:
    """Return what changes whenever the code that reads a book does; nothing where its sources can't be seen.

    A checkout changes without a new version, so each source counts with what the system says of it. The interpreter
    trusts less than this when it takes a module's bytecode for its source.
    """
    parts = [runbook.__version__, sys.version]
    try:
        for package in _READING_CODE:
            directory = Path(runbook.__file__).with_name(package)
            with os.scandir(directory) as files:
                sources = sorted((each.path, each.stat()) for each in files if each.name.endswith(".py"))
            parts += [f"{path} {about.st_size} {about.st_mtime_ns} {about.st_ctime_ns}" for path, about in sources]
    except OSError:
        return b""
    return sha256("\n".join(parts).encode()).digest()


def _write(entry: Path, data: bytes) -> None:
    """Write an entry whole or not at all, whoever else writes the same one."""
    temporary = entry.with_suffix(f".{os.urandom(8).hex()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        temporary.replace(entry)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _drop_oldest(directory: Path) -> None:
    with os.scandir(directory) as entries:
        known = [Path(each.path) for each in entries]
    if len(known) <= ENTRY_LIMIT:
        return
    for path in sorted(known, key=lambda each: each.lstat().st_mtime_ns)[: len(known) - ENTRY_LIMIT]:
        path.unlink(missing_ok=True)


# --- records as JSON ----------------------------------------------------------------------------------------------
#
# Texts, numbers and truths are themselves and a tuple is a list; an object has one key, which tells what it is.


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
            return {"day": value.isoformat()}  # type: ignore[attr-defined] - nothing else is left


class _Unpacker:
    """Makes records of JSON again. The guard waits for this before every command, so it calls itself sparingly."""

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
        if tag == "day":
            from datetime import date

            return date.fromisoformat(inner)
        return self._record(*inner)

    def _record(self, shape: str, kind: str, values: Any, places: Any, at: Any) -> Record:
        name = self._name
        return Record(
            self._shapes[shape],
            kind,
            {key: self.value(each) if isinstance(each, list | dict) else each for key, each in values.items()},
            {key: Position(name, line, column) for key, (line, column) in places.items()},
            Position(name, *at),
        )
