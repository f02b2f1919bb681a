"""The five things the walk needs from the world. The terminal, the drill and the tests supply them differently."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from runbook.diagnosis import Diagnosis
from runbook.engine.confirmation import Confirmation
from runbook.engine.pace import Finding
from runbook.engine.state import RunState
from runbook.journal.events import Event, Outcome, Purpose, TargetSeen
from runbook.journal.interface import Holder
from runbook.model import Action, Effect, Parameter, Procedure, Step
from runbook.policy.judgement import Judgement
from runbook.steps.view import Block

__all__ = [
    "AddNote",
    "Advised",
    "Back",
    "Clock",
    "Comparing",
    "Concluding",
    "Confirmation",
    "Execution",
    "Executor",
    "Go",
    "GoTo",
    "HandOver",
    "Operator",
    "Pausing",
    "ReadCommand",
    "Reconnecting",
    "Reply",
    "Resolve",
    "Returning",
    "RunOwn",
    "Screen",
    "Skip",
    "Stop",
    "SwitchTo",
    "TakeBack",
    "Target",
    "Undecided",
    "Watching",
]


# --- what the operator is shown ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Everything that a prompt at one step may show. `argv` is filled in and redacted, ready to print."""

    procedure: Procedure
    state: RunState
    target: TargetSeen
    path: str
    step: Step
    action: Action
    number: int
    total: int
    """How many steps are known so far; `has_more` means that a later answer leads to more."""
    phase: tuple[int, int, str]
    """Number of this phase, number of phases, title."""
    argv: tuple[str, ...] = ()
    effect: Effect = Effect.READS
    judgement: Judgement | None = None
    confirmation: Confirmation = Confirmation.ENTER
    word: str = ""
    """What must be typed if `confirmation` is `NAME`."""
    values: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    seconds_so_far: float = 0
    title: str = ""
    """The step's title with values filled in."""
    blocks: tuple[Block, ...] = ()
    """Everything else that the step says, with values filled in."""
    draft: str = ""
    """At an `edit` step, the path of the file to open in an editor; it holds the template or the old version."""
    purpose: Purpose = Purpose.RUN
    """What `argv` is for: the step itself, or its undo, which `TakeBack` requested and `Go` confirms."""
    starts_by_itself: bool = False
    """Whether it only reads and needs no question: an operator answers `Go` unless a person wants to look first."""
    finding: Finding | None = None
    """What the step before left to judge; on the final screen, what the last step left."""
    has_more: bool = False
    asks: Parameter | None = None
    """The value that the step asks for, with the values to pick from."""
    diagnosis: Diagnosis | None = None
    """Why the step's last command failed, if its output says so; set only on the screen of a failure."""
    unsent: str = ""
    """How many events wait on this machine because the shared journal can't be reached; empty if none do."""


# --- what the operator answers ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Go:
    """Do the step.

    `typed` is the confirmation; `value` is the value seen (tick), the option (choose), the finished file's
    path (edit) or the seconds that the operator has already waited (wait; empty: the walk waits by its clock).
    """

    typed: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Skip:
    """Go past the step."""

    reason: str


@dataclass(frozen=True, slots=True)
class Back:
    """Go back to the step before this one."""


@dataclass(frozen=True, slots=True)
class GoTo:
    """Go to the step with that path; `reason` says why the steps that this leaves out are skipped."""

    path: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AddNote:
    """Record a note, and ask the same question again."""

    note: str


@dataclass(frozen=True, slots=True)
class RunOwn:
    """Run the operator's own command, typed as a line without a shell, and ask the same question again."""

    line: str


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Run the step's undo; `typed` confirms it if it writes."""

    typed: str = ""


@dataclass(frozen=True, slots=True)
class HandOver:
    """Leave the run to somebody else."""

    note: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class SwitchTo:
    """Stop here and begin another procedure (an id)."""

    procedure: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop here; the run can be resumed."""

    reason: str = "stopped by the operator"


class Undecided(StrEnum):
    """What the operator says about a step whose end is unknown."""

    PROBE = "probe"
    DONE = "done"
    REDO = "redo"


@dataclass(frozen=True, slots=True)
class Resolve:
    """A decision on an unknown step, with the reason for it."""

    what: Undecided
    note: str = ""


Reply = Go | Skip | Back | GoTo | AddNote | RunOwn | TakeBack | HandOver | SwitchTo | Stop | Resolve


class Operator(Protocol):
    """The person at the terminal, a drill's unattended answers, or a test's script."""

    def introduce(self, procedure: Procedure, target: Callable[[], TargetSeen]) -> bool:
        """Show the introduction and wait for a go. `target` blocks until the target is proven. False: not started."""

    def give(self, parameter: Parameter, *, problem: str = "") -> str:
        """Return the value for a parameter; `problem` says what was wrong with the last answer."""

    def decide(self, screen: Screen) -> Reply:
        """Ask what to do at a step that is next."""

    def recover(self, screen: Screen, execution: Execution) -> Reply:
        """Ask what to do after a step failed. `Go` retries it."""

    def resolve(self, screen: Screen, known: Sequence[str], *, probe: Execution | None) -> Reply:
        """Ask what became of a step whose end is unknown; `known` says in sentences what is known."""

    def accept(self, what: str, diff: str) -> bool:
        """Show what changed since the run stopped (`procedure` or `target`) and ask whether to continue."""

    def take_over(self, holder: Holder) -> str | None:
        """Say who holds the target; return the reason for taking over, or None to leave it."""

    def tell(self, event: Event, screen: Screen | None) -> None:
        """Receive an event that is already in the journal, to print it."""


@runtime_checkable
class Concluding(Protocol):
    """An operator that wants the last word before a run is finished. This is optional; other operators aren't asked."""

    def conclude(self, screen: Screen) -> Reply | None:
        """Decide whether to finish, now that every step is settled: None finishes, `Back` goes back to the last step.

        `screen` is the last step's. If it has a `finding`, that step left something to judge.
        """


