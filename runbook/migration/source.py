"""The text of a migration: decoded, with its lines, and with places as people count them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

__all__ = ["SIZE_LIMIT", "MigrationFile", "Source", "Unreadable", "byte_to_character", "decode"]

SIZE_LIMIT = 4_000_000
"""In bytes. The dump of a large schema has a million. A larger file has data, which doesn't belong in a migration."""


class MigrationFile(NamedTuple):
    """A file as it's given to the check. One that isn't `judged` only says what earlier migrations have made."""

    path: str
    data: bytes
    judged: bool = True


class Unreadable(NamedTuple):
    """Why a file can't be read as text, and where."""

    message: str
    line: int = 1
    column: int = 1


class Source:
    """The text of one file. Offsets count characters; lines and columns count from 1."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends. Only a line feed ends one."""
        return [line.removesuffix("\r") for line in self.text.split("\n")]

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate((len(line) + 1 for line in self.text.split("\n")[:-1]), initial=0))

    def place(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of the character at that offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """Return a line, "" if there is none."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


def decode(file: MigrationFile) -> Source | Unreadable:
    """Return the text of a file, or why it can't be read."""
    if len(file.data) > SIZE_LIMIT:
        return Unreadable(f"the file has {len(file.data):,} bytes; a migration of more than {SIZE_LIMIT:,} isn't read")
    data = file.data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = Source(file.path, data[: error.start].decode("utf-8"))
        message = f"byte {data[error.start]:#04x} isn't UTF-8; save the file as UTF-8"
        return Unreadable(message, *before.place(len(before.text)))
    if "\0" in text:
        # PostgreSQL's parser takes it for the end of the text, and would see nothing after it.
        return Unreadable("the file contains a zero byte", *Source(file.path, text).place(text.index("\0")))
    return Source(file.path, text)


def byte_to_character(text: str) -> Callable[[int], int]:
    """Return a function from offsets in bytes, as the parser counts, to offsets in characters."""
    if text.isascii():
        return lambda location: location
    # Runs of other characters are rare, so only they are counted.
    runs = list(_OTHER.finditer(text))
    more = [0, *accumulate(len(each.group().encode()) - len(each.group()) for each in runs)]
    ends = [each.end() + extra for each, extra in zip(runs, more[1:], strict=True)]

    def locate(location: int) -> int:
        at = bisect_right(ends, location)
        start = runs[at].start() if at < len(runs) else len(text)
        inside = location - more[at] - start
        if inside <= 0:
            return location - more[at]
        return start + len(runs[at].group().encode()[:inside].decode(errors="ignore"))

    return locate


_OTHER = re.compile(r"[^\x00-\x7f]+")
