"""What a check found: values that every format prints."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Finding", "Hit", "Report", "WaivedFinding"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One problem at one place. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    rule: str
    level: str
    message: str
    fix: str
    source: str = field(default="", compare=False)
    """The line of the file."""
    statement: int = field(default=-1, compare=False)
    """The number of the statement in its file, from 0; -1 for the file as a whole."""


@dataclass(frozen=True, slots=True, order=True)
class WaivedFinding:
    """A finding that a comment above its statement accepts, with the reason."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class Hit:
    """What a detector reports: the offset of the word that matters, and what is wrong there."""

    offset: int
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """All findings of a check, sorted by place, and how many files were read."""

    files: int
    findings: tuple[Finding, ...] = ()
    waived: tuple[WaivedFinding, ...] = ()
    destroys: tuple[str, ...] = ()
    """The rules about lost data that the files break, waived and switched off ones too."""
    against: str = ""
    """The database that the files were compared with, and how it was read; "" without one."""

    @property
    def has_errors(self) -> bool:
        """Whether a finding is an error."""
        return any(each.level == "error" for each in self.findings)

    def count(self, level: str) -> int:
        """Return how many findings have that level."""
        return sum(each.level == level for each in self.findings)
