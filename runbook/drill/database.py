"""Talking to the drill's database. psycopg is an extra, so it is imported when the first connection is made."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from runbook.errors import MissingPartError, RunbookError

if TYPE_CHECKING:
    import psycopg

__all__ = ["Row", "connect", "execute", "load_driver", "query", "query_records"]

Row = tuple[object, ...]


def connect(url: str, *, timeout: int = 10) -> psycopg.Connection[Row]:
    """Open a connection in autocommit mode; raises MissingPartError without psycopg, RunbookError if refused."""
    try:
        import psycopg
    except ImportError as error:
        raise MissingPartError(
            "drills need psycopg, the Python driver for PostgreSQL",
            hint="python3 -m pip install 'migration-runbook[drill]'",
        ) from error
    try:
        return psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=timeout,
            application_name="runbook drill",
            options="-c lock_timeout=10s",  # a scenario may hold a lock, and a drill must end
        )
    except psycopg.OperationalError as error:
        raise RunbookError(f"can't connect to the drill's database: {str(error).strip()}") from error


def load_driver() -> None:
    """Import the driver ahead of its first use, while something else takes its time; what fails, fails then."""
    with suppress(ImportError):
        import psycopg  # noqa: F401 - for its side effect of being there


def execute(url: str, *statements: str) -> None:
    """Run statements (each may be a whole script) on one connection; raises RunbookError with the server's words."""
    with connect(url) as connection:
        for statement in statements:
            _run(connection, statement)


def query(url: str, statement: str) -> list[Row]:
    """Return the rows of one statement; raises RunbookError with the server's words."""
    with connect(url) as connection:
        cursor = _run(connection, statement)
        return cursor.fetchall() if cursor.description else []


def query_records(url: str, statement: str, *, reading: bool) -> list[dict[str, object]]:
    """Return the rows of one statement as the platform's API does: column names with JSON values."""
    with connect(url) as connection:
        connection.read_only = reading
        cursor = _run(connection, statement)
        names = [column.name for column in cursor.description or ()]
        found = cursor.fetchall() if names else []
    return [dict(zip(names, map(_plain, row), strict=True)) for row in found]


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | dict | list | None) else str(value)


def _run(connection: psycopg.Connection[Row], statement: str) -> psycopg.Cursor[Row]:
    import psycopg

    try:
        return connection.execute(statement)
    except psycopg.Error as error:
        first = " ".join(statement.split())[:120]
        raise RunbookError(f"the drill's database refused `{first}`: {str(error).strip()}") from error
