"""Tell what SQL does to a database: it reads, writes or destroys. Pure. In doubt, the worse effect counts.

A tokenizer decides, not a full parser: the guard pays for every import, and a verdict must not depend on which
optional part happens to be installed. The tests compare it with PostgreSQL's own parser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from runbook.model import Effect
from runbook.policy.sql_functions import READING_FUNCTIONS, READING_PREFIXES, READING_QUALIFIED, SIDE_EFFECTS
from runbook.policy.sql_tokens import Token, TokenKind, statements

__all__ = ["effect_of", "only_saves"]

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
"""What `drop` removes without losing rows: it can be created again from its definition."""
_ALTER_KEEPS = frozenset({"constraint", "default", "expression", "identity", "not"})
_SETTINGS = frozenset(
    {"application_name", "client_encoding", "client_min_messages", "datestyle", "extra_float_digits", "jit", "names"}
    | {"idle_in_transaction_session_timeout", "lock_timeout", "search_path", "statement_timeout", "time", "timezone"}
    | {"transaction_timeout", "work_mem"}
)
"""Settings of the session that change no data and remove no protection."""
_BEGINS = frozenset({"begin", "then", "else", "loop", ">>"})
"""Words of a procedural body after which a statement may begin."""
_IN_BODIES = frozenset({"drop", "truncate", "delete", "update", "merge", "alter", "with", "copy", "do"})
_DESCRIBING = frozenset(
    {"l", "list", "conninfo", "x", "timing", "pset", "echo", "h", "q", "a", "t", "gx", "g", "watch", "sf", "sv"}
    | {"encoding", "errverbose", "help", "prompt", "warn", "qecho", "copyright", "crosstabview", "z"}
    | {"if", "elif", "else", "endif"}
)
_MOST_BLOCKS = 500
"""The most places in a procedural body where a statement may begin. Each is judged with all that follows it."""
_DEEPEST = 5
"""The deepest nesting of texts that run as SQL. Whoever nests deeper is hiding something."""
_CHANGES = frozenset({"insert", "update", "delete", "merge", "truncate"})
_RESERVED = (
    "all and any array as between by case check cross cube distinct else end except exists fetch for from full group"
    " having ilike in inner intersect is join lateral left like limit materialized natural not offset on only or order"
    " outer over partition recursive returning right rollup select sets some then to union using values when where"
    " window with columns"
)
_TYPES = "bit char character decimal float interval numeric time timestamp timestamptz timetz varchar varying"
_NOT_CALLS = frozenset([*_RESERVED.split(), *_TYPES.split()])
"""Words that may come before a parenthesis without being a function call."""
_NOT_COLUMNS = _NOT_CALLS | frozenset(
    {"true", "false", "null", "unknown", "escape", "current_date", "current_time", "current_timestamp", "localtime"}
    | {"localtimestamp", "current_user", "session_user", "current_role", "user", "current_catalog", "current_schema"}
)
_LOCKS = (("for", "update"), ("for", "share"), ("for", "no", "key", "update"), ("for", "key", "share"))


class _Mode(NamedTuple):
    read_only: bool
    depth: int = 0


@lru_cache(maxsize=256)
def effect_of(sql: str, *, read_only: bool = False) -> Effect:
    """Return the worst effect of a text of one or more statements. An empty text reads.

    `read_only` means that the server runs it in a read-only transaction. Then a function that isn't known to write
    counts as reading. Statements that visibly write still count as writing.
    """
    return _effect(sql, _Mode(read_only))


def only_saves(sql: str) -> bool:
    r"""Whether psql would only read the database, and write what it reads to files on this machine (`\copy … to`)."""
    mode = _Mode(read_only=False)
    every = statements(sql)
    return any(map(_saves, every)) and all(_saves(words) or _statement(words, mode) is _READS for words in every)


def _effect(sql: str, mode: _Mode) -> Effect:
    if mode.depth > _DEEPEST:
        return _DESTROYS
    return _worst([_statement(words, mode) for words in statements(sql)])


def _statement(words: list[Token], mode: _Mode) -> Effect:
    """Return the effect of one statement, by its first word."""
    # An unclosed quote or comment hides its content, so a destructive word anywhere in it counts.
    if words[-1].kind is TokenKind.BROKEN:
        broken = words[-1].text.lower()
        return _DESTROYS if any(word in broken for word in ("drop", "truncate", "delete")) else _WRITES
    if words[0].kind is TokenKind.META:
        return _meta(words[0].text)
    first = words[0].text if words[0].kind in {TokenKind.WORD, TokenKind.SIGN} else ""
    if first in _QUERIES:
        return _effect_of_query(words, read_only=mode.read_only)
    if first in _BY_WORD:
        return _BY_WORD[first](words, mode)
    if first in _HARMLESS:
        return _WRITES if first in {"start", "begin"} and _says(words, "write") else _READS
    return _WRITES


def _explain(words: list[Token], mode: _Mode) -> Effect:
    """Return the effect of `explain`, which only plans. With `analyze`, it runs the statement."""
    at = 1
    if len(words) > 1 and words[1].text == "(":
        at = 3 + len(_nested(words[2:]))
    while at < len(words) and words[at].text in {"analyze", "analyse", "verbose"}:
        at += 1
    runs = _says(words[:at], "analyze") or _says(words[:at], "analyse")
    return _statement(words[at:], mode) if runs and words[at:] else _READS


def _copy(words: list[Token], mode: _Mode) -> Effect:
    if _says(words, "program"):
        return _DESTROYS  # it runs a shell command on the server
    inner = _effect_of_query(words[1:], read_only=mode.read_only) if words[1:2] and words[1].text == "(" else _READS
    return inner if _says(words, "to", "stdout") else _worst([_WRITES, inner])


def _behind(*leads: str) -> Callable[[list[Token], _Mode], Effect]:
    """Return a function that judges the statement after the first of these words (`prepare p as select …`)."""

    def judge(words: list[Token], mode: _Mode) -> Effect:
        spots = (at for at, word in enumerate(words) if word.kind is TokenKind.WORD and word.text in leads)
        inner = words[next(spots, len(words)) + 1 :]
        return _statement(inner, mode) if inner else _WRITES

    return judge


def _drop(words: list[Token], _mode: _Mode) -> Effect:
    # A view or function can be created again from its definition, but `cascade` may drop columns too.
    keeps = len(words) > 1 and words[1].kind is TokenKind.WORD and words[1].text in _KEEPS_ROWS
    return _WRITES if keeps and not _says(words, "cascade") else _DESTROYS


def _alter(words: list[Token], _mode: _Mode) -> Effect:
    drops = [at + 1 for at, word in enumerate(words[:-1]) if word.kind is TokenKind.WORD and word.text == "drop"]
    lost = any(words[at].kind is not TokenKind.WORD or words[at].text not in _ALTER_KEEPS for at in drops)
    return _DESTROYS if lost else _WRITES


def _set(words: list[Token], _mode: _Mode) -> Effect:
    rest = [word.text for word in words[1:] if word.text not in {"local", "session"}]
    if "transaction" in rest[:3]:
        return _WRITES if "write" in rest else _READS
    return _READS if rest and (rest[0] in _SETTINGS or rest[0].startswith("enable_")) else _WRITES


def _create(words: list[Token], _mode: _Mode) -> Effect:
    """Count creating something as a write. A table created from a query also does what the query does."""
    inside = [at for at in _find_changes(words) if _says(words[:at], "as")]
    return _DESTROYS if any(_destroys_rows(words[at:]) for at in inside) else _WRITES


def _do(words: list[Token], mode: _Mode) -> Effect:
    """Count code as at least a write. The worst statement that can be seen in it decides."""
    deeper = mode._replace(depth=mode.depth + 1)
    every = (part for token in words if token.kind is TokenKind.TEXT for part in _parts(token.text))
    parts = list(islice(every, _MOST_BLOCKS + 1))
    # Code that is nested this deep is hiding something.
    return _DESTROYS if len(parts) > _MOST_BLOCKS else _worst([_WRITES, *(_inside(part, deeper) for part in parts)])


def _parts(body: str) -> Iterator[list[Token]]:
    """Yield what may be statements in a procedural body: everything after each word that can begin one."""
    for words in statements(body):
        yield from (words[at:] for at, word in enumerate(words) if at == 0 or words[at - 1].text in _BEGINS)


def _inside(words: list[Token], mode: _Mode) -> Effect:
    if words[-1].kind is TokenKind.BROKEN or (words[0].kind is TokenKind.WORD and words[0].text in _IN_BODIES):
        return _statement(words, mode)
    # `execute 'drop …'`: the text is code too, if it's there in one piece.
    if _says(words, "execute"):
        return _worst([_effect(token.text, mode) for token in words if token.kind is TokenKind.TEXT])
    return _READS


def _meta(command: str) -> Effect:
    """Return the effect of a psql command. Describing and formatting only read; running and writing do more."""
    word, *rest = command[1:].split() or [""]
    if word.lower() == "copy" and "`" not in command:
        return _worst([_WRITES, _effect_of_copied(command)])
    if "\\" in command[1:] or (word in {"g", "gx"} and rest):
        return _WRITES
    return _READS if word[:1] == "d" or word.rstrip("+") in _DESCRIBING else _WRITES


def _saves(words: Sequence[Token]) -> bool:
    r"""Whether this is a `\copy` that reads the database and writes a file on this machine."""
    command = words[0].text
    is_copy = words[0].kind is TokenKind.META and command[1:].lower().split()[:1] == ["copy"] and "`" not in command
    return is_copy and _effect_of_copied(command) is _READS


def _effect_of_copied(command: str) -> Effect:
    r"""Return what `\copy` does to the database: with `to` and a file, what its query does."""
    words = next(iter(statements(command[len("\\copy") :])), [])
    query = _nested(words[1:]) if words and words[0].text == "(" else []
    inner = _statement(query, _Mode(read_only=False)) if query else _READS
    behind = words[len(query) + 2 :] if query else words
    to = next((at for at, word in enumerate(behind) if word.text == "to" and word.kind is TokenKind.WORD), None)
    # A program is a shell command on this machine, and nothing here knows what it does with the rows.
    if to is None or _says(behind[:to], "from") or _says(behind[to:], "program"):
        return _worst([_WRITES, inner])
    return inner


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


# --- queries and changes of rows: what is nested in them, what they call, whether a WHERE narrows them --------------


def _worst(effects: Sequence[Effect]) -> Effect:
    """Return the worst of these effects, or reading if there are none."""
    return max(effects, key=lambda effect: effect.rank, default=Effect.READS)


def _says(words: Sequence[Token], *texts: str) -> bool:
    """Whether these words are next to each other, unquoted, anywhere in the statement."""
    spoken = [word.text if word.kind is TokenKind.WORD else "" for word in words]
    return any(tuple(spoken[at : at + len(texts)]) == texts for at in range(len(spoken)))


def _nested(words: Sequence[Token]) -> list[Token]:
    """Return the words up to the parenthesis that closes around them."""
    depth = 0
    for at, word in enumerate(words):
        depth += _step(word)
        if depth < 0:
            return list(words[:at])
    return list(words)


def _step(word: Token) -> int:
    """Return by how much this word changes the depth of parentheses."""
    return {"(": 1, ")": -1}.get(word.text, 0) if word.kind is TokenKind.SIGN else 0


def _effect_of_query(words: Sequence[Token], *, read_only: bool) -> Effect:
    """Return the effect of a query with all changes inside it (`with gone as (delete …)`)."""
    changes = _find_changes(words)
    if any(_destroys_rows(words[at:]) for at in changes):
        return Effect.DESTROYS
    if changes or _says(words, "into") or any(_says(words, *lock) for lock in _LOCKS):
        return Effect.WRITES
    return _worst([_call(name, read_only=read_only) for name in _calls(words)])


def _find_changes(words: Sequence[Token]) -> list[int]:
    """Return where changes of rows begin: first, after a parenthesis, or at the top level before FROM or INTO."""
    found: list[int] = []
    depth = 0
    for at, word in enumerate(words):
        depth += _step(word)
        if word.kind is not TokenKind.WORD or word.text not in _CHANGES:
            continue
        before, after = (words[at - 1].text if at else "("), (words[at + 1].text if at + 1 < len(words) else "")
        opens = before in {"(", ")"} and after not in {"(", ")", ",", ".", ""}
        if opens or (depth == 0 and before not in {"for", "key", "."} and after in {"from", "into"}):
            found.append(at)
    return found


def _destroys_rows(words: Sequence[Token]) -> bool:
    """Whether the change that begins here removes rows without a limit: truncate, a merge that deletes, no WHERE."""
    own = _nested(words)
    if own[0].text == "merge":
        return _says(own, "delete")
    return own[0].text == "truncate" or (own[0].text in {"update", "delete"} and not _narrows(own))


def _narrows(words: Sequence[Token]) -> bool:
    """Whether there is a WHERE at this level that uses a column. `where true` and `where f(1)` don't."""
    parentheses: list[bool] = []
    seen = False
    for at, word in enumerate(words):
        if _step(word) > 0:
            parentheses.append(words[at + 1 : at + 2] != [] and words[at + 1].text in {"select", "with", "values"})
        elif _step(word) < 0 and parentheses:
            parentheses.pop()
        elif not parentheses and word.kind is TokenKind.WORD and word.text in {"where", "returning"}:
            if seen or word.text == "returning":
                return False
            seen = True
        elif seen and _is_column(words, at, of_outer=any(parentheses)):
            return True
    return False


