"""A connection to the shared journal that never waits forever, and whose errors say what to do."""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any

from runbook.errors import JournalError, JournalUnreachableError, MissingPartError
from runbook.installation import command_that_adds
from runbook.journal.address import JournalAddress
from runbook.journal.postgres_schema import OPERATOR_ROLE, SCHEMA, require_version
from runbook.printable import one_line

if TYPE_CHECKING:
    import psycopg
    from psycopg.pq.abc import PGconn, PGresult

__all__ = ["Row", "SharedConnection", "connect", "journal_errors"]

Row = tuple[Any, ...]

_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 15.0
"""How long an answer may take before the connection is cut. The server gives up earlier, unless it's out of reach."""
_SETTINGS = f"""
set statement_timeout = '10s';
set lock_timeout = '5s';
set idle_in_transaction_session_timeout = '30s';
set synchronous_commit = on;
set search_path = {SCHEMA}, pg_temp
"""
_SESSION = """
select version, session_user, id, pid, backend_start from about, pg_stat_activity where pid = pg_backend_pid()
"""
_END_SESSION = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where pid = %s and backend_start = %s"
"""Ends a session of ours, and waits for its end: until then, what the network delayed could still reach it."""


def connect(address: JournalAddress) -> psycopg.Connection[Row]:
    """Open a connection in autocommit mode.

    Raises MissingPartError without psycopg, and JournalUnreachableError if the server doesn't let us in.
    """
    driver = _driver()
    with journal_errors(address):
        connection: psycopg.Connection[Row] = driver.connect(
            address.url,
            autocommit=True,
            connect_timeout=_CONNECT_SECONDS,
            application_name="runbook",
            client_encoding="utf8",
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
        )
    return connection


@contextmanager
def journal_errors(address: JournalAddress) -> Iterator[None]:
    """Turn what the driver raises in the block into a JournalError that says what to do."""
    psycopg = _driver()
    errors = psycopg.errors
    try:
        yield
    except (errors.InvalidSchemaName, errors.UndefinedTable, errors.UndefinedFunction) as error:
        raise JournalError(
            f"there is no journal in {address.place} that you may use",
            hint="An administrator of that database creates it once (`runbook journal init`), and lets you in: "
            f"grant {OPERATOR_ROLE} to your role.",
        ) from error
    except errors.InsufficientPrivilege as error:
        raise JournalError(
            f"the shared journal in {address.place} refuses you: {_said(error)}",
            hint=f"Its administrator lets you in: grant {OPERATOR_ROLE} to your role.",
        ) from error
    except (psycopg.OperationalError, psycopg.InterfaceError, errors.ReadOnlySqlTransaction) as error:
        # A server that others took over from, or whose disk is almost full, only reads until somebody has helped it.
        raise JournalUnreachableError(
            f"the shared journal in {address.place} can't be reached: {_said(error)}",
            hint="Nothing runs that it doesn't know of. Is the network up? `runbook doctor` tries again. To work "
            "without it, on this machine's own journal: RUNBOOK_JOURNAL=local",
        ) from error
    except psycopg.Error as error:
        if (error.sqlstate or "").startswith("RB"):  # raised by our own functions
            raise JournalError(_said(error), hint=error.diag.message_hint or "") from error
        raise JournalError(f"the shared journal in {address.place} refuses this: {_said(error)}") from error


