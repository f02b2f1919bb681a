"""Decode a terminal's bytes into keys, and distinguish typed keys from pasted text, which arrives faster."""

from __future__ import annotations

import codecs
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

__all__ = ["Key", "KeyDecoder", "Press", "came_too_fast", "columns_of"]

KEY_PACE = 0.012
"""Seconds from one key to the next, averaged over three keys in a row; nobody types faster.

At 120 words a minute, a key takes 100 ms; two fingers that roll over two keys take 15 to 20 ms.
Terminals hand over pasted characters within microseconds.
"""

_WINDOW = 3
_LONE_ESCAPE, _SEQUENCE_END = 0.1, 0.5
"""Seconds after which an unfinished escape sequence is dropped: the Esc key alone, any other."""
_LONGEST = 4096

_SEQUENCE = re.compile(
    r"\x1b(?:\[(?P<numbers>[0-?]*)[ -/]*(?P<final>[@-~])|O[ -~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[^\[O\]PX^_\x1b])"
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|O|[\]PX^_][^\x07\x1b]*\x1b?)?\Z")
_NUMBERED = re.compile(
    r"(?P<code>\d{1,7})(?::[\d:]*)?(?:;(?P<modifiers>\d{1,3})?(?::(?P<event>\d))?)?(?:;[\d:]*)?u\Z"
    r"|27;(?P<with>\d{1,3});(?P<other>\d{1,7})~\Z"
)
"""A key sent as a number (kitty's protocol, xterm's): an earlier program may have left the terminal in that mode."""
_SHIFT, _CONTROL, _LOCKS = 1, 4, 64 | 128
_NO_CHARACTER = range(0xD800, 0xF900)
"""Surrogates, and the numbers of keys such as F1."""
_BROKEN = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|O)?")


class Press(Enum):
    """What a key does to the line being typed."""

    CHARACTER = "character"
    ENTER = "enter"
    ERASE = "erase"
    ERASE_WORD = "erase word"
    ERASE_LINE = "erase line"
    END = "end of input"
    INTERRUPT = "interrupt"
    PASTE_BEGINS = "paste begins"
    PASTE_ENDS = "paste ends"
    OTHER = "other"


_CONTROLS = {
    "\r": Press.ENTER,
    "\n": Press.ENTER,
    "\x7f": Press.ERASE,
    "\b": Press.ERASE,
    "\x17": Press.ERASE_WORD,
    "\x15": Press.ERASE_LINE,
    "\x04": Press.END,
    "\x03": Press.INTERRUPT,
}


@dataclass(frozen=True, slots=True)
class Key:
    """A key, the character that it types (a line end for Enter), and when it arrived on the monotonic clock."""

    press: Press
    text: str
    at: float
    source: str
    """The text that the terminal sent for it."""


class KeyDecoder:
    """Turns bytes into keys. Arrow keys and the terminal's replies are OTHER; bytes that aren't UTF-8 are U+FFFD."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest, self._since = "", 0.0

    def feed(self, data: bytes, at: float) -> Iterator[Key]:
        """Yield the keys that these bytes complete."""
        limit = _LONE_ESCAPE if self._rest == "\x1b" else _SEQUENCE_END
        if self._rest and at - self._since > limit:
            self._rest = ""
        text, self._rest = self._rest + self._decoder.decode(data), ""
        place = 0
        while place < len(text):
            if text[place] != "\x1b":
                yield _key(text[place], at)
                place += 1
            elif found := _SEQUENCE.match(text, place):
                yield _sequence(found, at)
                place = found.end()
            elif _UNFINISHED.match(text, place):
                # A sequence without an end must not swallow everything that follows.
                self._rest, self._since = text[place:][:_LONGEST], at
                return
            elif broken := _BROKEN.match(text, place):
                place = broken.end()

    def lone_escape(self, at: float) -> Key | None:
        """Return the Esc key if it was pressed alone, without the rest of a sequence after it."""
        if self._rest != "\x1b" or at - self._since <= _LONE_ESCAPE:
            return None
        self._rest = ""
        return Key(Press.OTHER, "", at, "\x1b")


def _key(character: str, at: float, source: str = "") -> Key:
    source = source or character
    if character in _CONTROLS:
        return Key(_CONTROLS[character], "\n" if _CONTROLS[character] is Press.ENTER else "", at, source)
    if character == "\t":
        return Key(Press.CHARACTER, " ", at, source)
    if unicodedata.category(character) == "Cc":
        return Key(Press.OTHER, "", at, source)
    # An invisible character must not hide in an answer that looks right.
    return Key(Press.CHARACTER, character if character.isprintable() else "\ufffd", at, source)


def _sequence(found: re.Match[str], at: float) -> Key:
    numbers, final = found["numbers"] or "", found["final"] or ""
    if final == "~" and numbers in {"200", "201"}:
        return Key(Press.PASTE_BEGINS if numbers == "200" else Press.PASTE_ENDS, "", at, found[0])
    numbered = _NUMBERED.match(numbers + final)
    return _numbered(numbered, at, found[0]) if numbered else Key(Press.OTHER, "", at, found[0])


def _numbered(found: re.Match[str], at: float, source: str) -> Key:
    """Return a key that was sent as a number, with one plus the sum of its modifiers."""
    code, modifiers = int(found["code"] or found["other"]), int(found["modifiers"] or found["with"] or 1) - 1
    more = modifiers & ~(_SHIFT | _CONTROL | _LOCKS)
    if found["event"] == "3" or more or code in _NO_CHARACTER or code > sys.maxunicode:
        return Key(Press.OTHER, "", at, source)
    character = chr(code & 0x1F if modifiers & _CONTROL else code)
    return _key(character.upper() if modifiers & _SHIFT else character, at, source)


def came_too_fast(times: Sequence[float]) -> bool:
    """Return True if these keys, or any three in a row, arrived faster than a person types."""
    size = min(len(times), _WINDOW)
    last = size - 1
    return size > 1 and any(times[first + last] - times[first] < last * KEY_PACE for first in range(len(times) - last))


def columns_of(text: str) -> int:
    """Return how many columns a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in {"W", "F"} else 1 for one in text
    )
