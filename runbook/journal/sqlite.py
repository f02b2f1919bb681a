"""The journal in one SQLite file. Once `append` returns, the event is on disk."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import sqlite3
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from runbook.errors import JournalError
from runbook.journal.chain import Damage, Head, Link, hash_of, start_of
from runbook.journal.codec import to_json
from runbook.journal.directory import open_directory
from runbook.journal.events import Event, RunStarted
from runbook.journal.facts import DRILL, Query, facts_of
from runbook.journal.file_place import FilePlace
from runbook.journal.interface import Holder
from runbook.journal.liveness import birth, is_alive, this_host
from runbook.journal.lock_rules import is_same, may_replace
from runbook.journal.machine_locks import MachineLocks
from runbook.journal.record import Contents, last_event, replay
from runbook.journal.sqlite_copy import copy_to
from runbook.journal.sqlite_inspection import inspect
from runbook.journal.sqlite_rows import HEAD, LINK, head_of, link_of, text_of
from runbook.journal.sqlite_schema import set_up
from runbook.printable import one_line

__all__ = ["SqliteJournal"]

_RECORD = f"""
select {LINK}, {HEAD} from runs left join events on events.run = runs.id where runs.id = ?
union all
select {LINK}, null, null, null, null from events where run = ? and run not in (select id from runs)
order by 3
"""  # noqa: S608 - only names of our own
_MATCHING = f"""
  (:earliest = '' or (select at from events where run = id and number = 1) >= :earliest)
  and case :kind
    when '' then not exists (select 1 from facts where run = id and facts.kind = 'target' and name = '{DRILL}')
    else exists (select 1 from facts where run = id and facts.kind = 'target' and name = :kind) end
"""  # noqa: S608 - only names of our own
_LAST = f"""
select {LINK}, {HEAD}, coalesce((select cast(hash as blob) from events where run = id and number = runs.events - 1), '')
from runs left join events on events.run = id and events.number = runs.events where
"""  # noqa: S608
_WITH_FACT = """
  and exists (select 1 from facts where run = id and facts.kind = '{kind}' and instr(lower(value), :{kind}) > 0)
"""
_LOST_RUNS = "select distinct cast(run as blob) from events where run not in (select id from runs)"
_CHECK = "`runbook journal check` names all damage."
_LOCK = ", ".join(
    f"cast({name} as blob)" for name in ("run", "procedure", "operator", "host", "pid", "since", "step", "born")
)
_HOLDERS = f"select {_LOCK} from locks order by since"  # noqa: S608
_HOLDER_OF = f"select {_LOCK} from locks where target = ?"  # noqa: S608
_BUSY_SECONDS = 10
_CHECKPOINT = "wal_autocheckpoint = 4000"
"""After how many pages of 4 kB the log is copied into the file, at the latest when the last process closes it.

