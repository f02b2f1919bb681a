"""Secrets on their way to one command: a file that only this user can read, there only while the command runs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["env_file", "env_file_path", "sweep"]

_SUFFIX = ".env"
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")


def env_file_path(directory: Path, run: str) -> Path:
    """Return where the file of that run will be. A run has one command at a time, so one path is enough."""
    return directory / f"{run}{_SUFFIX}"


@contextmanager
def env_file(path: Path, pairs: Sequence[tuple[str, str]]) -> Iterator[None]:
    """Have the pairs in a 0600 file at `path` for the length of the block; without pairs, no file."""
    if not pairs:
        yield
        return
    _remove(path)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{key}={_quoted(value)}\n" for key, value in pairs)
        yield
    finally:
        _remove(path)


def sweep(directory: Path, living: Iterable[str]) -> None:
    """Remove files that runs left behind whose process was killed; `living` names the runs to leave alone."""
    keep = {f"{run}{_SUFFIX}" for run in living}
    for path in directory.glob(f"*{_SUFFIX}"):
        if path.name not in keep:
            _remove(path)


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()


def _quoted(value: str) -> str:
    """Write a value so that a reader of env files takes it literally."""
    if _PLAIN.fullmatch(value):
        return value
    if not set(value) & set("'\n\r"):
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return '"' + escaped.replace("\n", "\\n").replace("\r", "\\r") + '"'
