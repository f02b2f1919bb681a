"""Books of any size: the packaged one, with copies of a procedure under other names."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from benchmarks.environments import ROOT

__all__ = ["COPIED", "SIZES", "make_book"]

COPIED = "add-index"
SIZES = (15, 150, 1500)
"""How many copies a book has. The growth between them shows whether the time is linear."""


def make_book(directory: Path, copies: int) -> Path:
    """Write the book into a new directory and return it."""
    packaged = ROOT / "runbook/book"
    shutil.copytree(packaged, directory)
    text = (packaged / f"procedures/{COPIED}.yaml").read_text(encoding="utf-8")
    for number in range(copies):
        title = f"title: Add index number {number}"
        (directory / f"procedures/{COPIED}-{number}.yaml").write_text(
            re.sub(r"^title: .*$", title, text, count=1, flags=re.MULTILINE), encoding="utf-8"
        )
    return directory
