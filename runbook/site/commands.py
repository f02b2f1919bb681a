"""The words a command runs with on production, and what it does: from the functions that the walk uses."""

from __future__ import annotations

from runbook.filling import argv_of, fill_statement
from runbook.model import Book, Command, Effect, Sql, TargetKind
from runbook.policy.judgement import classify
from runbook.site.value_markers import Places, ValueScope

__all__ = ["effect_of", "sql_text", "target_flags", "words_of"]


def words_of(book: Book, action: Command | Sql, scope: ValueScope, major: int) -> tuple[str, ...]:
    """Return the argv that the walk runs on production with that CLI major; values not known yet are places."""
    places = Places(scope)
    return argv_of(action, places, policy=book.policy, major=major, kind=TargetKind.PRODUCTION, names=places)


def sql_text(action: Sql, scope: ValueScope) -> str:
    """Return the statement alone, for the dashboard's SQL editor."""
    return fill_statement(action.statement, Places(scope))


def target_flags(book: Book, major: int) -> frozenset[str]:
    """Return the flags by which that CLI major names production."""
    families = book.policy.majors[major].target.values()
    words = (word for kinds in families for word in kinds.get(TargetKind.PRODUCTION, ()))
    return frozenset(word for word in words if word.startswith("-"))


def effect_of(book: Book, action: Command | Sql, scope: ValueScope, major: int) -> Effect:
    """Return what policy says the command does."""
    return classify(words_of(book, action, scope, major), book.policy, major=major).effect
