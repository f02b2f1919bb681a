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
        # As texts: each event asks for all of them twice.
        self._known: Mapping[str, tuple[int, int]] = {path: _identity(path) for path in map(str, paths)}

    def change(self) -> str:
        """Return a sentence about the first file that is no longer at its path, "" if all are."""
        for path, known in self._known.items():
            try:
                if _identity(path) != known:
                    return f"{self._named(path)} was replaced: it isn't the one that this run opened"
            except OSError as error:
                return f"{self._named(path)} is gone ({error.strerror}): it was deleted or moved"
        return ""

    def _named(self, path: str) -> str:
        journal = f"the journal {self.file}"
        return journal if path == str(self.file) else f"{path}, which belongs to {journal},"


def _identity(path: str) -> tuple[int, int]:
    found = os.lstat(path)  # called for every event, and Path.lstat takes twice as long
    return (found.st_dev, found.st_ino)
