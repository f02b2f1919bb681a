"""Split SQL into tokens and statements as PostgreSQL's own lexer does. Pure, and quick to import."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

__all__ = ["Token", "TokenKind", "statements", "tokens"]


class TokenKind(StrEnum):
    """What a token is. `BROKEN` is the rest of a text in which something isn't closed."""

    WORD = "word"
    NAME = "name"
    """A quoted identifier."""
    TEXT = "text"
    """A string constant; `Token.text` is what is inside."""
    COMMENT = "comment"
    NUMBER = "number"
    META = "meta"
    """A psql command such as `\\d`, up to the end of its line."""
    SIGN = "sign"
    BROKEN = "broken"


class Token(NamedTuple):
    """One token: unquoted words in lower case, strings and names without their quotes.

    `start` and `end` count characters. `quote` is what opens the token (`'`, `E'`, `$tag$`, `"`, `--`, `/*`).
    """

    kind: TokenKind
    text: str
    start: int
    end: int
    quote: str = ""


_SIMPLE = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<comment>--[^\r\n]*)"
    r"|(?P<nested>/\*)"
    r"|(?P<dollar>\$(?:[^\W\d]\w*)?\$)"
    r"|(?P<text>(?:[uU]&|[bBxXnN])?')"
    r"|(?P<escaped>[eE]')"
    r"|(?P<name>(?:[uU]&)?\")"
    r"|(?P<word>[^\W\d][\w$]*)"
    r"|(?P<number>\.?\d[\w.]*)"
    r"|(?P<meta>\\[^\r\n]*)"
    r"|(?P<sign>::|.)",
    re.DOTALL,
)
# Only `E'…'` has backslash escapes. In a plain text, PostgreSQL 9.1 and newer keep backslashes as they are.
_INSIDE = {
    "text": re.compile(r"[^']*(?:''[^']*)*"),
    "escaped": re.compile(r"[^'\\]*(?:(?:''|\\.)[^'\\]*)*", re.DOTALL),
    "name": re.compile(r'[^"]*(?:""[^"]*)*'),
}
_COMMENT_MARK = re.compile(r"/\*|\*/")
_KINDS = {kind.value: kind for kind in TokenKind}


def tokens(sql: str, shift: int = 0) -> Iterator[Token]:
    """Yield the tokens of a text in order, including comments but not white space.

    `shift` is added to the offsets: the place of the text in a larger one.
    """
    at = 0
    while at < len(sql):
        found = _SIMPLE.match(sql, at)
        assert found is not None  # the last alternative matches any character
        start, at = found.span()
        # Words and signs are most of a text; calling a function for each of them would cost the most.
        match found.lastgroup:
            case "space":
                pass
            case "word":
                yield Token(TokenKind.WORD, found.group().lower(), start + shift, at + shift)
            case "sign":
                yield Token(TokenKind.SIGN, found.group(), start + shift, at + shift)
            case _:
                token = _token(sql, found)
                at = token.end
                yield token._replace(start=token.start + shift, end=at + shift) if shift else token


def _token(sql: str, found: re.Match[str]) -> Token:
    kind, start, end, text = found.lastgroup or "sign", found.start(), found.end(), found.group()
    if kind in _INSIDE:
        inside = _INSIDE[kind].match(sql, end)
        assert inside is not None  # it always matches, if only the empty text
        close, quote = inside.end(), sql[end - 1]
        if close < len(sql):
            value = inside.group().replace(quote * 2, quote)
            named = TokenKind.NAME if kind == "name" else TokenKind.TEXT
            return Token(named, value, start, close + 1, text)
    elif kind == "dollar":
        close = sql.find(text, end)
        if close >= 0:
            return Token(TokenKind.TEXT, sql[end:close], start, close + len(text), text)
    elif kind == "nested":
        # PostgreSQL's comments nest, unlike C's: `/* /* */ drop …` is a comment to its end.
        depth, at = 1, end
        while depth and (mark := _COMMENT_MARK.search(sql, at)):
            depth += 1 if mark.group() == "/*" else -1
            at = mark.end()
        if not depth:
            return Token(TokenKind.COMMENT, sql[end : at - 2], start, at, text)
    elif kind == "comment":
        return Token(TokenKind.COMMENT, text[2:], start, end, "--")
    else:
        return Token(_KINDS[kind], text, start, end)
    return Token(TokenKind.BROKEN, sql[start:], start, len(sql))


def statements(sql: str) -> list[list[Token]]:
    """Split a text into the tokens of its statements, without comments. A `begin atomic` body stays whole."""
    found: list[list[Token]] = [[]]
    blocks = 0
    for token in tokens(sql):
        if token.kind is TokenKind.COMMENT:
            continue
        if token.kind is TokenKind.WORD:
            blocks += _opens(found[-1], token.text, blocks)
        if token.kind is TokenKind.META:
            found += [[token], []]
        elif token.text == ";" and token.kind is TokenKind.SIGN and blocks <= 0:
            found.append([])
            blocks = 0
        else:
            found[-1].append(token)
    return [statement for statement in found if statement]


def _opens(before: Sequence[Token], word: str, blocks: int) -> int:
    """Return 1 if a block of a routine's SQL body opens here, -1 if one closes, else 0."""
    if word == "atomic":
        return int(len(before) > 1 and before[-1].text == "begin" and before[0].text == "create")
    # `case … end` matters only within a body: elsewhere it can't contain a semicolon.
    return {"case": 1, "end": -1}.get(word, 0) if blocks else 0
