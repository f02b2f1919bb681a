"""Read JSON with comments and trailing commas, and edit it as text: what isn't edited keeps every byte.

The reader is strict: comments, trailing commas and a byte order mark are all that it adds to JSON. The libraries for
this format return values without places, or render the whole document again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Document", "Item", "Node", "NotJsoncError", "insert", "is_open", "newline_of", "read_jsonc", "remove"]

_BLANK = re.compile(r"[ \t\r\n]*")
_SPACES = re.compile(r"[ \t]*")
_COMMENT = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_SCALAR = re.compile(r'"|-?[0-9]|true|false|null')
_MARK = "\ufeff"
# Python's stack allows more, and no settings need as much.
_DEEPEST = 100
_DECODER = json.JSONDecoder()
_LENIENT = json.JSONDecoder(strict=False)


class NotJsoncError(Exception):
    """The text isn't JSON with comments. `line` and `column` count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column


@dataclass(frozen=True, slots=True)
class Node:
    """A value, its place in the text, and its items if it's an object or a list."""

    value: Any
    start: int
    end: int
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A member of an object or an element of a list (without key), and the place of the comma after it."""

    key: str | None
    start: int
    node: Node
    comma: int | None

    @property
    def end(self) -> int:
        """Return the place after its value."""
        return self.node.end


@dataclass(frozen=True, slots=True)
class Document:
    """A text, its value (None if there are only blanks and comments), and the places of its comments."""

    text: str
    root: Node | None
    comments: tuple[tuple[int, int], ...]

    def has_comment(self, start: int, end: int) -> bool:
        """Whether a comment begins between two places."""
        return any(start <= comment < end for comment, _ in self.comments)

    def error_at(self, at: int, message: str) -> NotJsoncError:
        """Return the error for a value that isn't what a program expects."""
        return _error_at(self.text, at, message)


def read_jsonc(text: str, *, lenient: bool = False) -> Document:
    """Read a text. Raises NotJsoncError at the first character that isn't JSON with comments.

    `lenient`: a key may appear twice, and a text may contain line breaks, as some programs let them.
    """
    return _Reader(text, lenient=lenient).document()


