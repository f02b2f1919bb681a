"""Hide what looks like a secret though nobody named it: tokens, keys, passwords in URLs, variables, flags, headers."""

from __future__ import annotations

import re

__all__ = ["MASK", "Shapes"]

MASK = "[secret]"

_HELD = 8192
"""How much may be held back; a token that goes on for longer is cut there, and the rest of it is dropped."""
_CONTEXT = 64
"""Characters already given out that are looked at again: a telling beginning may have come in two pieces."""

_COLOUR = r"\x1b\[[0-9;:]*m"
_NAMES = r"[A-Z0-9_]*(?:PASSWORD|PASSWD|SECRET|TOKEN|API_KEY|SECRET_KEY|PRIVATE_KEY|SERVICE_ROLE_KEY)"
_VALUE = r"""(?:'[^'\r\n]*'|"[^"\r\n]*"|\\+"[^"\r\n]*"|[^\s'"]+)"""
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
    rf"\b{_NAMES}=(?:'[^'\r\n]*'?|\"[^\"\r\n]*\"?|\\+(?:\"[^\"\r\n]*\"?)?|[^\s'\"]*)",
    r"--(?:(?:db-)?password|token)[= ](?:'[^'\r\n]*'?|\"[^\"\r\n]*\"?|\\+(?:\"[^\"\r\n]*\"?)?|[^\s'\"]*)",
    rf"\b[Bb]earer (?:[\w.~+/=-]|{_COLOUR})*",
)
_OPEN_SHAPE = re.compile(rf"(?:{'|'.join(_OPEN_SHAPES)})(?:\x1b(?:\[[0-9;:]{{0,32}})?)?\Z")
"""What may grow into a secret once its telling beginning is there."""
_TELLING = (
    *("sbp_", "sb_secret_", "eyJ", "://", ":\\/", "%3A%2F", "earer ", "--password", "--db-password", "--token"),
    *("PASSWORD=", "PASSWD=", "SECRET=", "TOKEN=", "_KEY="),
)
"""Every shape has one of these. Looking for them first is many times faster."""
_TOKEN_REST = re.compile(r"[\w.~+/=:%-]*")


class Shapes:
    """Hides what looks like a secret. Holds nothing back before a telling beginning (`sbp_`) is complete."""

    def __init__(self) -> None:
        self._context = ""
        self._held = ""
        self._dropping = False

    def mask(self, text: str) -> str:
        """Return a whole text without what looks like a secret."""
        if not _is_telling(text):
            return text
        return _SHAPE.sub(lambda found: text[found.start() : _secret_from(found)] + _masked(found), text)

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
        if not _is_telling(work):
            self._context, self._held = work[-_CONTEXT:], ""
            return work[at:]
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
                parts += [work[at : max(at, _secret_from(found))], _masked(found)]
                at = found.end()
        end = max(at, cut)
        self._context, self._held = work[max(0, end - _CONTEXT) : end], work[end:]
        return "".join([*parts, work[at:end]])


def _is_telling(text: str) -> bool:
    return any(beginning in text for beginning in _TELLING)


def _secret_from(found: re.Match[str]) -> int:
    """Return where the secret part of a match begins: behind what is kept of it (`password=`)."""
    return found.end(found.lastindex) if found.lastindex else found.start()


def _masked(found: re.Match[str]) -> str:
    """Return the mask, and the colours that the secret had switched on or off."""
    return MASK + "".join(re.findall(_COLOUR, found[0]))
