"""Represent what a file holds: tasks, their commands with places, and what else runs with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from runbook.guard.shell.texts import ANY
from runbook.linear_regex import linear_regex

__all__ = [
    "Command",
    "Contents",
    "NotReadableError",
    "Parameter",
    "Piece",
    "Reader",
    "Task",
    "filled",
    "line_and_column",
]

Reader = Callable[[str], str | None]
"""Returns the text of a file beside this one, None if it can't be read."""


class NotReadableError(Exception):
    """A file is damaged. Lines and columns count from 1."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column


class Piece(NamedTuple):
    """Where a part of a command's text comes from: from `at` in the text on, it's `start` to `end` of the file."""

    at: int
    start: int
    end: int
    has_escapes: bool = False
    """A backslash in the file begins an escape, as in double quotes."""


class Command(NamedTuple):
    """A shell text in a file. With `words`, it's an argv. With a `language`, it's code for that interpreter."""

    text: str
    pieces: tuple[Piece, ...] = ()
    words: tuple[str, ...] = ()
    language: str = ""
    is_guess: bool = False
    """It may be no command at all: a line of another shell, or a text in code."""

    def place_of(self, at: int, source: str) -> int:
        """Return the place in the file's text of a place in this text."""
        piece = max((each for each in self.pieces if each.at <= at), default=self.pieces[0])
        end = min((each.at for each in self.pieces if each.at > piece.at), default=len(self.text))
        written = source[piece.start : piece.end]
        return piece.start + _offset_in(self.text[piece.at : end], written, at - piece.at, piece.has_escapes)


class Parameter(NamedTuple):
    """A parameter of a task. `default` is None if a word must be given; a variadic one takes all that follow."""

    name: str
    default: str | None = None
    is_variadic: bool = False
    is_exported: bool = False


class Task(NamedTuple):
    """Commands under one name. `needs` are tasks that run too."""

    name: str
    commands: tuple[Command, ...] = ()
    needs: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()


class Contents(NamedTuple):
    """All tasks of a file, by name and in order. Commands outside any task are under the name ""."""

    tasks: Mapping[str, Task] = MappingProxyType({})
    default: str = ""
    aliases: Mapping[str, str] = MappingProxyType({})
    values: Mapping[str, str] = MappingProxyType({})

    def find(self, name: str) -> Task | None:
        """Return the task of a name or an alias."""
        return self.tasks.get(name) or self.tasks.get(self.aliases.get(name, name))

    @property
    def commands(self) -> Iterable[Command]:
        """All commands, task by task."""
        return (command for task in self.tasks.values() for command in task.commands)


def filled(text: str, patterns: Iterable[str], values: Mapping[str, str]) -> str:
    """Fill in what a program replaces before a shell sees the text. What isn't known can be anything."""
    for pattern in patterns:
        done, rest = "", text
        for found in linear_regex(f"(?s){pattern}").find_all(text):
            before, _, rest = rest.partition(found.whole)
            done += before + (values.get(found.group, ANY) if found.group is not None else ANY)
        text = done + rest
    return text


def line_and_column(text: str, at: int) -> tuple[int, int]:
    """Return the line and the column of a place in a text, counted from 1."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


# --- places ------------------------------------------------------------------------------------------------------


_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|\r?\n[ \t]*|.)", re.DOTALL
)
_ENOUGH = 4
"""Characters that show where a text goes on after something was filled in."""


def _offset_in(text: str, source: str, at: int, has_escapes: bool) -> int:
    """Return where the character `at` of a text is in its source, which may be escaped, folded or indented."""
    here = there = 0
    while here < at and there < len(source):
        escape = _ESCAPE.match(source, there) if has_escapes else None
        if escape:
            # An escaped line break is nothing, and any other escape is one character.
            here, there = here + (escape[0][1] not in "\r\n"), escape.end()
        elif text[here] == source[there]:
            here, there = here + 1, there + 1
        elif text[here].isspace() and source[there].isspace():
            # A folded line: one blank for a line break and an indentation.
            here, there = here + 1, _after_blanks(source, there)
        elif text[here] == ANY or source[there] in "${<":
            here, there = _after_filled(text, here, source, there)
        else:
            there += 1
    # What comes next may stand behind an indentation, or the second of two quotes.
    if at < len(text) and not text[at].isspace():
        while there < len(source) and source[there] != text[at] and source[there] not in "\\${<":
            there += 1
    return min(there, len(source))


def _after_blanks(source: str, at: int) -> int:
    while at < len(source) and source[at].isspace():
        at += 1
    return at


_FILLED = re.compile(r"\$\{\{.*?\}\}|\{\{.*?\}\}|<<.*?>>|\$[({\[][^)}\]]*[)}\]]|[${<]", re.DOTALL)


def _after_filled(text: str, here: int, source: str, there: int) -> tuple[int, int]:
    """Step over what was filled in: find where the text goes on as the source does."""
    expression = _FILLED.match(source, there)
    after = expression.end() if expression else there + 1
    found = text.find(source[after : after + _ENOUGH], here) if after < len(source) else len(text)
    return (found if found >= 0 else here + 1), after
