"""Keep secrets out of everything that is shown or stored: known values however they are printed, and known shapes.

How a text is redacted:

1. `_needles` turns each known value into needles: the value, its Unicode variants, its lines, its base64 and its hex,
   all in the canonical forms of `canonical_text`.
2. For each form, a `_ValueMasker` brings the text into that form, finds the needles there, and masks the bytes of the
   original that they come from.
3. In a whole text, the last masker also looks at what a terminal shows of text that was printed over other text.
4. `secret_shapes` masks what looks like a secret: tokens, passwords in URLs and the like.

A stream goes through the stages 2 and 4 piece by piece. Each stage holds back the end of a piece while it may be the
beginning of a secret. How much it holds back is bounded. Who shows a stream on a terminal must also redact each line
that was printed over, as a whole text: what comes next may print over a part of the mask.

Redaction undoes the forms of `canonical_text` and the encodings named above. It can't stop a program that disguises a
value on purpose.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace

from runbook.known_secrets import known_secrets
from runbook.policy.canonical_text import (
    DECODED,
    PLAIN,
    VERBATIM,
    Form,
    MappedText,
    apply_backspaces,
    from_bytes,
    to_bytes,
)
from runbook.policy.secret_shapes import MASK, Shapes

__all__ = ["MASK", "Redactor", "hide_known"]

_SHORTEST = 4
"""Shorter values are hidden only as whole words; inside words they would hide half of the output."""
_SHORTEST_SPREAD = 8
"""Only values this long are found with anything between their characters. Shorter ones would turn up by chance."""
_STRETCH_FACTOR = 16
_STRETCH_EXTRA = 4096
"""A match, with all that is left out between its characters, has at most factor * longest needle + extra bytes."""


class Redactor:
    """Hides secrets in whole texts (`redact`) and in one stream of text (`feed`, then `flush`)."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        needles = _needles(secrets)
        self._stages = [_ValueMasker(form, needles[form]) for form in (VERBATIM, DECODED, PLAIN) if needles[form]]
        self._shapes = Shapes()

    def redact(self, text: str) -> str:
        """Return a whole text without secrets. This doesn't touch the stream."""
        raw = to_bytes(text)
        # Known values come first, because a shape may cover only a part of one.
        for stage in self._stages:
            raw = stage.mask(raw)
        return self._shapes.mask(from_bytes(self._mask_overprinted(raw)))

    def feed(self, text: str) -> str:
        """Take the stream's next piece and return what can be released now."""
        raw = to_bytes(text)
        for stage in self._stages:
            raw = stage.feed(raw)
        return self._shapes.feed(from_bytes(raw))

    def flush(self) -> str:
        """Return what was held back. Call it at the end of the stream."""
        raw = b""
        for stage in self._stages:
            raw = stage.feed(raw) + stage.flush()
        return self._shapes.feed(from_bytes(raw)) + self._shapes.flush()

    def _mask_overprinted(self, raw: bytes) -> bytes:
        """Hide values that were printed over other text."""
        visible = apply_backspaces(raw) if self._stages else None
        return raw if visible is None else self._stages[-1].mask_visible(raw, visible)


def hide_known(text: str) -> str:
    """Return the text without the secrets that this process knows."""
    return Redactor(known_secrets()).redact(text)


# --- needles ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Needle:
    """Bytes to find in canonical text. If `strict` isn't empty, a match must also equal one of its strict forms."""

    text: bytes
    strict: frozenset[bytes] = frozenset()


def _needles(secrets: Iterable[str]) -> dict[Form, list[_Needle]]:
    """Return the needles for each form, the longest first."""
    found: dict[Form, set[_Needle]] = {VERBATIM: set(), PLAIN: set(), DECODED: set()}
    for raw, encodable in _variants(secrets):
        codes = [*_encoded(raw)] if encodable and len(raw) >= _SHORTEST else []
        # The canonical form would leave out nearly all of some values, such as quotes alone.
        is_plain = len(PLAIN.canonical(raw)) >= min(_SHORTEST, len(raw))
        if not is_plain:
            found[VERBATIM] |= {_Needle(raw), _Needle(raw.replace(b"\\", rb"\\").replace(b'"', rb"\""))}
        for form in (PLAIN, DECODED):
            needles = (_needle(form, text) for text in (*([raw] if is_plain else []), *codes))
            # `%20%20%20%20` would become an empty needle.
            found[form] |= {one for one in needles if len(one.text) >= min(_SHORTEST, len(raw))}
        if is_plain:
            found[DECODED].add(_needle(PLAIN, raw))
    return {form: sorted(some, key=lambda one: (-len(one.text), one.text)) for form, some in found.items()}


