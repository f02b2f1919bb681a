"""Recognize the dump of a schema, as `supabase db pull` and pg_dump write it."""

from __future__ import annotations

from collections.abc import Sequence

from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import constant

__all__ = ["is_dump"]

_HEAD = 20
_SETTINGS = frozenset(
    {"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "client_encoding", "row_security"}
    | {"standard_conforming_strings", "check_function_bodies", "xmloption", "client_min_messages"}
)
"""What pg_dump sets at the top of its files."""
_FEWEST = 4


def is_dump(statements: Sequence[Statement]) -> bool:
    """Whether a file begins as dumps do: with pg_dump's settings and its empty search path."""
    head = statements[:_HEAD]
    settings = {each.node.get("name") for each in head if each.kind == "VariableSetStmt"}
    empties_path = any(
        name.name == "set_config" and constant(next(iter(node.get("args", ())), None)) == "search_path"
        for each in head
        if each.kind == "SelectStmt"
        for name, node in each.calls
    )
    return empties_path and len(settings & _SETTINGS) >= _FEWEST
