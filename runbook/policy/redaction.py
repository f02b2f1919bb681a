"""Keep secrets out of everything that is shown or stored: known values however they are printed, and known shapes.

Text may come in pieces. A piece that could be the beginning of a secret is held back until that is decided; what is
held back is bounded. The promise covers the forms that `canonical_text` undoes and the encodings below, not a program
that sets out to disguise a value.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace

from runbook.known_secrets import known_secrets
from runbook.policy.canonical_text import AS_IT_IS, DECODED, PLAIN, Form, Located, from_bytes, overstruck, to_bytes
from runbook.policy.secret_shapes import MASK, Shapes

__all__ = ["MASK", "Redactor", "hide_known"]

_SHORTEST = 4
"""Shorter values are hidden where they stand alone; inside words they would hide half of the output."""
_SHORTEST_LOOSE = 8
"""Of shorter values `a b` isn't `ab`: chance would find them across the words of a sentence."""
_STRETCH = 16
_STRETCH_MORE = 4096
"""A value and all that is left out between its characters is at most so many times as long, and that much more."""


class Redactor:
    """Hides secrets in whole texts (`redact`) and in one stream of text (`feed`, then `flush`)."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        needles = _needles(secrets)
        self._stages = [_Values(form, needles[form]) for form in (AS_IT_IS, DECODED, PLAIN) if needles[form]]
        self._shapes = Shapes()

    def redact(self, text: str) -> str:
        """Return the text without secrets. Has nothing to do with the stream."""
        raw = to_bytes(text)
        # Known values first: a shape may cover only a part of one.
        for stage in self._stages:
            raw = stage.mask(raw)
        return self._shapes.mask(from_bytes(self._unstruck(raw)))

    def feed(self, text: str) -> str:
        """Take the stream's next piece; return what can be given out by now."""
        raw = to_bytes(text)
        for stage in self._stages:
            raw = stage.feed(raw)
        return self._shapes.feed(from_bytes(self._unstruck(raw)))

    def flush(self) -> str:
        """Return what was held back, at the stream's end."""
        raw = b""
        for stage in self._stages:
            raw = stage.feed(raw) + stage.flush()
        return self._shapes.feed(from_bytes(self._unstruck(raw))) + self._shapes.flush()

    def _unstruck(self, raw: bytes) -> bytes:
        """Hide values whose characters were printed over others. Of a stream, only those that came in one piece."""
        seen = overstruck(raw) if self._stages else None
        return raw if seen is None else self._stages[-1].mask_seen(raw, seen)


def hide_known(text: str) -> str:
    """Return a text without the secrets that this process was given."""
    return Redactor(known_secrets()).redact(text)


# --- what is looked for -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Needle:
    """What is looked for in canonical text. A match for a short one must have one of the `strict` forms, too."""

    text: bytes
    strict: frozenset[bytes] = frozenset()


def _needles(secrets: Iterable[str]) -> dict[Form, list[_Needle]]:
    """Return what to look for in each form of a text, the longest first."""
    found: dict[Form, set[_Needle]] = {AS_IT_IS: set(), PLAIN: set(), DECODED: set()}
    for raw, encodable in _written(secrets):
        literal = PLAIN.of(raw)
        if len(literal) < min(_SHORTEST, len(raw)):
            # Nearly all of it would be left out.
            found[AS_IT_IS] |= {_Needle(raw), _Needle(raw.replace(b"\\", rb"\\").replace(b'"', rb"\""))}
            continue
        codes = [*_encoded(raw)] if encodable and len(raw) >= _SHORTEST else []
        for form in (PLAIN, DECODED):
            needles = (_needle(form, text) for text in (raw, *codes))
            # Of `%20%20%20%20` nothing would be left to look for.
            found[form] |= {one for one in needles if len(one.text) >= min(_SHORTEST, len(raw))}
        found[DECODED].add(_needle(PLAIN, raw))
    return {form: sorted(some, key=lambda one: (-len(one.text), one.text)) for form, some in found.items()}


def _needle(form: Form, raw: bytes) -> _Needle:
    text = form.of(raw)
    if len(text) >= _SHORTEST_LOOSE:
        return _Needle(text)
    strict = form.strict(raw)
    # Cursor moves may leave a blank between any two characters.
    apart = re.sub(rb"(?<=.)(?![\x80-\xbf]|\Z)", b" ", strict, flags=re.DOTALL) if len(text) >= _SHORTEST else strict
    return _Needle(text, frozenset({strict, apart}))


def _written(secrets: Iterable[str]) -> Iterator[tuple[bytes, bool]]:
    """Yield each value in the ways that Unicode has for it, and its lines; with whether it may come encoded."""
    for secret in {*secrets} - {""}:
        for text in {secret, *(unicodedata.normalize(form, secret) for form in ("NFC", "NFD", "NFKC", "NFKD"))}:
            yield to_bytes(text), True
            if not text.isascii():
                # JSON writes what is beyond 16 bits as two halves.
                yield b"".join(to_bytes(half) for one in text for half in _halves(one)), False
        yield from (
            (to_bytes(line), False) for line in secret.splitlines() if len(line) > 2 * _SHORTEST and line != secret
        )


def _halves(character: str) -> str:
    high, low = divmod(max(0, ord(character) - 0x10000), 0x400)
    return character if character <= "\uffff" else chr(0xD800 + high) + chr(0xDC00 + low)


