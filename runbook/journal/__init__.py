"""The durable record of runs."""

from __future__ import annotations

from runbook.journal.memory import MemoryJournal
from runbook.journal.sqlite import SqliteJournal

__all__ = ["MemoryJournal", "SqliteJournal"]
