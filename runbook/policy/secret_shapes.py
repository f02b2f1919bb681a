"""Hide what looks like a secret, without knowing its value: tokens, keys, passwords in URLs, variables, flags, headers.

`_SHAPE` matches a whole secret. `_OPEN_SHAPE` matches the beginning of one at the end of a piece, which is held back
until the next piece decides. Both are tried only on text that has one of the fixed `_BEGINNINGS`.
"""

from __future__ import annotations

import re

__all__ = ["MASK", "Shapes", "has_beginning"]

MASK = "[secret]"

_HELD_LIMIT = 8192
"""The most characters to hold back. A longer token is masked, and the rest of it is dropped."""
_CONTEXT = 64
"""How many released characters to search again: a beginning may be split between two pieces."""

_COLOUR = r"\x1b\[[0-9;:]*m"
_NAMES = r"[A-Z0-9_]*(?:PASSWORD|PASSWD|SECRET|TOKEN|API_KEY|SECRET_KEY|PRIVATE_KEY|SERVICE_ROLE_KEY)"
_VALUE = r"""(?:'[^'\r\n]*'|"[^"\r\n]*"|\\+"[^"\r\n]*"|[^\s'"]+)"""
_OPEN_VALUE = r"""(?:'[^'\r\n]*'?|"[^"\r\n]*"?|\\+(?:"[^"\r\n]*"?)?|[^\s'"]*)"""
_SCHEME = r"(?<![\w+.-])[a-z][a-z0-9+.-]*"
_SHAPES = (
    rf"\bsbp_(?:[A-Za-z0-9_]|{_COLOUR}){{16,}}",
    rf"\bsb_secret_(?:[A-Za-z0-9_-]|{_COLOUR}){{10,}}",
    rf"(?<![\w-])eyJ(?:[\w-]|{_COLOUR}){{8,}}\.(?:[\w-]|{_COLOUR}){{8,}}\.(?:[\w-]|{_COLOUR}){{8,}}",
    rf"({_SCHEME}:\\?/\\?/[^\s:/@'\"]*:)[^\s@/'\"]+(?=@)",
    rf"({_SCHEME}%3A%2F%2F[^\s:/@'\"%]*%3A)(?:(?!%40)[^\s@/'\"])+(?=%40)",
    rf"(\b{_NAMES}=){_VALUE}",
    rf"(--(?:db-)?password[= ]|--token[= ]){_VALUE}",
    rf"(\b[Bb]earer )(?:[\w.~+/=-]|{_COLOUR}){{8,}}",
)
"""Access tokens, secret keys, signed tokens, passwords in URLs, in variables, behind flags and in headers."""
_SHAPE = re.compile("|".join(_SHAPES))
_OPEN_SHAPES = (
    rf"\bsbp_(?:[A-Za-z0-9_]|{_COLOUR})*",
    rf"\bsb_secret_(?:[A-Za-z0-9_-]|{_COLOUR})*",
    rf"(?<![\w-])eyJ(?:[\w-]|{_COLOUR})*(?:\.(?:[\w-]|{_COLOUR})*){{0,2}}",
    rf"{_SCHEME}:\\?/\\?/[^\s:/@'\"]*(?::[^\s@/'\"]*)?",
    rf"{_SCHEME}%3A%2F%2F[^\s:/@'\"]*",
    rf"\b{_NAMES}={_OPEN_VALUE}",
    rf"--(?:(?:db-)?password|token)[= ]{_OPEN_VALUE}",
    rf"\b[Bb]earer (?:[\w.~+/=-]|{_COLOUR})*",
)
_OPEN_SHAPE = re.compile(rf"(?:{'|'.join(_OPEN_SHAPES)})(?:\x1b(?:\[[0-9;:]{{0,32}})?)?\Z")
"""The beginning of a secret at the end of a text."""
_BEGINNINGS = {
    "sb": ("sbp_", "sb_secret_"),
    "eyJ": ("eyJ",),
    ":": ("://", ":\\/"),
    "%": ("%3A%2F",),
    "earer ": ("earer ",),
    "--": ("--password", "--db-password", "--token"),
    "=": ("PASSWORD=", "PASSWD=", "SECRET=", "TOKEN=", "_KEY="),
}
"""Every shape contains one of these. They are here by a part of them: searching for parts first is faster."""
_TOKEN_REST = re.compile(r"[\w.~+/=:%-]*")


class Shapes:
    """Hides what looks like a secret. In a stream, it holds text back only after one of `_BEGINNINGS` is complete."""

    def __init__(self) -> None:
        self._context = ""
        self._held = ""
        self._dropping = False

    def mask(self, text: str) -> str:
        """Return a whole text without what looks like a secret."""
        if not has_beginning(text):
            return text
        return _SHAPE.sub(lambda found: text[found.start() : _secret_from(found)] + _masked(found), text)

    def feed(self, text: str) -> str:
        """Take the next piece; release everything that can't be part of a secret that continues."""
        if self._dropping:
            # This is the rest of a token that was too long to hold back.
            rest = _TOKEN_REST.match(text)
            text = text[rest.end() :] if rest else text
            self._dropping = not text
        if not text:
            return ""
        work = self._context + self._held + text
        at = len(self._context)
        if not has_beginning(work):
            self._context, self._held = work[-_CONTEXT:], ""
            return work[at:]
        unfinished = _OPEN_SHAPE.search(work)
        if unfinished is None:
            return self._release(work, at, len(work))
        released = self._release(work, at, unfinished.start())
        if len(self._held) <= _HELD_LIMIT:
            return released
        self._context = self._held = ""
        self._dropping = True
        return released + MASK

    def flush(self) -> str:
        """Return what was held back, at the end of the stream."""
        work = self._context + self._held
        return self._release(work, len(self._context), len(work))

    def _release(self, work: str, at: int, cut: int) -> str:
        """Return the masked text from `at`, where the context ends, to `cut`, and hold back the rest."""
        parts: list[str] = []
        for found in _SHAPE.finditer(work):
            if at < found.end() and found.start() < cut:
                parts += [work[at : max(at, _secret_from(found))], _masked(found)]
                at = found.end()
        end = max(at, cut)
        self._context, self._held = work[max(0, end - _CONTEXT) : end], work[end:]
        return "".join([*parts, work[at:end]])


def has_beginning(text: str) -> bool:
    """Tell whether a text may contain what looks like a secret: a quick look before a long one."""
    return any(part in text and any(one in text for one in each) for part, each in _BEGINNINGS.items())


def _secret_from(found: re.Match[str]) -> int:
    """Return where the secret part of a match begins: after the part that stays, such as `password=`."""
    return found.end(found.lastindex) if found.lastindex else found.start()


def _masked(found: re.Match[str]) -> str:
    """Return the mask, and the colours that the match switched on or off."""
    return MASK + "".join(re.findall(_COLOUR, found[0]))
