"""Where this user's files go: state, cache and data, by the XDG rules on Linux and Apple's rules on macOS.

Each start of a quick verb and of the guard asks for them, so the functions that those use return texts and import
nothing: `pathlib` alone takes as long to import as the interpreter takes to start.
"""

from __future__ import annotations

import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    from platformdirs import PlatformDirs

__all__ = [
    "cache_directory",
    "cache_place",
    "data_directory",
    "is_out_of_reach",
    "is_private",
    "locks_directory",
    "make_private",
    "open_private",
    "state_directory",
    "state_place",
]

_NAME = "runbook"


def state_directory() -> Path:
    """Return the directory for runs, logs and results: `~/.local/state/runbook` on Linux. It may not exist.

    Raises RunbookError if this user has no home directory.
    """
    return _path(state_place())


def state_place() -> str:
    """Return what `state_directory` returns, as a text."""
    return _find("XDG_STATE_HOME", _linux_state if sys.platform == "linux" else lambda: _platform().user_state_dir)


def cache_directory() -> Path:
    """Return the directory for files that can be created again: `~/.cache/runbook` on Linux. It may not exist.

    Raises RunbookError if this user has no home directory.
    """
    return _path(cache_place())


def cache_place() -> str:
    """Return what `cache_directory` returns, as a text."""
    return _find("XDG_CACHE_HOME", _linux_cache if sys.platform == "linux" else lambda: _platform().user_cache_dir)


def data_directory() -> Path:
    """Return the directory for installed files: `~/.local/share/runbook` on Linux. It may not exist.

    Raises RunbookError if this user has no home directory.
    """
    return _path(_find("XDG_DATA_HOME", lambda: _platform().user_data_dir))


def locks_directory() -> Path:
    """Return the directory for locks that all users of this machine share: RUNBOOK_LOCKS, or `/tmp`.

    A machine that gives each user a separate `/tmp` needs RUNBOOK_LOCKS.
    """
    return _path(os.environ.get("RUNBOOK_LOCKS") or "/tmp")  # noqa: S108 - see `runbook.journal.machine_locks`


def is_private(path: Path | str) -> bool:
    """Return whether a file or directory belongs to this user and nobody else can write to it."""
    try:
        about = os.lstat(path)
    except OSError:
        return False
    return about.st_uid == os.geteuid() and not stat.S_IMODE(about.st_mode) & 0o022


def is_out_of_reach(path: Path | str) -> bool:
    """Return whether only this user and root can replace what is at a path, through any directory above it.

    A directory that everyone can write to is safe if only owners can rename files in it (`/tmp`).
    """
    given = os.fspath(path)
    for place in {*_above(given), *_above(os.path.realpath(given))}:
        try:
            about = os.lstat(place)
        except OSError:
            return False
        is_open = not stat.S_ISLNK(about.st_mode) and about.st_mode & 0o022 and not about.st_mode & stat.S_ISVTX
        if about.st_uid not in {0, os.geteuid()} or is_open:
            return False
    return True


def _above(path: str) -> list[str]:
    """Return every directory above a path, as `Path.parents` does."""
    found = []
    while (above := os.path.dirname(path)) != path:
        found.append(above or ".")
        path = above
    return found


def open_private(path: Path | str, *, secret: bool = False) -> BinaryIO:
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


def make_private(directory: Path | str) -> None:
    """Create a directory that only its owner can access. Raises OSError."""
    os.makedirs(directory, mode=0o700, exist_ok=True)
    if not is_private(directory):
        os.chmod(directory, 0o700)
    if not is_private(directory):
        raise PermissionError(f"'{directory}' belongs to another user")


def _path(place: str) -> Path:
    from pathlib import Path

    return Path(place)


def _find(variable: str, place: Callable[[], str]) -> str:
    try:
        return place()
    except RuntimeError as error:
        from runbook.errors import RunbookError

        raise RunbookError(
            "this user has no home directory", hint=f"Set HOME or {variable} to a directory, as an absolute path."
        ) from error


def _platform() -> PlatformDirs:
    from platformdirs import PlatformDirs

    return PlatformDirs(_NAME)


def _linux_state() -> str:
    return _linux("XDG_STATE_HOME", ".local/state") or _platform().user_state_dir


def _linux_cache() -> str:
    return _linux("XDG_CACHE_HOME", ".cache") or _platform().user_cache_dir


def _linux(variable: str, usual: str) -> str:
    """Return what platformdirs would return, or "" if the environment alone doesn't tell; a test compares the two."""
    given, home = os.environ.get(variable, ""), os.environ.get("HOME", "/")
    # The XDG specification tells programs to ignore a relative path.
    if given.startswith("/"):
        return os.path.join(given, _NAME)
    # An empty or relative HOME says nothing; platformdirs then asks the password database.
    return os.path.join(home, usual, _NAME) if "HOME" in os.environ and home.startswith("/") else ""
