"""Keep secrets out of everything that is shown or stored: known values in every usual spelling, and known shapes.

Text may come in pieces. A piece that could be the beginning of a secret is held back until that is decided; what is
held back is bounded. The promise covers the spellings below, not a program that sets out to disguise a value.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from urllib.parse import quote, quote_plus

__all__ = ["MASK", "Redactor", "spellings"]

MASK = "[secret]"

_SHORTEST = 4
"""Shorter values are hidden where they stand alone; inside words they would hide half of the output."""
_SHORTEST_ENCODED = 6
_HELD = 8192
"""How much may be held back; a token that goes on for longer is cut there, and the rest of it is dropped."""

_NAMES = r"[A-Z0-9_]*(?:PASSWORD|PASSWD|SECRET|TOKEN|API_KEY|SECRET_KEY|PRIVATE_KEY|SERVICE_ROLE_KEY)"
_VALUE = r"""(?:'[^'\r\n]*'|"[^"\r\n]*"|[^\s'"]+)"""
_SHAPES = (
    r"\bsbp_[A-Za-z0-9_]{16,}",
    r"\bsb_secret_[A-Za-z0-9_-]{10,}",
    r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}",
    r"((?<![\w+.-])[a-z][a-z0-9+.-]*://[^\s:/@'\"]*:)[^\s@/'\"]+(?=@)",
    rf"(\b{_NAMES}=){_VALUE}",
    rf"(--(?:db-)?password[= ]|--token[= ]){_VALUE}",
    r"(\b[Bb]earer )[\w.~+/=-]{8,}",
)
"""Access tokens, secret keys, signed tokens, passwords in URLs, in variables, behind flags and in headers."""
_SHAPE = re.compile("|".join(_SHAPES))
_OPEN_SHAPES = (
    r"\bsbp_[A-Za-z0-9_]*",
    r"\bsb_secret_[A-Za-z0-9_-]*",
    r"(?<![\w-])eyJ[\w-]*(?:\.[\w-]*){0,2}",
    r"(?<![\w+.-])[a-z][a-z0-9+.-]*://[^\s:/@'\"]*(?::[^\s@/'\"]*)?",
    rf"\b{_NAMES}=(?:'[^'\r\n]*'?|\"[^\"\r\n]*\"?|[^\s'\"]*)",
    r"--(?:(?:db-)?password|token)[= ](?:'[^'\r\n]*'?|\"[^\"\r\n]*\"?|[^\s'\"]*)",
    r"\b[Bb]earer [\w.~+/=-]*",
)
_OPEN_SHAPE = re.compile(rf"(?:{'|'.join(_OPEN_SHAPES)})\Z")
"""What may grow into a secret once its telling beginning is there."""
_CONTEXT = 64
"""Characters already given out that are looked at again: a telling beginning may have come in two pieces."""
_TOKEN_REST = re.compile(r"[\w.~+/=:%-]*")


class Redactor:
    """Hides secrets in whole texts (`redact`) and in one stream of text (`feed`, then `flush`)."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self._literals = _Literals(secrets)
        self._shapes = _Shapes()

    def redact(self, text: str) -> str:
        """Return the text without secrets. Has nothing to do with the stream."""
        # Known values first: a shape may cover only a part of one.
        text = self._literals.mask(text)
        return _SHAPE.sub(lambda found: text[found.start() : _secret_from(found)] + MASK, text)

    def feed(self, text: str) -> str:
        """Take the stream's next piece; return what can be given out by now."""
        return self._shapes.feed(self._literals.feed(text))

    def flush(self) -> str:
        """Return what was held back, at the stream's end."""
        return self._shapes.feed(self._literals.flush()) + self._shapes.flush()


# --- spellings --------------------------------------------------------------------------------------------------


def spellings(secret: str) -> tuple[str, ...]:
    """Return the forms in which a secret may turn up, the longest first; of several lines also each by itself."""
    if not secret:
        return ()
    lines = [line for line in secret.splitlines() if len(line) > 2 * _SHORTEST and line != secret]
    found = {secret, *_escaped(secret), *lines}
    if len(secret) >= _SHORTEST_ENCODED:
        found |= set(_encoded(secret))
    enough = min(len(secret), _SHORTEST)
    return tuple(sorted((form for form in found if len(form) >= enough), key=lambda form: (-len(form), form)))


def _escaped(secret: str) -> Iterator[str]:
    """Yield the secret as terminals, JSON, shells, URLs, HTML and SQL write it."""
    yield secret.replace("\r\n", "\n").replace("\n", "\r\n")
    for ascii_only in (True, False):
        plain = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        # Encoders differ in whether they escape a slash, and in the case of hexadecimal digits.
        capitals = re.sub(r"\\u[0-9a-f]{4}", lambda found: "\\u" + found[0][2:].upper(), plain)
        yield from (plain, plain.replace("/", "\\/"), capitals)
    yield shlex.quote(secret).removeprefix("'").removesuffix("'") if "'" not in secret else shlex.quote(secret)
    yield secret.replace("'", "'\\''")
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", secret)
    yield re.sub(r'(["$`\\])', r"\\\1", secret)
    yield html.escape(secret)
    yield secret.replace("'", "''")
    # Bytes of the environment that are not UTF-8 come as lone surrogates, which a plain `encode` refuses.
    encodable = secret.encode("utf-8", "surrogatepass")
    for url in (quote(encodable, safe=""), quote(encodable), quote_plus(encodable)):
        yield from (url, re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), url))


