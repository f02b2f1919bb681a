"""Events as plain JSON values and back. What is written here is read for years: fields are only ever added."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from runbook.errors import JournalError
from runbook.journal import events as known
from runbook.journal.events import Event

__all__ = ["decode", "encode", "from_json", "to_json"]

_KINDS: Mapping[str, type[Event]] = {
    name: kind
    for name in known.__all__
    if isinstance(kind := getattr(known, name), type) and issubclass(kind, Event) and kind is not Event
}


def to_json(event: Event) -> str:
    """Return the event as one line of ASCII JSON."""
    return json.dumps(encode(event), separators=(",", ":"), allow_nan=False)


def from_json(text: str) -> Event:
    """Return the event that `to_json` wrote. Raises JournalError."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise JournalError(f"the journal holds an event that is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise JournalError("the journal holds something that is no event")
    return decode(document)


def encode(event: Event) -> dict[str, Any]:
    """Return the event as JSON values, its kind under `event`."""
    return {"event": type(event).__name__, **_encode_fields(event)}


def decode(document: Mapping[str, Any]) -> Event:
    """Return the event that `encode` made. Fields that this version does not know are left out. Raises JournalError."""
    kind = _KINDS.get(document.get("event", ""))
    if kind is None:
        raise JournalError(
            f"the journal holds an event of an unknown kind: {document.get('event')!r}",
            hint="A newer version of runbook wrote it; use that version.",
        )
    try:
        event = _decode_fields(kind, document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise JournalError(f"the journal holds a damaged {kind.__name__} event: {error}") from error
    assert isinstance(event, Event)
    return event


def _encode_fields(value: Any) -> dict[str, Any]:
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return _encode_fields(value)
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _decode_fields(kind: type[Any], document: Mapping[str, Any]) -> Any:
    readers = _readers(kind)
    return kind(**{name: read(document[name]) for name, read in readers.items() if name in document})


def _readers(kind: type[Any]) -> Mapping[str, Callable[[Any], Any]]:
    hints = get_type_hints(kind)
    return {field.name: _reader(hints[field.name]) for field in fields(kind)}


def _reader(hint: Any) -> Callable[[Any], Any]:
    """Return what turns a JSON value back into a value of that type."""
    if hint is datetime:
        return datetime.fromisoformat
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if isinstance(hint, type) and is_dataclass(hint):
        return lambda value: _decode_fields(hint, value)
    if get_origin(hint) is not None and not isinstance(hint, UnionType) and issubclass(get_origin(hint), Mapping):
        return _mapping_reader(get_args(hint)[1])
    return _tuples


def _mapping_reader(hint: Any) -> Callable[[Any], dict[str, Any]]:
    read = _reader(hint)
    return lambda value: {key: read(one) for key, one in value.items()}


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
