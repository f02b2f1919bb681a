"""Change frozen values quickly: the state of a run is replaced several times for each of its events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

__all__ = ["replace"]

_Value = TypeVar("_Value")
_Get = Callable[[Any], Any]
_Set = Callable[[Any, Any], None]


def replace(value: _Value, **changes: Any) -> _Value:
    """Return what `dataclasses.replace` returns for a frozen dataclass with slots, in half the time.

    It calls no `__init__` and no `__post_init__`. Raises KeyError for a field that the class doesn't have.
    """
    kind: type = type(value)
    fields = _fields(kind)
    copy: _Value = object.__new__(kind)
    for get, put in fields.values():
        put(copy, get(value))
    for name, one in changes.items():
        fields[name][1](copy, one)
    return copy


@cache
def _fields(kind: type) -> Mapping[str, tuple[_Get, _Set]]:
    """Return how to get and put each field, past the class's own refusal to change."""
    slots = {name: getattr(kind, name) for name in kind.__dataclass_fields__}  # type: ignore[attr-defined]
    return {name: (slot.__get__, slot.__set__) for name, slot in slots.items()}