def _needle(form: Form, raw: bytes) -> _Needle:
    text = form.canonical(raw)
    if len(text) >= _SHORTEST_SPREAD:
        return _Needle(text)
    strict = form.strict(raw)
    # Cursor moves may leave a space between any two characters.
    apart = re.sub(rb"(?<=.)(?![\x80-\xbf]|\Z)", b" ", strict, flags=re.DOTALL) if len(text) >= _SHORTEST else strict
    return _Needle(text, frozenset({strict, apart}))


def _variants(secrets: Iterable[str]) -> Iterator[tuple[bytes, bool]]:
    """Yield each value in every Unicode normalization, and each of its lines, with whether to encode it as well."""
    for secret in {*secrets} - {""}:
        for text in {secret, *(unicodedata.normalize(form, secret) for form in ("NFC", "NFD", "NFKC", "NFKD"))}:
            yield to_bytes(text), True
            if not text.isascii():
                # JSON writes characters beyond 16 bits as surrogate pairs.
                yield b"".join(to_bytes(half) for one in text for half in _surrogates(one)), False
        yield from (
            (to_bytes(line), False) for line in secret.splitlines() if len(line) > 2 * _SHORTEST and line != secret
        )


def _surrogates(character: str) -> str:
    high, low = divmod(max(0, ord(character) - 0x10000), 0x400)
    return character if character <= "\uffff" else chr(0xD800 + high) + chr(0xDC00 + low)


