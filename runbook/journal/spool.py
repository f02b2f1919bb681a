"""Keeps events on this machine while the shared journal can't be reached, until it has them."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from runbook.errors import JournalError, JournalUnreachableError
from runbook.journal.directory import open_directory
from runbook.printable import counted

__all__ = ["Entry", "Spool"]

_ENDING = ".jsonl"


@dataclass(frozen=True, slots=True)
class Entry:
    """An event to be sent: its time and JSON as they will be stored, and a key that tells whether it has arrived.

    `walk` is the number of the event with which its writer's walk began; None for whoever doesn't walk.
    """

    at: str
    body: str
    key: int
    walk: int | None


class Spool:
    """The events that wait in `directory`, in a file for each run. Once `keep` returns, the event is on disk.

    An entry that the journal refuses stays, with all later ones of its run: `problem` says why.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.problem = ""

    def keep(self, run: str, entry: Entry) -> None:
        """Add an event to those of its run. Raises JournalError."""
        line = f"{json.dumps(asdict(entry))}\n".encode()
        with self._alone():
            file = self._file(run)
            is_new = not file.exists()
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                before = _end_of_whole_lines(descriptor)
                os.ftruncate(descriptor, before)
                try:
                    with os.fdopen(descriptor, "ab", closefd=False) as stream:
                        stream.write(line)
                    os.fsync(descriptor)
                except OSError:
                    os.ftruncate(descriptor, before)  # a part of an event would hide the next one
                    raise
            finally:
                os.close(descriptor)
            if is_new:
                self._sync()

    def is_empty(self) -> bool:
        """Tell quickly whether nothing waits."""
        try:
            return not any(name.endswith(_ENDING) for name in os.listdir(self.directory))  # noqa: PTH208 - the quickest
        except OSError:
            return True

    def count(self, run: str | None = None) -> int:
        """Return how many events wait, of that run or of all."""
        files = self._files() if run is None else [self._file(run)] if self._file(run).exists() else []
        return sum(1 for file in files for _ in _entries(file))

    def waiting(self) -> str:
        """Say how many events wait, and where; empty if none do."""
        number = self.count()
        if not number:
            return ""
        why = f": {self.problem}" if self.problem else ""
        return f"{counted(number, 'event')} {'waits' if number == 1 else 'wait'} in {self.directory}{why}"

    def send(self, append: Callable[[str, Entry], None]) -> None:
        """Give each event to `append`, in order, and forget those that it took.

        `append` must recognise an event that it has already taken. Raises JournalUnreachableError if it does, with
        everything kept that hasn't been sent.
        """
        if not self._files():
            return
        self.problem = ""
        with self._alone():
            for file in self._files():
                run = unquote(file.name.removesuffix(_ENDING))
                try:
                    for entry in _entries(file):
                        append(run, entry)
                except JournalUnreachableError:
                    raise
                except JournalError as error:
                    self.problem = f"the journal refuses those of run {run}, because {error.message}"
                    continue
                file.unlink()
            self._sync()

    def _files(self) -> list[Path]:
        try:
            return sorted(self.directory.glob(f"*{_ENDING}"))
        except OSError:
            return []

    def _file(self, run: str) -> Path:
        return self.directory / f"{quote(run, safe='')}{_ENDING}"

    def _sync(self) -> None:
        descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes out: one that sends would otherwise remove what another has just added."""
        open_directory(self.directory.parent)
        open_directory(self.directory)
        try:
            descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)
        except OSError as error:
            raise JournalError(
                f"events that wait for the journal can't be kept in {self.directory}: {error.strerror}",
                hint="Make room there. Nothing runs until they can be kept or sent.",
            ) from error


def _end_of_whole_lines(descriptor: int) -> int:
    """Return where the next event belongs: after the last whole one, whatever a power loss left behind it."""
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, size, 0).rfind(b"\n") + 1


def _entries(file: Path) -> Iterator[Entry]:
    """Yield the events of a file. The last line was never promised if its end is missing."""
    for line in file.read_text(encoding="ascii").splitlines(keepends=True):
        if line.endswith("\n"):
            yield Entry(**json.loads(line))