def _is_column(words: Sequence[Token], at: int, *, of_outer: bool) -> bool:
    """Whether this is a column's name. In a subquery (`of_outer`), only `table.column` can be from the outer table."""
    word, before = words[at], words[at - 1].text
    after = [each.text for each in words[at + 1 : at + 4]]
    dotted = after[:1] == ["."]
    is_keyword = word.kind is TokenKind.WORD and word.text in _NOT_COLUMNS
    is_call = after[:1] == ["("] or (dotted and after[2:] == ["("])
    if is_keyword or is_call or before == "::" or word.kind not in {TokenKind.WORD, TokenKind.NAME}:
        return False
    # A type before a text (`date '2026-01-01'`) makes a constant.
    if at + 1 < len(words) and words[at + 1].kind is TokenKind.TEXT:
        return False
    return (dotted and before not in {"from", "join", ",", "."}) if of_outer else True


def _calls(words: Sequence[Token]) -> Iterator[str]:
    """Yield the names of the functions that are called, with their schema if it's given."""
    for at, word in enumerate(words[:-1]):
        if words[at + 1].text != "(" or words[at + 1].kind is not TokenKind.SIGN or _is_list(words, at):
            continue
        if at and words[at - 1].text == "tablesample":  # how rows are picked, not a function
            continue
        schema = f"{words[at - 2].text}." if at > 1 and words[at - 1].text == "." else ""
        if word.kind is TokenKind.NAME or (word.kind is TokenKind.WORD and (schema or word.text not in _NOT_CALLS)):
            yield schema + word.text


