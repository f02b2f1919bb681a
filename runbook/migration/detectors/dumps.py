"""Dumps of a whole schema, as `supabase db pull` and pg_dump write them."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.context import Migration
from runbook.migration.detectors.registry import detects_in_file
from runbook.migration.finding import Hit

__all__ = ["NOT_IN_DUMPS"]

NOT_IN_DUMPS = frozenset(
    {"no-lock-timeout", "long-lock-timeout", "no-statement-timeout", "empty-search-path", "reset-all"}
    | {"default-privileges", "grant-to-api", "revoke-from-api", "many-tables-locked", "function-not-replaced"}
    | {"definer-callable", "extension-in-public", "drop-extension", "select-shows-nothing", "triggers-off"}
)
"""Rules about what every dump has: its settings, and rights that the database has already."""


@detects_in_file("schema-dump")
def find_dump(migration: Migration) -> Iterator[Hit]:
    """Report a dump, in which some rules aren't checked."""
    if migration.is_dump:
        message = "this is a dump of a schema, so its settings, locks and grants aren't judged"
        yield Hit(migration.parsed.statements[0].start, message)