@runtime_checkable
class Watching(Protocol):
    """An operator that shows what the walk is waiting for while nothing is printed. This is optional."""

    def during(self, what: str) -> AbstractContextManager[None]:
        """Show what is going on, and for how long, until the `with` block ends."""


@runtime_checkable
class Returning(Protocol):
    """An operator that wants to see how far a run got before it continues; other operators get the introduction."""

    def come_back(self, procedure: Procedure, state: RunState, target: Callable[[], TargetSeen]) -> bool:
        """Show how far the run got and wait for a go, like `introduce`. False: the run stays as it is."""


@runtime_checkable
class Advised(Protocol):
    """An operator that wants to know why its own command didn't run. This is optional."""

    def advise(self, text: str) -> None:
        """Show why."""


@runtime_checkable
class Reconnecting(Protocol):
    """An operator that can wait for the shared journal; for other operators, the walk ends with the error."""

    def reconnect(self, why: str, unsent: str) -> bool:
        """Say that nothing runs because the journal can't be reached; True tries again, False stops.

        `unsent` says how many events wait on this machine, empty if none do.
        """


@runtime_checkable
class Pausing(Protocol):
    """An operator that waits in its own way; for other operators, the clock waits."""

    def pause(self, seconds: float) -> float:
        """Wait that many seconds, or less if the operator wants to continue; return how many passed."""


# --- what is executed -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How a command ended. `output` is redacted and bounded, any JSON (stdout) last; `document` is the whole JSON."""

    outcome: Outcome
    exit: int | None
    seconds: float
    output: str
    document: str = ""
    evidence: str = ""
    captured: Mapping[str, str] = field(default_factory=dict)
    purpose: Purpose = Purpose.RUN

    @property
    def passed(self) -> bool:
        """True if it ended as expected."""
        return self.outcome is Outcome.PASSED

    @property
    def was_interrupted(self) -> bool:
        """True if the operator or the system ended it."""
        return self.outcome is Outcome.INTERRUPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCommand:
    """A command that only reads, and the variables that it gets."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


class Executor(Protocol):
    """The only thing that starts processes on behalf of a procedure."""

    def execute(  # noqa: PLR0913 - all that one process depends on
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: str,
        timeout: float | None,
        born: Callable[[int, str], None],
        secrets: Sequence[str] = (),
        understands: Callable[[str], str] | None = None,
    ) -> Execution:
        """Run argv and wait for it to end. `secrets` are removed from what is shown and kept.

        If the command succeeds, `understands` turns the document that it printed into the one that is shown and kept
        instead. If `understands` raises UsageError, the command counts as failed.

        `born` is called with pid and kernel start time after the fork and before the program is loaded; if it raises,
        or this process dies first, the program never runs. Raises MissingPartError if argv[0] isn't found, and
        ProgramChangedError if it's no longer the program that was found at first.
        """

    def read_in_parallel(
        self,
        commands: Sequence[ReadCommand],
        *,
        directory: str,
        timeout: float,
        born: Callable[[int, str], None],
        secrets: Sequence[str] = (),
    ) -> Sequence[Execution]:
        """Run commands in parallel without showing their output; return how each ended, in order.

        Nobody can answer a question that one of them asks. Each has `timeout` seconds. Raises what `execute` raises.
        """


class Target(Protocol):
    """Where the commands of a run go."""

    def prove(self) -> TargetSeen:
        """Ask the CLI what the target is. Raises RunbookError if it can't tell or if its major is unknown."""

    def recheck(self, seen: TargetSeen) -> TargetSeen:
        """Prove the target again, cheaply, right before a write."""

    def words(self, argv_template: Sequence[str], major: int) -> tuple[str, ...]:
        """Return the words that `{{target}}` stands for in that command."""

    def environment(self) -> Mapping[str, str]:
        """Return the environment that commands get on top of the process's own."""

    def functions_url(self) -> str:
        """Return the URL of the target's edge functions, up to and including `/functions/v1`.

        Raises UsageError if the project's files don't say.
        """

    @property
    def directory(self) -> str:
        """The Supabase project's directory, where commands run."""


@runtime_checkable
class Comparing(Protocol):
    """A target that can compare where a command says it went. This is optional; other targets aren't asked."""

    def contradicts(self, argv: Sequence[str], ended: Execution) -> str:
        """Return where a command says it went, if that isn't this target; "" otherwise."""


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """Return the time in UTC."""

    def monotonic(self) -> float:
        """Return seconds since an arbitrary moment, to measure durations: nobody can set this clock."""

    def wait(self, seconds: float) -> None:
        """Wait that many seconds."""
