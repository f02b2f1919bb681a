"""What SQL does to a database: reads, writes or destroys. Pure; what is not understood counts as the worse.

A tokenizer decides, not a full parser: the guard pays for every import, and a verdict must not depend on which
optional part happens to be installed. The tests hold it against PostgreSQL's own parser.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from runbook.model import Effect
from runbook.policy.sql_rows import destroys_rows, effect_of_query, find_changes, nested, says, worst
from runbook.policy.sql_tokens import Kind, Token, statements

__all__ = ["effect_of"]

_READS, _WRITES, _DESTROYS = Effect.READS, Effect.WRITES, Effect.DESTROYS

_QUERIES = frozenset({"select", "with", "table", "values", "(", "insert", "update", "delete", "merge", "truncate"})
_HARMLESS = frozenset(
    {"abort", "begin", "close", "commit", "deallocate", "discard", "end", "fetch", "listen", "move", "release"}
    | {"reset", "rollback", "savepoint", "show", "start", "unlisten"}
)
_KEEPS_ROWS = frozenset(
    {"aggregate", "cast", "collation", "event", "function", "index", "operator", "policy", "procedure", "routine"}
    | {"rule", "statistics", "trigger", "view"}
)
"""What `drop` takes away without a row being lost: it can be made again from its definition."""
_ALTER_KEEPS = frozenset({"constraint", "default", "expression", "identity", "not"})
_SETTINGS = frozenset(
    {"application_name", "client_encoding", "client_min_messages", "datestyle", "extra_float_digits", "jit", "names"}
    | {"idle_in_transaction_session_timeout", "lock_timeout", "search_path", "statement_timeout", "time", "timezone"}
    | {"transaction_timeout", "work_mem"}
)
"""Settings of the session that change no data and take no protection away."""
_BEGINS = frozenset({"begin", "then", "else", "loop", ">>"})
"""Words of a procedural body after which a statement may begin."""
_IN_BODIES = frozenset({"drop", "truncate", "delete", "update", "merge", "alter", "with", "copy", "do"})
_DESCRIBING = frozenset(
    {"l", "list", "conninfo", "x", "timing", "pset", "echo", "h", "q", "a", "t", "gx", "g", "watch"}
)
_DEEPEST = 5


@dataclass(frozen=True, slots=True)
class _Mode:
    read_only: bool
    depth: int = 0


def effect_of(sql: str, *, read_only: bool = False) -> Effect:
    """Return the worst that a text of one or more statements does; an empty one reads.

    `read_only` says that the server runs it in a read-only transaction: then a function that is not known to write
    counts as reading. Statements that are seen to write count as writing all the same.
    """
    return _effect(sql, _Mode(read_only))


def _effect(sql: str, mode: _Mode) -> Effect:
    if mode.depth > _DEEPEST:
        return _DESTROYS
    return worst([_statement(words, mode) for words in statements(sql)])


def _statement(words: list[Token], mode: _Mode) -> Effect:
    """Return the effect of one statement, by its first word."""
    if words[-1].kind is Kind.BROKEN:
        broken = words[-1].text.lower()
        return _DESTROYS if any(word in broken for word in ("drop", "truncate", "delete")) else _WRITES
    if words[0].kind is Kind.META:
        return _meta(words[0].text)
    first = words[0].text if words[0].kind in {Kind.WORD, Kind.SIGN} else ""
    if first in _QUERIES:
        return effect_of_query(words, read_only=mode.read_only)
    if first in _BY_WORD:
        return _BY_WORD[first](words, mode)
    if first in _HARMLESS:
        return _WRITES if first in {"start", "begin"} and says(words, "write") else _READS
    return _WRITES


def _explain(words: list[Token], mode: _Mode) -> Effect:
    """`explain` only plans; with `analyze` it runs the statement."""
    at = 1
    if len(words) > 1 and words[1].text == "(":
        at = 3 + len(nested(words[2:]))
    while at < len(words) and words[at].text in {"analyze", "analyse", "verbose"}:
        at += 1
    runs = says(words[:at], "analyze") or says(words[:at], "analyse")
    return _statement(words[at:], mode) if runs and words[at:] else _READS


def _copy(words: list[Token], mode: _Mode) -> Effect:
    if says(words, "program"):
        return _DESTROYS
    inner = effect_of_query(words[1:], read_only=mode.read_only) if words[1:2] and words[1].text == "(" else _READS
    return inner if says(words, "to", "stdout") else worst([_WRITES, inner])


def _behind(*leads: str) -> Callable[[list[Token], _Mode], Effect]:
    """Return what judges the statement behind the first of these words (`prepare p as select …`)."""

    def judge(words: list[Token], mode: _Mode) -> Effect:
        spots = (at for at, word in enumerate(words) if word.kind is Kind.WORD and word.text in leads)
        inner = words[next(spots, len(words)) + 1 :]
        return _statement(inner, mode) if inner else _WRITES

    return judge


def _drop(words: list[Token], _mode: _Mode) -> Effect:
    keeps = len(words) > 1 and words[1].kind is Kind.WORD and words[1].text in _KEEPS_ROWS
    return _WRITES if keeps and not says(words, "cascade") else _DESTROYS


def _alter(words: list[Token], _mode: _Mode) -> Effect:
    drops = [at + 1 for at, word in enumerate(words[:-1]) if word.kind is Kind.WORD and word.text == "drop"]
    lost = any(words[at].kind is not Kind.WORD or words[at].text not in _ALTER_KEEPS for at in drops)
    return _DESTROYS if lost else _WRITES


def _set(words: list[Token], _mode: _Mode) -> Effect:
    rest = [word.text for word in words[1:] if word.text not in {"local", "session"}]
    if "transaction" in rest[:3]:
        return _WRITES if "write" in rest else _READS
    return _READS if rest and (rest[0] in _SETTINGS or rest[0].startswith("enable_")) else _WRITES


def _create(words: list[Token], _mode: _Mode) -> Effect:
    """Count making something as a write; a table made from a query does what the query does."""
    inside = [at for at in find_changes(words) if says(words[:at], "as")]
    return _DESTROYS if any(destroys_rows(words[at:]) for at in inside) else _WRITES


def _do(words: list[Token], mode: _Mode) -> Effect:
    """Count code as a write at least; the worst statement that can be seen in it decides."""
    return worst([_WRITES, *(_body(token.text, mode) for token in words if token.kind is Kind.TEXT)])


def _body(body: str, mode: _Mode) -> Effect:
    """Return the worst of the statements in a procedural body, looked for after each word that begins one."""
    effects: list[Effect] = []
    for words in statements(body):
        starts = [at for at, word in enumerate(words) if at == 0 or words[at - 1].text in _BEGINS]
        effects += [_inside(words[at:], mode) for at in starts]
    return worst(effects)


def _inside(words: list[Token], mode: _Mode) -> Effect:
    deeper = replace(mode, depth=mode.depth + 1)
    if words[-1].kind is Kind.BROKEN or (words[0].kind is Kind.WORD and words[0].text in _IN_BODIES):
        return _statement(words, deeper)
    if says(words, "execute"):
        return worst([_effect(token.text, deeper) for token in words if token.kind is Kind.TEXT])
    return _READS


def _meta(command: str) -> Effect:
    """Return the effect of a psql command: describing and formatting read, running and writing do not."""
    word, *rest = command[1:].split() or [""]
    if "\\" in command[1:] or (word in {"g", "gx"} and rest):
        return _WRITES
    return _READS if word[:1] == "d" or word.rstrip("+") in _DESCRIBING else _WRITES


_BY_WORD: dict[str, Callable[[list[Token], _Mode], Effect]] = {
    "alter": _alter,
    "call": _do,
    "copy": _copy,
    "create": _create,
    "declare": _behind("for"),
    "do": _do,
    "drop": _drop,
    "execute": _do,
    "explain": _explain,
    "prepare": _behind("as"),
    "set": _set,
}
