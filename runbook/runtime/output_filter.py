"""Filter a command's output for the operator's screen: text and colours pass, nothing leaves its own lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runbook.printable import is_plain_lines, printable

__all__ = ["OutputFilter"]

_LONGEST = 64
"""Characters between the start and the end of a control sequence; anything longer is text."""
_TOKEN = re.compile(
    rf"\x1b\[(?P<style>[0-9;:]{{0,{_LONGEST}}})m"
    r"|(?P<home>\x1b\[(?:[01]?G|[0-9]{3,4}D))"
    r"|(?P<erase>\x1b\[[012]?K)"
    r"|(?P<rows>\x1b\[[0-9]{0,4}[ABEF])"
    r"|(?P<quiet>\x1b\[[0-9]{0,4}[CDGJ]|\x1b\[\?(?:1|7|12|25|2004|2026)[hl]|\x1b[=>78])"
    r"|(?P<plain>[\r\n\t\x08]+)"
    r"|(?P<text>\x1b?[^\x1b\r\n\t\x08]*)"
)
_UNFINISHED = re.compile(rf"\x1b(?:\[[0-?]{{0,{_LONGEST}}})?\Z")
_STYLES = frozenset({*range(5), 7, 9, *range(22, 25), 27, 29, *range(31, 37), 39, *range(90, 97)})
"""Weight, underline, strikethrough, text colours. Nothing that could hide text: concealed (8), any background, black,
white, or a shade chosen by number, which may be the background's."""
_ARGUMENTS = {"5": 1, "2": 3}
"""How many numbers follow `38;5` (a shade by its number) and `38;2` (red, green and blue)."""
_MOST_CODES = 16
_CONTEXT = 8
"""Characters to remember from the last piece: they decide whether the next one may begin with an accent."""


class OutputFilter:
    """Filters one command's output, piece by piece.

    Text passes as `runbook.printable` shows it. Line ends, carriage return, backspace, tab, colours and erasing within
    the line pass unchanged. Sequences that only redraw (cursor moves, hiding the cursor) are left out and counted; text
    after a move to another row begins a new line. Any other control sequence is shown as text.
    """

    def __init__(self) -> None:
        self.left_out = 0
        """How many control sequences were left out without being shown as text."""
        self.line_begun = False
        """Whether the line at the cursor holds any text."""
        self._pending = ""
        self._before = ""

    def feed(self, output: str) -> str:
        """Take the next piece, which may end inside a sequence; return the text that may be shown by now."""
        output = self._pending + output
        if is_plain_lines(output):
            return self._lines(output)
        unfinished = _UNFINISHED.search(output, max(0, len(output) - _LONGEST - 2))
        self._pending = unfinished[0] if unfinished else ""
        return "".join(self._passed(output[: len(output) - len(self._pending)]))

    def flush(self) -> str:
        """Return the text that was held back, at the output's end."""
        pending, self._pending = self._pending, ""
        return self._text(pending)

    def _lines(self, output: str) -> str:
        """Return lines of printable ASCII, which pass as they are: most of what most commands print."""
        if output:
            self._pending, self.line_begun = "", not output.endswith("\n")
            _, end, line = (self._before + output)[-_CONTEXT:].rpartition("\n")
            self._before = end + line
        return output

    def _passed(self, output: str) -> Iterator[str]:
        for token in _TOKEN.finditer(output):
            kind, found = token.lastgroup, token[0]
            match kind:
                case "style":
                    yield _style(token["style"])
                case "home":
                    self._before = "\r"
                    yield "\r"
                case "erase":
                    # After a carriage return this erases the whole line.
                    self.line_begun = self.line_begun and not (self._before == "\r" or found == "\x1b[2K")
                    yield found
                case "plain":
                    # Only a line feed leaves the line; a carriage return doesn't erase its text.
                    self.line_begun = self.line_begun and "\n" not in found
                    self._before = found[-1]
                    yield found
                case "rows" | "quiet":
                    self.left_out += 1
                    if kind == "rows" and self.line_begun:
                        self.line_begun, self._before = False, "\n"
                        yield "\r\n"
                case _:
                    yield self._text(found)

    def _text(self, text: str) -> str:
        if not text:
            return ""
        self.line_begun = True
        before, self._before = self._before, (self._before + text)[-_CONTEXT:]
        shown, whole = printable(before), printable(before + text)
        return whole[len(shown) :] if whole.startswith(shown) else printable(text)


def _style(codes: str) -> str:
    """Return the style without the codes that aren't allowed, "" if none is left."""
    kept: list[str] = []
    parts = iter(codes.split(";")[:_MOST_CODES])
    for part in parts:
        if part in {"38", "48", "58"}:
            for _ in range(_ARGUMENTS.get(next(parts, ""), 0)):
                next(parts, "")
        elif not part or (part.isdecimal() and int(part) in _STYLES):
            kept.append(part or "0")
    return f"\x1b[{';'.join(kept)}m" if kept else ""
