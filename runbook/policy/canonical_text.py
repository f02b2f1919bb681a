r"""Bring text into a canonical form, in which a value looks the same however a program printed it.

Programs print one value in many ways: coloured, wrapped, quoted, escaped. All of them become the same bytes if control
sequences, white space and quoting are removed and escapes such as `\u003c`, `%3C` and `&lt;` are decoded.

- `Form.canonical` returns the canonical text. It is fast enough for every piece of output.
- `Form.mapped` returns it with a map from each canonical byte to its place in the original, to mask what was found.
- `Form.complete_until` returns how much of a piece is final: an escape at its end may continue in the next piece.
- `apply_backspaces` returns what a terminal shows of text that was printed over other text.

All of it works on bytes, because removing and finding bytes is much faster than characters.
"""

from __future__ import annotations

import html
import re
from binascii import unhexlify
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import compress

__all__ = ["DECODED", "PLAIN", "VERBATIM", "Form", "MappedText", "apply_backspaces", "from_bytes", "to_bytes"]

# --- patterns ---------------------------------------------------------------------------------------------------------

# Each alternative begins with a different byte: only then does `re` skip the bytes that can't begin any of them.
_CSI_REST = rb"\[[0-?]{0,32}[ -/]{0,4}[@-~]"
_SEQUENCE = rb"\x1b%b|\x1b[78=>]|\x1b[()][0AB]" % _CSI_REST
# Soft hyphen, no-break space, zero width and direction marks, variation selectors.
_INVISIBLE = rb"\xc2[\xa0\xad]|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xa9]|\xef\xbb\xbf|\xef\xb8[\x80-\x8f]"
_DIGIT = rb"[0-9A-Fa-f]"
_ENTITY = rb"(?:amp;){0,4}(?P<%%b>\#[0-9]{1,7}|\#[xX]%b{1,6}|[A-Za-z][A-Za-z0-9]{1,8});" % _DIGIT
_ESCAPE = (
    rb"&%(entity)b"
    rb"|\\\\{0,7}(?:(?:x1[bB]|u001[bB]|033|e)%(rest)b|u0026%(escaped)b"
    rb"|u(?P<unit>%(digit)b{4})|u\{(?P<braced>%(digit)b{1,6})\}|U(?P<long>%(digit)b{8})"
    rb"|x(?P<byte>%(digit)b{2})|(?P<octal>[0-3][0-7]{2})|(?P<letter>[abefnrtv0]))"
    rb"|%%(?:25){0,4}(?P<percent>%(digit)b{2})"
) % {b"entity": _ENTITY % b"entity", b"escaped": _ENTITY % b"escaped", b"digit": _DIGIT, b"rest": _CSI_REST}
_AMPERSAND = rb"(?:&|\\{1,8}u0026)(?:amp;){0,4}"
_OPEN_SEQUENCE = rb"\x1b(?:\[[0-?]{0,32}[ -/]{0,4}|[()])?\Z"
_OPEN_ESCAPE = (
    rb"\\{1,8}(?:x1[bB]|u001[bB]|033|e)(?:\[[0-?]{0,32}[ -/]{0,4})?\Z"
    rb"|\\{1,8}(?:u(?:%(digit)b{0,3}|\{%(digit)b{0,6})|U%(digit)b{0,7}|x%(digit)b?|[0-3]?[0-7]?)\Z"
    rb"|%(and)b[#A-Za-z0-9]{0,9}\Z"
    rb"|%%(?:25){0,4}%(digit)b?\Z"
) % {b"and": _AMPERSAND, b"digit": _DIGIT}
_LONGEST_OPEN = 64

_LEFT_OUT = bytes(range(0x21)) + b"\x7f'\"`\\+-:"
"""White space, control characters, quoting, and characters that encodings write differently (`+` and `-`)."""
_SAME = bytes.maketrans(b"_", b"/")
"""URL-safe base64 writes `_` where standard base64 writes `/`."""
_KEPT = bytes(byte not in _LEFT_OUT for byte in range(256))


# --- the canonical text and its map -----------------------------------------------------------------------------------

_BLOCK = 512
_TOKEN, _ALL, _SOME = range(3)
"""Which original bytes a block's canonical bytes come from: the whole token, each byte, or the bytes in `_KEPT`."""


class MappedText:
    """A canonical text that knows where each of its bytes was in the original."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._parts: list[bytes] = []
        self._size = 0
        self._offsets: list[int] = []
        self._blocks: list[tuple[int, int, int]] = []
        self._last: tuple[int, list[int]] = (-1, [])

    @property
    def text(self) -> bytes:
        """The canonical text."""
        return b"".join(self._parts)

    def span(self, first: int, end: int) -> tuple[int, int]:
        """Return the original's range for the canonical bytes from `first` up to, not including, `end`."""
        return self._place(first)[0], self._place(end - 1)[1]

    def first_from(self, position: int) -> int:
        """Return the index of the first canonical byte that comes from `position` or later in the original."""
        return bisect_left(range(self._size), position, key=lambda index: self._place(index)[0])

    def add(self, start: int, end: int, text: bytes, kind: int) -> None:
        """Append the canonical bytes of the original's range from `start` up to, not including, `end`."""
        if text:
            self._offsets.append(self._size)
            self._blocks.append((start, end, kind))
            self._parts.append(text)
            self._size += len(text)

    def add_plain(self, start: int, end: int) -> None:
        """Append a range of the original without the bytes that are left out, in blocks small enough to map quickly."""
        for at in range(start, end, _BLOCK):
            till = min(end, at + _BLOCK)
            self.add(at, till, self._raw[at:till].translate(_SAME, _LEFT_OUT), _SOME)

    def _place(self, index: int) -> tuple[int, int]:
        which = bisect_right(self._offsets, index) - 1
        start, end, kind = self._blocks[which]
        if kind == _TOKEN:
            return start, end
        at = index - self._offsets[which]
        if kind == _ALL:
            return start + at, start + at + 1
        if self._last[0] != which:
            self._last = which, [*compress(range(start, end), self._raw[start:end].translate(_KEPT))]
        return self._last[1][at], self._last[1][at] + 1


