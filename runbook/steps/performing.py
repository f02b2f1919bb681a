"""What doing a step may need from the walk and from the person at the terminal. The engine supplies both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runbook.model import Capture, Expectation, Parameter, Step

__all__ = ["Draft", "Ended", "Hands", "Job", "Work"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A file for the person to work on, and what went wrong in making it ("" if nothing did)."""

    path: Path
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One execution for a step: what must come out of it, and what is kept. Without an argv, `first` is all of it."""

    expect: Expectation | None = None
    """None: only the exit code counts."""
    capture: Sequence[Capture] = ()
    timeout: float | None = None
    """Seconds."""
    evidence: str = ""
    """What is known before anything runs."""
    captured: Mapping[str, str] = field(default_factory=dict)
    """Values that a person saw, where nothing runs."""
    understands: Callable[[str], str] | None = None
    """Makes the document that is shown, kept and compared of the one that the command prints. A UsageError of it makes
    the step fail."""
    first: Callable[[], str] | None = None
    """Done between the record of the start and the command; returns more evidence. OSError makes the step fail."""


class Ended(Protocol):
    """How an execution ended, as far as a kind of step needs to know."""

    @property
    def passed(self) -> bool:
        """True if it ended as expected."""


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
    def drafts(self) -> Path:
        """A private directory for this step's drafts. It need not exist."""

    @property
    def kept(self) -> Path:
        """A private directory for files that the run replaced. It need not exist."""

    @property
    def has_passed(self) -> bool:
        """True if the step has passed before and is gone through again."""

    def fill(self, template: str) -> str:
        """Put the step's values into a text. Raises UnknownName."""

    def problem_with(self, parameter: Parameter, text: str) -> str:
        """Return what is wrong with a value that is about to be stored, "" if nothing is."""

    def ask(self, parameter: Parameter, problem: str) -> str:
        """Ask the operator for a value until it fits; `problem` says what was wrong with the answer."""

    def wait(self, seconds: float) -> None:
        """Return after that many seconds."""

    def run(self, job: Job) -> Ended:
        """Prove, hold, write down, run, compare, write down."""

    def read(self, argv: Sequence[str]) -> str:
        """Run a command that only prepares the step, recorded like any other; return why it failed, or ""."""

    def choose(self, option: str) -> None:
        """Write down which option was taken."""


class Hands(Protocol):
    """What a person can be asked to do at a terminal, beyond an answer in one line."""

    def edit(self) -> str | None:
        """Open the step's draft in an editor until it is accepted; return its path, None if the person leaves it."""

    def count_down(self, seconds: float) -> float:
        """Wait with the time left on the screen; return how many seconds were really waited."""
