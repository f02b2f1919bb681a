"""Restore a column that is gone, or the type that a column had."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from runbook.definitions.catalogue import Catalogue
from runbook.definitions.changes import Change, ObjectName, path_at, text_of
from runbook.definitions.restoration import Restoration
from runbook.definitions.routines import argument_list, argument_types, split_at_commas
from runbook.errors import UsageError
from runbook.policy.sql_names import quoted_name
from runbook.policy.sql_tokens import Token, TokenKind, tokens

__all__ = ["canonical_type", "columns_after", "restore_column"]


def columns_after(changes: Iterable[Change]) -> list[str]:
    """Return the columns that a table has after these changes, as far as they are written out."""
    columns: list[str] = []
    for change in changes:
        for verb, name, _ in _column_steps(change):
            if verb == "drop":
                columns = [one for one in columns if one != name]
            elif verb == "add" and name not in columns:
                columns.append(name)
            elif verb == "rename":
                old, new = name.split("\0")
                columns = [new if one == old else one for one in columns]
    return columns


_NOT_COLUMNS = frozenset({"constraint", "primary", "unique", "check", "foreign", "exclude", "like"})


def _column_steps(change: Change) -> Iterator[tuple[str, str, list[Token]]]:
    """Yield what a statement does to columns: `add`, `drop`, `rename` or `type`, the column's name, and the rest."""
    words = change.words
    if (change.verb, change.kind) == ("create", "table"):
        opening = next((at for at, word in enumerate(words) if word.text == "("), len(words))
        inside, _ = argument_list(words, opening)
        for part in split_at_commas(inside or ()):
            if part[0].kind is TokenKind.NAME or part[0].text not in _NOT_COLUMNS:
                yield "add", part[0].text, part[1:]
    elif (change.verb, change.kind) == ("alter", "table"):
        for part in split_at_commas(words[_behind_name(words) :]):
            yield from _column_action(part)


def _behind_name(words: Sequence[Token]) -> int:
    at = 2
    while at < len(words) and words[at].text in {"if", "exists", "only"}:
        at += 1
    return path_at(words, at)[1]


def _column_action(part: list[Token]) -> Iterator[tuple[str, str, list[Token]]]:
    spoken = [word.text if word.kind is TokenKind.WORD else "" for word in part]
    verb, rest = spoken[0], list(part[1:])
    at = 1
    while at < len(part) and spoken[at] in {"column", "if", "not", "exists"}:
        at += 1
    if at >= len(part):
        return
    name, rest = part[at].text, part[at + 1 :]
    if verb == "add" and spoken[at] not in _NOT_COLUMNS:
        yield "add", name, rest
    elif verb == "drop" and spoken[at] != "constraint":
        yield "drop", name, rest
    elif verb == "rename" and len(rest) == 2 and rest[0].text == "to":
        yield "rename", f"{name}\0{rest[1].text}", rest
    elif verb == "alter" and "type" in spoken[at : at + 4]:
        yield "type", name, rest[spoken[at + 1 :].index("type") + 1 :]


_TYPE_ENDS = frozenset(
    {"collate", "compression", "constraint", "not", "null", "check", "default", "generated", "unique", "primary"}
    | {"references", "storage", "using", "deferrable"}
)


def _type_words(words: Sequence[Token]) -> list[Token]:
    """Return the tokens of a type at the beginning of what follows a column's name."""
    end = next((at for at, word in enumerate(words) if word.kind is TokenKind.WORD and word.text in _TYPE_ENDS), None)
    return list(words[:end])


def restore_column(catalogue: Catalogue, table: ObjectName, column: str) -> Restoration:
    """Put a column back: one that is gone, empty; one whose type was changed, with its earlier type."""
    relation = catalogue.relations.get(table)
    if relation is None:
        raise UsageError(f"table {table.sql} doesn't exist", hint="Choose the answer for a table that is gone.")
    found = [
        (change, verb, rest)
        for change in catalogue.changes if change.kind == "table" and change.object == table
        for verb, name, rest in _column_steps(change) if name == column and verb in {"add", "type"}
    ]  # fmt: skip
    what = f"column {quoted_name(column)} of {table.sql}"
    if not found:
        raise UsageError(f"no migration has the type of {what}", hint="Take it from git or from the local stack.")
    wanted = {"kind": "column", "schema": table.schema, "table": table.name, "name": column}
    now = relation.columns.get(column)
    if now is None:
        change, _, rest = found[-1]
        definition, note = _refillable(change, rest)
        statement = f"alter table {table.sql} add column {quoted_name(column)} {definition}"
        wanted["type"] = _canonical(rest)
        notes = ["It is gone. It comes back empty. Restore its values with data-recovery", *note]
        return Restoration(what, change.version, "", f"{quoted_name(column)} {definition}", [statement], notes, wanted)
    earlier = [(change, rest) for change, _, rest in found if _canonical(rest) != canonical_type(now)]
    if not earlier:
        raise UsageError(f"the history has no type of {what} other than {now}")
    change, rest = earlier[-1]
    words = _type_words(rest)
    kind = text_of(change.text, [_moved(word, -change.words[0].start) for word in words])
    statement = (
        f"alter table {table.sql} alter column {quoted_name(column)} type {kind} using {quoted_name(column)}::{kind}"
    )
    wanted["type"] = _canonical(rest)
    notes = [f"The table has {relation.size}. Most type changes rewrite the whole table and lock it meanwhile"]
    return Restoration(what, change.version, f"{column} {now}", f"{column} {kind}", [statement], notes, wanted)


def _moved(word: Token, by: int) -> Token:
    return word._replace(start=word.start + by, end=word.end + by)


def _canonical(rest: Sequence[Token]) -> str:
    kinds = argument_types(_type_words(rest))
    length = [word.text for word in _type_words(rest) if word.kind is TokenKind.NUMBER]
    serial = {"serial": "integer", "bigserial": "bigint", "smallserial": "smallint"}
    name = serial.get(kinds[0], kinds[0]) if kinds else ""
    return f"{name}({','.join(length)})" if length else name


def canonical_type(kind: str) -> str:
    """Return a column's type as the catalogue writes it, with its length and without its schema."""
    return _canonical(list(tokens(kind)))


def _refillable(change: Change, rest: Sequence[Token]) -> tuple[str, list[str]]:
    """Return a column's definition for a table with rows: NOT NULL only if there is a default."""
    base = change.words[0].start
    whole = change.text[rest[0].start - base : rest[-1].end - base] if rest else "text"
    spoken = [word.text for word in rest if word.kind is TokenKind.WORD]
    if "not" in spoken and not {"default", "generated"} & set(spoken):
        at = next(at for at, word in enumerate(rest) if word.text == "not" and word.kind is TokenKind.WORD)
        head = change.text[rest[0].start - base : rest[at - 1].end - base]
        tail = change.text[rest[at + 1].end - base : rest[-1].end - base]
        return f"{head}{tail}", ["NOT NULL is left out until the values are back"]
    return whole, []
