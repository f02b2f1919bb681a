"""An argv as a person would type it, broken into lines that fit."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence

__all__ = ["broken", "command_text", "quoted"]

_SPECIAL = re.compile(r'["$`!]|\\(?:[\\\n]|$)')
"""What means something to a shell inside double quotes; a backslash does only before one of these."""
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def quoted(word: str) -> str:
    """Quote a word for a shell; SQL with its single quotes reads better in double ones, where that is the same.

    Control characters come out visible: what is only shown must not move the cursor.
    """
    shown = _UNSAFE.sub(lambda match: f"\\x{ord(match.group()):02x}", word.replace("\t", "    "))
    if "'" in shown and not _SPECIAL.search(shown):
        return f'"{shown}"'
    return shlex.quote(shown)


def command_text(
    argv: Sequence[str], width: int, first: str = "$ ", rest: str = "    ", *, size: Callable[[str], int] = len
) -> list[str]:
    """Return the lines of a command. It breaks between words, where it can be pasted, or inside a quoted text.

    `first` and `rest` stand before its first and its other lines; `size` counts the columns of a text.
    """
    room = max(width - max(len(first), len(rest)) - 2, 16)
    lines: list[str] = []
    line = ""
    for word in map(quoted, argv):
        pieces = [piece for part in word.split("\n") for piece in broken(part, room, size)]
        if line and size(f"{line} {pieces[0]}") > room:
            lines.append(f"{line} \\")
            line = ""
        pieces[0] = f"{line} {pieces[0]}" if line else pieces[0]
        *full, line = pieces
        lines += full
    return [f"{rest if index else first}{text}" for index, text in enumerate([*lines, line])]


def broken(text: str, room: int, size: Callable[[str], int] = len) -> list[str]:
    """Break one line at spaces; a word that is too long is broken where the room ends."""
    lines: list[str] = []
    line = ""
    for word in re.findall(r"\s*\S+", text):
        if size(line + word) <= room:
            line += word
            continue
        lines += [line] if line else []
        line = word.lstrip()
        while size(line) > room:
            cut = next(end for end in range(room, 0, -1) if size(line[:end]) <= room)
            lines.append(line[:cut])
            line = line[cut:]
    return [*lines, line]