@dataclass(frozen=True, slots=True)
class Form:
    """One canonical form.

    `token` matches control sequences and escapes; `opening` matches the beginning of one at the end of a text.
    """

    token: re.Pattern[bytes] | None
    opening: re.Pattern[bytes] | None

    def canonical(self, raw: bytes) -> bytes:
        """Return the canonical text."""
        if self.token is None:
            return raw
        return self.token.sub(_decoded, raw).translate(_SAME, _LEFT_OUT)

    def mapped(self, raw: bytes) -> MappedText:
        """Return the canonical text with its map to the original."""
        mapped = MappedText(raw)
        if self.token is None:
            mapped.add(0, len(raw), raw, _ALL)
            return mapped
        at = 0
        for token in self.token.finditer(raw):
            mapped.add_plain(at, token.start())
            mapped.add(token.start(), token.end(), _decoded(token).translate(_SAME, _LEFT_OUT), _TOKEN)
            at = token.end()
        mapped.add_plain(at, len(raw))
        return mapped

    def complete_until(self, raw: bytes) -> int:
        """Return where a control sequence or an escape begins that more text may change, the length if none does."""
        found = self.opening.search(raw, max(0, len(raw) - _LONGEST_OPEN)) if self.opening else None
        return found.start() if found else len(raw)

    def strict(self, raw: bytes) -> bytes:
        """Return the text without control sequences, quoting and line ends only. Short values are compared in it."""
        if self.token is None:
            return raw
        text = _LINE_END.sub(b"", self.token.sub(_decoded_with_line_ends, raw))
        return text.translate(bytes.maketrans(b"+", b" "), _QUOTING).strip(b" \t-:")


VERBATIM = Form(None, None)
"""The text itself."""
PLAIN = Form(re.compile(rb"%b|%b" % (_SEQUENCE, _INVISIBLE)), re.compile(_OPEN_SEQUENCE))
"""Without control sequences, white space and quoting."""
DECODED = Form(
    re.compile(rb"%b|%b|%b" % (_SEQUENCE, _INVISIBLE, _ESCAPE)),
    re.compile(rb"%b|%b" % (_OPEN_SEQUENCE, _OPEN_ESCAPE)),
)
"""As `PLAIN`, with escapes decoded. It doesn't replace `PLAIN`: in `LIKE '%ab12` the value may be `ab12`."""

_LINE_END = re.compile(rb"[ \t]*[\r\n]+[ \t]*")
_QUOTING = bytes(set(range(0x20)) - {9}) + b"\x7f'\"`\\"


def to_bytes(text: str) -> bytes:
    """Return the text as bytes. Lone surrogates, Python's substitute for bytes that aren't UTF-8, are kept."""
    return text.encode("utf-8", "surrogatepass")


def from_bytes(raw: bytes) -> str:
    """Return the text from which `to_bytes` made these bytes."""
    return raw.decode("utf-8", "surrogatepass")


def _decoded(token: re.Match[bytes]) -> bytes:
    """Decode an escape. Control sequences, and escapes of one letter such as that of a line end, become empty."""
    kind = token.lastgroup
    if kind is None or kind == "letter":
        return b""
    return _DECODERS[kind](token[kind])


def _decoded_with_line_ends(token: re.Match[bytes]) -> bytes:
    return b"\n" if token.lastgroup == "letter" else _decoded(token)


def _character(digits: bytes) -> bytes:
    number = int(digits, 16)
    return b"" if number > 0x10FFFF or number in _UNSEEN else to_bytes(chr(number))


def _entity(name: bytes) -> bytes:
    return to_bytes(html.unescape(f"&{name.decode('ascii')};"))


_UNSEEN = {0xA0, 0xAD, *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x206A), 0xFEFF}
"""The same characters as `_INVISIBLE`."""

_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "entity": _entity,
    "escaped": _entity,
    "unit": _character,
    "braced": _character,
    "long": _character,
    "byte": unhexlify,
    "octal": lambda digits: bytes([int(digits, 8)]),
    "percent": unhexlify,
}


# --- text printed over other text -------------------------------------------------------------------------------------

_BACK = re.compile(rb"\x08+|\x1b\[(?P<count>[0-9]{0,4})D")


def apply_backspaces(raw: bytes) -> MappedText | None:
    """Return the text as if each step back deleted a character, None if there is no step back."""
    kept: list[tuple[int, int]] = []
    at = 0
    for found in _BACK.finditer(raw):
        kept.append((at, found.start()))
        _delete_last(raw, kept, len(found[0]) if found[0][0] == 8 else int(found["count"] or 1))
        at = found.end()
    if not at:
        return None
    mapped = MappedText(raw)
    for start, end in [*kept, (at, len(raw))]:
        mapped.add(start, end, raw[start:end], _ALL)
    return mapped


def _delete_last(raw: bytes, kept: list[tuple[int, int]], count: int) -> None:
    """Remove the last `count` characters from the ranges in `kept`."""
    while kept and count:
        start, end = kept.pop()
        while end > start and count:
            end -= 1
            count -= raw[end] & 0xC0 != 0x80  # only the first byte of a character counts
        if end > start:
            kept.append((start, end))
