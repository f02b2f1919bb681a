"""Build a first event and a lock's holder. Child processes import this too, so it must not import anything slow."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from runbook.journal.events import RunStarted, TargetSeen
from runbook.journal.interface import Holder
from runbook.journal.liveness import this_host

__all__ = ["START", "began", "holder"]

START = datetime(2026, 11, 23, 1, 20, tzinfo=UTC)


def began(run: str = "r", at: datetime = START, **values: str | tuple[str, ...]) -> RunStarted:
    """Return the first event of a run."""
    return RunStarted(
        at=at,
        run=run,
        procedure="fix",
        digest="d",
        sources={"fix": "title: Fix\n"},
        target=TargetSeen("production", "qwertyuiopasdfghjklz", "3.1.0", "production"),
        runbook="0.1",
        operator="ada",
        host=this_host(),
        directory="/project",
        values=values,
    )


def holder(run: str, pid: int | None = None, host: str | None = None) -> Holder:
    """Return how a run names itself in a lock."""
    return Holder(
        run=run,
        procedure="fix",
        operator="ada",
        host=host or this_host(),
        pid=os.getpid() if pid is None else pid,
        since=START,
    )
