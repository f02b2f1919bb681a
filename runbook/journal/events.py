"""The events of a run. A run *is* its events: all state is folded from them, all of them are in the journal.

A step is named by its path: the ids from the procedure's top down, joined by `/`; steps of `before` start with
`before/`, a branch adds its `choose` step's id, an `each` adds `id[value]`, an `include` its own id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

__all__ = ["ChangeAccepted", "ChildStarted", "Decision", "Event", "HandedOver", "NoteAdded", "OptionChosen"]
__all__ += ["Outcome", "Purpose"]
__all__ += ["RunFinished", "RunResumed", "RunStarted", "RunStopped", "StepFinished", "StepResolved", "StepSkipped"]
__all__ += ["StepStarted", "SteppedBack", "TakenOver", "TargetSeen", "ValueGiven"]
# The codec writes these names into journals: a renamed class makes every older run unreadable.


class Purpose(StrEnum):
    """Why something is executed for a step: the step itself, its check, its undo, or the check of a lost end.

    `PREPARE` reads what must be at hand before the step can be shown: the old version of a file, from git. `OWN` is a
    command of the operator's own, run while the walk stands at the step; it changes nothing of the step's status.
    """

    RUN = "run"
    VERIFY = "verify"
    UNDO = "undo"
    PROBE = "probe"
    PREPARE = "prepare"
    OWN = "own"


class Outcome(StrEnum):
    """How an execution ended."""

    PASSED = "passed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """Ctrl-C, a timeout or a lost terminal: the server may have gone on, so the step is unknown."""


class Decision(StrEnum):
    """What the operator says of a step whose end is unknown."""

    DONE = "done"
    REDO = "redo"


@dataclass(frozen=True, slots=True)
class TargetSeen:
    """What was proven of the target at one moment."""

    kind: str
    """`production`, `local` or `drill`."""
    name: str
    """The project ref, `local`, or the drill's name: what is typed out before something is destroyed."""
    cli: str
    """The Supabase CLI's version, as `3.1.0`."""
    environment: str = ""
    """What the CLI says of the project (`production`, `branch`, `unverified`); empty on CLI 2."""
    project_ref: str = ""
    """What `{{project_ref}}` stands for; empty where it is the name itself or there is no project."""
    program: str = ""
    """The SHA-256 of the CLI's program; empty if it isn't known."""

    @property
    def major(self) -> int:
        """The CLI's major version, 0 if it isn't known."""
        first = self.cli.partition(".")[0]
        return int(first) if first.isdigit() else 0


@dataclass(frozen=True, slots=True)
class JudgedCommand:
    """What policy said of one command, with values by their names."""

    command: str
    effect: str
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesSeen:
    """The rules for a run's commands: the policy, and how the CLI names a target. `digest` is of `sources`."""

    book: str = ""
    """The directory of the book; empty for the packaged one."""
    digest: str = ""
    """Empty if an older version began the run, which recorded no rules."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """The text of each file by its name."""
    commands: Mapping[str, JudgedCommand] = field(default_factory=dict)
    """By the step's path, followed by the role in brackets for checks and the undo: `push (check)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, at a moment in UTC.

    `at` is the time by the machine's clock, for people to read: somebody may set it back or forward. `after` is the
    number of seconds since the same process's previous event, by a clock that nobody can set; None for its first.
    """

    at: datetime
    after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """Everything a run rests on. `values` holds no secret. `sources` maps procedure ids to their YAML text."""

    run: str
    procedure: str
    digest: str
    sources: Mapping[str, str]
    target: TargetSeen
    runbook: str
    operator: str
    host: str
    directory: str
    """The Supabase project's directory on that host."""
    values: Mapping[str, str | tuple[str, ...]]
    dry: bool = False
    rules: RulesSeen = field(default_factory=RulesSeen)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed(Event):
    """Somebody goes on with a run that had stopped, or whose process had died."""

    operator: str
    host: str
    target: TargetSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver(Event):
    """The target's lock was taken from run `was`, deliberately. It is in both runs' records."""

    operator: str
    was: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeAccepted(Event):
    """The operator saw the difference (`diff`) in the `procedure`, the `target` or the `policy` and goes on with it.

    A policy that judges no command of the run more leniently is recorded without a question.
    """

    what: str
    diff: str
    digest: str
    sources: Mapping[str, str]
    target: TargetSeen
    rules: RulesSeen = field(default_factory=RulesSeen)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(Event):
    """About to be executed. On disk before anything runs. `argv` is redacted."""

    step: str
    purpose: Purpose
    argv: tuple[str, ...] = ()
    effect: str = "reads"
    confirmed: str = ""
    """What the operator typed to allow it."""
    looks: tuple[str, ...] = ()
    """Reading commands that it runs at the same time, each as a line for a shell. Redacted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildStarted(Event):
    """The process of the step. `born` is its kernel start time, so that a reused pid is not mistaken for it."""

    step: str
    pid: int
    born: str
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished(Event):
    """The execution ended. `output` is bounded and redacted, `evidence` says in words what was compared."""

    step: str
    purpose: Purpose
    outcome: Outcome
    exit: int | None = None
    seconds: float = 0
    output: str = ""
    evidence: str = ""
    captured: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSkipped(Event):
    """The operator went past the step, and why."""

    step: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueGiven(Event):
    """The operator said by hand what `step` would have captured, had it run.

    Without a `step` it is the value of a parameter that the procedure did not have when the run began.
    """

    step: str
    name: str
    value: str | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResolved(Event):
    """A person's decision on a step whose end was unknown."""

    step: str
    decision: Decision
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SteppedBack(Event):
    """The walk stands at a step that it has been at, usually an earlier one; what ran stays on record."""

    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionChosen(Event):
    """The branch taken at a `choose` step: the option's `when`."""

    step: str
    option: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAdded(Event):
    """What the operator wrote down while the walk stood at `step`."""

    step: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver(Event):
    """The operator leaves the run to somebody else, with a note."""

    note: str
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStopped(Event):
    """The walk paused at a person's wish or after a failure; it can be resumed."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """Every step is done or was skipped."""
