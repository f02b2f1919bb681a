"""Write paths as a person or a program reads them from here."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["relative_path"]


def relative_path(file: str | Path) -> str:
    """Return a path from the current directory if the file is below it, with `/`."""
    relative = os.path.relpath(file)
    return Path(file if relative.startswith("..") else relative).as_posix()
