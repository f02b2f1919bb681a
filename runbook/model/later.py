"""A table whose entries are built when they are asked for: the guard needs a few of them, and has no time for all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar, overload

__all__ = ["INDEXED", "SAID", "Entry", "Later", "Row", "columns", "said_in", "where"]

INDEXED = frozenset({"id", "program", "also", "programs", "suffixes", "command", "aliases", "value_flags"})
"""The keys by which entries are found."""

SAID = frozenset({"remote", "local", "sql", "arguments"})
"""The keys of an entry, and of what it contains, whose values say what the guard must know of it in advance."""

Entry = TypeVar("Entry")
_Other = TypeVar("_Other")


class Row(NamedTuple):
    """What is known of an entry before it's built: the values of keys in INDEXED, and the texts of those in SAID."""

    keys: Mapping[str, Any]
    said: frozenset[str]


class Later(Sequence[Entry], Generic[Entry]):
    """Rows, and the function that builds the entry of one. It equals the tuple of its entries."""

    def __init__(self, rows: Sequence[Row], make: Callable[[int], Entry]) -> None:
        self.rows = rows
        self._make = make
        self._made: dict[int, Entry] = {}
        self._kept: dict[object, Any] = {}

    def then(self, build: Callable[[Entry], _Other]) -> Later[_Other]:
        """Return the same table with one more step in building each entry."""
        return Later(self.rows, lambda at: build(self._make(at)))

    def where(self, value: str, *keys: str) -> Later[Entry]:
        """Return the entries in which one of these keys has that value, or a list with it."""
        return self.keep((Later.where, value, *keys), lambda: self._where(value, keys))

    def _where(self, value: str, keys: tuple[str, ...]) -> Later[Entry]:
        found = [at for at, row in enumerate(self.rows) if _has(map(row.keys.get, keys), value)]
        return Later([self.rows[at] for at in found], lambda at: self[found[at]])

    def keep(self, key: object, find: Callable[[], _Other]) -> _Other:
        """Return what `find` says of the rows, which is found out once for each key."""
        if key not in self._kept:
            self._kept[key] = find()
        found: _Other = self._kept[key]
        return found

    @overload
    def __getitem__(self, at: int) -> Entry: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Entry, ...]: ...
    def __getitem__(self, at: int | slice) -> Entry | tuple[Entry, ...]:
        if isinstance(at, slice):
            return tuple(self)[at]
        at = range(len(self.rows))[at]
        if at not in self._made:
            self._made[at] = self._make(at)
        return self._made[at]

    def __len__(self) -> int:
        return len(self.rows)

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, (tuple, Later)) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))


def where(table: Sequence[Entry], value: str, *keys: str) -> Sequence[Entry]:
    """Return the entries of a table in which one of these attributes has that value, or contains it."""
    if isinstance(table, Later):
        return table.where(value, *keys)
    return tuple([entry for entry in table if _has((getattr(entry, key) for key in keys), value)])


def columns(table: Sequence[Any], *keys: str) -> list[tuple[Any, ...]]:
    """Return the values of some keys of each entry of a table, as the file has them or as the entry does."""
    if isinstance(table, Later):
        return table.keep(
            (columns, *keys), lambda: [tuple([row.keys.get(key, ()) for key in keys]) for row in table.rows]
        )
    return [tuple([getattr(entry, key) for key in keys]) for entry in table]


def said_in(table: Sequence[Any]) -> list[frozenset[str]]:
    """Return for each entry of a table the texts that the keys in SAID have, in it and in what it contains."""
    if isinstance(table, Later):
        return [row.said for row in table.rows]
    return [frozenset(_said(entry)) for entry in table]


def _has(given: Iterable[object], value: str) -> bool:
    return any(each == value or (isinstance(each, list | tuple) and value in each) for each in given)


def _said(entry: object) -> Iterator[str]:
    for name in getattr(entry, "__slots__", ()):
        value = getattr(entry, name)
        if name in SAID:
            yield from [value] if isinstance(value, str) else []
        elif isinstance(value, tuple):
            for each in value:
                yield from _said(each)
