"""The parts of `create function` that tell one version from another: arguments, result, body, rights, settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runbook.policy.sql_tokens import Token, TokenKind

__all__ = ["Routine", "argument_list", "argument_types", "read_routine", "same_arguments", "split_at_commas"]

_ALIASES = {
    "bool": "boolean", "bpchar": "character", "char": "character", "decimal": "numeric", "float": "double precision",
    "float4": "real", "float8": "double precision", "int": "integer", "int2": "smallint", "int4": "integer",
    "int8": "bigint", "time": "time without time zone", "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone", "timetz": "time with time zone", "varchar": "character varying",
}  # fmt: skip
_MODES = frozenset({"in", "out", "inout", "variadic"})
_TYPES_OF_TWO_WORDS = frozenset({"bit", "char", "character", "double", "interval", "national", "time", "timestamp"})
_SECOND_WORDS = frozenset({"array", "char", "character", "day", "hour", "precision", "varying", "with", "without"})
_CLAUSE_WORDS = (
    "as called cost external immutable language leakproof not parallel returns rows security set stable strict support"
    " transform volatile window begin return"
)
_CLAUSES = frozenset(_CLAUSE_WORDS.split())
"""Words that begin a clause of `create function`."""


@dataclass(frozen=True, slots=True)
class Routine:
    """What a `create function` says. Types are written as the catalogue writes them."""

    parameters: tuple[tuple[str, str, str, bool], ...]
    """Mode, name, type, and whether there is a default."""
    returns: str
    body: str | None
    """The text between its quotes, exactly; None for a body in SQL (`begin atomic`)."""
    definer: bool
    settings: tuple[tuple[str, ...], ...]


def argument_list(words: Sequence[Token], at: int) -> tuple[list[Token] | None, int]:
    """Return the tokens between the parentheses that open at a token, and where they end; None if none opens."""
    if at >= len(words) or words[at].text != "(" or words[at].kind is not TokenKind.SIGN:
        return None, at
    depth = 0
    for place in range(at, len(words)):
        depth += _step(words[place])
        if not depth:
            return list(words[at + 1 : place]), place + 1
    return list(words[at + 1 :]), len(words)


def _step(word: Token) -> int:
    return {"(": 1, ")": -1}.get(word.text, 0) if word.kind is TokenKind.SIGN else 0


def split_at_commas(words: Sequence[Token]) -> list[list[Token]]:
    """Split tokens at the commas outside of parentheses and brackets."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for word in words:
        if word.kind is TokenKind.SIGN:
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(word.text, 0)
        if word.text == "," and word.kind is TokenKind.SIGN and not depth:
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in parts if part]


def argument_types(words: Sequence[Token]) -> tuple[str, ...]:
    """Return the types that identify a function with these arguments: those of all its inputs."""
    return tuple(kind for mode, _, kind, _ in _parameters(words) if mode not in {"out", "table"})


def same_arguments(one: Sequence[str], other: Sequence[str]) -> bool:
    """Tell whether both are the arguments of one function. `table.column%type` may be any type."""
    pairs = zip(one, other, strict=False)
    return len(one) == len(other) and all(a == b or "%" in a or "%" in b for a, b in pairs)


def _parameters(words: Sequence[Token]) -> Iterator[tuple[str, str, str, bool]]:
    for part in split_at_commas(words):
        cut = next((at for at, word in enumerate(part) if _begins_default(word)), len(part))
        rest, has_default, mode, name = part[:cut], cut < len(part), "in", ""
        if len(rest) > 1 and rest[0].kind is TokenKind.WORD and rest[0].text in _MODES:
            mode, rest = rest[0].text, rest[1:]
        if len(rest) > 1 and rest[1].kind in {TokenKind.WORD, TokenKind.NAME} and not _is_type(rest):
            name, rest = rest[0].text, rest[1:]
            if len(rest) > 1 and rest[0].kind is TokenKind.WORD and rest[0].text in _MODES:
                mode, rest = rest[0].text, rest[1:]
        yield mode, name, _type(rest), has_default


def _begins_default(word: Token) -> bool:
    return (word.kind is TokenKind.WORD and word.text == "default") or (
        word.kind is TokenKind.SIGN and word.text in {"=", ":"}
    )


def _is_type(words: Sequence[Token]) -> bool:
    """Return whether two words are the beginning of one type, not a name before its type."""
    return words[0].text in _TYPES_OF_TWO_WORDS and words[1].text in _SECOND_WORDS


def _type(words: Sequence[Token]) -> str:
    """Return a type as the catalogue writes it, without its schema and its length."""
    found: list[str] = []
    arrays, depth, skip = False, 0, False
    for word in words:
        if word.kind is TokenKind.SIGN:
            depth += _step(word)
            arrays = arrays or word.text == "["
            if word.text == "." and found and not depth:
                found.pop()  # that was the schema
            skip = word.text == "%"
            if skip and not depth:
                found.append("%")
        elif word.kind in {TokenKind.WORD, TokenKind.NAME} and not depth:
            if word.kind is TokenKind.WORD and word.text == "array":
                arrays = True
            else:
                found.append(word.text)
    base = " ".join(found)
    return _ALIASES.get(base, base) + ("[]" if arrays else "")


def read_routine(words: Sequence[Token]) -> Routine:
    """Read a `create function`. The tokens are those of one statement."""
    opening = next(
        (at for at, word in enumerate(words) if word.text == "(" and word.kind is TokenKind.SIGN), len(words)
    )
    arguments, at = argument_list(words, opening)
    returns: list[Token] = []
    settings: list[tuple[str, ...]] = []
    body, definer, clause = None, False, ""
    depth = 0
    for place in range(at, len(words)):
        word = words[place]
        depth += _step(word)
        if (
            not depth
            and word.kind is TokenKind.WORD
            and word.text in _CLAUSES
            and not (clause == "set" and _is_value(words, place))
        ):
            clause = word.text
            definer = definer or [one.text for one in words[place : place + 2]] == ["security", "definer"]
            if clause == "set":
                settings.append(())
            if clause in {"begin", "return"}:
                break
        elif clause == "returns":
            returns.append(word)
        elif clause == "set" and word.text not in {"=", "to", ","}:
            settings[-1] = (*settings[-1], word.text)
        elif clause == "as" and word.kind is TokenKind.TEXT and body is None:
            body = word.text if word.quote.lower() != "e'" or "\\" not in word.text else None
    return Routine(tuple(_parameters(arguments or ())), _result(returns), body, definer, tuple(sorted(settings)))


def _is_value(words: Sequence[Token], at: int) -> bool:
    """Return whether a word is the value in `set name to …`."""
    return words[at - 1].kind is TokenKind.SIGN and words[at - 1].text in {"=", ","}


def _result(words: Sequence[Token]) -> str:
    if words and words[0].text == "setof":
        return f"setof {_type(words[1:])}"
    if words and words[0].text == "table":
        inside, _ = argument_list(words, 1)
        columns = ", ".join(f"{name} {kind}" for _, name, kind, _ in _parameters(inside or ()))
        return f"table({columns})"
    return _type(words)
