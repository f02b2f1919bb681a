"""Read, replace and delete the files that configure agents, and say so if that fails."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runbook.errors import RunbookError

__all__ = ["UNCHANGED", "Change", "delete_file", "missing_parents", "read_text", "write_text"]

UNCHANGED = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a file: `written`, `unchanged` or `removed`."""

    path: Path
    action: str


def missing_parents(path: Path) -> int:
    """Return how many directories have to be created for a file."""
    return sum(not each.exists() for each in path.resolve().parents)


def read_text(path: Path) -> str | None:
    """Return the text of a file with its line breaks and byte order mark, or None if there is no file."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise RunbookError(f"can't read {path}: {error}", hint=UNCHANGED) from error


def write_text(path: Path, text: str) -> None:
    """Replace a file as a whole, so that an agent never reads half of it. Its mode stays, and so does a link to it."""
    try:
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o7777 if target.exists() else None
        draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        # Settings may contain tokens: whoever couldn't read them before can't read the draft either.
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            if mode is not None:
                draft.chmod(mode)
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    # A loop of links is a RuntimeError.
    except (OSError, RuntimeError) as error:
        raise RunbookError(f"can't write {path}: {error}", hint=UNCHANGED) from error


def delete_file(path: Path, directories: int) -> None:
    """Delete a file and the directories that `install` created for it, unless something else is in them now."""
    try:
        target = path.resolve()
        target.unlink()
    except OSError as error:
        raise RunbookError(f"can't delete {path}: {error}", hint=UNCHANGED) from error
    with suppress(OSError):
        for directory in list(target.parents)[:directories]:
            directory.rmdir()
