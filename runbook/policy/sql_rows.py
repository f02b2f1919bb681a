"""Queries and changes of rows: what is nested in them, what they call, and whether a WHERE narrows them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runbook.model import Effect
from runbook.policy.sql_functions import READING_FUNCTIONS, READING_PREFIXES, READING_QUALIFIED, SIDE_EFFECTS
from runbook.policy.sql_tokens import Kind, Token

__all__ = ["destroys_rows", "effect_of_query", "find_changes", "nested", "says", "worst"]

_CHANGES = frozenset({"insert", "update", "delete", "merge", "truncate"})
_RESERVED = (
    "all and any array as between by case check cross cube distinct else end except exists fetch for from full group"
    " having ilike in inner intersect is join lateral left like limit materialized natural not offset on only or order"
    " outer over partition recursive returning right rollup select sets some then to union using values when where"
    " window with columns"
)
_TYPES = "bit char character decimal float interval numeric time timestamp timestamptz timetz varchar varying"
_NOT_CALLS = frozenset([*_RESERVED.split(), *_TYPES.split()])
"""Words that may stand before a parenthesis without being called."""
_NOT_COLUMNS = _NOT_CALLS | frozenset(
    {"true", "false", "null", "unknown", "escape", "current_date", "current_time", "current_timestamp", "localtime"}
    | {"localtimestamp", "current_user", "session_user", "current_role", "user", "current_catalog", "current_schema"}
)
_LOCKS = (("for", "update"), ("for", "share"), ("for", "no", "key", "update"), ("for", "key", "share"))


def worst(effects: Sequence[Effect]) -> Effect:
    """Return the worst of these effects; of none, that nothing is changed."""
    return max(effects, key=lambda effect: effect.rank, default=Effect.READS)


def says(words: Sequence[Token], *texts: str) -> bool:
    """Whether these words stand next to each other, unquoted, somewhere."""
    spoken = [word.text if word.kind is Kind.WORD else "" for word in words]
    return any(tuple(spoken[at : at + len(texts)]) == texts for at in range(len(spoken)))


def nested(words: Sequence[Token]) -> list[Token]:
    """Return the words up to the parenthesis that closes around them."""
    depth = 0
    for at, word in enumerate(words):
        depth += _step(word)
        if depth < 0:
            return list(words[:at])
    return list(words)


def _step(word: Token) -> int:
    return {"(": 1, ")": -1}.get(word.text, 0) if word.kind is Kind.SIGN else 0


def effect_of_query(words: Sequence[Token], *, read_only: bool) -> Effect:
    """Return the effect of a query with all changes inside it (`with gone as (delete …)`)."""
    changes = find_changes(words)
    if any(destroys_rows(words[at:]) for at in changes):
        return Effect.DESTROYS
    if changes or says(words, "into") or any(says(words, *lock) for lock in _LOCKS):
        return Effect.WRITES
    return worst([_call(name, read_only=read_only) for name in _calls(words)])


def find_changes(words: Sequence[Token]) -> list[int]:
    """Return where changes of rows begin: first, behind a parenthesis, or at the top level before FROM or INTO."""
    found: list[int] = []
    depth = 0
    for at, word in enumerate(words):
        depth += _step(word)
        if word.kind is not Kind.WORD or word.text not in _CHANGES:
            continue
        before, after = (words[at - 1].text if at else "("), (words[at + 1].text if at + 1 < len(words) else "")
        opens = before in {"(", ")"} and after not in {"(", ")", ",", ".", ""}
        if opens or (depth == 0 and before not in {"for", "key", "."} and after in {"from", "into"}):
            found.append(at)
    return found


def destroys_rows(words: Sequence[Token]) -> bool:
    """Whether the change that begins here takes rows away unnarrowed: truncate, a merge that deletes, no WHERE."""
    own = nested(words)
    if own[0].text == "merge":
        return says(own, "delete")
    return own[0].text == "truncate" or (own[0].text in {"update", "delete"} and not _narrows(own))


def _narrows(words: Sequence[Token]) -> bool:
    """Whether there is a WHERE at this level that looks at a column: `where true` and `where f(1)` do not."""
    parentheses: list[bool] = []
    seen = False
    for at, word in enumerate(words):
        if _step(word) > 0:
            parentheses.append(words[at + 1 : at + 2] != [] and words[at + 1].text in {"select", "with", "values"})
        elif _step(word) < 0 and parentheses:
            parentheses.pop()
        elif not parentheses and word.kind is Kind.WORD and word.text in {"where", "returning"}:
            if seen or word.text == "returning":
                return False
            seen = True
        elif seen and _is_column(words, at, of_outer=any(parentheses)):
            return True
    return False


def _is_column(words: Sequence[Token], at: int, *, of_outer: bool) -> bool:
    """Whether a column is named here; in a subquery (`of_outer`) only `table.column` can be one of the outer table."""
    word, before = words[at], words[at - 1].text
    if word.kind is Kind.WORD and word.text in _NOT_COLUMNS:
        return False
    after = [each.text for each in words[at + 1 : at + 4]]
    dotted = after[:1] == ["."]
    if (
        word.kind not in {Kind.WORD, Kind.NAME}
        or before == "::"
        or after[:1] == ["("]
        or (dotted and after[2:] == ["("])
    ):
        return False
    if at + 1 < len(words) and words[at + 1].kind is Kind.TEXT:
        return False
    return (dotted and before not in {"from", "join", ",", "."}) if of_outer else True


# --- calls ------------------------------------------------------------------------------------------------------


def _calls(words: Sequence[Token]) -> Iterator[str]:
    """Yield the names of functions called, with their schema where it is given."""
    for at, word in enumerate(words[:-1]):
        if words[at + 1].text != "(" or words[at + 1].kind is not Kind.SIGN or _is_list(words, at):
            continue
        schema = f"{words[at - 2].text}." if at > 1 and words[at - 1].text == "." else ""
        if word.kind is Kind.NAME or (word.kind is Kind.WORD and (schema or word.text not in _NOT_CALLS)):
            yield schema + word.text


def _is_list(words: Sequence[Token], at: int) -> bool:
    """Whether `name (` gives columns names (`as t(a, b)`, `with t(a) as`, `) t(a)`), or filters an aggregate."""
    before = words[at - 1].text if at else ""
    if before in {"as", "with", "recursive", "::"} or (before == ")" and not says(words, "distinct", "on")):
        return True
    return before == "," and _begins_query(words[at + 3 + len(nested(words[at + 2 :])) :][:6])


def _begins_query(words: Sequence[Token]) -> bool:
    """Whether `as (` and a query follow, as in a `with` list, and not `as (column type, …)`."""
    shape = [word.text for word in words if word.text not in {"not", "materialized"}]
    return shape[:3] in (["as", "(", "select"], ["as", "(", "with"], ["as", "(", "("]) or shape[:4] == [
        *("as", "(", "values", "("),
    ]


def _call(name: str, *, read_only: bool) -> Effect:
    bare = name.removeprefix("pg_catalog.").removeprefix("extensions.")
    if bare in READING_FUNCTIONS or bare.startswith(READING_PREFIXES) or bare in READING_QUALIFIED:
        return Effect.READS
    harmless = read_only and not SIDE_EFFECTS.fullmatch(bare.rpartition(".")[2])
    return Effect.READS if harmless else Effect.WRITES
