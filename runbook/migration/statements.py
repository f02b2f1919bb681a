"""Parse a migration into statements with PostgreSQL's own parser, each with the exact place of its words.

The parser reads a whole text or nothing. After a mistake, the tokenizer splits the text and each statement is parsed on
its own, so one mistake doesn't hide the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from runbook.errors import UsageError
from runbook.migration.source import Source, byte_to_character
from runbook.migration.syntax_tree import Name, Node, name_in, walk
from runbook.policy.sql_tokens import Token, TokenKind, statements, tokens

__all__ = ["Broken", "Parsed", "Statement", "body_error", "parse", "parse_part", "parse_text", "parse_unseen"]


_DEEPEST = 700
"""How many objects and lists of the syntax tree may be inside each other.

Python 3.11.7 reads 992 and 3.13.0 reads 9,994. With a lower limit, a migration is judged the same on both.
"""


class Broken(NamedTuple):
    """A part of a text that the parser can't read: a kind of problem (the rule's id), why, and where."""

    rule: str
    message: str
    offset: int


_TOO_DEEP = Broken("unread-statement", "it is nested too deeply", 0)


class Statement:
    """One statement: its type and fields in the syntax tree, and its words.

    `index` counts the file's own statements from 0; a statement inside a DO block or a function has the index of the
    statement that runs it, and `inside` says what that is. A statement that's put together at run time is `dynamic`.
    """

    def __init__(  # noqa: PLR0913 - the last three are keywords
        self,
        source: Source,
        node: dict[str, Node],
        span: tuple[int, int],
        locate: Callable[[int], int],
        *,
        index: int,
        inside: str = "",
        anchor: int | None = None,
    ) -> None:
        self.kind, self.node = next(iter(node.items()))
        self.source = source
        self.index = index
        self.inside = inside
        self._span = span
        self._locate = locate
        self._anchor = anchor
        """The place to name if the statement's text isn't in the file as it is."""

    def moved(self, source: Source, anchor: int) -> Statement:
        """Return the statement in another source, where only the place of the whole is known."""
        span = (anchor, anchor)
        return Statement(source, {self.kind: self.node}, span, int, index=self.index, inside=self.inside, anchor=anchor)

    def part(self, node: dict[str, Node], *, index: int, inside: str) -> Statement:
        """Return a statement that is a part of this one's syntax tree."""
        return Statement(self.source, node, self._span, self._locate, index=index, inside=inside, anchor=self._anchor)

    def mentions(self, word: str) -> bool:
        """Whether a word may be in its text: a quick look before a long one."""
        start, end = self._span
        return self._anchor is not None or word in self.source.text[start:end].lower()

    @cached_property
    def nodes(self) -> Mapping[str, Sequence[Node]]:
        """The nodes below its own, by type and from the outside in. One walk serves all rules."""
        found: dict[str, list[Node]] = {}
        for kind, node in walk(self.node):
            found.setdefault(kind, []).append(node)
        return found

    @cached_property
    def parts(self) -> frozenset[str]:
        """The parser's names for the parts of an ALTER TABLE."""
        return frozenset(each.get("AlterTableCmd", {}).get("subtype", "") for each in self.node.get("cmds", ()))

    @property
    def calls(self) -> Iterator[tuple[Name, Node]]:
        """Each function call in it, with the function's name."""
        return ((name_in(node.get("funcname", [])), node) for node in self.nodes.get("FuncCall", ()))

    @cached_property
    def tokens(self) -> list[Token]:
        """The words of the statement without comments, at their offsets in the file."""
        start, end = self._span
        found = tokens(self.source.text[start:end], start) if self._anchor is None else ()
        return [each for each in found if each.kind is not TokenKind.COMMENT]

    @cached_property
    def start(self) -> int:
        """The offset of its first word."""
        if self._anchor is not None:
            return self._anchor
        begin, end = self._span
        words = (each.start for each in tokens(self.source.text[begin:end]) if each.kind is not TokenKind.COMMENT)
        return begin + next(words, 0)

    @property
    def span(self) -> tuple[int, int]:
        """The offsets of its text with the comments before it; an empty range if it isn't in the file as it is."""
        return self._span

    @property
    def end(self) -> int:
        """The offset after its last character."""
        return self._span[1]

    def at(self, location: object) -> int:
        """Return the offset in the file of a `location` of the syntax tree; the statement's own if there is none."""
        if self._anchor is not None or not isinstance(location, int) or location < 0:
            return self.start
        return self._locate(location)

    def find(self, *words: str, after: int = -1, part: Sequence[Token] | None = None) -> int:
        """Return the offset of the first of these words or names in a row, from `after` on; else the statement's."""
        row = self.tokens if part is None else part
        for at, token in enumerate(row):
            if token.start >= after and token.text == words[0] and _fits(row, at, words):
                return token.start
        return (part[0].start if part else self.start) if self._anchor is None else self._anchor

    def has(self, *words: str) -> bool:
        """Whether the statement has these words in a row."""
        return any(token.text == words[0] and _fits(self.tokens, at, words) for at, token in enumerate(self.tokens))


