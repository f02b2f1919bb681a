"""Functions: run with their owner's rights, or changed in what CREATE OR REPLACE doesn't keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from runbook.migration.bodies import body_of_function
from runbook.migration.context import Migration
from runbook.migration.detectors.registry import detects
from runbook.migration.finding import Hit
from runbook.migration.known import function_settings, signature_of
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, last_name, name_in
from runbook.policy.sql_tokens import Token, TokenKind, tokens

__all__: list[str] = []


def _name(statement: Statement, migration: Migration) -> Name:
    return migration.resolve(name_in(statement.node["funcname"]), statement)


def _altered_name(statement: Statement, migration: Migration) -> Name:
    return migration.resolve(name_in(statement.node.get("func", {}).get("objname", [])), statement)


def _sets_path_later(name: Name, migration: Migration) -> bool:
    return any(
        each.kind == "AlterFunctionStmt"
        and _altered_name(each, migration) == name
        and function_settings(each.node).search_path
        for each in migration.statements
    )


@detects("definer-search-path", "CreateFunctionStmt")
def find_definer(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a SECURITY DEFINER function without a search path of its own."""
    name = _name(statement, migration)
    if function_settings(statement.node).is_definer and not _has_path(statement, migration):
        message = f"{name} runs with its owner's rights and finds its tables by the caller's search_path"
        yield Hit(statement.find("security"), message)


@detects("function-search-path", "CreateFunctionStmt")
def find_without_path(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report another function without a search path. A body that is parsed when it's created needs none."""
    is_parsed = "sql_body" in statement.node
    if not function_settings(statement.node).is_definer and not is_parsed and not _has_path(statement, migration):
        message = f"{_name(statement, migration)} finds its tables by the search_path of whoever calls it"
        yield Hit(statement.find("procedure" if statement.node.get("is_procedure") else "function"), message)


def _has_path(statement: Statement, migration: Migration) -> bool:
    """Whether a function has a search path, gets one later, or doesn't stay as it is."""
    name, later = _name(statement, migration), migration.later
    is_repaired = _sets_path_later(name, migration) or name in later.replaced_functions | later.dropped
    return bool(function_settings(statement.node).search_path) or is_repaired


@detects("definer-search-path", "AlterFunctionStmt")
def find_altered_definer(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a function that becomes SECURITY DEFINER without a search path, or loses it."""
    name = _altered_name(statement, migration)
    settings, known = function_settings(statement.node), migration.known.functions.get(name)
    resets = statement.has("reset", "search_path") or statement.has("reset", "all")
    has_path = settings.search_path or (known is not None and known.search_path and not resets)
    if (settings.is_definer or resets) and not has_path and not _sets_path_later(name, migration):
        message = f"{name} then finds its tables by the caller's search_path"
        yield Hit(statement.find("reset") if resets else statement.find("security"), message)


@detects("definer-lost", "CreateFunctionStmt")
def find_lost(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a replaced function that loses SECURITY DEFINER or search_path, which an earlier file set."""
    name = _name(statement, migration)
    before, now = migration.known.functions.get(name), function_settings(statement.node)
    if before is None or not statement.node.get("replace") or name in migration.later.replaced_functions:
        return
    lost = [
        words
        for words, had, has in (
            ("SECURITY DEFINER", before.is_definer, now.is_definer),
            ("SET search_path", before.search_path, now.search_path or _sets_path_later(name, migration)),
        )
        if had and not has
    ]
    if lost:
        message = f"CREATE OR REPLACE puts {' and '.join(lost)} of {name} back to the default: earlier it had been set"
        yield Hit(statement.find(name.name), message)


@detects("function-not-replaced", "CreateFunctionStmt")
def find_not_replaced(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report CREATE FUNCTION without OR REPLACE, unless the file has dropped the old one."""
    name = _name(statement, migration)
    if (
        statement.node.get("replace")
        or (
            migration.known.has_history and signature_of(statement.node) not in migration.known.signatures.get(name, ())
        )
        or migration.is_dropped("function", name)
        or migration.is_new("function", name, statement)
    ):
        return
    noun = "procedure" if statement.node.get("is_procedure") else "function"
    yield Hit(statement.find("create"), f"this fails if the {noun} {name} is there already")


@detects("ambiguous-function", "CreateFunctionStmt")
def find_ambiguous(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a second function of the name that fits the same call as the first."""
    name = _name(statement, migration)
    if migration.is_dropped("function", name):
        return
    own = signature_of(statement.node)
    for other in sorted(migration.known.signatures.get(name, ())):
        if other.types != own.types and other.fits_same_call(own):
            message = f"this adds a second {name}: a call with {other.shared(own)} arguments fits both and fails"
            yield Hit(statement.find(name.name), message)
            return


@detects("swallowed-error", "CreateFunctionStmt")
def find_swallowed(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report a trigger function whose handler of every error doesn't raise it again."""
    body = body_of_function(statement)
    returns = last_name(statement.node.get("returnType", {}).get("names", []))
    if body is None or body.language != "plpgsql" or returns != "trigger" or "others" not in body.text.lower():
        return
    words = [each for each in tokens(body.text) if each.kind is not TokenKind.COMMENT]
    for at, word in enumerate(words):
        if word.text == "others" and words[at - 1].text == "when" and not _raises(words[at:]):
            place = body.start + words[at - 1].start if body.is_verbatim else body.start
            yield Hit(place, "the handler swallows the error: the write succeeds as if the function had worked")
            return


def _raises(words: Sequence[Token]) -> bool:
    """Whether a handler raises an error: a bare RAISE, or one that isn't below the level of an error."""
    quiet = {"debug", "log", "info", "notice", "warning"}
    return any(
        word.kind is TokenKind.WORD and word.text == "raise" and after.text not in quiet
        for word, after in pairwise(words)
    )
