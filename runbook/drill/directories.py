"""Where drills keep things: a cache for the long work, a state directory for what is running, a temporary base."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from runbook.drill.account import Account
from runbook.errors import RunbookError
from runbook.runtime import user_directories

__all__ = ["cache_directory", "state_directory", "temporary_base"]

_OPEN_TO_ALL = Path("/tmp")  # noqa: S108 - only for names of our own, checked or random


def cache_directory(account: Account) -> Path:
    """Return (and make) the cache that the server's account can reach; raises RunbookError if there is none."""
    others = (_private(Path(tempfile.gettempdir())), _private(_OPEN_TO_ALL))
    candidates = [user_directories.cache_directory(), *(base / "runbook" for base in others)]
    for path in candidates:
        if _make(path) and account.can_reach(path):
            return path
    raise RunbookError(
        f"no cache directory that {account.name} can reach: " + ", ".join(map(str, candidates)),
        hint="Set XDG_CACHE_HOME to a directory that this user may write and that account may enter.",
    )


def state_directory() -> Path:
    """Return (and make, 0700) the directory that records running sandboxes; raises RunbookError."""
    path = user_directories.state_directory() / "sandboxes"
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise RunbookError(f"can't keep a record of sandboxes in {path}: {error.strerror}") from error
    return path


def temporary_base(account: Account) -> Path:
    """Return the directory for sandboxes: the usual temporary one, or /tmp where the server can't reach that."""
    usual = Path(tempfile.gettempdir())
    return usual if account.can_reach(usual) else _OPEN_TO_ALL


def _private(base: Path) -> Path:
    return base / f"runbook-cache-{os.getuid()}"


def _make(path: Path) -> bool:
    """Make the directory; false where that fails, or where another user could have put it there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if path.parent.name.startswith("runbook-cache-"):
            path.parent.chmod(0o755)  # whatever the umask: the server's account must get in
            path.chmod(0o755)
        return _is_ours(path) and (_is_ours(path.parent) or not path.parent.lstat().st_mode & 0o022)
    except OSError:
        return False


def _is_ours(path: Path) -> bool:
    status = path.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022
