"""Bodies that PostgreSQL refuses: of functions and procedures in SQL and PL/pgSQL, and of DO blocks."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.bodies import Body, body_of_function, do_body
from runbook.migration.context import Migration
from runbook.migration.detectors.registry import detects
from runbook.migration.finding import Hit
from runbook.migration.statements import Broken, Statement, body_error, parse_text
from runbook.migration.syntax_tree import constant, last_name
from runbook.policy.sql_tokens import Token, TokenKind, tokens

__all__: list[str] = []

_CERTAIN = (
    *("syntax error", "mismatched parentheses", "missing ", "unterminated ", "duplicate declaration"),
    *("EXIT cannot", "CONTINUE cannot", "there is no label", "end label", "GET DIAGNOSTICS", "unrecognized "),
    *("too many parameters specified for RAISE", "too few parameters specified for RAISE", "cannot use RETURN "),
)
"""How messages begin that need no catalogue. Without one, the parser reports record fields wrongly."""
_NEAR = ' at or near "'


@detects("function-body", "CreateFunctionStmt", "DoStmt")
def find_body(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a body that isn't valid SQL or PL/pgSQL, at the word that the parser stops at."""
    is_block = statement.kind == "DoStmt"
    body = do_body(statement) if is_block else body_of_function(statement)
    if body is None or (not is_block and _is_unchecked(statement, migration)):
        return
    problem = _sql_problem(body, statement) if body.language == "sql" else _plpgsql_problem(body, statement)
    if problem is not None:
        offset, message = problem
        what = "block" if is_block else f"body of {last_name(statement.node.get('funcname', []))}"
        yield Hit(offset, f"PostgreSQL refuses the {what}, so the file fails: {message}")


def _is_unchecked(statement: Statement, migration: Migration) -> bool:
    """Whether the file has switched the check of bodies off, as dumps do."""
    off = {"false", "off", "0", "no"}
    return any(
        each.node.get("name") == "check_function_bodies"
        and str(constant(each.node.get("args", [{}])[0])).lower() in off
        and migration.order_of(each) < migration.order_of(statement)
        for each in migration.of_kind("VariableSetStmt")
    )


def _sql_problem(body: Body, statement: Statement) -> tuple[int, str] | None:
    parsed = parse_text(body.text)
    if isinstance(parsed, Broken):
        is_certain = parsed.rule == "syntax-error"
        return (body.at(min(parsed.offset, max(0, len(body.text) - 1))), parsed.message) if is_certain else None
    returns = last_name(statement.node.get("returnType", {}).get("names", []))
    if not parsed and returns not in {"", "void"}:
        return body.at(0), f"it has no statement, but must return {returns}"
    return None


def _plpgsql_problem(body: Body, statement: Statement) -> tuple[int, str] | None:
    begin, end = statement.span
    if not body.is_verbatim:
        message = body_error(_block(body.text))
        return (body.start, message) if _is_certain(message) else None
    text = statement.source.text
    message = body_error(text[begin:end]) if end > begin else body_error(_block(body.text))
    if not _is_certain(message):
        return None
    return _place(body, message), message


def _is_certain(message: str) -> bool:
    return message.startswith(_CERTAIN)


def _block(text: str) -> str:
    """Return a DO block with this body."""
    tag = next(f"$b{number}$" for number in range(len(text) + 2) if f"$b{number}$" not in text)
    return f"do {tag}{text}{tag}"


def _place(body: Body, message: str) -> int:
    """Return where the parser stops. It names a word but no place: look for the first part that has the same error."""
    words = [each for each in tokens(body.text) if each.kind is not TokenKind.COMMENT]
    if not words:
        return body.at(0)
    word = _named_word(message)
    if not word:
        return body.at(words[-1].start)
    begin = 0
    for at, each in enumerate(words):
        if each.kind is TokenKind.SIGN and each.text == ";":
            if body_error(_block(body.text[: each.end])) == message:
                return body.at(_word_in(words[begin : at + 1], word, body.text))
            begin = at + 1
    return body.at(_word_in(words[begin:] or words, word, body.text))


def _named_word(message: str) -> str:
    """Return the word that a message is about: the one that it quotes, or a keyword; "" for the end of the body."""
    if _NEAR in message:
        return message.split(_NEAR, 1)[1].removesuffix('"')
    return next((each.lower() for each in message.split() if each.isalpha() and each.isupper()), "")


def _word_in(row: list[Token], word: str, text: str) -> int:
    """Return the offset of the word that the parser names; if there are several, the one at which SQL breaks."""
    found = [each.start for each in row if text[each.start : each.start + len(word)].lower() == word.lower()]
    if len(found) > 1:
        parsed = parse_text(text[row[0].start : row[-1].end])
        if isinstance(parsed, Broken) and row[0].start + parsed.offset in found:
            return row[0].start + parsed.offset
    return found[0] if found else row[0].start