def _encoded(secret: str) -> Iterator[str]:
    """Yield base64, alone and wherever it may stand inside a longer text, and hexadecimal."""
    raw = secret.encode("utf-8", "surrogatepass")
    yield from (raw.hex(), raw.hex().upper())
    for before in range(3):
        code = base64.b64encode(b"\0" * before + raw).decode()
        core = code.rstrip("=")
        # The first and the last characters also hold bits of the neighbours.
        fixed = core[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        for form in (code, core) if before == 0 else ():
            yield from (form, form.translate(_URL_SAFE))
        yield from (fixed, fixed.translate(_URL_SAFE))


_URL_SAFE = str.maketrans("+/", "-_")


# --- known values -------------------------------------------------------------------------------------------------


class _Literals:
    """Hides given values. Of a stream it gives out exactly what `mask` makes of the whole."""

    def __init__(self, secrets: Sequence[str]) -> None:
        every = {form for secret in secrets for form in spellings(secret)}
        self._forms = sorted(every, key=lambda form: (-len(form), form))
        self._longest = len(self._forms[0]) if self._forms else 0
        self._pattern = re.compile("|".join(map(_literal, self._forms))) if self._forms else None
        self._held = ""
        self._last = ""

    def mask(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def feed(self, text: str) -> str:
        """Give out all that no further piece can make part of a secret."""
        if self._pattern is None:
            return text
        work = self._last + self._held + text
        at = len(self._last)
        given: list[str] = []
        while True:
            waiting = self._beginning(work, at)
            found = self._pattern.search(work, at)
            # What comes next decides about a short value at the very end: it must stand alone.
            undecided = found and found.end() == len(work) and len(found[0]) < _SHORTEST
            if found is None or undecided or found.start() >= waiting:
                break
            given += [work[at : found.start()], MASK]
            at = found.end()
        cut = waiting if found is None else min(waiting, found.start())
        given.append(work[at:cut])
        self._last, self._held = work[max(0, cut - 1) : cut], work[cut:]
        return "".join(given)

    def flush(self) -> str:
        """Decide on what is held back: nothing more comes."""
        work, at = self._last + self._held, len(self._last)
        self._last = self._held = ""
        parts: list[str] = []
        for found in self._pattern.finditer(work, at) if self._pattern else ():
            parts += [work[at : found.start()], MASK]
            at = found.end()
        return "".join([*parts, work[at:]])

    def _beginning(self, work: str, at: int) -> int:
        """Return where the text's end begins to look like a secret, its length where it does not."""
        for start in range(max(at, len(work) - self._longest + 1), len(work)):
            tail = work[start:]
            if any(len(form) > len(tail) and form.startswith(tail) for form in self._forms):
                return start
        return len(work)


def _literal(form: str) -> str:
    escaped = re.escape(form)
    return rf"(?<![^\W_]){escaped}(?![^\W_])" if len(form) < _SHORTEST else escaped


# --- known shapes -------------------------------------------------------------------------------------------------


def _secret_from(found: re.Match[str]) -> int:
    """Return where the secret part of a match begins: behind what is kept of it (`password=`)."""
    return found.end(found.lastindex) if found.lastindex else found.start()


class _Shapes:
    """Hides what looks like a secret. Holds nothing back before a telling beginning (`sbp_`) is complete."""

    def __init__(self) -> None:
        self._context = ""
        self._held = ""
        self._dropping = False

    def feed(self, text: str) -> str:
        """Give out all that can't be part of a token that is still going on."""
        if self._dropping:
            # The rest of a token that went on for too long.
            rest = _TOKEN_REST.match(text)
            text = text[rest.end() :] if rest else text
            self._dropping = not text
        if not text:
            return ""
        work = self._context + self._held + text
        at = len(self._context)
        going_on = _OPEN_SHAPE.search(work)
        if going_on is None:
            return self._give(work, at, len(work))
        given = self._give(work, at, going_on.start())
        if len(self._held) <= _HELD:
            return given
        self._context = self._held = ""
        self._dropping = True
        return given + MASK

    def flush(self) -> str:
        """Decide on what is held back: nothing more comes."""
        work = self._context + self._held
        return self._give(work, len(self._context), len(work))

    def _give(self, work: str, at: int, cut: int) -> str:
        """Give out the text from `at`, where the context ends, to `cut`; hold the rest."""
        parts: list[str] = []
        for found in _SHAPE.finditer(work):
            if at < found.end() and found.start() < cut:
                parts += [work[at : max(at, _secret_from(found))], MASK]
                at = found.end()
        end = max(at, cut)
        self._context, self._held = work[max(0, end - _CONTEXT) : end], work[end:]
        return "".join([*parts, work[at:end]])
