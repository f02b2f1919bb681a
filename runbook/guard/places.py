"""Directories of the guard's own, by the XDG rules, and private ones made and checked."""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["cache_home", "data_home", "is_private", "make_private", "state_home"]


def cache_home() -> Path:
    """Return `$XDG_CACHE_HOME/runbook`, by default `~/.cache/runbook`."""
    return _home("XDG_CACHE_HOME", ".cache")


def state_home() -> Path:
    """Return `$XDG_STATE_HOME/runbook`, by default `~/.local/state/runbook`."""
    return _home("XDG_STATE_HOME", ".local/state")


def data_home() -> Path:
    """Return `$XDG_DATA_HOME/runbook`, by default `~/.local/share/runbook`."""
    return _home("XDG_DATA_HOME", ".local/share")


def _home(variable: str, default: str) -> Path:
    given = os.environ.get(variable, "")
    # A relative path there is to be ignored, says the XDG specification.
    base = Path(given) if given.startswith("/") else Path(f"~/{default}").expanduser()
    return base / "runbook"


def make_private(directory: Path) -> None:
    """Make a directory that only its owner can look into. Raises OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not is_private(directory):
        directory.chmod(0o700)
    if not is_private(directory):
        raise PermissionError(f"'{directory}' belongs to somebody else")


def is_private(path: Path) -> bool:
    """Whether a file or directory is the caller's own and nobody else can write to it."""
    try:
        about = path.lstat()
    except OSError:
        return False
    return about.st_uid == os.geteuid() and not stat.S_IMODE(about.st_mode) & 0o022
