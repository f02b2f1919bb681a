"""The ways in which programs print a value: a table of functions from the value to the printed text."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from urllib.parse import quote, quote_plus

from runbook.policy.redaction import MASK

__all__ = ["FORMS", "OVERPRINTED", "SECRETS", "is_hidden", "traces"]

SECRETS: Mapping[str, str] = {
    "odd": "pa<&>\"'\\ssé-w0rd/ß€+Zq 7",
    "url": "hun/ter:2@?#%41&x=y",
    "key": "MIIEvQIBADANBgkq+hki/G9w0B\nAQEFAASCBKcwggSjAgEAAoIBAQ\nhkiG9w0BAQEFAASCBKcwggSjAg",
    "short": "k7Q!",
}


def _go_json(text: str) -> str:
    written = json.dumps(text, ensure_ascii=False)[1:-1]
    return re.sub("[<>&]", lambda found: f"\\u{ord(found[0]):04x}", written)


def _go_quoted(text: str) -> str:
    written = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return re.sub("[^\x00-\x7f]", lambda found: f"\\u{ord(found[0]):04x}", written)


def _bytes(text: str) -> bytes:
    return text.encode()


def _wrapped(text: str, width: int, end: str) -> str:
    return end.join(text[start : start + width] for start in range(0, len(text), width))


def _base64(text: str) -> str:
    return base64.b64encode(_bytes(text)).decode()


def _inside(before: bytes) -> Callable[[str], str]:
    return lambda text: base64.b64encode(before + _bytes(text) + b"~~").decode()


FORMS: Mapping[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON with letters": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON in capitals": lambda text: re.sub(
        r"\\u[0-9a-f]{4}", lambda found: "\\u" + found[0][2:].upper(), json.dumps(text)[1:-1]
    ),
    "JSON of Go": _go_json,
    "JSON of PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[1:-1],
    "JSON of Go in JSON": lambda text: json.dumps(_go_json(text))[1:-1],
    "JSON, each character escaped": lambda text: "".join(f"\\u{ord(one):04x}" for one in text),
    "JavaScript": lambda text: "".join(f"\\u{{{ord(one):x}}}" for one in text),
    "Python": lambda text: repr(_bytes(text))[2:-1],
    "Python, long escapes": lambda text: "".join(f"\\U{ord(one):08x}" for one in text),
    "Python's repr": lambda text: repr(text)[1:-1],
    "colours in JSON": lambda text: json.dumps("\x1b[1m".join(text))[1:-1],
    "colours in Python's repr": lambda text: repr("\x1b[1m".join(text))[1:-1],
    "Go's %q": _go_quoted,
    "bytes in hexadecimal escapes": lambda text: "".join(f"\\x{one:02x}" for one in _bytes(text)),
    "bytes in octal escapes": lambda text: "".join(f"\\{one:03o}" for one in _bytes(text)),
    "shell, single quotes": shlex.quote,
    "shell, double quotes": lambda text: '"' + re.sub(r'(["$`\\])', r"\\\1", text) + '"',
    "shell, backslashes": lambda text: re.sub(r"([^\w\n@%+=:,./-])", r"\\\1", text),
    "shell, dollar quotes": lambda text: (
        "$'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
    ),
    "SQL": lambda text: "'" + text.replace("'", "''") + "'",
    "HTML": html.escape,
    "HTML in HTML": lambda text: html.escape(html.escape(text)),
    "HTML in JSON of Go": lambda text: _go_json(html.escape(text)),
    "HTML, decimal": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "HTML, hexadecimal": lambda text: "".join(f"&#x{ord(one):X};" for one in text),
    "URL": lambda text: quote(text, safe=""),
    "URL, small letters": lambda text: re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), quote(text, safe="")),
    "URL path": quote,
    "URL form": quote_plus,
    "URL in URL": lambda text: quote(quote(text, safe=""), safe=""),
    "URL in URL in URL": lambda text: quote(quote(quote(text, safe=""), safe=""), safe=""),
    "URL, each byte": lambda text: "".join(f"%{one:02X}" for one in _bytes(text)),
    "base64": _base64,
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(_bytes(text)).decode().rstrip("="),
    "base64 in a URL": lambda text: quote(_base64(text), safe=""),
    "base64 in JSON of PHP": lambda text: _base64(text).replace("/", "\\/"),
    "base64 of a mail": lambda text: base64.encodebytes(b"x" * 51 + _bytes(text)).decode(),
    "base64 in short lines": lambda text: _wrapped(_base64(text), 3, "\r\n"),
    "base64 in indented lines": lambda text: _wrapped(_base64(text), 5, "\n    "),
    "base64 behind one byte": _inside(b":"),
    "base64 behind two bytes": _inside(b"a:"),
    "base64 of a login": _inside(b"postgres:"),
    "hexadecimal": lambda text: _bytes(text).hex(),
    "hexadecimal in capitals": lambda text: _bytes(text).hex().upper(),
    "hexadecimal with colons": lambda text: _bytes(text).hex(":"),
    "hexadecimal with spaces": lambda text: _bytes(text).hex(" "),
    "hexadecimal in lines": lambda text: _wrapped(_bytes(text).hex(" "), 12, "\n"),
    "hard wraps": lambda text: _wrapped(text, 3, "\n"),
    "hard wraps, indented": lambda text: _wrapped(text, 2, "\r\n      "),
    "lines ended by a carriage return": lambda text: text.replace("\n", "\r\n"),
    "a colour in the middle": lambda text: f"{text[:2]}\x1b[1;31m{text[2:]}\x1b[0m",
    "a colour for each character": lambda text: "".join(f"\x1b[38;5;{at}m{one}\x1b[39m" for at, one in enumerate(text)),
    "cursor moves right": "\x1b[0C".join,
    "cursor put in its place": lambda text: "".join(f"\x1b[{9 + at}G{one}" for at, one in enumerate(text)),
    "lines erased in between": "\x1b[K".join,
    "modes switched in between": "\x1b[?25l".join,
    "coloured JSON": lambda text: "".join(f"\x1b[32m{json.dumps(one)[1:-1]}\x1b[0m" for one in text),
    "composed": lambda text: unicodedata.normalize("NFC", text),
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "decomposed in a URL": lambda text: quote(unicodedata.normalize("NFD", text), safe=""),
    "bold by overprinting": lambda text: "".join(one if one == "\n" else f"{one}\b{one}" for one in text),
    "underlined by overprinting": lambda text: "".join(one if one == "\n" else f"_\b{one}" for one in text),
    "a corrected letter": lambda text: f"{text[:2]}xy\b\b{text[2:]}",
    "a letter erased as shells do": lambda text: f"{text[:2]}x\b \b{text[2:]}",
    "a letter gone back over": lambda text: f"{text[:2]}xy\x1b[2D{text[2:]}",
    "printed twice in one line": lambda text: f"{text[:2]}\r{text}",
    "zero width spaces": "\u200b".join,
    "soft hyphens": lambda text: f"{text[:2]}\u00ad{text[2:]}",
    "bidirectional marks": lambda text: f"\u202d{text[:3]}\u202c{text[3:]}",
    "JSON in a URL": lambda text: quote(json.dumps(text, ensure_ascii=False)[1:-1], safe=""),
    "YAML, folded": lambda text: "\n  ".join(text.splitlines()),
    "Markdown": lambda text: re.sub(r"([\\`*_{}\[\]()#+\-.!|<>])", r"\\\1", text),
}
OVERPRINTED = frozenset(
    {
        "bold by overprinting",
        "underlined by overprinting",
        "a corrected letter",
        "a letter erased as shells do",
        "a letter gone back over",
    }
)
"""Forms that show the value only on a terminal, where later text replaces earlier text."""

_UNSEEN = re.compile(r"(?:\x1b|\\+(?:u001b|x1b))\[[0-?]*[@-~]|[\x00-\x20\x7f\u200b\u00ad\u202c\u202d]")
_AROUND = {
    "base64 of a mail": (68, 0),
    "base64 behind one byte": (4, 6),
    "base64 behind two bytes": (4, 6),
    "base64 of a login": (12, 6),
}
"""How many characters at each end don't belong to the value."""
_TRACE_LENGTH = 6
_FEWEST_DIGITS = 10
"""A trace that consists of digits has at least this many: any six turn up by chance in clocks, run ids and digests."""
_DIGITS = re.compile(r"[0-9A-Fa-f:]*")


