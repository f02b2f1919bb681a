"""Where this user's files go: state, cache and data, by the XDG rules on Linux and Apple's rules on macOS."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from runbook.errors import RunbookError

if TYPE_CHECKING:
    from platformdirs import PlatformDirs

__all__ = [
    "cache_directory",
    "data_directory",
    "is_out_of_reach",
    "is_private",
    "locks_directory",
    "make_private",
    "open_private",
    "state_directory",
]

_NAME = "runbook"


def state_directory() -> Path:
    """Return the directory for runs, logs and results: `~/.local/state/runbook` on Linux. It may not exist.

    Raises RunbookError if this user has no home directory.
    """
    return _find("XDG_STATE_HOME", _linux_state if sys.platform == "linux" else lambda: _platform().user_state_path)


def cache_directory() -> Path:
    """Return the directory for files that can be created again: `~/.cache/runbook` on Linux. It may not exist.

    Raises RunbookError if this user has no home directory.
    """
    return _find("XDG_CACHE_HOME", _linux_cache if sys.platform == "linux" else lambda: _platform().user_cache_path)


def data_directory() -> Path:
    """Return the directory for installed files: `~/.local/share/runbook` on Linux. It may not exist.

    Raises RunbookError if this user has no home directory.
    """
    return _find("XDG_DATA_HOME", lambda: _platform().user_data_path)


def locks_directory() -> Path:
    """Return the directory for locks that all users of this machine share: RUNBOOK_LOCKS, or `/tmp`.

    A machine that gives each user a separate `/tmp` needs RUNBOOK_LOCKS.
    """
    return Path(os.environ.get("RUNBOOK_LOCKS") or "/tmp")  # noqa: S108 - see `runbook.journal.machine_locks`


def is_private(path: Path) -> bool:
    """Return whether a file or directory belongs to this user and nobody else can write to it."""
    try:
        about = path.lstat()
    except OSError:
        return False
    return about.st_uid == os.geteuid() and not stat.S_IMODE(about.st_mode) & 0o022


def is_out_of_reach(path: Path) -> bool:
    """Return whether only this user and root can replace what is at a path, through any directory above it.

    A directory that everyone can write to is safe if only owners can rename files in it (`/tmp`).
    """
    for place in {*path.parents, *path.resolve().parents}:
        try:
            about = place.lstat()
        except OSError:
            return False
        is_open = not stat.S_ISLNK(about.st_mode) and about.st_mode & 0o022 and not about.st_mode & stat.S_ISVTX
        if about.st_uid not in {0, os.geteuid()} or is_open:
            return False
    return True


def open_private(path: Path, *, secret: bool = False) -> BinaryIO:
    """Open a file of this user that nobody else can write to (`secret`: or read). Raises OSError for any other."""
    # Without O_NONBLOCK, a pipe in its place would block.
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    about = os.fstat(file.fileno())
    if (
        stat.S_ISREG(about.st_mode)
        and about.st_uid == os.geteuid()
        and not about.st_mode & (0o077 if secret else 0o022)
    ):
        return file
    file.close()
    raise PermissionError(f"'{path}' belongs to another user, or others can access it")


def make_private(directory: Path) -> None:
    """Create a directory that only its owner can access. Raises OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not is_private(directory):
        directory.chmod(0o700)
    if not is_private(directory):
        raise PermissionError(f"'{directory}' belongs to another user")


def _find(variable: str, directory: Callable[[], Path]) -> Path:
    try:
        return directory()
    except RuntimeError as error:
        raise RunbookError(
            "this user has no home directory", hint=f"Set HOME or {variable} to a directory, as an absolute path."
        ) from error


def _platform() -> PlatformDirs:
    from platformdirs import PlatformDirs

    return PlatformDirs(_NAME)


def _linux_state() -> Path:
    return _linux("XDG_STATE_HOME", "~/.local/state") or _platform().user_state_path


def _linux_cache() -> Path:
    return _linux("XDG_CACHE_HOME", "~/.cache") or _platform().user_cache_path


def _linux(variable: str, usual: str) -> Path | None:
    """Return what platformdirs would return, or None if the environment alone doesn't tell.

    Every command needs these directories, and so does the guard before every guarded command. platformdirs takes 4 ms
    to import; a test compares the two.
    """
    given, home = os.environ.get(variable, ""), os.environ.get("HOME", "/")
    # The XDG specification tells programs to ignore a relative path.
    if given.startswith("/"):
        return Path(given) / _NAME
    # An empty or relative HOME says nothing; platformdirs then asks the password database.
    return Path(usual).expanduser() / _NAME if home.startswith("/") else None