def _is_list(words: Sequence[Token], at: int) -> bool:
    """Whether `name (` names columns (`as t(a, b)`, `with t(a) as`, `) t(a)`) or filters an aggregate."""
    before = words[at - 1].text if at else ""
    if before in {"as", "with", "recursive", "::"} or (before == ")" and not _says(words, "distinct", "on")):
        return True
    if before != ",":
        return False
    # After a comma, it's another item of a `with` list only if `as (` and a query follow, not `as (column type, …)`.
    behind = words[at + 3 + len(_nested(words[at + 2 :])) :][:6]
    shape = [word.text for word in behind if word.text not in {"not", "materialized"}][:4]
    queries = (["as", "(", "select"], ["as", "(", "with"], ["as", "(", "("])
    return shape[:3] in queries or shape == ["as", "(", "values", "("]


def _call(name: str, *, read_only: bool) -> Effect:
    bare = name.removeprefix("pg_catalog.").removeprefix("extensions.")
    if bare in READING_FUNCTIONS or bare in READING_QUALIFIED:
        return Effect.READS
    if bare.startswith(READING_PREFIXES) and not SIDE_EFFECTS.fullmatch(bare):
        return Effect.READS
    harmless = read_only and not SIDE_EFFECTS.fullmatch(bare.rpartition(".")[2])
    return Effect.READS if harmless else Effect.WRITES
