"""Opens the journal's directory, which belongs to this user and is closed to everybody else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from runbook.errors import JournalError

__all__ = ["open_directory"]


def open_directory(directory: Path) -> Path:
    """Create the directory if needed, for this user alone, and return it. Raises JournalError if it isn't ours."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.stat()
    except OSError as error:
        raise _unusable(directory, error.strerror or str(error)) from error
    if found.st_uid != os.geteuid():
        raise _unusable(directory, "it belongs to another user")
    if stat.S_IMODE(found.st_mode) & 0o077:
        # `mkdir` doesn't change an existing directory, and the journal names projects and people.
        try:
            directory.chmod(0o700)
        except OSError as error:
            raise _unusable(directory, f"it is open to others ({error.strerror})") from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise _unusable(directory, "it can't be written to")
    return directory


def _unusable(directory: Path, why: str) -> JournalError:
    return JournalError(
        f"the journal can't be kept in {directory}: {why}",
        hint="Nothing ran. Make that directory yours and writable, or set XDG_STATE_HOME to another one.",
    )