An append writes about five pages, and the one that copies takes ten times as long. SQLite's 1,000 would make that more
than one in a hundred appends; most walks end before 4,000. An event is on disk in the log either way.
"""


class SqliteJournal:
    """The record of all runs of this user on this machine, in `directory`/journal.sqlite3.

    Every change is its own transaction, in WAL mode with `synchronous=FULL`, so committed changes survive a power loss.
    Nothing is created before the first write. `machine` locks targets against runs that record in another journal of
    this machine, whether this user's or anyone else's.
    """

    def __init__(self, directory: Path, machine: MachineLocks | None = None) -> None:
        self.directory = directory
        self.file = directory / "journal.sqlite3"
        self._machine = machine
        self._connection: sqlite3.Connection | None = None
        self._place: FilePlace | None = None
        self._restore = ""
        """How to restore a file that was swapped; empty if none was."""

    waiting = role = ""

    @property
    def place(self) -> str:
        """The journal's file."""
        return str(self.file)

    def exists(self) -> bool:
        """Tell whether there is a file."""
        return self.file.exists()

    def append(self, run: str, event: Event) -> None:
        """Write the event; return once it's on disk, in the file at the journal's path."""
        self.add(run, (event,))

    def add(self, run: str, events: Sequence[Event]) -> str:
        """Write the events, all or none; return "" once they are on disk, in the file at the journal's path."""
        with self._writing() as database:
            for event in events:
                self._write(database, run, event)
        # An event committed to a file that is no longer there is lost.
        self._open()
        return ""

    def _write(self, database: sqlite3.Connection, run: str, event: Event) -> None:
        at, body = event.at.isoformat(), to_json(event)
        head = database.execute("select events, head from runs where id = ?", (run,)).fetchone()
        if isinstance(event, RunStarted):
            if head is not None:
                hint = "Nothing ran. Start again."
                raise JournalError(f"a run called '{run}' began at the same moment", hint=hint)
            head = (0, start_of(run))
            database.execute("insert into runs (id, events, head) values (?, ?, ?)", (run, *head))
        elif head is None:
            raise JournalError(f"the journal {self.file} has no run called '{run}'", hint=_CHECK)
        number = int(head[0]) + 1
        hashed = hash_of(str(head[1]), run, number, at, body)
        database.execute("insert into events values (null, ?, ?, ?, ?, ?)", (run, number, at, body, hashed))
        database.execute("update runs set events = ?, head = ? where id = ?", (number, hashed, run))
        for fact in facts_of(event):
            database.execute("insert or ignore into facts values (?, ?, ?, ?)", (run, fact.kind, fact.name, fact.value))

    def events(self, run: str) -> Sequence[Event]:
        """Return the run's events in order. Raises JournalError if there is no such run, or its record is damaged."""
        return replay(run, *self.record(run))

    def record(self, run: str) -> tuple[Sequence[Link], Head | None]:
        """Return the run's events as stored, damaged or not, and its entry in the list of runs."""
        # A single statement sees a single state, even if another process appends in the meantime.
        rows = self._rows(_RECORD, (run, run))
        head = next((head_of(row[6:]) for row in rows if row[6] is not None), None)
        return tuple(link_of(row[:6]) for row in rows if row[0] is not None), head

    def runs(self, query: Query | None = None, *, limit: int | None = None) -> Sequence[str]:
        """Return the ids of matching runs, newest first; runs that only have events left come last, in no search."""
        matching, asked = ("true", {}) if query is None else _matching(query)
        most = -1 if limit is None else limit
        rows = self._rows(
            f"select cast(id as blob) from runs where {matching} order by number desc limit {most:d}",  # noqa: S608
            asked,
        )
        listed = tuple(text_of(run) for (run,) in rows)
        if query not in {None, Query()}:
            return listed
        try:
            lost = self._rows(_LOST_RUNS)
        except JournalError:  # damage in one run's events must not hide the others; reading that run names it
            lost = []
        return (*listed, *(text_of(run) for (run,) in lost))[:limit]

    def last_events(self, query: Query) -> Sequence[tuple[str, Event | None]]:
        """Return the last event of each run that the query matches, newest run first; None for a damaged one."""
        matching, asked = _matching(query)
        found = []
        for row in self._rows(f"{_LAST}{matching} order by runs.number desc", asked):
            head = head_of(row[6:10])
            link = None if row[0] is None else link_of(row[:6])
            found.append((head.run, last_event(head, link, text_of(row[10]))))
        return tuple(found)

    def hold(self, target: str, holder: Holder, *, over: Holder | None = None) -> Holder | None:
        """Take the target's lock, or say who has it.

        We get it if it's free, if this very process has it for this run, if `over` still has it, or if its holder
        died, either in this same run or in a run that hadn't begun or was over. It must also be free in every other
        journal of this machine.
        """
        other = self._machine.hold(target, holder, over) if self._machine else None
        if other is not None:
            return other
        other = self._hold_here(target, holder, over)
        if other is not None and self._machine:
            self._machine.release(target)
        return other

    def _hold_here(self, target: str, holder: Holder, over: Holder | None) -> Holder | None:
        with self._writing() as database:
            row = database.execute(_HOLDER_OF, (target,)).fetchone()
            if row is not None:
                now = _holder(row)
                if is_same(now, holder) and now.step == holder.step:
                    return None
                if not may_replace(now, holder, over, last_event=_last_event(database, now.run)):
                    return now
            # Nobody here can ask another machine when its process started.
            born = birth(holder.pid) if holder.host == this_host() else ""
            who = (holder.run, holder.procedure, holder.operator, holder.host, holder.pid, born)
            values = (target, *who, holder.since.isoformat(), holder.step)
            database.execute("insert or replace into locks values (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        return None

    def release(self, target: str, run: str) -> None:
        """Release the lock, if that run has it in this process."""
        if self._machine:
            self._machine.release(target)
        with self._writing() as database:
            # The run alone isn't enough: another process may have resumed it in the meantime and hold the lock.
            query = "delete from locks where target = ? and run = ? and pid = ?"
            database.execute(query, (target, run, os.getpid()))

    def holders(self) -> Sequence[Holder]:
        """Return the holders, each with whether its process is still alive; those of other journals come last."""
        here = tuple(_holder(row) for row in self._rows(_HOLDERS))
        return (*here, *self._machine.elsewhere()) if self._machine else here

    def inspect(self) -> tuple[Contents, Sequence[Damage]]:
        """Return everything that can be read, and all damage. Raises JournalError if nothing can be read."""
        if not self.exists():
            return Contents((), {}), ()
        with self._telling("read"):
            database = self._open()
            database.execute("begin")  # so that all reads see the same state
            try:
                return inspect(database)
            finally:
                database.execute("rollback")

    def backup(self, file: Path) -> tuple[Contents, Sequence[Damage]]:
        """Copy the journal to a new file, which only this user can read, and return what the copy contains.

        Others can write during the copy. Damage is copied too. Raises JournalError.
        """
        with self._telling("copied"):
            return copy_to(self._open(), file)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._place = None

    def _rows(self, query: str, values: Sequence[str] | Mapping[str, str] = ()) -> list[tuple[object, ...]]:
        # Reading must not create a journal.
        if self._connection is None and not self.exists():
            return []
        with self._telling("read"):
            return self._open().execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._telling("written"):
            database = self._open()
            # Take the write lock at once: a transaction that begins by reading fails if another one has written since.
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
        except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
            raise JournalError(
                f"the journal {self.file} can't be {what}: {one_line(str(error))}",
                hint="Nothing runs without it. Is the disk full, or is the file damaged or read-only?",
            ) from error

    def _open(self) -> sqlite3.Connection:
        """Return the open database. Raises JournalError if its file is no longer the one at the journal's path."""
        if self._connection is not None and self._place is not None:
            changed = self._place.change()
            if changed:
                raise self._swapped(self._connection, changed)
            return self._connection
        open_directory(self.directory)
        # One process at a time opens it: if two switch a new file to WAL mode, SQLite fails one of them at once.
        alone = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(alone, fcntl.LOCK_EX)
            _make_file(self.file)
            database = _connect(self.file)
            try:
                self._place = FilePlace(self.directory, self.file)
            except BaseException:
                database.close()
                raise
        finally:
            os.close(alone)
        self._connection = database
        return database

    def _swapped(self, database: sqlite3.Connection, changed: str) -> JournalError:
        """Save the open database, which would be lost with this process, and return an error that names the copy."""
        if not self._restore:
            self._restore = "Put the files back as they were"
            saved = self.directory / f"saved-{secrets.token_hex(4)}.sqlite3"
            with suppress(JournalError, sqlite3.Error, OSError, UnicodeDecodeError):
                open_directory(self.directory)
                copy_to(database, saved)
                self._restore = f"The events are saved in {saved}. When nothing is running, move that to {self.file}"
        hint = f"Nothing more runs, because nothing could be recorded. {self._restore}; then `runbook resume`."
        return JournalError(changed, hint=hint)


def _matching(query: Query) -> tuple[str, Mapping[str, str]]:
    """Return the condition for the runs that a query matches, and its values."""
    texts = {str(kind): text for kind, text in query.texts.items()}
    matching = _MATCHING + "".join(_WITH_FACT.format(kind=kind) for kind in texts)
    return matching, {"earliest": query.earliest, "kind": query.kind, **texts}


def _make_file(file: Path) -> None:
    """Create the file for this user alone, if there is none. Raises OSError if something else is in its place.

    An existing file is never opened here: if this process already has it open, closing it would release SQLite's locks
    on it. The next process to close the journal would then delete the file with the newest events.
    """
    try:
        if not stat.S_ISREG(file.lstat().st_mode):
            raise FileExistsError(errno.EEXIST, "it isn't a file", str(file))
    except FileNotFoundError:
        # SQLite would create it with the umask's mode; its WAL files inherit the mode of this one.
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))


def _connect(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        for setting in ("journal_mode = wal", "synchronous = full", "foreign_keys = on", _CHECKPOINT):
            database.execute(f"pragma {setting}")
        set_up(database)
    except BaseException:
        database.close()
        raise
    return database


def _last_event(database: sqlite3.Connection, run: str) -> str | None:
    query = "select cast(body as blob) from events where run = ? order by number desc limit 1"
    last = database.execute(query, (run,)).fetchone()
    return None if last is None else text_of(last[0])


def _holder(row: Sequence[object]) -> Holder:
    run, procedure, operator, host, pid, since, step, born = map(text_of, row)
    number = int(pid) if pid.isdecimal() else 0
    try:
        at = datetime.fromisoformat(since).astimezone(UTC)
    except (ValueError, OverflowError):  # damaged: assume that somebody is at work, unless a person says otherwise
        at, number = datetime.fromtimestamp(0, UTC), 0
    alive = is_alive(number, born, host) if number else None
    return Holder(
        run=run, procedure=procedure, operator=operator, host=host, pid=number, since=at, step=step, alive=alive
    )
