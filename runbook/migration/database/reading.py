"""Read one database, read-only and within a time limit: by a URL, or through the project's Supabase CLI.

Both ways use a read-only transaction and short timeouts for statements and locks. A statement that can't be read is an
error with exit code 2: nothing is reported of half a look.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from runbook.errors import MissingPartError, RunbookError, UsageError
from runbook.migration.cli_answer import Row, reason_in, rows_in
from runbook.model.policy import TargetKind

if TYPE_CHECKING:
    import psycopg

__all__ = ["SECONDS", "Reader", "open_reader"]

SECONDS = 60
"""How long a look may take, at most."""
_CONNECT_SECONDS, _STATEMENT_SECONDS, _LOCK_SECONDS, _CANCEL_SECONDS = 10, 20, 2, 5


class Reader(NamedTuple):
    """A way into one database: what to call it, how it is read, and the function that runs one statement."""

    place: str
    way: str
    read: Callable[[str], Sequence[Row]]


@contextmanager
def open_reader(target: str, *, project: Path, book: str | None = None) -> Iterator[Reader]:
    """Open `production` or `local`, as the project's CLI reaches them, or the database at a URL.

    Raises UsageError if the target isn't one of these, can't be reached, or a part is missing.
    """
    try:
        if target in {TargetKind.PRODUCTION.value, TargetKind.LOCAL.value}:
            yield _through_cli(TargetKind(target), project, book)
        elif urlsplit(target).scheme in {"postgres", "postgresql"}:
            with _by_url(target) as reader:
                yield reader
        else:
            raise UsageError(
                f"--against takes production, local or a PostgreSQL URL, not '{target}'",
                hint="Example of a URL: postgresql://postgres@127.0.0.1:54322/postgres",
            )
    except RunbookError as error:
        # Whatever is missing or unreachable, nothing was checked: the exit code must not be that of an error found.
        raise UsageError(error.message, hint=error.hint) from error


# --- by a URL --------------------------------------------------------------------------------------------------------


@contextmanager
def _by_url(url: str) -> Iterator[Reader]:
    from runbook.installation import command_that_adds
    from runbook.known_secrets import remember

    try:
        import psycopg
    except ImportError as error:
        raise MissingPartError(
            "a database at a URL is read with psycopg, the Python driver for PostgreSQL, which isn't installed",
            hint=f"Add it with: {command_that_adds('drill')}",
        ) from error
    parts = urlsplit(url)
    if parts.password:
        remember([unquote(parts.password)])
    place = f"the database {parts.path.lstrip('/') or 'postgres'} at {_address(url)}"
    try:
        # No prepared statements, and settings within the transaction: a pooler may sit in between.
        connection = psycopg.connect(
            url, connect_timeout=_CONNECT_SECONDS, application_name="runbook", prepare_threshold=None
        )
    except psycopg.Error as error:
        raise UsageError(f"can't connect to {place}: {_said(error)}", hint=_CHECK_URL) from error
    with connection, _time_limit(connection):
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with connection.transaction(force_rollback=True):
            _settle(connection, place)
            yield Reader(place, "psycopg", lambda sql: _rows_of(connection, sql, place))


_CHECK_URL = "Check the URL and the network. A password belongs in PGPASSWORD or ~/.pgpass, not in the URL."


def _address(url: str) -> str:
    """Return the host and the port of a URL; libpq also takes them from its query."""
    from psycopg.conninfo import conninfo_to_dict

    found = conninfo_to_dict(url)
    return f"{found.get('host', 'localhost')}:{found.get('port', 5432)}"


def _settle(connection: psycopg.Connection[Any], place: str) -> None:
    limits = {"statement_timeout": _STATEMENT_SECONDS, "lock_timeout": _LOCK_SECONDS}
    settings = ", ".join(f"set_config('{name}', '{seconds}s', true)" for name, seconds in limits.items())
    _rows_of(connection, f"select {settings}", place)


def _rows_of(connection: psycopg.Connection[Any], sql: str, place: str) -> Sequence[Row]:
    import psycopg
    from psycopg.rows import dict_row

    try:
        # A statement that fails leaves the transaction usable.
        with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(sql).fetchall()
    except psycopg.errors.QueryCanceled as error:
        raise UsageError(f"{place} didn't answer in time", hint="Try again when it has less to do.") from error
    except psycopg.Error as error:
        raise UsageError(f"{place} can't be read: {_said(error)}") from error


@contextmanager
def _time_limit(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Cancel what runs when the time is up, and cut the connection if the server can't be reached any more."""
    import psycopg

    def cut() -> None:
        try:
            connection.cancel_safe(timeout=_CANCEL_SECONDS)
        except psycopg.Error:
            with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)

    timer = Timer(SECONDS, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _said(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


# --- through the CLI -------------------------------------------------------------------------------------------------


def _through_cli(kind: TargetKind, project: Path, book: str | None) -> Reader:
    """Prove the target as a run does, and return a reader that uses the book's words for a query."""
    from runbook.checks import open_book
    from runbook.filling import query_command, timeouts_environment
    from runbook.runtime.cli_target import CliTarget
    from runbook.runtime.environment import child_environment
    from runbook.runtime.programs import Programs
    from runbook.runtime.project import find_project
    from runbook.runtime.subprocesses import ask

    directory, opened, programs = find_project(project), open_book(book), Programs()
    target = CliTarget(directory, kind, opened.policy, team=opened.team, programs=programs)
    seen = target.prove()
    major = int(seen.cli.split(".", maxsplit=1)[0])
    words = opened.policy.majors[major].query_read
    limits = timeouts_environment(lock_timeout=_LOCK_SECONDS, statement_timeout=_STATEMENT_SECONDS, writes=False)
    environment = child_environment(os.environ, {**target.environment(), **limits}, is_cli=True)
    place = f"{kind.value} ({seen.project_ref})" if seen.project_ref else f"the {kind.value} database"

    def read(sql: str) -> Sequence[Row]:
        argv = query_command(sql, words=words, target=target.words(words, major))
        program = programs.find(argv, directory=target.directory, path=environment["PATH"])
        answer = ask(program.argv(argv), directory=target.directory, environment=environment, timeout=SECONDS)
        return _rows_in(answer.stdout, answer.stderr, place)

    return Reader(place, f"Supabase CLI {seen.cli}", read)


def _rows_in(stdout: str, stderr: str, place: str) -> Sequence[Row]:
    """Return the rows in what the CLI printed. Raises UsageError with its message if there are none."""
    rows = rows_in(stdout)
    if rows is None:
        reason = reason_in(stdout, stderr)
        raise UsageError(f"{place} can't be read: {reason}", hint="`runbook doctor` checks the CLI and the login.")
    return rows
