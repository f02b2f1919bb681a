"""The file that passes secrets to a command: only this user can read it, and it is empty while no command runs.

On Linux, the file is in memory and its path leads through this process, so it disappears with the process, however that
ends. Elsewhere it is on disk, and its owner locks it. A lock ends with its process, so whoever gets the lock knows that
the file was left behind.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SecretFile", "directory_below", "sweep"]

_NAME = "secrets"


def directory_below(state: Path) -> Path:
    """Return the directory for files with secrets, if they can't be in memory."""
    return state / _NAME


class SecretFile:
    """The file of one run, which runs one command at a time. `path` is known before the file has any content."""

    def __init__(self, directory: Path, run: str) -> None:
        self._directory = directory
        self._memory = _open_memory()
        self.path = str(directory / f"{run}.env") if self._memory is None else _path_of(self._memory)

    @contextmanager
    def holding(self, lines: Sequence[str]) -> Iterator[None]:
        """Keep the lines in the file during the block; without lines, do nothing. Raises OSError."""
        if not lines:
            yield
            return
        content = "".join(lines).encode()
        with self._in_memory(self._memory, content) if self._memory is not None else self._on_disk(content):
            yield

    @contextmanager
    def _in_memory(self, memory: int, content: bytes) -> Iterator[None]:
        try:
            os.pwrite(memory, content, 0)
            yield
        finally:
            os.ftruncate(memory, 0)

    @contextmanager
    def _on_disk(self, content: bytes) -> Iterator[None]:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove(self.path)
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            # Lock it before writing. If a sweep removes it before that, the command finds no file.
            fcntl.flock(file, fcntl.LOCK_EX)
            os.write(file, content)
            yield
        finally:
            _remove(self.path)
            os.close(file)

    def close(self) -> None:
        """Release the memory."""
        if self._memory is not None:
            os.close(self._memory)
            self._memory = None


def sweep(state: str) -> None:
    """Remove the files that killed processes left below a state directory. Never raises, as every command calls it."""
    directory = os.path.join(state, _NAME)  # noqa: PTH118 - pathlib takes longer to load than all of this
    with suppress(OSError):
        for name in os.listdir(directory):  # noqa: PTH208 - see above
            with suppress(OSError):
                _remove_if_left(os.path.join(directory, name))  # noqa: PTH118 - see above


def _remove_if_left(path: str) -> None:
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(path)
    finally:
        os.close(file)


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - see above


def _open_memory() -> int | None:
    """Return an empty file in memory that this user's other processes can open by a path; None if unsupported."""
    if not hasattr(os, "memfd_create"):
        return None
    try:
        memory = os.memfd_create(_NAME, os.MFD_CLOEXEC)
    except OSError:
        return None
    try:
        os.fchmod(memory, 0o600)
        os.close(os.open(_path_of(memory), os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        os.close(memory)
        return None
    return memory


def _path_of(memory: int) -> str:
    return f"/proc/{os.getpid()}/fd/{memory}"