def _fits(row: Sequence[Token], at: int, words: Sequence[str]) -> bool:
    named = row[at : at + len(words)]
    return len(named) == len(words) and all(
        token.text == word and token.kind is not TokenKind.TEXT for token, word in zip(named, words, strict=True)
    )


class Parsed(NamedTuple):
    """The statements of a file, and the parts that can't be read."""

    statements: list[Statement]
    broken: list[Broken]


def parse(source: Source) -> Parsed:
    """Return the statements of a migration. Raises UsageError if the parser isn't installed."""
    found, broken = list[Statement](), list[Broken]()
    whole = parse_text(source.text)
    if isinstance(whole, list):
        to_offset = byte_to_character(source.text)
        for raw in whole:
            start = to_offset(raw.get("stmt_location", 0))
            end = to_offset(raw.get("stmt_location", 0) + raw["stmt_len"]) if "stmt_len" in raw else len(source.text)
            found.append(Statement(source, raw["stmt"], (start, end), to_offset, index=len(found)))
        return Parsed(found, broken)
    is_after_broken = False
    for index, words in enumerate(statements(source.text)):
        start, end = words[0].start, words[-1].end
        if words[0].kind is TokenKind.META:
            if not is_after_broken:
                broken.append(
                    Broken("psql-command", f"{words[0].text.split()[0]} is a command of psql, not SQL", start)
                )
            continue
        each = parse_part(source, start, end, index=index)
        if isinstance(each, Broken):
            if not is_after_broken:  # a quote that isn't closed breaks everything up to the next one
                broken.append(each)
            is_after_broken = True
        else:
            found += each
            is_after_broken = False
    return Parsed(found, broken)


def parse_part(source: Source, start: int, end: int, *, index: int, inside: str = "") -> list[Statement] | Broken:
    """Return the statements in a part of a file, or why it can't be read."""
    text = source.text[start:end]
    raws = parse_text(text)
    if isinstance(raws, Broken):
        return raws._replace(offset=min(start + raws.offset, max(start, end - 1)))
    to_offset = byte_to_character(text)

    def locate(location: int) -> int:
        return start + to_offset(location)

    return [Statement(source, raw["stmt"], (start, end), locate, index=index, inside=inside) for raw in raws]


def parse_unseen(source: Source, text: str, anchor: int, *, index: int, inside: str) -> list[Statement]:
    """Return the statements of a text that isn't in the file as it runs; all of them are at the anchor."""
    raws = parse_text(text)
    if isinstance(raws, Broken):
        return []
    return [
        Statement(source, raw["stmt"], (anchor, anchor), int, index=index, inside=inside, anchor=anchor) for raw in raws
    ]


def parse_text(text: str) -> list[Node] | Broken:
    """Return the parser's statements, or what it couldn't read. Raises UsageError if it isn't installed."""
    try:
        import pgparse
    except ImportError as error:
        from runbook.installation import command_that_adds

        raise UsageError(
            "the migration check needs the parser pgparse, which isn't installed",
            hint=f"Add it with: {command_that_adds('check')}",
        ) from error
    try:
        found: list[Node] = pgparse.parse(text)
    except pgparse.PGQueryError as error:
        rule = "unread-statement" if "memory exhausted" in error.message else "syntax-error"
        return Broken(rule, str(error.message), max(0, int(error.position) - 1))
    except RecursionError:
        return _TOO_DEEP
    except (UnicodeError, ValueError) as error:
        return Broken("unread-statement", f"the parser can't read it: {error}", 0)
    return _TOO_DEEP if _is_too_deep(found) else [raw for raw in found if raw.get("stmt")]


def _is_too_deep(found: list[Node]) -> bool:
    level: list[Any] = [found]
    for _ in range(_DEEPEST):
        level = [
            each
            for inner in level
            for each in (inner.values() if type(inner) is dict else inner)
            if type(each) is dict or type(each) is list
        ]
        if not level:
            return False
    return True


def body_error(text: str) -> str:
    """Return the message with which PL/pgSQL refuses a CREATE FUNCTION or DO statement, "" if it accepts it."""
    import pgparse

    try:
        pgparse.parse_pgsql(text)
    except pgparse.PGQueryError as error:
        return str(error.message)
    except (RecursionError, UnicodeError, ValueError):
        return ""  # the parser can read it, but its answer is too deep
    return ""
