"""Remove quotes: return what each kind of quoting leaves of the text inside it."""

from __future__ import annotations

import re

from runbook.guard.shell.nodes import Part, TextPart

__all__ = ["ansi_c", "bare", "double_quoted", "echoed", "heredoc"]

_LETTERS = {"a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_NUMBERS = r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|"
_ANSI = re.compile(_NUMBERS + r"([0-7]{1,3})|c(.)|(.))", re.DOTALL)
_ECHO = re.compile(_NUMBERS + r"0?([0-7]{1,3})|(?!)(.)|(.))", re.DOTALL)  # the same groups, and no control characters
_BARE = re.compile(r"\\(.)|([^\\]+)|(\\)$", re.DOTALL)


def ansi_c(text: str) -> str:
    r"""Decode the inside of `$'…'`: `\n`, `\x72`, `\162`, `\u0072`, `\cM`, `\'` and so on. A NUL ends the text."""
    return _joined(_ANSI.sub(lambda match: _decoded(match, "\\'\"?"), text)).partition("\0")[0]


def echoed(text: str) -> str:
    r"""Decode what `echo -e` and `printf` decode: as `ansi_c`, with octal as `\0162`; `\c` ends the output."""
    return _joined(_ECHO.sub(lambda match: _decoded(match, "\\"), text.partition("\\c")[0]))


def _decoded(match: re.Match[str], escapable: str) -> str:
    """Decode an escape. Before any other character, the backslash stays."""
    if match[1] or match[4]:
        return _byte(int(match[1], 16) if match[1] else int(match[4], 8) & 0xFF)
    hexadecimal = match[2] or match[3]
    if hexadecimal:
        code = int(hexadecimal, 16)
        # Surrogates and numbers beyond Unicode have no character, and could not be written out.
        return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
    if match[5]:
        return chr(ord(match[5].upper()) & 0x1F)
    return _LETTERS.get(match[6], match[6] if match[6] in escapable else "\\" + match[6])


def _byte(code: int) -> str:
    return bytes([code]).decode("utf-8", "surrogateescape")


def _joined(text: str) -> str:
    """Combine bytes that were written one by one into characters. Bytes that aren't UTF-8 stay bytes."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate, which no shell can receive
        return text


def bare(text: str) -> tuple[Part, ...]:
    """Split unquoted text into pieces: a character after a backslash is quoted, the rest isn't."""
    if "\\" not in text:
        return (TextPart(text, quoted=False),)
    # A backslash before a newline joins lines and leaves nothing.
    found = _BARE.findall(text.replace("\\\n", ""))
    return tuple(TextPart(bare or escaped or last, quoted=not bare) for escaped, bare, last in found)


def double_quoted(text: str) -> str:
    """Decode the inside of double quotes: a backslash counts only before `$`, a backquote, `"`, itself, a newline."""
    return re.sub(r'\\([$`"\\])|\\\n', r"\1", text)


def heredoc(text: str) -> str:
    """Decode a heredoc's text: as in double quotes, but a backslash before `"` stays."""
    return re.sub(r"\\([$`\\])|\\\n", r"\1", text)
