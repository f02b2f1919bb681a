"""Copies an open journal to a new file while others write."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from runbook.errors import JournalError
from runbook.journal.chain import Damage
from runbook.journal.record import Contents
from runbook.journal.sqlite_inspection import inspect

__all__ = ["copy_to"]


def copy_to(database: sqlite3.Connection, file: Path) -> tuple[Contents, Sequence[Damage]]:
    """Copy page by page to a new file, which only this user can read; return what the copy contains.

    Damage is copied too. Raises JournalError if the file exists, OSError, and sqlite3.Error.
    """
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    except FileExistsError as error:
        raise JournalError(f"{file} already exists", hint="Name a file that doesn't exist yet.") from error
    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as copy:
            database.backup(copy)
            # A single file, without the two that SQLite keeps beside a journal in use.
            copy.execute("pragma journal_mode = delete")
            found = inspect(copy)
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    for path in (file, file.absolute().parent):
        _sync(path)
    return found


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
