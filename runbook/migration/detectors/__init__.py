"""The detecting half of the rules: a small function for each, grouped by subject.

`load` imports every module here, so that each registers its functions.
"""

from __future__ import annotations

from importlib import import_module

__all__ = ["DATABASE_RULES", "FILE_RULES", "load", "rule_ids"]

_MODULES = (
    "access",
    "backfill",
    "calls",
    "columns",
    "constraints",
    "data",
    "dumps",
    "enums",
    "function_bodies",
    "functions",
    "grants",
    "indexes",
    "partitions",
    "platform",
    "removals",
    "renames",
    "rewrite_rules",
    "session",
    "style",
    "table_locks",
    "transactions",
    "versions",
)

FILE_RULES = frozenset(
    {
        "duplicate-version",
        "edited-migration",
        "file-name",
        "file-name-style",
        "future-version",
        "out-of-order",
        "removed-migration",
    }
    | {"psql-command", "skipped-file", "syntax-error", "unreadable-file", "unread-statement", "waiver"}
)
"""The rules that the names of files, the history and the reading of a file decide, not a statement."""


DATABASE_RULES = frozenset(
    {"applied-elsewhere", "future-applied", "missing-migration", "renamed-migration", "unknown-history"}
    | {"blocked-drop", "cascade-drop", "existing-object", "hidden-invalid-index", "missing-object", "named-in-function"}
    | {"new-overload", "published-table", "skipped-create", "unusable-index"}
    | {"index-build", "invalid-index", "server-version", "unvalidated-constraint"}
    | {"blocking-transaction", "long-transaction", "prepared-transaction", "waiting-lock"}
)
"""The rules that only a database can decide."""


def load() -> None:
    """Import every module of detectors."""
    for name in _MODULES:
        import_module(f"runbook.migration.detectors.{name}")


def rule_ids() -> frozenset[str]:
    """Return the ids of all rules that the code can report."""
    from runbook.migration.detectors.registry import FILE_DETECTORS, STATEMENT_DETECTORS

    load()
    by_statement = {rule for entries in STATEMENT_DETECTORS.values() for rule, _ in entries}
    return FILE_RULES | DATABASE_RULES | by_statement | {rule for rule, _ in FILE_DETECTORS}
