"""Notices that an open journal is no longer the file at its path: it was deleted, moved or replaced."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["FilePlace"]

_SIDE_FILES = ("-wal", "-shm")
"""Files beside an open SQLite file: the newest commits, and their index. SQLite removes them at the last close."""


class FilePlace:
    """Which files were at the paths of a journal when it was opened.

    SQLite keeps writing to a file that was deleted or moved, without an error, and those events are lost.
    """

    def __init__(self, directory: Path, file: Path) -> None:
        """Remember the files. The database must stay open: as long as it is, no other file gets their inode numbers."""
        self.file = file
        paths = (directory, file, *(file.with_name(file.name + end) for end in _SIDE_FILES))
        self._known: Mapping[Path, tuple[int, int]] = {path: _identity(path) for path in paths}

    def change(self) -> str:
        """Return a sentence about the first file that is no longer at its path, "" if all are."""
        for path, known in self._known.items():
            file = f"{path}, which belongs to the journal {self.file}," if path != self.file else f"the journal {path}"
            try:
                if _identity(path) != known:
                    return f"{file} was replaced: it isn't the one that this run opened"
            except OSError as error:
                return f"{file} is gone ({error.strerror}): it was deleted or moved"
        return ""


def _identity(path: Path) -> tuple[int, int]:
    found = os.lstat(path)  # called for every event, and Path.lstat takes twice as long
    return (found.st_dev, found.st_ino)
