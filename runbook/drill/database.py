"""Talk to the drill's database: statements, scripts, its log. psycopg is an extra, imported at the first connection."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from runbook.drill.platform_state import LogRow
from runbook.errors import MissingPartError, RunbookError
from runbook.installation import command_that_adds

if TYPE_CHECKING:
    import psycopg

__all__ = [
    "Row", "connect", "execute", "load_driver", "query", "query_records", "read_server_log", "set_passwords",
    "split_statements",
]  # fmt: skip

Row = tuple[object, ...]


def connect(url: str, *, timeout: int = 10) -> psycopg.Connection[Row]:
    """Open a connection in autocommit mode. Raises MissingPartError without psycopg, RunbookError if refused."""
    try:
        import psycopg
    except ImportError as error:
        raise MissingPartError(
            "drills need psycopg, the Python driver for PostgreSQL",
            hint=f"Add it with: {command_that_adds('drill')}",
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
    """Import the driver before its first use, while something else is slow. The first use reports import errors."""
    with suppress(ImportError):
        import psycopg  # noqa: F401 - only to have it loaded


def execute(url: str, *statements: str) -> None:
    """Run statements (each may be a whole script) on one connection. Raises RunbookError with the server's message."""
    with connect(url) as connection:
        for statement in statements:
            _run(connection, statement)


def set_passwords(url: str, passwords: Mapping[str, str]) -> None:
    """Set the passwords of roles. The server gets only the SCRAM verifiers, so no password appears in its log."""
    with connect(url) as connection:
        for role, password in passwords.items():
            verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
            _run(connection, f"alter role {role} password '{verifier}'")


def query(url: str, statement: str) -> list[Row]:
    """Return the rows of one statement. Raises RunbookError with the server's message."""
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
    plain = (str, int, float, bool, dict, list, type(None))  # the types of JSON; a date or a uuid becomes text
    rows = ([value if isinstance(value, plain) else str(value) for value in row] for row in found)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _run(connection: psycopg.Connection[Row], statement: str) -> psycopg.Cursor[Row]:
    import psycopg

    try:
        return connection.execute(statement)
    except psycopg.Error as error:
        first = " ".join(statement.split())[:120]
        raise RunbookError(f"the drill's database refused `{first}`: {str(error).strip()}") from error


# --- scripts --------------------------------------------------------------------------------------------------------


# A semicolon in these doesn't end a statement: quoted text, dollar-quoted text, comments.
_OPAQUE = re.compile(
    r"""
    (?P<comment>--[^\n]*)
    | (?P<block>/\*)
    | (?P<dollar>\$(?:[A-Za-z_\x80-\uffff][A-Za-z0-9_\x80-\uffff]*)?\$)
    | (?P<escape>\b[eE]'(?:[^'\\]|\\.|'')*')
    | (?P<text>'(?:[^']|'')*')
    | (?P<name>"(?:[^"]|"")*")
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_MARK = re.compile(r"/\*|\*/")


def split_statements(script: str) -> tuple[str, ...]:
    """Return the statements without their semicolons. Comments stay with the statement that follows them."""
    cuts = [-1, *_ends(script), len(script)]
    pieces = (script[start + 1 : end].strip() for start, end in pairwise(cuts))
    # A piece with only comments, such as after the last semicolon, isn't a statement.
    return tuple(piece for piece in pieces if re.sub(r"--[^\n]*|/\*.*?\*/", "", piece, flags=re.DOTALL).strip())


def _ends(script: str) -> Iterator[int]:
    """Yield the positions where statements end."""
    at = 0
    while found := _OPAQUE.search(script, at):
        at = found.end()
        if found["dollar"]:
            close = script.find(found["dollar"], at)
            at = len(script) if close < 0 else close + len(found["dollar"])
        elif found["block"]:
            depth = 1  # PostgreSQL's block comments nest
            while depth and (mark := _BLOCK_MARK.search(script, at)):
                at = mark.end()
                depth += 1 if mark.group() == "/*" else -1
            at = len(script) if depth else at
        elif found["end"]:
            yield found.start()


# --- the server's log -----------------------------------------------------------------------------------------------


_LINE = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) UTC \[\d+\] (?P<database>\S+) "
    r"(?P<level>WARNING|ERROR|FATAL|PANIC): +(?P<message>.*)"
)
"""A log line with the `log_line_prefix` from `runbook.drill.postgres`."""


def read_server_log(file: Path, database: str) -> Iterator[LogRow]:
    """Yield warnings and errors of one database, oldest first. A line has the same id whenever it is read."""
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines()):
        found = _LINE.fullmatch(line)
        if found is None or found["database"] != database:
            continue
        moment = datetime.fromisoformat(found["at"]).replace(tzinfo=UTC)
        yield LogRow(
            id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{number} {line}")),
            at=int(moment.timestamp() * 1000),
            source="postgres_logs",
            level=found["level"].lower(),
            message=found["message"],
            attributes={},
        )
