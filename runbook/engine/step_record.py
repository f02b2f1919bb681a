"""What is known of one step of a run: its status and every execution for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from runbook.engine.events import Outcome, Purpose

__all__ = ["Attempt", "Child", "Status", "StepRecord"]


class Status(StrEnum):
    """Where one step stands."""

    TODO = "todo"
    """Never begun, or taken back."""
    RUNNING = "running"
    """Started and not finished: while the run's process lives it is under way, afterwards its end is unknown."""
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    """Interrupted while it wrote: the server may have gone on."""

    @property
    def is_settled(self) -> bool:
        """True if the walk may go past the step."""
        return self in {Status.PASSED, Status.SKIPPED}

    @property
    def is_unknown(self) -> bool:
        """True if nobody can say what became of the step: it must be decided before anything else."""
        return self in {Status.RUNNING, Status.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Child:
    """A process that was started for a step; `born` is its kernel start time."""

    pid: int
    born: str
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One execution for a step: when, why, and how it ended (`outcome` None: not, as far as is known)."""

    purpose: Purpose
    started: datetime
    argv: tuple[str, ...] = ()
    effect: str = "reads"
    confirmed: str = ""
    finished: datetime | None = None
    outcome: Outcome | None = None
    exit: int | None = None
    seconds: float = 0
    output: str = ""
    evidence: str = ""
    child: Child | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """All that is known of one step. `status` tells of the step itself, `check` of its verification."""

    path: str
    status: Status = Status.TODO
    before_undo: Status = Status.TODO
    """What the status was when an undo began, in case that undo's end is lost and it is to be tried again."""
    purpose: Purpose = Purpose.RUN
    """What the status is about: the step (`RUN`) or its undo (`UNDO`)."""
    check: Outcome | None = None
    """How the verification of the last run, or undo, ended; None: not verified (yet)."""
    attempts: tuple[Attempt, ...] = ()
    captured: Mapping[str, str] = field(default_factory=dict)
    vouched: bool = False
    """A person let it count as passed: its end was unknown or its check had failed."""
    reason: str = ""
    """Why it was skipped, or what a person's decision on it rests on."""

    @property
    def last(self) -> Attempt | None:
        """The newest execution of the step or its undo; checks don't count."""
        ran = [attempt for attempt in self.attempts if attempt.purpose in {Purpose.RUN, Purpose.UNDO}]
        return ran[-1] if ran else None

    @property
    def is_checking(self) -> bool:
        """True while a check, a probe or a preparation has started and not finished."""
        return bool(self.attempts) and self.attempts[-1].outcome is None and self.attempts[-1] is not self.last

    @property
    def output(self) -> str:
        """The output kept of the newest execution of any purpose."""
        return self.attempts[-1].output if self.attempts else ""

    @property
    def argv(self) -> tuple[str, ...]:
        """What was executed last for the step or its undo."""
        return self.last.argv if self.last else ()

    @property
    def child(self) -> Child | None:
        """The newest process of the step or its undo."""
        return self.last.child if self.last else None

    @property
    def seconds(self) -> float:
        """Time spent in commands, checks included."""
        return sum(attempt.seconds for attempt in self.attempts)
