"""An argv as a person would type it, broken into lines that fit."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence

from runbook.printable import printable

__all__ = ["broken", "command_text", "quoted", "shell_word"]

_SPECIAL = re.compile(r'["$`!]|\\(?:[\\\n]|$)')
"""Characters with a meaning to a shell inside double quotes; a backslash has one only before these."""


def shell_word(word: str) -> str:
    """Quote a word for a shell; SQL, with its single quotes, reads better in double quotes if they mean the same."""
    return f'"{word}"' if "'" in word and not _SPECIAL.search(word) else shlex.quote(word)


def quoted(word: str) -> str:
    """Quote a word for a shell, in printable text."""
    return shell_word(printable(word))


def command_text(
    argv: Sequence[str], width: int, first: str = "$ ", rest: str = "    ", *, size: Callable[[str], int] = len
) -> list[str]:
    """Return the lines of a command. It breaks between words, so it can be pasted, or inside a quoted text.

    `first` and `rest` go before its first and its other lines; `size` counts the columns of a text.
    """
    # Two columns stay free for the backslash at the end of a line.
    room = max(width - max(len(first), len(rest)) - 2, 16)
    longest = max(width - 4, room)  # such a word, usually an address, stays whole on a line with less indentation
    lines: list[str] = []
    line = ""
    for word in _units([quoted(word) for word in argv], room, size):
        # A long statement begins on its own line, unless this line is nearly empty.
        start = word if size(line) > room // 3 else re.split(r"[ \n]", word, maxsplit=1)[0]
        if line and size(f"{line} {start}") > room:
            lines.append(f"{line} \\")
            line = ""
        whole = f"{line} {word}" if line else word
        *full, line = (piece for part in whole.split("\n") for piece in broken(part, room, size, longest))
        lines += full
    indents = [first, *[rest] * len(lines)]
    return [
        f"{indent[: max(0, width - size(text))]}{text}" for indent, text in zip(indents, [*lines, line], strict=True)
    ]


def _units(words: Sequence[str], room: int, size: Callable[[str], int]) -> list[str]:
    """Keep a flag and the word after it together if they fit on one line."""
    units: list[str] = []
    for word in words:
        both = f"{units[-1]} {word}" if units else word
        belongs = bool(units) and units[-1].startswith("--") and " " not in units[-1] and not word.startswith("-")
        if belongs and len(units[-1]) > 2 and "\n" not in word and size(both) <= room // 2:
            units[-1] = both
        else:
            units.append(word)
    return units


def broken(text: str, room: int, size: Callable[[str], int] = len, longest: int = 0) -> list[str]:
    """Break one line at spaces; a word longer than the room (and than `longest`) is cut where the room ends."""
    lines: list[str] = []
    line, end = "", 0
    # Each word includes the spaces before it. `\s*\S+` would take quadratic time on a long run of spaces.
    for found in re.finditer(r"\S+", text):
        word, end = text[end : found.end()], found.end()
        if size(line + word) <= room:
            line += word
            continue
        lines += [line] if line else []
        *full, line = _cut(found[0], room, size, max(room, longest))
        lines += full
    return [*lines, line]


def _cut(word: str, room: int, size: Callable[[str], int], longest: int) -> list[str]:
    """Cut a word into pieces that fill the room, until the rest is no longer than `longest`."""
    pieces, start = [], 0
    # The first condition avoids measuring a long rest at every turn.
    while size(word[start : start + longest + 1]) > longest or size(word[start:]) > longest:
        end = next(end for end in range(start + room, start, -1) if size(word[start:end]) <= room)
        pieces.append(word[start:end])
        start = end
    return [*pieces, word[start:]]
