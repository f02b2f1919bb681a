"""The journal in one SQLite file. An event that `append` returned from has reached the disk."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from runbook.errors import JournalError
from runbook.journal.codec import from_json, to_json
from runbook.journal.directory import open_directory
from runbook.journal.events import Event, HandedOver, RunFinished, RunStarted, RunStopped
from runbook.journal.interface import Holder
from runbook.journal.liveness import is_alive, start_time, this_host

__all__ = ["SqliteJournal"]

_VERSION = 1
# The triggers are part of the file, so no other program changes what happened by accident either.
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
create table locks (
    target text primary key, run text not null, procedure text not null, operator text not null, host text not null,
    pid integer not null, born text not null, since text not null, step text not null
) without rowid;
pragma user_version = {_VERSION};
"""
_HOLDERS = "select run, procedure, operator, host, pid, since, step, born from locks order by since"
_HOLDER_OF = "select run, procedure, operator, host, pid, since, step, born from locks where target = ?"
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
                if database.execute("select 1 from runs where id = ?", (run,)).fetchone():
                    hint = "Nothing ran. Start again."
                    raise JournalError(f"a run called '{run}' began at the same moment", hint=hint)
                database.execute("insert into runs values (?, ?, ?)", (run, event.procedure, event.at.isoformat()))
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
            row = database.execute(_HOLDER_OF, (target,)).fetchone()
            if row is not None and not _may_replace(database, _holder(row), holder, over):
                return _holder(row)
            # Nobody here can ask another machine when its process started.
            born = start_time(holder.pid) if holder.host == this_host() else ""
            who = (holder.run, holder.procedure, holder.operator, holder.host, holder.pid, born)
            values = (target, *who, holder.since.isoformat(), holder.step)
            database.execute("insert or replace into locks values (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        return None

    def release(self, target: str, run: str) -> None:
        """Give the lock back, if that run has it in this process."""
        with self._writing() as database:
            # Not by the run alone: another process may have resumed it meanwhile, and holds the lock then.
            query = "delete from locks where target = ? and run = ? and pid = ?"
            database.execute(query, (target, run, os.getpid()))

    def holders(self) -> Sequence[Holder]:
        """Return who holds what, each with whether its process still lives."""
        return tuple(_holder(row) for row in self._rows(_HOLDERS))

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _rows(self, query: str, *values: str) -> list[tuple[object, ...]]:
        # Only asking must not leave a journal behind.
        if self._connection is None and not self.file.exists():
            return []
        with self._telling("read"):
            return self._open().execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._telling("written"):
            database = self._open()
            # Take the write lock at once: a transaction that begins by reading fails if another one wrote meanwhile.
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
        if self._connection is not None:
            return self._connection
        open_directory(self.directory)
        # One process at a time opens it: of two that turn a new file to WAL mode, SQLite fails one at once.
        alone = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(alone, fcntl.LOCK_EX)
            # SQLite would create it with the umask's mode; its WAL files take over the mode of this one.
            os.close(os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
            self._connection = _connect(self.file)
        finally:
            os.close(alone)
        return self._connection


def _connect(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        for setting in ("journal_mode = wal", "synchronous = full", "foreign_keys = on"):
            database.execute(f"pragma {setting}")
        _set_up(database)
    except BaseException:
        database.close()
        raise
    return database


def _set_up(database: sqlite3.Connection) -> None:
    """Make the tables of a new file. Raises JournalError if a newer version wrote it."""
    database.execute("begin immediate")
    (version,) = database.execute("pragma user_version").fetchone()
    statement = ""
    # Statement by statement: `executescript` would commit first, and two processes may come here at once.
    for line in _SCHEMA.splitlines(keepends=True) if version == 0 else ():
        statement += line
        if sqlite3.complete_statement(statement):
            database.execute(statement)
            statement = ""
    database.execute("commit")
    if version > _VERSION:
        raise JournalError(
            f"the journal was written by a newer version of runbook (format {version})",
            hint="Use that version, or set XDG_STATE_HOME to another place.",
        )


def _may_replace(database: sqlite3.Connection, now: Holder, holder: Holder, over: Holder | None) -> bool:
    if any(other and (now.run, now.host, now.pid) == (other.run, other.host, other.pid) for other in (holder, over)):
        return True
    if now.alive is not False:
        return False
    # Its process is dead. Another run may have the target only if nothing there waits to be looked into: that run
    # never began, or came to its end or to a stop, and its process died on the way out.
    query = "select body from events where run = ? order by number desc limit 1"
    last = database.execute(query, (now.run,)).fetchone()
    is_over = last is None or isinstance(from_json(str(last[0])), RunFinished | RunStopped | HandedOver)
    return is_over or now.run == holder.run


def _holder(row: Sequence[object]) -> Holder:
    run, procedure, operator, host, pid, since, step, born = map(str, row)
    at, alive = datetime.fromisoformat(since), is_alive(int(pid), born, host)
    return Holder(
        run=run, procedure=procedure, operator=operator, host=host, pid=int(pid), since=at, step=step, alive=alive
    )
