"""Convert events to plain JSON values and back. Stored events are read for years, so fields are only ever added."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache, partial
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from runbook.errors import JournalError
from runbook.journal import events as known
from runbook.journal.events import Event

__all__ = ["decode", "encode", "from_json", "to_json"]

_Reader = Callable[[Any], Any]
_KINDS: Mapping[str, type[Event]] = {
    name: kind
    for name in known.__all__
    if isinstance(kind := getattr(known, name), type) and issubclass(kind, Event) and kind is not Event
}
# Python would write NaN, which isn't JSON and which no other reader accepts.
_WRITER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_PLAIN = frozenset({str, int, float, bool, type(None)})


def to_json(event: Event) -> str:
    """Return the event as one line of ASCII JSON."""
    return _WRITER.encode(encode(event))


def from_json(text: str) -> Event:
    """Return the event that `to_json` wrote. Raises JournalError."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise JournalError(f"the journal contains an event that isn't JSON: {error}") from error
    if not isinstance(document, dict):
        raise JournalError("the journal contains something that isn't an event")
    return decode(document)


def encode(event: Event) -> dict[str, Any]:
    """Return the event as JSON values, its kind under `event`."""
    return {"event": type(event).__name__, **_encode_fields(event)}


def decode(document: Mapping[str, Any]) -> Event:
    """Return the event that `encode` made, without fields that this version doesn't know. Raises JournalError."""
    kind = _KINDS.get(str(document.get("event", "")))
    if kind is None:
        raise JournalError(
            f"the journal contains an event of an unknown kind: {document.get('event')!r}",
            hint="A newer version of runbook wrote it; use that version.",
        )
    try:
        event = _decode_fields(kind, document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise JournalError(f"the journal contains a damaged {kind.__name__} event: {error}") from error
    assert isinstance(event, Event)
    return event


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _encode_fields(value: Any) -> dict[str, Any]:
    kind: type = type(value)
    return {name: _plain(getattr(value, name)) for name in _names(kind)}


def _plain(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return _encode_fields(value)
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _decode_fields(kind: type, document: Mapping[str, Any]) -> Any:
    # Missing names get the field's default, because an older version wrote the event.
    return kind(**{name: read(document[name]) for name, read in _readers(kind).items() if name in document})


@cache
def _readers(kind: type) -> Mapping[str, _Reader]:
    """Return what turns the JSON value of each field back. Python takes long to evaluate hints, so only once."""
    hints = get_type_hints(kind)
    return {name: _reader(hints[name]) for name in _names(kind)}


def _reader(hint: Any) -> _Reader:
    """Return what turns a JSON value back into a value of that type."""
    if hint is datetime:
        return datetime.fromisoformat
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if isinstance(hint, type) and is_dataclass(hint):
        return partial(_decode_fields, hint)
    # The value itself decides between the types of a union; none of ours contains a mapping.
    if get_origin(hint) is not None and not isinstance(hint, UnionType) and issubclass(get_origin(hint), Mapping):
        return partial(_read_mapping, _reader(get_args(hint)[1]))
    return _read_plain


def _read_mapping(read: _Reader, value: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: read(one) for key, one in value.items()}


def _read_plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
