"""The interface of every journal: append events, and lock a target for one run. `MemoryJournal` keeps it in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol, runtime_checkable

from runbook.errors import JournalError
from runbook.journal.chain import Damage, Head, Link
from runbook.journal.events import Event
from runbook.journal.facts import Query
from runbook.journal.record import Contents, replay

__all__ = ["Holder", "Journal", "ManyRecords", "MemoryJournal", "StoredJournal", "events_of", "proof_of"]

_AT_ONCE = 50
"""How many runs to read at once: their events are in memory together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The run that holds a target, and its process; `alive` says whether the process still lives (None: can't tell).

    `elsewhere` names the journal that it records in, if that isn't ours. `silent` is for how many seconds nothing was
    heard of a process on another machine, by the journal's clock.
    """

    run: str
    procedure: str
    operator: str
    host: str
    pid: int
    since: datetime
    step: str = ""
    alive: bool | None = None
    elsewhere: str = ""
    silent: float = 0


class Journal(Protocol):
    """What a walk needs of the record. Every method raises JournalError if the record can't be written or read."""

    @property
    def waiting(self) -> str:
        """Say how many events wait on this machine because the journal can't be reached; empty if none do."""

    def append(self, run: str, event: Event) -> None:
        """Write the event; return once it's on disk."""

    def events(self, run: str) -> Sequence[Event]:
        """Return the run's events in order."""

    def runs(self, query: Query | None = None, *, limit: int | None = None) -> Sequence[str]:
        """Return the ids of the runs that the query matches (default: all, with drills), newest first."""

    def hold(self, target: str, holder: Holder, *, over: Holder | None = None) -> Holder | None:
        """Take the target's lock (atomically, and from `over` only if that holder still has it).

        Return None once it's ours, or else who has it.
        """

    def release(self, target: str, run: str) -> None:
        """Release the lock, if that run has it."""

    def holders(self) -> Sequence[Holder]:
        """Return who holds what."""


class StoredJournal(Journal, Protocol):
    """A journal that outlives its process."""

    @property
    def place(self) -> str:
        """Where it is, in words for people, without a password."""

    @property
    def role(self) -> str:
        """The name by which the journal itself knows who writes; empty if it knows nobody."""

    def exists(self) -> bool:
        """Tell whether there is anything to read, without creating it."""

    def add(self, run: str, events: Sequence[Event]) -> str:
        """Append a whole run that is over, which begins nothing. Return why its events still wait, "" if none does.

        Unlike `append`, it may put all of them aside on this machine, until a later command reaches the journal.
        """

    def last_events(self, query: Query) -> Sequence[tuple[str, Event | None]]:
        """Return the last event of each run that the query matches, the newest run first, in one question.

        An event that doesn't match its own hash and the one before it is None.
        """

    def record(self, run: str) -> tuple[Sequence[Link], Head | None]:
        """Return the run's events as stored, damaged or not, and its entry in the list of runs."""

    def inspect(self) -> tuple[Contents, Sequence[Damage]]:
        """Return everything that can be read, and all damage. Raises JournalError if nothing can be read."""

    def close(self) -> None:
        """Close the connection; the next use opens it again."""


@runtime_checkable
class ManyRecords(Protocol):
    """A journal that is far away: what it answers at once takes less time than one answer after the other."""

    def records(self, runs: Sequence[str]) -> Mapping[str, tuple[Sequence[Link], Head | None]]:
        """Return what `record` returns, for each of the runs."""


def events_of(journal: Journal, runs: Sequence[str]) -> Iterator[tuple[str, Sequence[Event] | JournalError]]:
    """Yield each run with its events, or with the error that `Journal.events` raises for a damaged one."""
    if isinstance(journal, ManyRecords):
        for first in range(0, len(runs), _AT_ONCE):
            for run, record in journal.records(runs[first : first + _AT_ONCE]).items():
                yield run, _events_or_damage(partial(replay, run, *record))
        return
    for run in runs:
        yield run, _events_or_damage(partial(journal.events, run))


def _events_or_damage(read: Callable[[], Sequence[Event]]) -> Sequence[Event] | JournalError:
    try:
        return read()
    except JournalError as damage:
        return damage


def proof_of(journal: StoredJournal, run: str, number: int) -> str:
    """Return the hash of that event. If you keep it elsewhere, it proves the record up to that event later."""
    return next((link.hash for link in journal.record(run)[0] if link.number == number), "")


class MemoryJournal:
    """A journal that is gone when its process ends: for dry runs, which must leave no trace."""

    waiting = ""

    def __init__(self) -> None:
        self._events: dict[str, list[Event]] = {}
        self._locks: dict[str, Holder] = {}

    def append(self, run: str, event: Event) -> None:
        """Keep the event."""
        self._events.setdefault(run, []).append(event)

    def events(self, run: str) -> Sequence[Event]:
        """Return the run's events in order."""
        if run not in self._events:
            raise JournalError(f"there is no run called '{run}'")
        return tuple(self._events[run])

    def runs(self, query: Query | None = None, *, limit: int | None = None) -> Sequence[str]:  # noqa: ARG002
        """Return the ids of all runs, newest first: nobody searches what is gone in a moment."""
        return tuple(reversed(self._events))[:limit]

    def hold(self, target: str, holder: Holder, *, over: Holder | None = None) -> Holder | None:
        """Take the target; return who has it, if that is neither this run nor `over`."""
        now = self._locks.get(target)  # only one process has this journal, so a run's id identifies the holder
        if now is not None and now.run != holder.run and (over is None or over.run != now.run):
            return now
        self._locks[target] = holder
        return None

    def release(self, target: str, run: str) -> None:
        """Release the target, if that run has it."""
        if target in self._locks and self._locks[target].run == run:
            del self._locks[target]

    def holders(self) -> Sequence[Holder]:
        """Return who holds what."""
        return tuple(self._locks.values())
