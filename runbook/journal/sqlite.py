"""The journal in one SQLite file. An event that `append` returned from has reached the disk."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from runbook.errors import JournalError
from runbook.journal import locks
from runbook.journal.codec import from_json, to_json
from runbook.journal.directory import open_directory
from runbook.journal.events import Event, RunStarted
from runbook.journal.interface import Holder

__all__ = ["SqliteJournal"]

_VERSION = 1
_SCHEMA = f"""
create table runs (id text primary key, procedure text not null, started text not null) without rowid;
create index runs_by_age on runs (started);
create table events (
    run text not null references runs (id),
    number integer not null,
    at text not null,
    body text not null,
    primary key (run, number)
) without rowid;
create trigger events_stay before update on events begin select raise(abort, 'the journal is append-only'); end;
create trigger events_remain before delete on events begin select raise(abort, 'the journal is append-only'); end;
{locks.SCHEMA}
pragma user_version = {_VERSION};
"""
_BUSY_SECONDS = 10


class SqliteJournal:
    """The record of all runs of this user on this machine, in `directory`/journal.sqlite3.

    Every change is a transaction of its own, in WAL mode with `synchronous=FULL`: what is committed survives the
    loss of power. Nothing is created before the first write.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "journal.sqlite3"
        self._connection: sqlite3.Connection | None = None

    def append(self, run: str, event: Event) -> None:
        """Return when the event is on disk."""
        with self._writing() as database:
            if isinstance(event, RunStarted):
                self._open_run(database, run, event)
            database.execute(
                "insert into events select ?, coalesce(max(number), 0) + 1, ?, ? from events where run = ?",
                (run, event.at.isoformat(), to_json(event), run),
            )

    def events(self, run: str) -> Sequence[Event]:
        """Return the run's events in order; raises JournalError if there is no such run."""
        rows = self._rows("select body from events where run = ? order by number", run)
        if not rows:
            raise JournalError(f"there is no run called '{run}'", hint="`runbook history` lists them all.")
        return tuple(from_json(str(body)) for (body,) in rows)

    def runs(self) -> Sequence[str]:
        """Return the ids of all runs, newest first."""
        return tuple(str(run) for (run,) in self._rows("select id from runs order by started desc, id desc"))

    def hold(self, target: str, holder: Holder, *, over: Holder | None = None) -> Holder | None:
        """Take the target's lock, or say who has it.

        It is ours if it is free, if this very process has it for this run, if `over` still has it, or if its holder
        died: in this same run, or where its run had not begun or was over.
        """
        with self._writing() as database:
            return locks.hold(database, target, holder, over)

    def release(self, target: str, run: str) -> None:
        """Give the lock back, if that run has it in this process."""
        with self._writing() as database:
            locks.release(database, target, run, os.getpid())

    def holders(self) -> Sequence[Holder]:
        """Return who holds what."""
        return locks.holders(self._rows(locks.ALL))

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @staticmethod
    def _open_run(database: sqlite3.Connection, run: str, event: RunStarted) -> None:
        if database.execute("select 1 from runs where id = ?", (run,)).fetchone():
            raise JournalError(f"a run called '{run}' began at the same moment", hint="Nothing ran. Start again.")
        database.execute("insert into runs values (?, ?, ?)", (run, event.procedure, event.at.isoformat()))

    def _rows(self, query: str, *values: str) -> list[tuple[object, ...]]:
        if self._connection is None and not self.file.exists():
            return []
        with self._telling("read"):
            return self._open().execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._telling("written"):
            database = self._open()
            database.execute("begin immediate")
            try:
                yield database
                database.execute("commit")
            except BaseException:
                if database.in_transaction:
                    database.execute("rollback")
                raise

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise JournalError(
                f"the journal {self.file} can't be {what}: {error}",
                hint="Nothing runs without it. Is the disk full, or the file damaged or read-only?",
            ) from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            open_directory(self.directory)
            with _alone(self.directory):
                # SQLite would create it with the umask's mode; its WAL files take over the mode of this one.
                os.close(os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
                self._connection = _connect(self.file)
        return self._connection


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Let one process at a time open a journal: of two that turn a new file to WAL mode, SQLite fails one at once."""
    held = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _connect(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = full")
        database.execute("pragma foreign_keys = on")
        _set_up(database)
    except BaseException:
        database.close()
        raise
    return database


def _set_up(database: sqlite3.Connection) -> None:
    database.execute("begin immediate")
    (version,) = database.execute("pragma user_version").fetchone()
    if version == 0:
        for statement in _statements(_SCHEMA):
            database.execute(statement)
    database.execute("commit")
    if version > _VERSION:
        raise JournalError(
            f"the journal was written by a newer version of runbook (format {version})",
            hint="Use that version, or set XDG_STATE_HOME to another place.",
        )


def _statements(script: str) -> Iterator[str]:
    """Split a script; `executescript` would commit, and two processes may come here at once."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
