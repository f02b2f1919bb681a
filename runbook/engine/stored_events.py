"""Removes secrets from events before they are stored: from what people typed and commands printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from runbook.journal.events import Event

__all__ = ["without_secrets"]

_TEXTS = frozenset(
    {"argv", "captured", "confirmed", "diff", "evidence", "found", "looks", "note", "output", "problems", "reason"}
    | {"ticket", "to"}
)
"""Fields of events that may repeat a secret. Values aren't among them: one that contains a secret is refused."""


def without_secrets(event: Event, redact: Callable[[str], str]) -> Event:
    """Return the event with its texts redacted."""
    texts = {one.name: getattr(event, one.name) for one in fields(event) if one.name in _TEXTS}
    return replace(event, **{name: _redacted(value, redact) for name, value in texts.items()})


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {name: _redacted(one, redact) for name, one in value.items()}
    return tuple(_redacted(one, redact) for one in value)
