"""Check migration templates: they set timeouts, fail as a whole and lock nothing for long.

During a walk, a checker sees the finished file. This check sees the template, before anybody is in a hurry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject
from runbook.model.action import WrittenFile
from runbook.model.templates import PLACEHOLDER
from runbook.policy.sql_tokens import Token, statements

__all__ = ["check_templates"]

Problem = tuple[str, str]
"""The problem, and the text in the source that shows it ("" for the whole step)."""

_Words = tuple[str, ...]
_ENDS = frozenset({"begin", "start", "commit", "end", "rollback", "savepoint"})


def check_templates(subject: Subject, notes: Notes) -> None:
    """Report migration templates in the book that break the rules of the SQL patterns."""
    for _, place in subject.places:
        for action in place.step.actions:
            file = action.written_file()
            if file is not None and _is_migration(file):
                for message, token in _problems(file):
                    notes.add(place.step.at, message, "template:" if file.text else place.step.id, token)


def _is_migration(file: WrittenFile) -> bool:
    """Tell whether the file is SQL that will be pushed. Assume so if its name isn't known yet."""
    return file.path.endswith(".sql") or PLACEHOLDER.fullmatch(file.path) is not None


def _problems(file: WrittenFile) -> Iterator[Problem]:
    if not file.is_checked:
        yield "nothing checks this migration; add 'check: runbook migration check FILE'", ""
    if file.text is None:
        return
    found = [_words(each) for each in statements(PLACEHOLDER.sub(r"\1", file.text))]
    for rule in _RULES:
        yield from rule(found)


def _words(statement: Sequence[Token]) -> _Words:
    return tuple(token.text.lower() for token in statement)


def _sets_a_timeout(found: Sequence[_Words]) -> Iterator[Problem]:
    """Report a missing lock timeout. An index that is built concurrently blocks nobody and needs none."""
    others = [words for words in found if words[0] != "set" and "concurrently" not in words]
    sets = [words for words in found if words[0] == "set"]
    if others and not any("lock_timeout" in words for words in sets):
        yield "without 'set lock_timeout', a migration waits for a lock forever and blocks everybody behind it", ""


def _concurrently_is_alone(found: Sequence[_Words]) -> Iterator[Problem]:
    """Report CONCURRENTLY beside other changes: together they can't be rolled back as a whole."""
    others = [words for words in found if words[0] != "set"]
    if len(others) > 1 and any("concurrently" in words for words in others):
        yield (
            "CONCURRENTLY must be alone in its file: with other changes, a failure leaves half of them applied",
            "",
        )


def _index_is_concurrent(found: Sequence[_Words]) -> Iterator[Problem]:
    """Report indexes that are built, rebuilt or dropped in a way that locks the table."""
    for words in found:
        if words[0] in {"create", "drop", "reindex"} and "index" in words[:3] and "concurrently" not in words:
            yield f"{words[0]} index locks the table; write it with CONCURRENTLY", "index"
        if "concurrently" in words and words[0] == "create" and "exists" in words[:7]:
            yield "IF NOT EXISTS would accept an invalid index as done; leave it out", "exists"


def _is_one_transaction(found: Sequence[_Words]) -> Iterator[Problem]:
    """Report statements that begin or end a transaction: the CLI does that."""
    for words in found:
        if words[0] in _ENDS:
            yield f"{words[0].upper()} in a migration splits it: a failure leaves its first part applied", words[0]


def _proves_nothing(found: Sequence[_Words]) -> Iterator[Problem]:
    """Report a SELECT, which can't prove anything in a migration."""
    if any(words[0] in {"select", "table", "values"} for words in found):
        yield "push prints no results, so a SELECT in a migration proves nothing; read back in a step after it", ""


def _keeps_settings(found: Sequence[_Words]) -> Iterator[Problem]:
    """Report a function without a search path of its own."""
    for words in found:
        if words[0] == "create" and "function" in words[:5] and "search_path" not in words:
            yield "without SET search_path, a function finds its tables by the caller's; set it each time", "function"


def _drops_no_more(found: Sequence[_Words]) -> Iterator[Problem]:
    """Report CASCADE, which drops more than the statement names."""
    if any("drop" in words and "cascade" in words for words in found):
        yield "CASCADE also drops whatever depends on it, unseen; name each object", "cascade"


_RULES: tuple[Callable[[Sequence[_Words]], Iterator[Problem]], ...] = (
    _sets_a_timeout,
    _concurrently_is_alone,
    _index_is_concurrent,
    _is_one_transaction,
    _proves_nothing,
    _keeps_settings,
    _drops_no_more,
)
