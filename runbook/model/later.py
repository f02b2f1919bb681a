"""A table whose entries are built when they are asked for: the guard needs a few of them, and has no time for all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

__all__ = ["Entry", "Later", "columns", "values_in", "where"]

Entry = TypeVar("Entry")
_Other = TypeVar("_Other")


class Later(Sequence[Entry], Generic[Entry]):
    """Entries in a packed form (their keys and values as JSON has them), and the function that builds one.

    It equals the tuple of its entries.
    """

    def __init__(self, keys: Sequence[dict[str, Any]], make: Callable[[int], Entry]) -> None:
        self._keys = keys
        self._make = make
        self._made: dict[int, Entry] = {}

    def then(self, build: Callable[[Entry], _Other]) -> Later[_Other]:
        """Return the same table with one more step in building each entry."""
        return Later(self._keys, lambda at: build(self._make(at)))

    def where(self, value: str, *keys: str) -> tuple[Entry, ...]:
        """Return the entries in which one of these keys has that value, or a list with it."""
        return tuple([self[at] for at, packed in enumerate(self._keys) if _has(map(packed.get, keys), value)])

    def columns(self, *keys: str) -> list[tuple[Any, ...]]:
        """Return the values of some keys of each entry, an empty tuple for a key that it doesn't have."""
        return [tuple([packed.get(key, ()) for key in keys]) for packed in self._keys]

    def values_in(self, *keys: str) -> list[frozenset[str]]:
        """Return for each entry the texts that are the values of these keys, in it and in what it contains."""
        wanted, found = frozenset(keys), []
        for packed in self._keys:
            texts: set[str] = set()
            _add_texts(packed, wanted, texts)
            found.append(frozenset(texts))
        return found

    @overload
    def __getitem__(self, at: int) -> Entry: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Entry, ...]: ...
    def __getitem__(self, at: int | slice) -> Entry | tuple[Entry, ...]:
        if isinstance(at, slice):
            return tuple(self)[at]
        at = range(len(self._keys))[at]
        if at not in self._made:
            self._made[at] = self._make(at)
        return self._made[at]

    def __len__(self) -> int:
        return len(self._keys)

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, (tuple, Later)) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))


def where(table: Sequence[Entry], value: str, *keys: str) -> tuple[Entry, ...]:
    """Return the entries of a table in which one of these attributes has that value, or contains it."""
    if isinstance(table, Later):
        return table.where(value, *keys)
    return tuple([entry for entry in table if _has((getattr(entry, key) for key in keys), value)])


def columns(table: Sequence[Any], *keys: str) -> list[tuple[Any, ...]]:
    """Return the values of some attributes of each entry of a table."""
    if isinstance(table, Later):
        return table.columns(*keys)
    return [tuple([getattr(entry, key) for key in keys]) for entry in table]


def values_in(table: Sequence[Any], *keys: str) -> list[frozenset[str]]:
    """Return for each entry of a table the texts that are values of these attributes, in it and in what it contains."""
    if isinstance(table, Later):
        return table.values_in(*keys)
    return [frozenset(_attributes(entry, frozenset(keys))) for entry in table]


def _has(given: Iterable[object], value: str) -> bool:
    return any(each == value or (isinstance(each, list | tuple) and value in each) for each in given)


def _add_texts(packed: Any, keys: frozenset[str], found: set[str]) -> None:
    for each in packed.values() if isinstance(packed, dict) else packed:
        if isinstance(each, dict | list):
            _add_texts(each, keys, found)
    if isinstance(packed, dict):
        found.update(packed[key] for key in keys & packed.keys() if isinstance(packed[key], str))


def _attributes(entry: object, keys: frozenset[str]) -> Iterator[str]:
    for name in getattr(entry, "__slots__", ()):
        value = getattr(entry, name)
        if name in keys:
            yield from [value] if isinstance(value, str) else []
        elif isinstance(value, tuple):
            for each in value:
                yield from _attributes(each, keys)
