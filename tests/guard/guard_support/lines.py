"""Read tables of shell lines, one per row, with the verdict that each must get and why."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

__all__ = ["Incident", "Row", "read_incidents", "read_rows"]


class Row(NamedTuple):
    """A line, its verdict, and why."""

    line: str
    verdict: str
    why: str


class Incident(NamedTuple):
    """A line like those in public reports, its verdict (`stop` is either of the two that stop), and its kind."""

    line: str
    verdict: str
    source: str
    kind: str


def read_rows(path: Path) -> list[Row]:
    r"""Read a table; `\n`, `\t` and `\\` in a line are escapes. The first row names the columns."""
    return [Row(*cells) for cells in _cells(path)]


def read_incidents(path: Path) -> list[Incident]:
    """Read a table of incidents, with the same escapes."""
    return [Incident(*cells) for cells in _cells(path)]


def _cells(path: Path) -> list[list[str]]:
    rows = [text.split("\t") for text in path.read_text(encoding="utf-8").split("\n")[1:] if text]
    return [[_unescaped(line), *rest] for line, *rest in rows]


def _unescaped(text: str) -> str:
    return re.sub(r"\\([nt\\])", lambda found: {"n": "\n", "t": "\t"}.get(found[1], "\\"), text)
