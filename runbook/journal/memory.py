"""A journal that is gone with its process: for dry runs, which must leave no trace."""

from __future__ import annotations

from collections.abc import Sequence

from runbook.errors import JournalError
from runbook.journal.events import Event
from runbook.journal.interface import Holder

__all__ = ["MemoryJournal"]


class MemoryJournal:
    """Keeps the `Journal` contract in this process alone."""

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
        """Take the target; return who has it if that is somebody else than this run or `over`."""
        now = self._locks.get(target)
        if now is not None and now.run != holder.run and (over is None or over.run != now.run):
            return now
        self._locks[target] = holder
        return None

    def release(self, target: str, run: str) -> None:
        """Give the target back, if that run has it."""
        if target in self._locks and self._locks[target].run == run:
            del self._locks[target]

    def holders(self) -> Sequence[Holder]:
        """Return who holds what."""
        return tuple(self._locks.values())
