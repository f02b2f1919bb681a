"""Find the statements that a DO block, or a function that the migration itself calls, runs.

PL/pgSQL is split into its statements by the tokenizer, and each is parsed as SQL. A statement that's put together at
run time is read as far as its fixed text goes; what can't be seen of it is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from runbook.migration.source import Source
from runbook.migration.statements import Broken, Statement, parse_part, parse_unseen
from runbook.migration.syntax_tree import Name, Node, constant, name_in, text_of
from runbook.policy.sql_tokens import Token, TokenKind, tokens

__all__ = [
    "UNSEEN",
    "Body",
    "DynamicText",
    "atomic_body",
    "body_of_function",
    "body_of_text",
    "called_functions",
    "carried_statements",
    "do_body",
    "statements_in",
]

UNSEEN = "unseen"
"""Stands for a name or a value that is only known at run time."""

_LEADS = frozenset({"begin", "then", "else", "loop", ">>", "query", "declare"})
_STATEMENTS = """
alter call cluster comment commit copy create delete drop explain grant insert lock merge perform prepare refresh
reindex revoke rollback select set truncate update with
"""
_FIRST_WORDS = frozenset(_STATEMENTS.split())
"""Words with which a statement in a body of PL/pgSQL begins."""
_MOST_STATEMENTS = 2000
_DEEPEST = 4


class Body(NamedTuple):
    """The text of a body at its place in the file. `language` is in lower case."""

    language: str
    start: int
    text: str
    is_verbatim: bool
    """Whether the text is in the file as it runs. A text with doubled quotes isn't."""

    def at(self, offset: int) -> int:
        """Return the place in the file of a place in the body; of the whole body if its text isn't in the file."""
        return self.start + offset if self.is_verbatim else self.start


class DynamicText(NamedTuple):
    """A part of a body that can't be seen through, such as an EXECUTE of a text that is put together, and why."""

    offset: int
    why: str = "this runs SQL that is put together at run time, of which only the fixed text can be judged"


_UNREAD = "the check can't read this part of the block, so nobody has judged it"


def do_body(statement: Statement) -> Body | None:
    """Return the body of a DO statement."""
    options = statement.node.get("args", ())
    return _body(statement, _option(options, "language") or "plpgsql", options)


def body_of_function(statement: Statement) -> Body | None:
    """Return the body of a CREATE FUNCTION or PROCEDURE, if it is a text of SQL or PL/pgSQL."""
    options = statement.node.get("options", ())
    return _body(statement, _option(options, "language"), options)


def atomic_body(statement: Statement, *, index: int, inside: str) -> Iterator[Statement]:
    """Yield the statements of a BEGIN ATOMIC body, which the parser has read as a part of the CREATE FUNCTION."""
    waiting = [statement.node.get("sql_body", {})]
    while waiting:
        each = waiting.pop()
        if "List" in each:
            waiting += reversed(each["List"].get("items", ()))
        elif each and "ReturnStmt" not in each:
            yield statement.part(each, index=index, inside=inside)


def carried_statements(statement: Statement) -> Iterator[Statement]:
    """Yield the statement that PREPARE, EXPLAIN ANALYZE or COPY carries. What is prepared counts as executed."""
    carrier = _CARRIERS.get(statement.kind)
    is_run = statement.kind != "ExplainStmt" or any(
        option["DefElem"]["defname"] == "analyze" and str(constant(option["DefElem"].get("arg"))).lower() not in _OFF
        for option in statement.node.get("options", ())
    )
    if carrier and is_run and (query := statement.node.get("query")):
        yield statement.part(query, index=statement.index, inside=carrier)


_OFF = frozenset({"false", "off", "0"})
_CARRIERS = {"PrepareStmt": "PREPARE", "ExplainStmt": "EXPLAIN ANALYZE", "CopyStmt": "COPY"}


def _option(options: Sequence[Node], name: str) -> str:
    for each in options:
        element = each.get("DefElem", {})
        if element.get("defname") == name:
            arg = element.get("arg", {})
            return text_of(arg.get("List", {}).get("items", [{}])[0]) or str(constant(arg) or "")
    return ""


def _body(statement: Statement, language: str, options: Sequence[Node]) -> Body | None:
    has_text = any(each.get("DefElem", {}).get("defname") == "as" for each in options)
    if language.lower() not in {"sql", "plpgsql"} or not has_text:
        return None
    return body_of_text(statement, language.lower(), _option(options, "as"))


def body_of_text(statement: Statement, language: str, text: str) -> Body:
    """Return a text that a statement contains as a body, with its place."""
    for token in statement.tokens:
        if token.kind is TokenKind.TEXT and token.text == text:
            start = token.start + len(token.quote)
            is_verbatim = statement.source.text.startswith(text, start)
            return Body(language, start if is_verbatim else token.start, text, is_verbatim)
    return Body(language, statement.start, text, is_verbatim=False)


