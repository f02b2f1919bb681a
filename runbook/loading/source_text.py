"""Handle one file of the book as text: its size, its encoding, and the places in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from runbook.errors import Finding
from runbook.model import Position

__all__ = ["PROBLEM_LIMIT", "SIZE_LIMIT", "Problems", "SourceText", "TooManyError", "decode", "read_bytes", "text_of"]

SIZE_LIMIT = 256 * 1024
"""In bytes. The largest procedure has a tenth of this, so a larger file isn't a procedure."""

PROBLEM_LIMIT = 100
"""The most problems that are reported for one file."""

_UNPRINTABLE = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""What YAML 1.1 does not allow in a file (section 5.1 of its specification)."""


class SourceText:
    """The text of a file, which translates between offsets and lines with columns."""

    __slots__ = ("_lines", "_starts", "name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._lines: list[str] | None = None
        self._starts: list[int] = []

    @property
    def lines(self) -> list[str]:
        """The lines, without line endings."""
        if self._lines is None:
            self._lines = self.text.splitlines()
        return self._lines

    def position(self, offset: int) -> Position:
        """Return the place of the character at that offset."""
        starts = self._line_starts()
        line = bisect_right(starts, offset)
        return Position(self.name, line, offset - starts[line - 1] + 1)

    def offset(self, at: Position) -> int:
        """Return the offset of a place. A line that doesn't exist counts as the end."""
        starts = self._line_starts()
        return starts[at.line - 1] + at.column - 1 if at.line <= len(starts) else len(self.text)

    def line(self, number: int) -> str:
        """Return a line, counted from 1, empty if there is none."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def _line_starts(self) -> list[int]:
        if not self._starts:
            # The extra character shows whether the last line has an ending, so that another line begins.
            lines = f"{self.text}.".splitlines(keepends=True)
            self._starts = [0, *accumulate(len(line) for line in lines[:-1])]
        return self._starts


class TooManyError(Exception):
    """The file has more problems than anybody would read; reading stops. The last finding says so."""


@dataclass(slots=True)
class Problems:
    """The problems of one file, collected while it is read. Raises TooManyError after PROBLEM_LIMIT of them."""

    source: SourceText
    found: list[Finding]

    def add(self, at: Position, message: str, *, width: int = 1) -> None:
        """Note a problem at a place; `width` is how many characters the caret underlines."""
        if len(self.found) == PROBLEM_LIMIT:
            message = f"there are more than {PROBLEM_LIMIT} problems in this file; the rest aren't shown"
            self.found.append(Finding(at.file, at.line, at.column, message))
        if len(self.found) > PROBLEM_LIMIT:
            raise TooManyError
        line = self.source.line(at.line)
        width = max(1, min(width, len(line) - at.column + 1))
        self.found.append(Finding(at.file, at.line, at.column, message, line, width))


def read_bytes(path: Path, name: str) -> bytes | Finding:
    """Return the bytes of a file of the book, or a finding that says why it can't be read: its size, or an OS error."""
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        return Finding(name, 1, 1, f"can't be read: {error.strerror}")
    if len(data) > SIZE_LIMIT:
        return Finding(name, 1, 1, f"is larger than {SIZE_LIMIT // 1024} KiB; no file of a book is that large")
    return data


def decode(data: bytes, name: str) -> SourceText | Finding:
    """Return the text of a file, or a finding at the first place that isn't text."""
    try:
        source = SourceText(name, text_of(data))
    except UnicodeDecodeError as error:
        before = SourceText(name, error.object[: error.start].decode("utf-8"))
        at = before.position(len(before.text))
        byte = error.object[error.start]
        message = f"is not UTF-8: byte {byte:#04x} at offset {error.start}; save the file as UTF-8"
        return Finding(name, at.line, at.column, message)
    if bad := re.search(_UNPRINTABLE, source.text):
        at = source.position(bad.start())
        return Finding(name, at.line, at.column, f"YAML can't contain a control character (U+{ord(bad[0]):04X})")
    return source


def text_of(data: bytes) -> str:
    """Return the text of a file, without a byte order mark. Raises UnicodeDecodeError."""
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
