"""Cut SQL into tokens and statements the way PostgreSQL's own lexer does. Pure, and quick to import."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Kind", "Token", "statements", "tokens"]


class Kind(StrEnum):
    """What a token is. `BROKEN` is the rest of a text in which something is not closed."""

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


@dataclass(frozen=True, slots=True)
class Token:
    """One token: unquoted words in lower case, strings and names without their quotes.

    `start` and `end` count characters; `quote` is what opens it (`'`, `E'`, `$tag$`, `"`, `--`, `/*`).
    """

    kind: Kind
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
_INSIDE = {
    "text": re.compile(r"[^']*(?:''[^']*)*"),
    "escaped": re.compile(r"[^'\\]*(?:(?:''|\\.)[^'\\]*)*", re.DOTALL),
    "name": re.compile(r'[^"]*(?:""[^"]*)*'),
}
_KINDS: dict[str, Kind] = {**{kind.value: kind for kind in Kind}, "escaped": Kind.TEXT}


def tokens(sql: str) -> Iterator[Token]:
    """Yield the tokens of a text in order, comments among them; white space is left out."""
    at = 0
    while at < len(sql):
        found = _SIMPLE.match(sql, at)
        assert found is not None  # the last alternative takes any character
        token = _token(sql, found)
        if token is not None:
            yield token
        at = token.end if token is not None else found.end()


def _token(sql: str, found: re.Match[str]) -> Token | None:
    kind, start, end, text = found.lastgroup or "sign", found.start(), found.end(), found.group()
    if kind == "space":
        return None
    if kind in _INSIDE:
        return _quoted(sql, kind, start, end)
    if kind == "dollar":
        close = sql.find(text, end)
        return _broken(sql, start) if close < 0 else Token(Kind.TEXT, sql[end:close], start, close + len(text), text)
    if kind == "nested":
        return _nested(sql, start)
    if kind == "comment":
        return Token(Kind.COMMENT, text[2:], start, end, "--")
    return Token(_KINDS[kind], text.lower() if kind == "word" else text, start, end)


def _quoted(sql: str, kind: str, start: int, opened: int) -> Token:
    inside = _INSIDE[kind].match(sql, opened)
    assert inside is not None  # it matches nothing at least
    close = inside.end()
    if close >= len(sql):
        return _broken(sql, start)
    quote = sql[opened - 1]
    return Token(_KINDS[kind], inside.group().replace(quote * 2, quote), start, close + 1, sql[start:opened])


def _nested(sql: str, start: int) -> Token:
    depth, at = 1, start + 2
    while depth:
        found = re.compile(r"/\*|\*/").search(sql, at)
        if found is None:
            return _broken(sql, start)
        depth += 1 if found.group() == "/*" else -1
        at = found.end()
    return Token(Kind.COMMENT, sql[start + 2 : at - 2], start, at, "/*")


def _broken(sql: str, start: int) -> Token:
    return Token(Kind.BROKEN, sql[start:], start, len(sql))


def statements(sql: str) -> list[list[Token]]:
    """Split a text into its statements' tokens, without comments; a routine's `begin atomic` body stays whole."""
    found: list[list[Token]] = [[]]
    blocks = 0
    for token in tokens(sql):
        if token.kind is Kind.COMMENT:
            continue
        current = found[-1]
        blocks += _opens(current, token, blocks)
        if token.kind is Kind.META:
            found += [[token], []]
        elif token.text == ";" and token.kind is Kind.SIGN and blocks <= 0:
            found.append([])
            blocks = 0
        else:
            current.append(token)
    return [statement for statement in found if statement]


def _opens(before: Sequence[Token], token: Token, blocks: int) -> int:
    """Return 1 where a block of a routine's SQL body opens, -1 where one closes, else 0."""
    if token.kind is not Kind.WORD:
        return 0
    if token.text == "atomic":
        return int(len(before) > 1 and before[-1].text == "begin" and before[0].text == "create")
    return {"case": 1, "end": -1}.get(token.text, 0) if blocks else 0
