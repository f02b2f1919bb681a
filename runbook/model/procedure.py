"""A loaded procedure: checked, frozen, and independent of YAML."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from runbook.model.drill import Drill
from runbook.model.fields import (
    LINE,
    LINES,
    NAME,
    PROSE,
    Choice,
    Day,
    Duration,
    ListOf,
    MapOf,
    ProcedureId,
    Shaped,
    Truth,
    Whole,
    in_days,
    key,
    shape,
)
from runbook.model.parameter import Parameter
from runbook.model.step import Step
from runbook.model.team import Contact
from runbook.model.terms import Position

__all__ = ["SHAPES", "Mode", "Procedure", "Reference", "Section", "TeamChange"]


class Mode(StrEnum):
    """How a procedure is meant to be used: read each step and do it, or do a phase and then confirm it."""

    READ_DO = "read-do"
    DO_CONFIRM = "do-confirm"


class Section(StrEnum):
    """When a procedure is needed; the site's navigation follows it."""

    START = "start"
    BEFORE = "before"
    DURING = "during"
    WRONG = "wrong"
    FUNCTIONS = "functions"


@dataclass(frozen=True, slots=True)
class Reference:
    """A situation, and the procedure that fits it (an id), if there is one."""

    text: str = key(LINE, "The situation.")
    see: str | None = key(ProcedureId(), "The id of the procedure that fits it.", default=None)


@dataclass(frozen=True, slots=True)
class TeamChange:
    """One thing that a team changed in a packaged procedure. `stale` says how its base differs from when they wrote it.

    `reason` is theirs, "" if they didn't have to give one.
    """

    text: str
    reason: str
    at: Position
    stale: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """One task from start to end."""

    id: str
    title: str = key(LINE, "What the task is called, in two to four words.")
    summary: str = key(PROSE, "One sentence: when this is needed, or what it achieves.", read=str.strip)
    section: Section = key(
        Choice(tuple(Section)),
        "When it is needed: start (getting ready), before, during a migration, wrong (something broke), "
        "or functions (edge functions).",
        read=Section,
    )
    is_emergency: bool = key(
        Truth(),
        "Whether to offer it first when something is broken and nobody knows what. At most one procedure can have it.",
        name="emergency",
        default=False,
    )
    use_when: tuple[str, ...] = key(LINES, "The situations in which this is the right procedure.")
    not_for: tuple[Reference, ...] = key(
        ListOf(Shaped("reference")), "Similar situations, and the procedure that fits them instead.", default=()
    )
    symptoms: tuple[str, ...] = key(
        LINES, "What a person in trouble sees or says, in plain words. Search finds the procedure by them.", default=()
    )
    errors: tuple[str, ...] = key(
        LINES,
        "Error texts, SQLSTATEs or HTTP statuses that lead here, as shown. Search finds the procedure by them.",
        default=(),
    )
    owner: str = key(LINE, "Who maintains it: a person or a team.")
    reviewed: date = key(Day(), "The day somebody last checked all of it.")
    review_days: int = key(
        Duration("d"),
        "How long a review is valid.",
        name="review_every",
        read=in_days,
    )
    drill_days: int | None = key(
        Duration("d"),
        "How long a drill that somebody passed counts.",
        name="drill_every",
        default=None,
        said="the team's drill_every",
        read=in_days,
    )
    minutes: int = key(Whole(1), "How long it takes, from practice.")
    mode: Mode = key(
        Choice(tuple(Mode)),
        "read-do: read each step, then do it. do-confirm: do a phase, then confirm its list.",
        default=Mode.READ_DO,
        said="read-do",
        read=Mode,
    )
    needs: tuple[str, ...] = key(LINES, "What you need before step 1.", default=())
    warnings: tuple[str, ...] = key(ListOf(PROSE), "What to know before step 1.", default=())
    parameters: tuple[Parameter, ...] = key(
        MapOf(NAME, Shaped("parameter")),
        "Values asked for before step 1, by name.",
        default=(),
        read=lambda found: tuple(found.values()),
    )
    before: tuple[Step, ...] = key(
        ListOf(Shaped("step")),
        "What must be true before step 1: things to tick off, or commands that read.",
        default=(),
    )
    steps: tuple[Step, ...] = key(ListOf(Shaped("step")), "What to do, in order.")
    after: tuple[str, ...] = key(ListOf(PROSE), "What is left to do when all steps are done.", default=())
    related: tuple[str, ...] = key(ListOf(ProcedureId()), "Ids of related procedures.", default=())
    drills: tuple[Drill, ...] = key(
        ListOf(Shaped("drill")), "Rehearsals of this procedure on a throwaway target.", default=()
    )
    source: str = ""
    """The YAML text, kept so that a changed procedure can be shown as a difference."""
    digest: str = ""
    """SHA-256 (hex) over this procedure's YAML and that of every procedure it includes."""
    changes: tuple[TeamChange, ...] = ()
    """What a team changed, if the procedure is a packaged one with an overlay."""
    contact: Contact | None = None
    """Who is behind the owner, if a team's file says so."""
    at: Position

    @property
    def due(self) -> date:
        """The day by which it has to be reviewed again."""
        return self.reviewed + timedelta(days=self.review_days)

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """The steps before step 1, then those from step 1 on; the steps inside blocks aren't listed."""
        return (*self.before, *self.steps)

    def parameter(self, name: str) -> Parameter:
        """Return the parameter called `name`; raises KeyError."""
        return {parameter.name: parameter for parameter in self.parameters}[name]


SHAPES = (
    shape(
        Procedure,
        "procedure",
        "a procedure",
        "One task from start to end. The file's name is the procedure's id.",
        keyed_by="id",
    ),
    shape(Reference, "reference", "a situation", "A situation, and the procedure that fits it."),
)
"""A procedure file, except its parameters, steps and drills."""