def is_hidden(name: str, secret: str, shown: str) -> bool:
    """Return whether the printed form is masked and left no traces."""
    return MASK in shown and not traces(name, secret, shown)


def traces(name: str, secret: str, shown: str) -> bool:
    """Return whether more than punctuation is left of the printed form."""
    left = _left(shown)
    return any(window in left for window in _traces_of(name, secret))


@lru_cache(maxsize=2)
def _left(shown: str) -> str:
    """Return what can be seen of a text, in which one form after the other is looked for."""
    return _UNSEEN.sub("", shown.replace(MASK, "\ufffd"))


@cache
def _traces_of(name: str, secret: str) -> frozenset[str]:
    """Return the stretches of a printed form that give the value away."""
    printed = _UNSEEN.sub("", FORMS[name](secret))
    start, end = _AROUND.get(name, (0, 0))
    # The padding of base64 reveals nothing.
    printed = printed.removesuffix("%3D").removesuffix("%3D")[start : len(printed) - end]
    # Windows of nearly only zeros are skipped: escapes, dates and fractions share them.
    return frozenset(window for window in _windows(printed) if len(set(window)) > 2)


def _windows(printed: str) -> Iterator[str]:
    """Yield the shortest stretches that would give away a part of the value."""
    longest = max(3, len(printed) - 1)
    for at in range(len(printed)):
        size = min(_TRACE_LENGTH, longest)
        while size < longest and _is_short_number(printed[at : at + size]):
            size += 1
        if at + size <= len(printed):
            yield printed[at : at + size]


def _is_short_number(window: str) -> bool:
    return _DIGITS.fullmatch(window) is not None and len(window.replace(":", "")) < _FEWEST_DIGITS
