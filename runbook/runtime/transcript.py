"""What was on a terminal, as plain text: redrawn lines only once, no control sequences, and bounded."""

from __future__ import annotations

import re
from collections import deque

from runbook.printable import is_plain_lines

__all__ = ["Bounded", "Transcript"]

HEAD = 64 * 1024
TAIL = 192 * 1024
_REACH = 100
"""Lines above the newest one that a program can still redraw; older ones are settled."""

_TOKEN = re.compile(
    r"\x1b\[(?P<numbers>[0-?]*)[ -/]*(?P<final>[@-~])"  # CSI: colours, cursor, erasing
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: titles, links
    r"|\x1b[PX^_][^\x1b]*\x1b\\"  # DCS and its kin
    r"|\x1b[ -/]*[0-OQ-WYZ\\`-~]"  # two-character escapes
    r"|(?P<control>[\x00-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)\Z")
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_LONGEST_ESCAPE = 4096


def _has_controls(text: str) -> bool:
    return not is_plain_lines(text) and _CONTROLS.search(text) is not None


class Bounded:
    """Keeps the first `head` and the last `tail` characters of a text, and says how much is missing in between."""

    def __init__(self, head: int = HEAD, tail: int = TAIL) -> None:
        self._head: list[str] = []
        self._tail: deque[str] = deque()
        self._room = head
        self._tail_limit = tail
        self._tail_size = 0
        self._cut = 0

    def add(self, text: str) -> None:
        """Append text."""
        if self._room > 0:
            self._head.append(text[: self._room])
            text, self._room = text[self._room :], self._room - len(text)
        if not text:
            return
        self._tail.append(text)
        self._tail_size += len(text)
        while self._tail and self._tail_size - len(self._tail[0]) >= self._tail_limit:
            self._drop(len(self._tail[0]))
        if self._tail_size > self._tail_limit:
            self._drop(self._tail_size - self._tail_limit)

    def _drop(self, count: int) -> None:
        first = self._tail.popleft()
        if count < len(first):
            self._tail.appendleft(first[count:])
        self._tail_size -= count
        self._cut += count

    def text(self) -> str:
        """Return what is kept, with a line that marks the gap."""
        gap = f"\n[... {self._cut:,} characters cut ...]\n" if self._cut else ""
        return "".join(self._head) + gap + "".join(self._tail)


class Transcript:
    """Follows a terminal's output and keeps the text that a person would have read on it.

    It understands what command-line tools use to redraw: carriage return, backspace, cursor movement, erasing. A line
    that the terminal wrapped (at `width` columns) becomes one line again. A character counts as one column.
    """

    def __init__(self, width: int = 80, *, head: int = HEAD, tail: int = TAIL) -> None:
        self._width = max(width, 1)
        self._settled = Bounded(head, tail)
        self._rows, self._wrapped, self._row, self._column = [""], [False], 0, 0
        """`_wrapped` says for each row whether the next one continues the same line."""
        self._pending = ""

    def feed(self, output: str) -> None:
        """Take the next piece of output; it may end inside a control sequence."""
        output = self._skip_ahead(self._pending + output)
        partial = _UNFINISHED.search(output, max(0, len(output) - _LONGEST_ESCAPE))
        self._pending = partial.group() if partial else ""
        for token in _TOKEN.finditer(output, 0, len(output) - len(self._pending)):
            if token["text"]:
                self._write(token["text"])
            elif token["control"]:
                self._control(token["control"])
            elif token["final"]:
                self._escape(token["numbers"], token["final"])

    def _skip_ahead(self, output: str) -> str:
        """Settle plain lines that can no longer be redrawn in one go; return the rest, to be followed closely."""
        if len(output) < _REACH * self._width or "\x1b" in output or self._row != len(self._rows) - 1:
            return output
        *settled, rest = output.replace("\r\n", "\n").rsplit("\n", _REACH)
        if not settled or _has_controls(settled[0]) or self._column != len(self._rows[self._row]):
            return output
        self._settled.add("".join(self._lines()) + settled[0] + "\n")
        self._rows, self._wrapped, self._row, self._column = [""], [False], 0, 0
        return "\n".join([*settled[1:], rest])

    def text(self) -> str:
        """Return the whole text so far."""
        return self._settled.text() + "".join(self._lines())

    def last_line(self) -> str:
        """Return the line that the cursor is on."""
        return self._rows[self._row]

    def last_rows(self) -> list[str]:
        """Return the rows of the line that the cursor is on, down to the cursor: several if the terminal wrapped it."""
        first = self._row
        while first and self._wrapped[first - 1]:
            first -= 1
        return self._rows[first : self._row + 1]

    def last_lines(self) -> list[str]:
        """Return the last lines that can still be redrawn, down to the cursor."""
        return self._rows[: self._row + 1]

    def resize(self, width: int) -> None:
        """Wrap at another width from here on."""
        self._width = max(width, 1)

    def _lines(self) -> list[str]:
        last = len(self._rows) - 1
        return [self._line(index, ending="" if index == last else "\n") for index in range(last + 1)]

    def _line(self, index: int, ending: str = "\n") -> str:
        # Spaces at the end of a line are padding, or erased something; at a wrap, they are part of the text.
        return self._rows[index] if self._wrapped[index] else self._rows[index].rstrip(" ") + ending

    def _write(self, text: str) -> None:
        while text:
            if self._column >= self._width:
                self._wrapped[self._row] = True
                self._column = 0
                self._down()
            piece, text = text[: self._width - self._column], text[self._width - self._column :]
            row = self._rows[self._row].ljust(self._column)
            self._rows[self._row] = row[: self._column] + piece + row[self._column + len(piece) :]
            self._column += len(piece)

    def _down(self) -> None:
        self._row += 1
        if self._row == len(self._rows):
            self._rows.append("")
            self._wrapped.append(False)
        if len(self._rows) > _REACH:
            self._settled.add(self._line(0))
            del self._rows[0], self._wrapped[0]
            self._row -= 1

    def _control(self, character: str) -> None:
        if character == "\n":
            self._wrapped[self._row] = False
            self._column = 0
            self._down()
        elif character == "\r":
            self._column = 0
        elif character == "\b":
            self._column = max(0, self._column - 1)
        elif character == "\t":
            self._write(" " * (8 - self._column % 8))

    def _escape(self, numbers: str, final: str) -> None:
        first = numbers.partition(";")[0]
        # A longer number is garbage; `int` even raises for thousands of digits.
        count = int(first) if first.isdecimal() and len(first) < 6 else 0
        if final in "ABEF":
            step = -(count or 1) if final in "AF" else count or 1
            # Stop at the newest row, as a terminal stops at its edge.
            self._row = min(max(self._row + step, 0), len(self._rows) - 1)
            self._column = 0 if final in "EF" else self._column
        elif final in "CDG":
            self._column = {"C": self._column + (count or 1), "D": self._column - (count or 1), "G": count - 1}[final]
            self._column = min(max(self._column, 0), self._width)
        elif final == "K" or (final == "J" and count == 0):
            row = self._rows[self._row]
            kept = {0: row[: self._column], 1: " " * self._column + row[self._column :]}
            self._rows[self._row] = kept.get(count, "")
            if final == "J":
                del self._rows[self._row + 1 :], self._wrapped[self._row + 1 :]
                self._wrapped[self._row] = False
        elif final in "Hf" or (final == "J" and count in {2, 3}):
            # Settle what is there: what a full-screen program paints next goes below it, not over it.
            if any(self._rows):
                self._settled.add("".join(self._lines()) + "\n")
            self._rows, self._wrapped, self._row, self._column = [""], [False], 0, 0
