"""The interface of every journal: append events, and lock a target for one run. `MemoryJournal` keeps it in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from runbook.errors import JournalError
from runbook.journal.events import Event

__all__ = ["Holder", "Journal", "MemoryJournal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The run that holds a target, and its process; `alive` says whether the process still lives (None: can't tell).

    `elsewhere` is the directory of the journal that it records in, if that isn't ours.
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


class Journal(Protocol):
    """The durable record. Every method raises JournalError if the record can't be written or read."""

    def append(self, run: str, event: Event) -> None:
        """Write the event; return once it's on disk."""

    def events(self, run: str) -> Sequence[Event]:
        """Return the run's events in order."""

    def runs(self) -> Sequence[str]:
        """Return the ids of all runs, newest first."""

    def hold(self, target: str, holder: Holder, *, over: Holder | None = None) -> Holder | None:
        """Take the target's lock (atomically, and from `over` only if that holder still has it).

        Return None once it's ours, or else who has it.
        """

    def release(self, target: str, run: str) -> None:
        """Release the lock, if that run has it."""

    def holders(self) -> Sequence[Holder]:
        """Return who holds what."""


class MemoryJournal:
    """A journal that is gone when its process ends: for dry runs, which must leave no trace."""

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

    def runs(self) -> Sequence[str]:
        """Return the ids of all runs, newest first."""
        return tuple(reversed(self._events))

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
