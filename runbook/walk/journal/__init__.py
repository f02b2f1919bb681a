"""The durable record of runs."""

from __future__ import annotations

from runbook.walk.journal.memory import MemoryJournal
from runbook.walk.journal.place import state_directory
from runbook.walk.journal.sqlite import SqliteJournal

__all__ = ["MemoryJournal", "SqliteJournal", "state_directory"]
