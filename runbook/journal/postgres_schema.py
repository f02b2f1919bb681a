"""The schema of the shared journal: create it, bring it up to date, and let people use it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from runbook.errors import JournalError

if TYPE_CHECKING:
    import psycopg

__all__ = ["OPERATOR_ROLE", "READER_ROLE", "SCHEMA", "VERSION", "install", "require_version", "versions"]

SCHEMA = "runbook_journal"
OPERATOR_ROLE = "runbook_operator"
"""Members may read everything, append events and lock targets."""
READER_ROLE = "runbook_reader"
"""Members may read everything."""
_KEY = 7_262_817_021
"""Of the advisory lock that keeps two people from installing at once. Any number would do."""


def versions() -> Sequence[str]:
    """Return the SQL that leads from each version to the next, the first from an empty database to version 1."""
    found = [file for file in (files("runbook.journal") / "sql").iterdir() if file.name.endswith(".sql")]
    return tuple(
        file.read_text(encoding="utf-8") for file in sorted(found, key=lambda file: int(file.name.removesuffix(".sql")))
    )


VERSION = len(versions())


def install(connection: psycopg.Connection[tuple[object, ...]], steps: Sequence[str] | None = None) -> tuple[int, int]:
    """Create the schema or bring it up to date, and let the two roles use it; return the version before and after.

    All or nothing. Raises JournalError if a newer version of runbook made it, and psycopg.Error.
    """
    wanted = versions() if steps is None else steps
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (_KEY,))
        for role in (OPERATOR_ROLE, READER_ROLE):
            if connection.execute("select to_regrole(%s)", (role,)).fetchone() == (None,):
                connection.execute(f"create role {role}")
        connection.execute(f"create schema if not exists {SCHEMA}")
        connection.execute(f"set local search_path = {SCHEMA}, pg_temp")
        before = _version(connection)
        _require_known(before, len(wanted))
        for number in range(before, len(wanted)):
            connection.execute(wanted[number].encode())
            connection.execute("update about set version = %s", (number + 1,))
        _grant(connection)
    return before, len(wanted)


def require_version(found: int) -> None:
    """Raise JournalError, with what to do, unless this version of runbook can use that version of the schema."""
    _require_known(found, VERSION)
    if found < VERSION:
        raise JournalError(
            f"the shared journal has version {found}, and this version of runbook needs {VERSION}",
            hint="`runbook journal init` brings it up to date; every operator then needs this version of runbook.",
        )


def _require_known(found: int, known: int) -> None:
    if found > known:
        raise JournalError(
            f"a newer version of runbook made the shared journal (version {found}, and this one knows {known})",
            hint="Use that version. Nothing was changed.",
        )


def _version(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    if connection.execute("select to_regclass('about')").fetchone() == (None,):
        return 0
    row = connection.execute("select version from about").fetchone()
    return int(str(row[0])) if row else 0


def _grant(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Let readers read, and operators also call the functions. Nobody gets a right on a table but to read it."""
    for statement in (
        f"revoke all on schema {SCHEMA} from public",
        f"revoke all on all functions in schema {SCHEMA} from public",
        f"grant usage on schema {SCHEMA} to {OPERATOR_ROLE}, {READER_ROLE}",
        f"grant select on all tables in schema {SCHEMA} to {OPERATOR_ROLE}, {READER_ROLE}",
        f"grant execute on all functions in schema {SCHEMA} to {OPERATOR_ROLE}",
    ):
        connection.execute(statement)
