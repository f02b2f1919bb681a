"""Write journals to disk, change them as an attacker would, and return what the program finds."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from runbook.errors import JournalError
from runbook.journal.events import Event, Outcome, Purpose, RunFinished, StepFinished, StepStarted
from runbook.journal.sqlite import SqliteJournal
from support.journals import START, began

__all__ = ["RUN", "change_letter", "findings", "kept", "tampered", "verb"]

RUN: tuple[Event, ...] = (
    began("r"),
    StepStarted(
        at=START + timedelta(seconds=1), step="push", purpose=Purpose.RUN, argv=("npx", "supabase", "db", "push")
    ),
    StepFinished(at=START + timedelta(seconds=2), step="push", purpose=Purpose.RUN, outcome=Outcome.PASSED, exit=0),
    RunFinished(at=START + timedelta(seconds=3)),
)


def kept(directory: Path, *runs: str) -> Path:
    """Write a journal of finished runs to one file, as if nobody has it open. Return the file."""
    with closing(SqliteJournal(directory)) as journal:
        for run in runs or ("r",):
            for event in (began(run), *RUN[1:]):
                journal.append(run, event)
        return journal.file


@contextmanager
def tampered(file: Path) -> Iterator[sqlite3.Connection]:
    """Open the file as an attacker does, without the triggers that make it append-only."""
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        for name in ("events_stay", "events_remain", "runs_remain"):
            database.execute(f"drop trigger if exists {name}")
        yield database


def findings(directory: Path) -> list[str]:
    """Return what the check finds, or why it can't even begin."""
    with closing(SqliteJournal(directory)) as journal:
        try:
            return [str(finding) for finding in journal.inspect()[1]]
        except JournalError as error:
            return [error.message]


def change_letter(file: Path, run: str) -> None:
    """Change a letter in the second event of a run."""
    with tampered(file) as database:
        database.execute(
            "update events set body = replace(body, 'push', 'pull') where run = ? and number = 2", (run,)
        )  # fmt: skip


def verb(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the program with the journal of that state directory."""
    return subprocess.run(
        [sys.executable, "-m", "runbook", *words],
        env={**os.environ, "XDG_STATE_HOME": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