def _encoded(raw: bytes) -> Iterator[bytes]:
    """Yield base64, alone and wherever it may stand inside a longer text, and hexadecimal."""
    yield from (raw.hex().encode(), raw.hex().upper().encode())
    for before in range(3):
        code = base64.b64encode(b"\0" * before + raw)
        core = code.rstrip(b"=")
        # The first and the last characters also hold bits of the neighbours.
        yield core[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        if before == 0:
            yield from (code, core)


# --- known values -------------------------------------------------------------------------------------------------


class _Values:
    """Hides given values in one form of a text. Of a stream it gives out exactly what `mask` makes of the whole."""

    def __init__(self, form: Form, needles: Sequence[_Needle]) -> None:
        self._form = form
        self._needles = needles
        self._longest = len(needles[0].text)
        self._reach = _STRETCH * self._longest + _STRETCH_MORE
        self._held = b""
        self._in_word = False
        """Whether what was given out last ends in a letter or a digit."""

    def mask(self, raw: bytes) -> bytes:
        """Return a whole text without the values."""
        if not self._is_in(self._form.of(raw)):
            return raw
        return self._masked(_Piece(raw, self._form.located(raw)))[0]

    def mask_seen(self, raw: bytes, seen: Located) -> bytes:
        """Hide the values in what a person sees of the text, where that is not the text itself."""
        if not self._is_in(self._form.of(seen.text)):
            return raw
        return self._masked(_Piece(raw, self._form.located(seen.text), seen))[0]

    def feed(self, more: bytes) -> bytes:
        """Give out all that no further piece can make part of a secret."""
        if not more:
            return b""
        work = self._held + more
        decided = self._form.unfinished(work)
        text = self._form.of(work[:decided])
        overlap = self._overlap(text)
        if not overlap and not self._is_in(text):
            return self._give(work, work[:decided], decided)
        piece = _Piece(work, self._form.located(work[:decided]), after_word=self._in_word)
        if overlap and len(work) - piece.span(len(text) - overlap)[0] > self._reach:
            overlap = self._overlap(text[piece.located.first_from(len(work) - self._reach) :])
        cut = piece.span(len(text) - overlap)[0] if overlap else decided
        return self._give(work, *self._masked(piece, cut))

    def flush(self) -> bytes:
        """Decide on what is held back: nothing more comes."""
        piece = _Piece(self._held, self._form.located(self._held), after_word=self._in_word)
        return self._give(self._held, *self._masked(piece))

    def _give(self, work: bytes, out: bytes, end: int) -> bytes:
        """Hold the piece from `end` on, and return what was made of it up to there."""
        self._held = work[end:]
        if end:
            self._in_word = _ends_in_word(work, end)
        return out

    def _is_in(self, text: bytes) -> bool:
        return any(needle.text in text for needle in self._needles)

    def _overlap(self, text: bytes) -> int:
        """Return the length of the text's longest end that a value begins with, but is longer than."""
        tail = text[-self._longest :]
        found = 0
        for needle in self._needles:
            # The last byte first: most ends are decided by it.
            at = needle.text.rfind(tail[-1:], found, min(len(needle.text) - 1, len(tail))) if tail else -1
            while at >= found:
                if tail.endswith(needle.text[: at + 1]):
                    found = at + 1
                    break
                at = needle.text.rfind(tail[-1:], found, at)
        return found

    def _masked(self, piece: _Piece, cut: int | None = None) -> tuple[bytes, int]:
        """Return the piece without the values, and how far that goes.

        With a `cut` more comes: what begins behind it is not decided.
        """
        parts: list[bytes] = []
        at, work = 0, piece.raw
        end = len(work) if cut is None else cut
        for first, last, needle in self._found(piece.located.text):
            start, stop = piece.span(first, last)
            if start >= end:
                break
            if start < at or not self._is_meant(piece.shown(first, last), needle):
                continue
            if len(needle.text) < _SHORTEST:
                # What comes next decides about a short value at the very end: it must stand alone.
                if stop == len(work) and cut is not None:
                    end = start
                    break
                if (_ends_in_word(work, start) if start else piece.after_word) or _begins_word(work, stop):
                    continue
            # Colours that were switched on or off in between still are.
            parts += [work[at:start], MASK.encode(), *_COLOURS.findall(work[start:stop])]
            at = stop
        end = max(at, end)
        return b"".join([*parts, work[at:end]]), end

    def _found(self, text: bytes) -> Iterator[tuple[int, int, _Needle]]:
        """Yield each place of each value, from left to right, of several in one place the longest first."""
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

    def _is_meant(self, found: bytes, needle: _Needle) -> bool:
        if len(found) > self._reach:
            return False
        return not needle.strict or self._form.strict(found) in needle.strict


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of text, its canonical form, and what a person sees of it, where that is something else."""

    raw: bytes
    located: Located
    seen: Located | None = None
    after_word: bool = False
    """Whether a letter or a digit stood before it."""

    def span(self, first: int, end: int | None = None) -> tuple[int, int]:
        """Return where bytes of the canonical text stood."""
        start, stop = self.located.span(first, first + 1 if end is None else end)
        return self.seen.span(start, stop) if self.seen else (start, stop)

    def shown(self, first: int, end: int) -> bytes:
        """Return what a person sees where they stood."""
        start, stop = self.located.span(first, end)
        return self.seen.text[start:stop] if self.seen else self.raw[start:stop]


_COLOURS = re.compile(rb"\x1b\[[0-9;:]*m")
_SEQUENCE_END = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]\Z")


def _ends_in_word(raw: bytes, end: int) -> bool:
    before = raw[max(0, end - 40) : end]
    return not _SEQUENCE_END.search(before) and before.decode("utf-8", "ignore")[-1:].isalnum()


def _begins_word(raw: bytes, start: int) -> bool:
    return raw[start : start + 4].decode("utf-8", "ignore")[:1].isalnum()