def called_functions(statement: Statement) -> Iterator[Name]:
    """Yield the functions that a statement calls itself. A CREATE statement only mentions them."""
    if statement.kind in {"SelectStmt", "CallStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "CreateTableAsStmt"}:
        if statement.kind == "CallStmt":
            yield name_in(statement.node["funccall"].get("funcname", []))
        yield from (name for name, _ in statement.calls)


def statements_in(
    body: Body, source: Source, *, index: int, inside: str, depth: int = 0
) -> Iterator[Statement | DynamicText]:
    """Yield the statements of a body in order, and each EXECUTE that can't be seen through."""
    if not body.is_verbatim:
        yield from _at_start(body, source, index=index, inside=inside)
        return
    if body.language == "sql":
        parsed = parse_part(source, body.start, body.start + len(body.text), index=index, inside=inside)
        yield from parsed if isinstance(parsed, list) else (DynamicText(parsed.offset, _UNREAD),)
        return
    for number, row in enumerate(_rows(body)):
        if number > _MOST_STATEMENTS:
            yield DynamicText(row[0].start, _UNREAD)
            return
        if row[0].text == "execute":
            yield from _executed(row, source, index=index, inside=inside)
        elif row[0].text != "do":
            yield from _parsed(row, source, index=index, inside=inside)
        elif depth < _DEEPEST:
            for inner in _bodies_of_do(row):
                yield from statements_in(inner, source, index=index, inside=inside, depth=depth + 1)


def _at_start(body: Body, source: Source, *, index: int, inside: str) -> Iterator[Statement | DynamicText]:
    """Yield the statements of a body whose text isn't in the file as it runs. All of them are where it begins."""
    own = Source(source.path, body.text)
    for each in statements_in(body._replace(start=0, is_verbatim=True), own, index=index, inside=inside):
        yield each.moved(source, body.start) if isinstance(each, Statement) else each._replace(offset=body.start)


def _bodies_of_do(row: Sequence[Token]) -> Iterator[Body]:
    for token in row:
        if token.kind is TokenKind.TEXT:
            yield Body("plpgsql", token.start + len(token.quote), token.text, "'" not in token.quote)


def _rows(body: Body) -> Iterator[list[Token]]:
    """Yield the words of each SQL statement and each EXECUTE in a PL/pgSQL body."""
    row: list[Token] = []
    for token in tokens(body.text, body.start):
        if token.kind is TokenKind.COMMENT:
            continue
        if token.kind is TokenKind.SIGN and token.text == ";":
            yield from _statements_of(row)
            row = []
        else:
            row.append(token)
    yield from _statements_of(row)


def _statements_of(row: list[Token]) -> Iterator[list[Token]]:
    for at, token in enumerate(row):
        if token.kind is not TokenKind.WORD:
            continue
        before = row[at - 1].text if at else ";"
        if token.text == "execute" and before not in {"grant", "revoke", ",", "row", "statement"}:
            if before not in {"row", "statement"} and not _is_privilege(row, at):
                yield row[at:]
                return
        elif (at == 0 or before in _LEADS) and (token.text in _FIRST_WORDS or token.text == "do"):
            if token.text == "do" and not any(each.kind is TokenKind.TEXT for each in row[at : at + 4]):
                continue
            yield row[at:]
            return


def _is_privilege(row: Sequence[Token], at: int) -> bool:
    """Whether this `execute` is of GRANT EXECUTE or of a trigger's EXECUTE FUNCTION."""
    return row[at + 1 : at + 2] != [] and row[at + 1].text in {"function", "procedure", "on"}


def _parsed(row: Sequence[Token], source: Source, *, index: int, inside: str) -> Iterator[Statement | DynamicText]:
    start, end = row[0].start, row[-1].end
    if row[0].text == "perform":
        yield from parse_unseen(source, f"select {source.text[row[0].end : end]}", start, index=index, inside=inside)
        return
    found = parse_part(source, start, end, index=index, inside=inside)
    if isinstance(found, Broken):
        # `returning id into x` isn't SQL.
        returning = next((token.start for token in row if token.text == "returning"), start)
        into = next((token.start for token in row if token.text == "into" and token.start > returning), end)
        found = parse_part(source, start, into, index=index, inside=inside)
    if isinstance(found, Broken):
        yield DynamicText(start, _UNREAD)
        return
    for each in found:
        each.node.pop("intoClause", None)  # in PL/pgSQL, it names variables
        yield each


def _executed(row: Sequence[Token], source: Source, *, index: int, inside: str) -> Iterator[Statement | DynamicText]:
    text, is_whole = _dynamic_text(row[1:])
    found = parse_unseen(source, text, row[0].start, index=index, inside=inside)
    if not is_whole:
        yield DynamicText(row[0].start)
    elif not found:
        yield DynamicText(row[0].start, _UNREAD)
    yield from found


def _dynamic_text(row: Sequence[Token]) -> tuple[str, bool]:
    """Return what is known of an EXECUTE's text, with UNSEEN for each part that isn't, and whether it's the whole."""
    parts: list[str] = []
    is_whole, depth, is_format = True, 0, False
    for at, token in enumerate(row):
        if token.kind is TokenKind.WORD and token.text in {"using", "into", "loop"} and depth == 0:
            break
        if token.kind is TokenKind.SIGN and token.text in "()":
            depth += 1 if token.text == "(" else -1
        elif token.kind is TokenKind.TEXT and (depth == 0 or (is_format and row[at - 1].text == "(")):
            parts.append(_filled(token.text) if is_format and depth else token.text)
            is_whole = is_whole and not (is_format and "%" in token.text)
        elif depth == 0 and token.text == "format":
            is_format = True
        elif depth == 0 and token.kind in {TokenKind.WORD, TokenKind.NAME}:
            is_format = False
            parts.append(UNSEEN)
            is_whole = False
    return "".join(parts), is_whole


def _filled(text: str) -> str:
    for code, value in (("%I", UNSEEN), ("%s", UNSEEN), ("%L", f"'{UNSEEN}'"), ("%%", "%")):
        text = text.replace(code, value)
    for number in range(1, 10):
        text = text.replace(f"%{number}$I", UNSEEN).replace(f"%{number}$s", UNSEEN)
        text = text.replace(f"%{number}$L", f"'{UNSEEN}'")
    return text
