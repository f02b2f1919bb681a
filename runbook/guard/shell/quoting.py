"""Take quotes off: what each kind of quoting leaves of the text inside it."""

from __future__ import annotations

import re

from runbook.guard.shell.nodes import Part, TextPart

__all__ = ["ansi_c", "bare", "double_quoted", "echoed", "heredoc"]

_LETTERS = {"a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ANSI = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|c(.)|(.))", re.DOTALL
)
_ECHO = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|0?([0-7]{1,3})|(.))", re.DOTALL)
_BARE = re.compile(r"\\(.)|([^\\]+)|(\\)$", re.DOTALL)


def ansi_c(text: str) -> str:
    r"""Decode the inside of `$'…'`: `\n`, `\x72`, `\162`, `\u0072`, `\cM`, `\'` and so on. A NUL ends the text."""
    return _ANSI.sub(_ansi_one, text).partition("\0")[0]


def _ansi_one(match: re.Match[str]) -> str:
    hexadecimal = match[1] or match[2] or match[3]
    if hexadecimal:
        return _character(int(hexadecimal, 16))
    if match[4]:
        return chr(int(match[4], 8) & 0xFF)
    if match[5]:
        return chr(ord(match[5].upper()) & 0x1F)
    return _LETTERS.get(match[6], match[6] if match[6] in "\\'\"?" else "\\" + match[6])


def _character(code: int) -> str:
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def echoed(text: str) -> str:
    r"""Decode what `echo -e` and `printf` decode: as `ansi_c`, with octal as `\0162`; `\c` ends the output."""
    return _ECHO.sub(_echo_one, text.partition("\\c")[0])


def _echo_one(match: re.Match[str]) -> str:
    hexadecimal = match[1] or match[2] or match[3]
    if hexadecimal:
        return _character(int(hexadecimal, 16))
    if match[4]:
        return chr(int(match[4], 8) & 0xFF)
    return _LETTERS.get(match[5], "\\" if match[5] == "\\" else "\\" + match[5])


def bare(text: str) -> tuple[Part, ...]:
    """Split unquoted text in pieces: a character after a backslash is quoted, the rest is not."""
    if "\\" not in text:
        return (TextPart(text, quoted=False),)
    return tuple(_bare_one(match) for match in _BARE.finditer(text.replace("\\\n", "")))


def _bare_one(match: re.Match[str]) -> TextPart:
    return TextPart(match[2], quoted=False) if match[2] else TextPart(match[1] or match[3], quoted=True)


def double_quoted(text: str) -> str:
    """Decode the inside of double quotes: a backslash counts only before `$`, a backquote, `"`, itself, a newline."""
    return re.sub(r'\\([$`"\\\n])', _after_backslash, text)


def heredoc(text: str) -> str:
    """Decode a heredoc's text: as in double quotes, but a backslash before `"` stays."""
    return re.sub(r"\\([$`\\\n])", _after_backslash, text)


def _after_backslash(match: re.Match[str]) -> str:
    return "" if match[1] == "\n" else match[1]
