"""Define what a step may need from the walk and from the person at the terminal. The engine supplies both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runbook.model import Capture, Check, Expectation, Parameter, Step

__all__ = ["Done", "Draft", "Ended", "Hands", "Job", "Work"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A file for the person to work on, and what went wrong when it was created ("" if nothing did)."""

    path: Path
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What `Job.first` did: the evidence, the output to show, and the values that it captured."""

    evidence: str = ""
    output: str = ""
    captured: Mapping[str, str] = field(default_factory=dict)
    passed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One execution for a step: what it must print, and what is kept. Without an argv, `first` is all of it."""

    expect: Expectation | None = None
    """None: only the exit code counts."""
    capture: Sequence[Capture] = ()
    timeout: float | None = None
    """In seconds."""
    evidence: str = ""
    """What is known before anything runs."""
    captured: Mapping[str, str] = field(default_factory=dict)
    """Values that a person saw, where nothing runs."""
    understands: Callable[[str], str] | None = None
    """Turns the document that the command prints into the one to show, store and compare. The step fails if this raises
    UsageError."""
    looks: Sequence[Check] = ()
    """Commands that only read. `first` runs them with `Work.look`, as often as it needs to."""
    first: Callable[[], Done] | None = None
    """Runs after the start is on record and before the command. The step fails if this raises OSError."""


class Ended(Protocol):
    """How an execution ended, as far as a kind of step needs to know."""

    @property
    def passed(self) -> bool:
        """True if it ended as expected."""

    @property
    def evidence(self) -> str:
        """What was compared, in words."""

    @property
    def output(self) -> str:
        """What it printed, redacted and bounded."""

    @property
    def document(self) -> str:
        """The whole JSON that it printed, empty if it printed none."""

    @property
    def was_interrupted(self) -> bool:
        """True if the operator or the system ended it."""


class Work(Protocol):
    """One step of a walk, as its kind may act on it."""

    @property
    def step(self) -> Step:
        """The step."""

    @property
    def path(self) -> str:
        """Its path in the walk."""

    @property
    def project(self) -> Path:
        """The Supabase project's directory, resolved."""

    @property
    def major(self) -> int:
        """The major of the CLI that runs."""

    @property
    def drafts(self) -> Path:
        """A private directory for this step's drafts. It need not exist."""

    @property
    def kept(self) -> Path:
        """A private directory for files that the run replaced. It need not exist."""

    @property
    def has_passed(self) -> bool:
        """True if the step has passed before and is done again."""

    def fill(self, template: str) -> str:
        """Fill the step's values into a text. Raises UnknownName."""

    def problem_with(self, parameter: Parameter, text: str) -> str:
        """Return the problem with a value that is about to be stored, "" if there is none."""

    def ask(self, parameter: Parameter, problem: str) -> str:
        """Ask the operator for a value until it's accepted. `problem` says what was wrong with the last answer."""

    def wait(self, seconds: float) -> float:
        """Wait that many seconds, or until the operator ends the pause. Return how long it was."""

    def run(self, job: Job) -> Ended:
        """Prove the target, lock it, record the start, run the job, compare its output, and record the end."""

    def read(self, argv: Sequence[str]) -> str:
        """Run a command that only prepares the step, recorded like any other; return why it failed, or ""."""

    def look(self) -> Sequence[Ended]:
        """Run all the job's looks at the same time. Return how each ended, compared with what it expects."""

    def choose(self, option: str, back_to: str) -> None:
        """Record which option was taken. With `back_to` (a step's id), go back to that earlier step."""


class Hands(Protocol):
    """What a person can be asked to do at a terminal, beyond an answer in one line."""

    def edit(self) -> str | None:
        """Open the step's draft in an editor until it's accepted. Return its path, or None if the person leaves it."""
