"""Books of any size: the packaged one, with copies of a procedure under other names."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from benchmarks.environments import ROOT

__all__ = ["COPIED", "HEAD", "SIZES", "make_book"]

HEAD = """\
title: Look around
summary: Its steps are measured.
section: before
use_when: [Somebody measures]
owner: database
reviewed: 2026-11-23
review_every: 3650d
minutes: 5
"""
"""The head of a procedure whose steps are measured."""

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
