"""Terms that procedures and policy share: a place in a file, and what a command does to its target."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

__all__ = ["Effect", "Position", "Verdict"]


class Position(NamedTuple):
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """Render as editors expect it, `file:line:column`."""
        return f"{self.file}:{self.line}:{self.column}"


class Effect(StrEnum):
    """What a command does to its target; it decides how the walk asks. Members are in rising order."""

    READS = "reads"
    WRITES = "writes"
    DESTROYS = "destroys"

    @property
    def rank(self) -> int:
        """0 for reads, 1 for writes, 2 for destroys."""
        return list(Effect).index(self)


class Verdict(StrEnum):
    """The guard's verdict on one line. Members are in rising order."""

    ALLOW = "allow"
    CONFIRM = "confirm"
    REFUSE = "refuse"

    @property
    def rank(self) -> int:
        """0 for allow, 1 for confirm, 2 for refuse."""
        return list(Verdict).index(self)
