"""Read tables of shell lines, one per row, with the verdict that each must get and why."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

__all__ = ["Row", "read_rows"]


class Row(NamedTuple):
    """A line, its verdict, and why."""

    line: str
    verdict: str
    why: str


def read_rows(path: Path) -> list[Row]:
    r"""Read a table; `\n`, `\t` and `\\` in a line are escapes. The first row names the columns."""
    rows = [text.split("\t") for text in path.read_text(encoding="utf-8").split("\n")[1:] if text]
    return [Row(_unescaped(line), verdict, why) for line, verdict, why in rows]


def _unescaped(text: str) -> str:
    return re.sub(r"\\([nt\\])", lambda found: {"n": "\n", "t": "\t"}.get(found[1], "\\"), text)
