"""Read from the statements of migrations what each one defines, drops or alters. Pure; nothing here runs a statement.

Only the beginning of a statement counts, so statements inside a DO block are missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from runbook.definitions.routines import argument_list, argument_types
from runbook.policy.sql_names import quoted_name
from runbook.policy.sql_tokens import Token, TokenKind, statements

__all__ = ["Change", "ObjectName", "changes_in", "path_at", "text_of"]


@dataclass(frozen=True, slots=True, order=True)
class ObjectName:
    """An object's schema and name, spelled as in the catalogue. A name without a schema is taken to be in `public`."""

    schema: str
    name: str

    @property
    def sql(self) -> str:
        """The name as SQL writes it."""
        return f"{quoted_name(self.schema)}.{quoted_name(self.name)}"


@dataclass(frozen=True, slots=True)
class Change:
    """What one statement does to one object. `table` is the one that a trigger, policy or index belongs to."""

    version: str
    verb: str
    """`create`, `drop`, `alter`, `grant`, `revoke` or `comment`."""
    kind: str
    """`function`, `view`, `trigger`, `policy`, `table`, `index`, `type`, `rls`, …"""
    object: ObjectName
    text: str
    """The statement, without what comes before and after it."""
    words: tuple[Token, ...]
    table: ObjectName | None = None
    arguments: tuple[str, ...] | None = None
    """The types of a function's arguments, None if the statement names none."""

    @property
    def spelling(self) -> tuple[str, ...]:
        """What the statement says, whatever its quotes, its case and its spaces."""
        return tuple(token.text for token in self.words)

    def mentions(self, name: ObjectName) -> bool:
        """Tell whether the statement contains a name, quoted or not."""
        return any(token.kind in _NAMING and token.text == name.name for token in self.words)

    def calls(self, name: ObjectName) -> bool:
        """Tell whether the statement calls a function of that name, or creates a trigger that calls it."""
        for at, token in enumerate(self.words[:-1]):
            if token.kind in _NAMING and token.text == name.name and self.words[at + 1].text == "(":
                is_qualified = at > 1 and self.words[at - 1].text == "."
                if name.schema == (self.words[at - 2].text if is_qualified else "public"):
                    return True
        return False


_NAMING = frozenset({TokenKind.WORD, TokenKind.NAME})
_BEFORE_KIND = frozenset(
    {"or", "replace", "temp", "temporary", "unlogged", "global", "local", "recursive", "constraint", "unique"}
)
_KINDS = {"procedure": "function", "routine": "function", "foreign": "table", "materialized": "view"}
_TWO_WORDS = frozenset({"foreign", "materialized"})
_GRANTABLE = frozenset({"table", "function", "procedure", "routine", "sequence", "schema", "type"})
"""Kinds that a grant names; without one it is about a table."""


def text_of(sql: str, words: Sequence[Token]) -> str:
    """Return the part of a text from the first of these tokens to the last."""
    return sql[words[0].start : words[-1].end]


def changes_in(history: Iterable[tuple[str, str]]) -> list[Change]:
    """Return what the statements (version, text) change, in their order. A text may hold several statements."""
    found: list[Change] = []
    for version, text in history:
        for words in statements(text):
            change = Change(version, "", "", ObjectName("", ""), text_of(text, words), tuple(words))
            found += _changes(change, words)
    return found


def path_at(words: Sequence[Token], at: int) -> tuple[ObjectName | None, int]:
    """Return the name that begins at a token, and where it ends; None if there is none."""
    if at >= len(words) or words[at].kind not in _NAMING:
        return None, at
    parts, at = [words[at].text], at + 1
    while at + 1 < len(words) and words[at].text == "." and words[at + 1].kind in _NAMING:
        parts.append(words[at + 1].text)
        at += 2
    return ObjectName(parts[-2] if len(parts) > 1 else "public", parts[-1]), at


def _changes(change: Change, words: Sequence[Token]) -> Iterator[Change]:
    read = _READERS.get(words[0].text) if words[0].kind is TokenKind.WORD else None
    if read is not None:
        yield from read(replace(change, verb=words[0].text), words)