class SharedConnection:
    """Opens the connection when it's needed, and again after it was lost.

    What was sent on a lost connection takes effect before the next one is open, or never.
    """

    def __init__(self, address: JournalAddress) -> None:
        self.address = address
        self.role = self.journal = ""
        """The database role that this process has, and the journal's id, once it was connected."""
        self._connection: psycopg.Connection[Row] | None = None
        self._watchdog: _Watchdog | None = None
        self._prepared: dict[str, bytes] = {}
        """The names of statements that the server knows on this connection."""
        self._session: Row | None = None
        """The server's process behind the newest connection, and when it began."""

    def ask(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a statement; an empty list if it has none. Raises JournalError.

        JournalUnreachableError leaves open whether the statement took effect. The next call connects again.
        """
        try:
            connection, watchdog = self._open()
            with journal_errors(self.address), watchdog.waiting():
                found = connection.execute(query.encode(), values)
                return found.fetchall() if found.pgresult and found.pgresult.nfields else []
        except JournalUnreachableError:
            self.close()
            raise

    def call(self, statement: str, values: Sequence[str]) -> str | None:
        """Return the only value of a statement with `$1`, `$2` and so on for its values; otherwise as `ask`.

        This takes half as long: the statement is prepared once, and libpq does the rest. Ctrl-C waits for the answer.
        """
        try:
            connection, watchdog = self._open()
            with journal_errors(self.address), watchdog.waiting():
                return self._call(connection.pgconn, statement, [_encoded(value) for value in values])
        except JournalUnreachableError:
            self.close()
            raise

    def _call(self, line: PGconn, statement: str, values: Sequence[bytes]) -> str | None:
        name = self._prepared.get(statement)
        if name is None:
            name = f"runbook_{len(self._prepared)}".encode()
            _require(line, line.prepare(name, statement.encode()))
            self._prepared[statement] = name
        result = line.exec_prepared(name, values)
        _require(line, result)
        found = result.get_value(0, 0)
        return None if found is None else found.decode()

    @contextmanager
    def one_state(self) -> Iterator[None]:
        """Let every read in the block see the same state."""
        self.ask("begin transaction isolation level repeatable read, read only")
        try:
            yield
        finally:
            with suppress(JournalError):
                self.ask("rollback")

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
        if self._watchdog is not None:
            self._watchdog.end()
        self._connection = self._watchdog = None

    def _open(self) -> tuple[psycopg.Connection[Row], _Watchdog]:
        if self._connection is None or self._watchdog is None or self._connection.closed:
            self.close()
            connection = connect(self.address)
            watchdog = _Watchdog(connection)
            try:
                connection.prepare_threshold = 1  # every statement is used again and again
                with journal_errors(self.address), watchdog.waiting():
                    connection.execute(_SETTINGS.encode())
                    if self._session is not None:
                        connection.execute(_END_SESSION, self._session)
                    row = connection.execute(_SESSION).fetchone()
                version, self.role, self.journal, *session = row or (0, "", "")
                self._session = tuple(session) or None
                require_version(version)
            except BaseException:
                connection.close()
                watchdog.end()
                raise
            self._connection, self._watchdog, self._prepared = connection, watchdog, {}
        return self._connection, self._watchdog


def _encoded(value: str) -> bytes:
    data = value.encode()
    if b"\0" in data:  # libpq would take it for the end
        raise JournalError("the shared journal can't store a name with NUL in it")
    return data


def _require(line: PGconn, result: PGresult) -> None:
    """Raise the driver's error if a statement failed."""
    psycopg = _driver()
    if result.status not in {psycopg.pq.ExecStatus.COMMAND_OK, psycopg.pq.ExecStatus.TUPLES_OK}:
        if line.status != psycopg.pq.ConnStatus.OK:
            raise psycopg.OperationalError(line.get_error_message())
        raise psycopg.errors.error_from_result(result)


class _Watchdog:
    """Cuts a connection whose answer takes too long: if the network lost it, we would wait forever.

    Its thread looks at a clock from time to time, because a timer for each statement takes as long as the statement.
    """

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection
        self._until = math.inf
        self._ended = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Cut the connection unless the block ends in time."""
        self._until = time.monotonic() + _ANSWER_SECONDS
        try:
            yield
        finally:
            self._until = math.inf

    def end(self) -> None:
        """Stop watching."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(max(0.0, min(self._until - time.monotonic(), _ANSWER_SECONDS / 10))):
            if time.monotonic() >= self._until:
                self._cut()
                return

    def _cut(self) -> None:
        # If it's closed already, nobody waits for it.
        with (
            suppress(OSError, ValueError, _driver().Error),
            socket.socket(fileno=os.dup(self._connection.pgconn.socket)) as copy,
        ):
            copy.shutdown(socket.SHUT_RDWR)


def _driver() -> ModuleType:
    try:
        import psycopg
    except ImportError as error:
        hint = f"To add it: {command_that_adds('team')}"
        raise MissingPartError("the shared journal needs psycopg, the driver for PostgreSQL", hint=hint) from error
    return psycopg


def _said(error: Exception) -> str:
    """Return the first line of what the server or the driver said."""
    lines = str(error).strip().splitlines()
    return one_line(lines[0]) if lines else type(error).__name__
