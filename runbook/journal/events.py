"""The events of a run. A run *is* its events: all state is folded from them, and all of them are in the journal.

A step is identified by its path: the ids from the top of the procedure down, joined by `/`. Steps of `before` start
with `before/`, a branch adds its `choose` step's id, an `each` adds `id[value]`, and an `include` adds its own id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

__all__ = ["ChangeAccepted", "ChildStarted", "ConfirmationAsked", "ConfirmationEnded", "ConfirmationGiven"]
__all__ += ["ConfirmationRefused", "Decision", "DrillEnded", "Event", "HandedOver", "NoteAdded", "OptionChosen"]
__all__ += ["PERMITS", "Outcome", "Purpose", "Snapshot"]
__all__ += ["RunFinished", "RunResumed", "RunStarted", "RunStopped", "StepFinished", "StepResolved", "StepSkipped"]
__all__ += ["SnapshotStarted", "SnapshotTaken", "StepStarted", "SteppedBack", "TakenOver", "TargetSeen", "ValueGiven"]
# The codec writes these names into journals: a renamed class makes every older run unreadable.


class Purpose(StrEnum):
    """Why something is executed for a step: the step itself, its check, its undo, or the check of a lost end.

    `PREPARE` reads what the step's screen needs, such as the old version of a file from git. `OWN` is the operator's
    own command, run while the walk is at the step; it doesn't change the step's status.
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
    """Ctrl-C, a timeout or a lost terminal: the server may have continued, so the step's end is unknown."""


class Decision(StrEnum):
    """What the operator says about a step whose end is unknown."""

    DONE = "done"
    REDO = "redo"


class Snapshot(StrEnum):
    """When the target's state is recorded."""

    BEFORE = "before"
    """Before the run's first write."""
    AFTER = "after"
    """After its last one."""


@dataclass(frozen=True, slots=True)
class TargetSeen:
    """What was proven about the target at one moment."""

    kind: str
    """`production`, `local`, `drill` or `this machine`."""
    name: str
    """The project ref, `local`, the drill's name or the host's, to be typed out before something is destroyed."""
    cli: str
    """The Supabase CLI's version, such as `3.1.0`; empty on this machine alone."""
    environment: str = ""
    """What the CLI says about the project (`production`, `branch`, `unverified`); empty on CLI 2."""
    project_ref: str = ""
    """What `{{project_ref}}` stands for; empty if it's the name itself or there is no project."""
    program: str = ""
    """The SHA-256 of the CLI's program; empty if unknown."""

    @property
    def major(self) -> int:
        """The CLI's major version, 0 if unknown."""
        first = self.cli.partition(".")[0]
        return int(first) if first.isdigit() else 0


@dataclass(frozen=True, slots=True)
class JudgedCommand:
    """What policy said about one command, with names in place of values."""

    command: str
    effect: str
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesSeen:
    """The rules for a run's commands: the policy, and how the CLI names a target. `digest` covers `sources`."""

    book: str = ""
    """The directory of the book; empty for the packaged one."""
    digest: str = ""
    """Empty if the run was begun by an older version, which recorded no rules."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """The text of each file by its name."""
    commands: Mapping[str, JudgedCommand] = field(default_factory=dict)
    """By the step's path, followed by the role in brackets for checks and the undo: `push (check)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, at a moment in UTC.

    `at` is the time by the machine's clock, for people to read; somebody may set that clock back or forward. `after` is
    the number of seconds since the same process's previous event, by a clock that nobody can set; None for its first.
    """

    at: datetime
    after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """Everything a run is based on. `values` contains no secret. `sources` maps procedure ids to their YAML text."""

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
    files: Mapping[str, str] = field(default_factory=dict)
    """A digest for each of the project's migrations and functions. Those of a later stop replace them."""
    role: str = ""
    """The name by which the journal itself knows the operator; empty if it knows nobody."""
    ticket: str = ""
    """The number of the ticket that the run is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed(Event):
    """Somebody resumed a run that had stopped, or whose process had died."""

    operator: str
    host: str
    target: TargetSeen
    directory: str = ""
    """The project's directory on that host; empty if an older version recorded it."""
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver(Event):
    """The target's lock was taken from run `was`, deliberately. It is in both runs' records."""

    operator: str
    was: str
    reason: str
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeAccepted(Event):
    """The operator saw the change (`diff`) in the `procedure`, the `target` or the `policy`, and accepted it.

    A policy that judges no command of the run more leniently is recorded without asking.
    """

    what: str
    diff: str
    digest: str
    sources: Mapping[str, str]
    target: TargetSeen
    rules: RulesSeen = field(default_factory=RulesSeen)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(Event):
    """A step is about to be executed. It's on disk before anything runs. `argv` is redacted."""

    step: str
    purpose: Purpose
    argv: tuple[str, ...] = ()
    effect: str = "reads"
    confirmed: str = ""
    """What the operator typed to allow it."""
    looks: tuple[str, ...] = ()
    """The reading commands that it runs in parallel, each as a shell command. Redacted."""
    seconded: str = ""
    """Who else confirmed it; empty if nobody had to."""


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
    """The operator skipped the step, for `reason`."""

    step: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueGiven(Event):
    """The operator entered the value that `step` would have captured if it had run.

    Without a `step`, it's the value of a parameter that the procedure didn't have when the run began.
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
    """The walk went back to a step that it had been at, usually an earlier one; what ran stays on record."""

    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionChosen(Event):
    """The option chosen at a `choose` step, as its `when`."""

    step: str
    option: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAdded(Event):
    """The operator's note while the walk was at `step`."""

    step: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver(Event):
    """The operator left the run to somebody else, with a note.

    `operator` is whoever did that from another terminal; empty if it was the one who walked.
    """

    note: str
    to: str = ""
    operator: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationAsked(Event):
    """The operator confirmed a step that somebody else must confirm, too. `digest` covers what will run."""

    step: str
    digest: str
    argv: tuple[str, ...]
    effect: str
    operator: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationGiven(Event):
    """Somebody else saw what will run, and confirmed it."""

    step: str
    digest: str
    operator: str
    host: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationRefused(Event):
    """Somebody else saw what will run, and refused it."""

    step: str
    digest: str
    operator: str
    host: str
    role: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationEnded(Event):
    """Nobody else answered: the operator stopped waiting, or the time was up."""

    step: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotStarted(Event):
    """The commands `looks` are about to record the target's state, before the first write or after the last one."""

    when: Snapshot
    looks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotTaken(Event):
    """The target's state: for each look by its title, a line for each thing. `problems` says why a look has none."""

    when: Snapshot
    found: Mapping[str, str]
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStopped(Event):
    """The walk stopped because a person wanted it to or after a failure; it can be resumed."""

    reason: str
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """Every step is done or was skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillEnded(Event):
    """A drill that a person walked is over, and its proofs were checked. It's the last event of the drill's first run.

    It says by itself who practised what, so that nobody needs the run's other events to know.
    """

    procedure: str
    scenario: str
    operator: str
    passed: bool
    failed: tuple[str, ...] = ()
    """The proofs that failed, each as a sentence."""
    trouble: str = ""
    """Why the walk ended as it should not; empty if it ended as it should."""
    hints: int = 0
    """How often the operator asked for more help."""
    cli: str = ""
    """The Supabase CLI's version."""


PERMITS = (
    *(RunStarted, RunResumed, TakenOver, StepStarted, ChildStarted),
    *(ConfirmationAsked, ConfirmationGiven, ConfirmationRefused, SnapshotStarted),
)
"""Events that let something begin: it must not, until the journal has them. Every other says what has happened."""
