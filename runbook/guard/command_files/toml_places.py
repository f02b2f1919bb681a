"""Read valid TOML into a tree with places. Python's own reader knows no places, and finds the mistakes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

from runbook.guard.command_files.trees import Tree

__all__ = ["read_placed_toml"]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACES = re.compile(r"[ \t]*")
_STRING = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'', re.DOTALL)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_OTHER = re.compile(r"[^,\]}#\n]+")


@dataclass
class _Table:
    """A mapping or a list while it is read. A list has numbers as keys."""

    is_list: bool = False
    members: dict[str, _Table | Tree] = field(default_factory=dict)

    def tree(self) -> Tree:
        """Return it as a tree. Only texts have places: a table may be written in several parts."""
        found = [(name, each.tree() if isinstance(each, _Table) else each) for name, each in self.members.items()]
        return Tree(items=tuple(tree for _, tree in found)) if self.is_list else Tree(members=tuple(found))

    def below(self, names: list[str]) -> _Table:
        """Return the table with that path. In a list of tables, the last one is meant."""
        table = self
        for name in names:
            found = table.members.setdefault(name, _Table())
            assert isinstance(found, _Table)  # tomllib has looked
            table = found.last() if found.is_list else found
        return table

    def add(self) -> _Table:
        """Add a table to this list."""
        table = self.members[str(len(self.members))] = _Table()
        return table

    def last(self) -> _Table:
        """Return the last table of this list."""
        found = self.members[str(len(self.members) - 1)]
        assert isinstance(found, _Table)
        return found


def read_placed_toml(text: str) -> Tree:
    """Read a text that is valid TOML."""
    return _Reader(text).document()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def document(self) -> Tree:
        root = here = _Table()
        self._skip()
        while self._at < len(self._text):
            if self._takes("[["):
                *above, name = self._key()
                table = root.below(above).members.setdefault(name, _Table(is_list=True))
                assert isinstance(table, _Table)
                here = table.add()
                self._at += 2
            elif self._takes("["):
                here = root.below(self._key())
                self._at += 1
            else:
                self._pair(here)
            self._skip()
        return root.tree()

    def _pair(self, table: _Table) -> None:
        *above, name = self._key()
        self._at += 1  # the equals sign
        self._skip(_SPACES)
        table.below(above).members[name] = self._value()

    def _key(self) -> list[str]:
        """Read a key with dots, and the blanks around it."""
        names: list[str] = []
        while not names or self._takes("."):
            self._skip(_SPACES)
            quoted = _STRING.match(self._text, self._at)
            found = quoted or _BARE_KEY.match(self._text, self._at)
            assert found is not None
            self._at = found.end()
            names.append(_decoded(found[0]) if quoted else found[0])
            self._skip(_SPACES)
        return names

    def _value(self) -> _Table | Tree:
        if self._takes("["):
            return self._items(_Table(is_list=True), "]")
        if self._takes("{"):
            return self._items(_Table(), "}")
        start = self._at
        found = _STRING.match(self._text, start)
        if found is None:
            other = _OTHER.match(self._text, start)
            assert other is not None
            self._at = other.end()
            return Tree(start, self._at, other[0].strip())
        self._at = found.end()
        marks = 3 if found[0].startswith(('"""', "'''")) else 1
        return Tree(start + marks, self._at - marks, _decoded(found[0]), has_escapes=found[0].startswith('"'))

    def _items(self, table: _Table, closing: str) -> _Table:
        for _ in self._until(closing):
            if table.is_list:
                table.members[str(len(table.members))] = self._value()
            else:
                self._pair(table)
        return table

    def _until(self, closing: str) -> Iterator[None]:
        self._skip()
        while not self._takes(closing):
            yield
            self._skip()
            self._takes(",")
            self._skip()

    def _takes(self, mark: str) -> bool:
        """Step over a mark if it comes next."""
        if not self._text.startswith(mark, self._at):
            return False
        self._at += len(mark)
        return True

    def _skip(self, pattern: re.Pattern[str] = _BLANK) -> None:
        found = pattern.match(self._text, self._at)
        assert found is not None  # each of them may be empty
        self._at = found.end()


def _decoded(raw: str) -> str:
    return str(tomllib.loads(f"text = {raw}")["text"])
