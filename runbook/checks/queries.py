"""The queries of a book: one that reads nothing proves nothing, whatever it is called."""

from __future__ import annotations

from runbook.checks.findings import Notes
from runbook.checks.placeholder_uses import commands_of
from runbook.checks.scopes import scoped_steps
from runbook.model.templates import PLACEHOLDER
from runbook.model import Book, Sql
from runbook.policy.sql_tokens import tokens

__all__ = ["check_queries"]

_NOTHING_READ = "this query reads no table and calls no function, so it says the same whatever happened"


def check_queries(book: Book, notes: Notes) -> None:
    """Refuse the guide's `SELECT 'Migration completed successfully'`: a query has to look at something."""
    for procedure in book.procedures.values():
        for scoped in scoped_steps(procedure):
            for _, action, _ in commands_of(scoped.step, book.policy.majors):
                if isinstance(action, Sql) and not action.writes and _says_its_own_words(action.statement):
                    notes.add(action.at, _NOTHING_READ, "select")


def _says_its_own_words(statement: str) -> bool:
    words = [token.text for token in tokens(PLACEHOLDER.sub(r"\1", statement)) if not token.quote]
    return words[:1] == ["select"] and not {"from", "("} & set(words)
