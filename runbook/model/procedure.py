"""A procedure as the loader leaves it: checked, frozen, and with nothing of YAML left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from runbook.model.drill import Drill
from runbook.model.parameter import Parameter
from runbook.model.step import Step
from runbook.model.terms import Position

__all__ = ["Mode", "Procedure", "Reference", "Section"]


class Mode(StrEnum):
    """How a procedure is meant to be used: read each step and do it, or do a phase and then confirm it."""

    READ_DO = "read-do"
    DO_CONFIRM = "do-confirm"


class Section(StrEnum):
    """Where in time a procedure belongs; the site's navigation follows it."""

    START = "start"
    BEFORE = "before"
    DURING = "during"
    WRONG = "wrong"
    FUNCTIONS = "functions"


@dataclass(frozen=True, slots=True)
class Reference:
    """A situation, and the procedure that fits it (an id), if there is one."""

    text: str
    see: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """One task from start to end."""

    id: str
    title: str
    summary: str
    section: Section
    use_when: tuple[str, ...]
    not_for: tuple[Reference, ...]
    owner: str
    reviewed: date
    review_days: int
    minutes: int
    mode: Mode
    needs: tuple[str, ...]
    warnings: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    before: tuple[Step, ...]
    steps: tuple[Step, ...]
    after: tuple[str, ...]
    related: tuple[str, ...]
    drills: tuple[Drill, ...]
    source: str
    """The YAML text, kept so that a changed procedure can be shown as a difference."""
    digest: str
    """SHA-256 (hex) over this procedure's YAML and that of every procedure it includes."""
    at: Position

    def parameter(self, name: str) -> Parameter:
        """Return the parameter called `name`; raises KeyError."""
        return {parameter.name: parameter for parameter in self.parameters}[name]
