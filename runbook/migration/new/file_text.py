"""Put the text of a new migration file together: its header, its timeouts, its SQL. Pure."""

from __future__ import annotations

from runbook.migration.new.current_function import CurrentFunction
from runbook.policy.sql_tokens import statements
from runbook.printable import lines_of, one_line

__all__ = ["BLANK", "PURPOSE", "ROLLBACK", "file_text", "function_text", "leading_settings"]

PURPOSE = "(why this change is needed)"
ROLLBACK = "(the statement, or the earlier version, that undoes it)"
"""In parentheses, as in the book's procedures: `migration check` reports a header that still has them."""

BLANK = "set lock_timeout = '5s';\nset statement_timeout = '60s';\n"
"""The SQL of a file without a pattern."""

_BEFORE = "--| "
"""Begins each line of the earlier definition. A line comment can contain whatever a function's body does."""


def file_text(name: str, sql: str, *, purpose: str, rollback: str) -> str:
    """Return a file's text. A note that is empty becomes a placeholder."""
    header = (
        f"-- Migration: {name}",
        f"-- Purpose: {one_line(purpose) or PURPOSE}",
        f"-- Rollback: {one_line(rollback) or ROLLBACK}",
    )
    return "\n".join([*header, "", sql.strip("\n"), ""])


def function_text(function: CurrentFunction, settings: str) -> str:
    """Return SQL that creates the function as it is now, with its rights, and has the same again as comments.

    `settings` are the statements before it. Somebody then changes the body; the comments can undo that.
    """
    rights = "".join(f"{statement.rstrip().rstrip(';')};\n" for statement in function.rights)
    return "\n".join(
        [
            settings,
            "",
            "-- Change the body. Repeat every SET and SECURITY DEFINER: what is left out goes back to its default.",
            f"{function.definition.rstrip().rstrip(';')};",
            "",
            *(
                [
                    "-- Owner and grants as they are now. REPLACE keeps them, but after a DROP they would be lost.",
                    rights,
                ]
                if rights
                else []
            ),
            f"-- The definition before this file, from {one_line(function.source)}. To run it again, take these lines",
            f'-- without "{_BEFORE.strip()}" at their beginning.',
            *(f"{_BEFORE}{line}".rstrip() for line in lines_of(f"{function.definition.rstrip().rstrip(';')};")),
        ]
    )


def leading_settings(sql: str) -> str:
    """Return the SET statements at the beginning of SQL, each in a line."""
    found = []
    for words in statements(sql):
        if words[0].text != "set":
            break
        found.append(f"{sql[words[0].start : words[-1].end]};")
    return "\n".join(found)