def _kind_at(words: Sequence[Token], at: int) -> tuple[str, int]:
    """Return the kind of object that is named here, and where its name begins."""
    if at >= len(words):
        return "", at
    word = words[at].text
    at += 2 if word in _TWO_WORDS else 1
    while at < len(words) and words[at].text in {"concurrently", "if", "not", "exists", "only"}:
        at += 1
    return _KINDS.get(word, word), at


def _create(change: Change, words: Sequence[Token]) -> Iterator[Change]:
    at = 1
    while at < len(words) and words[at].kind is TokenKind.WORD and words[at].text in _BEFORE_KIND:
        at += 1
    kind, at = _kind_at(words, at)
    if kind == "index" and at < len(words) and words[at].text == "on":
        return  # PostgreSQL makes up its name
    yield from _named(replace(change, kind=kind), words, at)


def _named(change: Change, words: Sequence[Token], at: int) -> Iterator[Change]:
    """Yield the change for each object named from here on: several in a drop, a grant or a revoke."""
    while True:
        name, at = path_at(words, at)
        if name is None:
            return
        one = replace(change, object=name)
        if change.kind == "function":
            arguments, at = argument_list(words, at)
            yield replace(one, arguments=None if arguments is None else argument_types(arguments))
        elif change.kind in {"trigger", "policy"} or (change.verb, change.kind) == ("create", "index"):
            yield from _of_table(one, _table_behind_on(words, at))
        else:
            yield one
        if at >= len(words) or words[at].text != ",":
            return
        at += 1


def _of_table(change: Change, table: ObjectName | None) -> Iterator[Change]:
    """Yield the change of something that lives in the schema of its table."""
    if table is not None:
        yield replace(change, object=ObjectName(table.schema, change.object.name), table=table)


def _table_behind_on(words: Sequence[Token], at: int) -> ObjectName | None:
    for place in range(at, len(words) - 1):
        if words[place].kind is TokenKind.WORD and words[place].text == "on":
            return path_at(words, place + 1 + (words[place + 1].text == "only"))[0]
    return None


def _drop(change: Change, words: Sequence[Token]) -> Iterator[Change]:
    kind, at = _kind_at(words, 1)
    yield from _named(replace(change, kind=kind), words, at)


def _alter(change: Change, words: Sequence[Token]) -> Iterator[Change]:
    kind, at = _kind_at(words, 1)
    yield from _named(replace(change, kind=kind), words, at)
    name, at = path_at(words, at)
    if kind == "table" and name is not None:
        spoken = [word.text for word in words[at:]]
        if {"row", "level", "security"} <= set(spoken):
            yield replace(change, kind="rls", object=name, table=name)
        if "trigger" in spoken and spoken[0] in {"enable", "disable"}:
            trigger, _ = path_at(words, at + spoken.index("trigger") + 1)
            if trigger is not None:
                yield replace(change, kind="trigger", object=ObjectName(name.schema, trigger.name), table=name)


def _privileges(change: Change, words: Sequence[Token]) -> Iterator[Change]:
    """Read a grant or a revoke on objects; one that makes a role a member of another has no `on`."""
    on = next((at for at, word in enumerate(words) if word.text == "on" and word.kind is TokenKind.WORD), len(words))
    at, kind = on + 1, "table"
    if at < len(words) and words[at].text in _GRANTABLE:
        kind, at = _kind_at(words, at)
    elif [word.text for word in words[at : at + 4]] == ["all", "tables", "in", "schema"]:
        kind, at = "tables", at + 4
    yield from _named(replace(change, kind=kind), words, at)


def _comment(change: Change, words: Sequence[Token]) -> Iterator[Change]:
    if len(words) < 4 or words[1].text != "on":
        return
    kind, at = _kind_at(words, 2)
    if kind != "column":
        yield from _named(replace(change, kind=kind), words, at)
        return
    # `comment on column schema.table.name`: everything before the last dot is the table.
    path = [word.text for word in words[3:] if word.kind in _NAMING]
    table = path[: path.index("is")][:-1] if "is" in path else []
    if table:
        owner = ObjectName(table[-2] if len(table) > 1 else "public", table[-1])
        yield replace(change, kind="table", object=owner)


_READERS = {
    "create": _create,
    "drop": _drop,
    "alter": _alter,
    "grant": _privileges,
    "revoke": _privileges,
    "comment": _comment,
}
