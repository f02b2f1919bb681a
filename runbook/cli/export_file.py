"""Read a file that `runbook journal export` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runbook.errors import UsageError

if TYPE_CHECKING:
    from runbook.journal.record import Contents

__all__ = ["read_export"]


def read_export(file: Path) -> Contents:
    """Return what the file has; `unreadable` names what no export has. Raises UsageError if the file can't be read."""
    from runbook.journal.record import from_lines

    try:
        return from_lines(file.read_text(encoding="utf-8", errors="surrogateescape").splitlines())
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}") from error
