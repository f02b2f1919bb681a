"""Files that a text writes, and small ones that are already there."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import TypeAlias

from runbook.guard.shell.state import ShellState
from runbook.guard.shell.texts import ANY, Texts, concatenated, either, is_known, may_be, plain

__all__ = ["Disk", "contents", "is_written", "key_of", "read_small", "write"]

Disk: TypeAlias = Callable[[str], str | None]
"""Reads the file at an absolute path; None where there is none that can be read."""

_LARGEST = 64 * 1024


def read_small(path: str) -> str | None:
    """Read a regular text file of at most 64 KB; None for anything else, and for pipes and devices at once."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_size > _LARGEST:
            return None
        data = os.read(handle, _LARGEST)
    except OSError:
        return None
    finally:
        os.close(handle)
    return None if b"\0" in data else data.decode(errors="replace")


def key_of(path: str, state: ShellState) -> str:
    """Return the name that a file goes by: absolute where the directory is known."""
    path = plain(path)
    if state.directory is not None and not path.startswith(("/", "~", ANY)):
        path = f"{state.directory}/{path}"
    return os.path.normpath(path)


def write(path: str, texts: Texts, state: ShellState, *, append: bool = False) -> None:
    """Note what a file may hold now. What it held before stays possible: the writing may be on one way only."""
    key = key_of(path, state)
    before = state.files.get(key, ())
    state.files[key] = either(before, texts, concatenated(before or ("",), texts) if append else ())


def contents(path: str, state: ShellState, disk: Disk) -> Texts | None:
    """Return what a file may hold, None where that can't be told."""
    key = key_of(path, state)
    written = [texts for name, texts in state.files.items() if _same(key, name)]
    there = disk(key) if is_known(key) and key.startswith("/") else None
    if there is not None:
        written.append((there,))
    return either(*written) if written else None


def is_written(path: str, state: ShellState) -> bool:
    """Whether the text itself may have written that file."""
    key = key_of(path, state)
    return any(_same(key, name) for name in state.files)


def _same(one: str, other: str) -> bool:
    """Whether two names may mean one file. Of relative ones the last part decides, as directories get lost."""
    if one.startswith("/") and other.startswith("/") and is_known(one) and is_known(other):
        return one == other
    last, other_last = one.rpartition("/")[2], other.rpartition("/")[2]
    return may_be(last, other_last) or may_be(other_last, last)