def _encoded(raw: bytes) -> Iterator[bytes]:
    """Yield its hex, its base64, and its base64 as a part of a longer encoded text."""
    yield from (raw.hex().encode(), raw.hex().upper().encode())
    for before in range(3):
        code = base64.b64encode(b"\0" * before + raw)
        core = code.rstrip(b"=")
        # The first and the last characters also hold bits of the neighbouring text.
        yield core[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        if before == 0:
            yield from (code, core)


# --- known values -------------------------------------------------------------------------------------------------


class _ValueMasker:
    """Hides known values in one form. A stream yields exactly what `mask` returns for the whole text."""

    def __init__(self, form: Form, needles: Sequence[_Needle]) -> None:
        self._form = form
        self._needles = needles
        self._longest = len(needles[0].text)
        self._longest_match = _STRETCH_FACTOR * self._longest + _STRETCH_EXTRA
        self._held = b""
        self._in_word = False
        """Whether the last released text ends in a letter or a digit."""

    def mask(self, raw: bytes) -> bytes:
        """Return a whole text without the values."""
        if not self._contains_needle(self._form.canonical(raw)):
            return raw
        return self._masked(_Piece(raw, self._form.mapped(raw)))[0]

    def mask_visible(self, raw: bytes, visible: MappedText) -> bytes:
        """Return a whole text without the values that are in the part that a terminal shows of it."""
        if not self._contains_needle(self._form.canonical(visible.text)):
            return raw
        return self._masked(_Piece(raw, self._form.mapped(visible.text), visible))[0]

    def feed(self, more: bytes) -> bytes:
        """Take the next piece; release everything that can't become part of a value, whatever follows."""
        if not more:
            return b""
        work = self._held + more
        complete = self._form.complete_until(work)
        text = self._form.canonical(work[:complete])
        overlap = self._overlap(text)
        if not overlap and not self._contains_needle(text):
            return self._release(work, work[:complete], complete)
        piece = _Piece(work, self._form.mapped(work[:complete]), after_word=self._in_word)
        if overlap and len(work) - piece.span(len(text) - overlap)[0] > self._longest_match:
            overlap = self._overlap(text[piece.canonical.first_from(len(work) - self._longest_match) :])
        cut = piece.span(len(text) - overlap)[0] if overlap else complete
        return self._release(work, *self._masked(piece, cut))

    def flush(self) -> bytes:
        """Return what was held back, at the end of the stream."""
        piece = _Piece(self._held, self._form.mapped(self._held), after_word=self._in_word)
        return self._release(self._held, *self._masked(piece))

    def _release(self, work: bytes, out: bytes, end: int) -> bytes:
        """Hold back `work` from `end` on, and return `out`, the masked text up to there."""
        self._held = work[end:]
        if end:
            self._in_word = _ends_in_word(work, end)
        return out

    def _contains_needle(self, text: bytes) -> bool:
        return any(needle.text in text for needle in self._needles)

    def _overlap(self, text: bytes) -> int:
        """Return the length of the longest end of the text that is the beginning of a needle, but not all of it."""
        tail = text[-self._longest :]
        found = 0
        for needle in self._needles:
            # Look for the last byte first: it rules out most ends.
            at = needle.text.rfind(tail[-1:], found, min(len(needle.text) - 1, len(tail))) if tail else -1
            while at >= found:
                if tail.endswith(needle.text[: at + 1]):
                    found = at + 1
                    break
                at = needle.text.rfind(tail[-1:], found, at)
        return found

    def _masked(self, piece: _Piece, cut: int | None = None) -> tuple[bytes, int]:
        """Return the piece without the values, and the position up to which it is masked.

        A `cut` means that more text follows: a match that begins at or after it is left for later.
        """
        parts: list[bytes] = []
        at, work = 0, piece.raw
        end = len(work) if cut is None else cut
        for first, last, needle in self._occurrences(piece.canonical.text):
            start, stop = piece.span(first, last)
            if start >= end:
                break
            if start < at or not self._is_match(piece.shown(first, last), needle):
                continue
            if len(needle.text) < _SHORTEST:
                # A short value must be a whole word. At the very end, the next piece decides that.
                if stop == len(work) and cut is not None:
                    end = start
                    break
                if (_ends_in_word(work, start) if start else piece.after_word) or _begins_word(work, stop):
                    continue
            # Keep the colours that the match switched on or off.
            parts += [work[at:start], MASK.encode(), *_COLOURS.findall(work[start:stop])]
            at = stop
        end = max(at, end)
        return b"".join([*parts, work[at:end]]), end

    def _occurrences(self, text: bytes) -> Iterator[tuple[int, int, _Needle]]:
        """Yield each occurrence of each needle from left to right, and at the same place the longest first."""
        places = [(at, rank) for rank, one in enumerate(self._needles) if (at := text.find(one.text)) >= 0]
        heapify(places)
        while places:
            at, rank = places[0]
            needle = self._needles[rank]
            yield at, at + len(needle.text), needle
            following = text.find(needle.text, at + 1)
            if following < 0:
                heappop(places)
            else:
                heapreplace(places, (following, rank))

    def _is_match(self, found: bytes, needle: _Needle) -> bool:
        if len(found) > self._longest_match:
            return False
        return not needle.strict or self._form.strict(found) in needle.strict


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of text with its canonical form. `visible` is what a terminal shows of it, if that is different."""

    raw: bytes
    canonical: MappedText
    visible: MappedText | None = None
    after_word: bool = False
    """Whether the text before it ends in a letter or a digit."""

    def span(self, first: int, end: int | None = None) -> tuple[int, int]:
        """Return the range in `raw` of a range of the canonical text."""
        start, stop = self.canonical.span(first, first + 1 if end is None else end)
        return self.visible.span(start, stop) if self.visible else (start, stop)

    def shown(self, first: int, end: int) -> bytes:
        """Return what a terminal shows for a range of the canonical text."""
        start, stop = self.canonical.span(first, end)
        return self.visible.text[start:stop] if self.visible else self.raw[start:stop]


_COLOURS = re.compile(rb"\x1b\[[0-9;:]*m")
_SEQUENCE_END = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]\Z")


def _ends_in_word(raw: bytes, end: int) -> bool:
    before = raw[max(0, end - 40) : end]
    return not _SEQUENCE_END.search(before) and before.decode("utf-8", "ignore")[-1:].isalnum()


def _begins_word(raw: bytes, start: int) -> bool:
    return raw[start : start + 4].decode("utf-8", "ignore")[:1].isalnum()