class _Reader:
    def __init__(self, text: str, *, lenient: bool) -> None:
        self._text = text
        self._lenient = lenient
        self._at = len(_MARK) if text.startswith(_MARK) else 0
        self._comments: list[tuple[int, int]] = []

    def document(self) -> Document:
        self._skip()
        root = self._value(0) if self._at < len(self._text) else None
        self._skip()
        if self._at < len(self._text):
            raise self._error("expected the end of the file")
        return Document(self._text, root, tuple(self._comments))

    def _value(self, depth: int) -> Node:
        if depth > _DEEPEST:
            raise self._error("it is nested too deeply")
        if self._is_at("{"):
            return self._object(depth)
        if self._is_at("["):
            return self._list(depth)
        start = self._at
        return Node(self._scalar("a value"), start, self._at)

    def _scalar(self, expected: str) -> Any:
        # Python's decoder also takes NaN and Infinity, which aren't JSON.
        if _SCALAR.match(self._text, self._at) is None:
            raise self._error(f"expected {expected}")
        try:
            value, self._at = (_LENIENT if self._lenient else _DECODER).raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            self._at = error.pos
            raise self._error(error.msg[:1].lower() + error.msg[1:]) from error
        # Python refuses to read a number with thousands of digits.
        except ValueError as error:
            raise self._error("the number is too long") from error
        return value

    def _object(self, depth: int) -> Node:
        value: dict[str, Any] = {}

        def read_item() -> tuple[str, int, Node]:
            start = self._at
            if not self._is_at('"'):
                raise self._error("expected a key in double quotes")
            key = str(self._scalar("a key"))
            # Programs keep one of two equal keys, and not all of them the same one.
            if key in value and not self._lenient:
                self._at = start
                raise self._error(f"the key '{key}' appears twice")
            self._skip()
            if not self._is_at(":"):
                raise self._error("expected ':' after the key")
            self._at += 1
            self._skip()
            node = self._value(depth + 1)
            value[key] = node.value
            return key, start, node

        start = self._at
        items = self._items("}", read_item)
        return Node(value, start, self._at, items)

    def _list(self, depth: int) -> Node:
        def read_item() -> tuple[None, int, Node]:
            node = self._value(depth + 1)
            return None, node.start, node

        start = self._at
        items = self._items("]", read_item)
        return Node([item.node.value for item in items], start, self._at, items)

    def _items(self, closing: str, read_item: Callable[[], tuple[str | None, int, Node]]) -> tuple[Item, ...]:
        items: list[Item] = []
        self._at += 1
        self._skip()
        while not self._is_at(closing):
            found = read_item()
            self._skip()
            comma = self._at if self._is_at(",") else None
            if comma is None and not self._is_at(closing):
                raise self._error(f"expected ',' or '{closing}'")
            items.append(Item(*found, comma))
            if comma is not None:
                self._at += 1
                self._skip()
        self._at += 1
        return tuple(items)

    def _skip(self) -> None:
        """Step over blanks and comments."""
        while True:
            self._at = _end_of(_BLANK, self._text, self._at)
            if not self._is_at("/"):
                return
            end = _end_of(_COMMENT, self._text, self._at)
            if end == self._at:
                raise self._error("the comment isn't closed" if self._is_at("/*") else "expected a comment")
            self._comments.append((self._at, end))
            self._at = end

    def _is_at(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _error(self, message: str) -> NotJsoncError:
        return _error_at(self._text, self._at, message)


def _error_at(text: str, at: int, message: str) -> NotJsoncError:
    before = text[:at].removeprefix(_MARK)
    return NotJsoncError(message, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


# --- edits -----------------------------------------------------------------------------------------------------------


def insert(document: Document, container: Node, value: Any, *, key: str | None = None) -> str:
    """Return the text with a value as the container's last item, laid out like the text around it.

    `remove` restores the text that it was.
    """
    head = "" if key is None else f"{json.dumps(key, ensure_ascii=False)}: "
    if not container.items:
        return _insert_first(document, container, head, value)
    text, last = document.text, container.items[-1]
    point, after_line_comment = _after_comments(document, last.end if last.comma is None else last.comma + 1)
    is_alone = _is_first_on_line(text, last.start)
    if is_alone or after_line_comment:
        indent = _indent_at(text, last.start) if is_alone else _indent_at(text, container.start) + _unit(document)
        piece = f"{newline_of(text)}{indent}{head}{_rendered(document, value, indent)}"
    else:
        piece = f" {head}{json.dumps(value, ensure_ascii=False)}"
    if last.comma is not None:
        return f"{text[:point]}{piece},{text[point:]}"
    return f"{text[: last.end]},{text[last.end : point]}{piece}{text[point:]}"


def is_open(document: Document, container: Node) -> bool:
    """Whether nothing but blanks is on the line after a container's bracket."""
    return re.compile(r"[ \t]*\r?\n").match(document.text, container.start + 1) is not None


def _insert_first(document: Document, container: Node, head: str, value: Any) -> str:
    text, start = document.text, container.start + 1
    outer = _indent_at(text, container.start)
    indent, newline = outer + _unit(document), newline_of(text)
    closing = "" if is_open(document, container) else newline + outer
    return f"{text[:start]}{newline}{indent}{head}{_rendered(document, value, indent)}{closing}{text[start:]}"


def remove(document: Document, container: Node, index: int, *, closes_up: bool) -> str:
    """Return the text without an item of a container, the blanks before it, and its comma. Comments stay.

    `closes_up`: If it was the only item, the line break after it goes too.
    """
    text, item = document.text, container.items[index]
    before = container.items[index - 1].comma if index else container.start
    assert before is not None
    ends = [(end, begin) for begin, end in document.comments if end <= item.start]
    floor, comment = max([(before + 1, before), *ends])
    start = len(text[floor : item.start].rstrip(" \t\r\n")) + floor
    after = item.end if item.comma is None else item.comma + 1
    # A comment of one line needs its line break, or it would swallow what follows.
    in_comment = text.startswith("//", comment)
    if in_comment and not text.startswith(("\n", "\r\n"), after if item.comma == item.end else item.end):
        start = item.start
    cuts = [(start, item.end)]
    if item.comma is not None:
        cuts.append((item.comma, after))
    elif index:
        cuts.append((before, before + 1))
    if len(container.items) == 1 and closes_up and not in_comment:
        cuts.append((after, _end_of_line_break(document, container, after)))
    elif index == 0 and start == item.start and not in_comment:
        # The next item takes its place on the same line.
        cuts.append((after, _end_of(_SPACES, text, after)))
    return _without(text, cuts)


def _without(text: str, cuts: list[tuple[int, int]]) -> str:
    for start, end in sorted(cuts, reverse=True):
        text = text[:start] + text[end:]
    return text


def _end_of_line_break(document: Document, container: Node, at: int) -> int:
    """Return the end of the line break that `insert` put after the first item of an empty container."""
    text = document.text
    for newline in ("\r\n", "\n"):
        closing = newline + _indent_at(text, container.start)
        if text.startswith(closing, at):
            return at + len(closing)
    # Somebody formatted the file: if only blanks are left, the brackets close up.
    end = _end_of(_BLANK, text, at)
    return end if end == container.end - 1 else at


def _after_comments(document: Document, at: int) -> tuple[int, bool]:
    """Return the place after the comments that follow on the same line, and whether the last one ends with the line."""
    places = dict(document.comments)
    while True:
        start = _end_of(_SPACES, document.text, at)
        if start not in places:
            return at, False
        at = places[start]
        if document.text.startswith("//", start):
            return at, True


def newline_of(text: str) -> str:
    """Return the line break that a text uses."""
    found = re.search(r"\r?\n", text)
    return found[0] if found else "\n"


def _rendered(document: Document, value: Any, indent: str) -> str:
    text = json.dumps(value, indent=_unit(document), ensure_ascii=False)
    return text.replace("\n", newline_of(document.text) + indent)


def _unit(document: Document) -> str:
    """Return the indentation of one level: that of the first item on a line of its own."""
    for item in document.root.items if document.root else ():
        if _is_first_on_line(document.text, item.start):
            return _indent_at(document.text, item.start) or "  "
    return "  "


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1 or (len(_MARK) if text.startswith(_MARK) else 0)


def _indent_at(text: str, at: int) -> str:
    """Return the blanks at the beginning of the line of a place."""
    start = _line_start(text, at)
    return text[start : _end_of(_SPACES, text, start)]


def _is_first_on_line(text: str, at: int) -> bool:
    return not text[_line_start(text, at) : at].strip(" \t")
