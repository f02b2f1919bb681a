"""Write a report to a file, all or nothing, wherever the name leads."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

__all__ = ["write", "write_private"]


def write(file: Path, text: str) -> None:
    """Write the text to a file that somebody named. Raises OSError.

    A regular file is replaced all at once and keeps its mode. A symlink stays; what it points to is written. A pipe or
    a device gets the text as it is.
    """
    found = file.stat() if file.exists() else None
    if found is not None and not stat.S_ISREG(found.st_mode):
        with file.open("w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
        return
    real = Path(os.path.realpath(file))
    real.parent.mkdir(parents=True, exist_ok=True)
    # The umask applies to a new file, as with any program.
    _replace(real, text, mode=0o666, keep=None if found is None else stat.S_IMODE(found.st_mode))


def write_private(file: Path, text: str) -> None:
    """Write the text, all at once, to a file that only this user can read. Raises OSError."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _replace(file, text, mode=0o600)


def _replace(file: Path, text: str, *, mode: int, keep: int | None = None) -> None:
    """Put a new file in the place of this one, so that readers see the old text or the new one, never half of it."""
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    # O_EXCL and an unguessable name, so that nothing is written through somebody else's file or link.
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
            if keep is not None:
                # Not with `mode`, which the umask narrows.
                os.fchmod(stream.fileno(), keep)
            stream.write(text)
        temporary.replace(file)
    except BaseException:  # even Ctrl-C leaves nothing behind
        temporary.unlink(missing_ok=True)
        raise
