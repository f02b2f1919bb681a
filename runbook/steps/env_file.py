"""Secrets on their way to one command: a file that only this user can read, there only while the command runs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from runbook.errors import UsageError

__all__ = ["env_file", "env_file_path", "env_line", "sweep"]

_SUFFIX = ".env"
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")
_SPECIAL = frozenset('"\\$\n\r')


def env_file_path(directory: Path, run: str) -> Path:
    """Return where the file of that run will be. A run has one command at a time, so one path is enough."""
    return directory / f"{run}{_SUFFIX}"


def env_line(key: str, value: str) -> str:
    """Return the line that sets a variable. Raises UsageError for a value that readers would not agree on."""
    return f"{key}={_quoted(value)}\n"


@contextmanager
def env_file(path: Path, lines: Sequence[str]) -> Iterator[None]:
    """Have the lines in a 0600 file at `path` for the length of the block; without lines, no file. Raises OSError."""
    if not lines:
        yield
        return
    _remove(path)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)
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
    """Write a value so that each known reader of such files takes it literally. Raises UsageError if none can."""
    if _PLAIN.fullmatch(value):
        return value
    # In single quotes nothing is special; in double ones readers differ on backslashes, dollars and line ends.
    if "'" not in value and not value.endswith("\\"):
        return f"'{value}'"
    if not set(value) & _SPECIAL:
        return f'"{value}"'
    raise UsageError(
        "a secret holds a single quote together with a double quote, backslash, dollar or line end,"
        " or ends in a backslash",
        hint="No spelling of it means the same to all versions of the CLI. Set this one in the dashboard.",
    )
