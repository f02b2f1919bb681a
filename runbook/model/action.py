"""The interface of every kind of step, and the terms that it uses.

The texts of commands, statements, paths and templates may contain `{{name}}` placeholders, which `runbook.filling`
fills. `{{target}}` stands for the words that name the target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, ClassVar

from runbook.model.templates import PLACEHOLDER
from runbook.model.terms import Effect, Position

if TYPE_CHECKING:
    from runbook.model.expectation import Expectation
    from runbook.model.parameter import Parameter, Value
    from runbook.model.procedure import Procedure
    from runbook.model.step import Step
    from runbook.policy.judgement import Judgement
    from runbook.steps.destination import Destination
    from runbook.steps.performing import Draft, Hands, Work
    from runbook.steps.scope import Branch, Known, Place, Scope
    from runbook.steps.view import Block

__all__ = ["Action", "Becomes", "Problem", "Role", "Use", "WrittenFile"]

Problem = tuple[str, ...]
"""What is wrong, then texts from the source that lead to the place, each found after the one before."""


class Role(Enum):
    """What a command is for."""

    STEP = auto()
    CHECK = auto()
    """`verify` of a step or of an undo, `check` of an edit: it only reads."""
    UNDO = auto()


class Becomes(Enum):
    """What a text with placeholders is used for."""

    SHOWN = auto()
    ARGV = auto()
    SQL = auto()
    FILE = auto()
    COMPARED = auto()
    BOUND = auto()
    """The value of an included procedure's parameter."""
    NAME = auto()
    """Not a template: the bare name of a parameter."""
    SECRET = auto()
    """The bare name of a parameter that stays out of every argv."""


@dataclass(frozen=True, slots=True)
class Use:
    """One text. If `late`, it can use the step's own captures. If `env_file`, its command has a private file."""

    text: str
    at: Position
    becomes: Becomes = Becomes.SHOWN
    late: bool = False
    env_file: bool = False


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that a step writes: its path, its first text (None: an older version), and whether a command checks it."""

    path: str
    text: str | None
    is_checked: bool

    @property
    def is_migration(self) -> bool:
        """Whether the file is SQL that will be pushed. If its name isn't known yet, it is."""
        return self.path.endswith(".sql") or PLACEHOLDER.fullmatch(self.path) is not None


class Action:
    """What a step does. Each kind of step is a subclass in `runbook.steps` that overrides what differs.

    A kind is a frozen dataclass whose attributes are its YAML keys. By default it runs nothing, contains no steps, asks
    for nothing, and Enter ticks it off.
    """

    __slots__ = ()

    word: ClassVar[str] = ""
    """The label beside its step's title: `By hand`, `Wait`. If the kind runs something, the effect says more."""
    symbol: ClassVar[str] = ""
    """The name of its icon on the site; if empty, the effect's icon is used."""
    places: ClassVar[frozenset[str]] = frozenset({"step"})
    """Where it can be used: `step`, `on_cli`, `check` (then it must be able to only read), `undo`."""
    enter_does: ClassVar[str] = "to run"
    """What Enter does at its step, as in `Press Enter to run`."""
    runs: ClassVar[bool] = False
    """Whether it is one command or request, with output to look at."""
    starts_by_itself: ClassVar[bool] = False
    """Whether it needs nothing from a person: if it only reads, a walk starts it without a key."""
    reports_findings: ClassVar[bool] = False
    """Whether it reports by itself that it has found something; see `findings_in`."""
    is_container: ClassVar[bool] = False
    """Whether a walk goes straight to the steps inside it, because it has no screen of its own."""
    may_come_before: ClassVar[bool] = False
    """Whether it can be used in `before`, which lists what must be true before step 1."""
    is_seen_by_person: ClassVar[bool] = False
    """Whether a person judges the result, instead of the program comparing it."""
    asks_again_on_retry: ClassVar[bool] = False
    """Whether a retry starts at its question again, because the answer given there is used up."""

    mapping: ClassVar[str] = ""
    """The key of the mapping that holds its keys; empty if they are written among the step's own keys."""
    forms: ClassVar[tuple[str, ...]] = ()
    """Keys of that mapping, exactly one of which must be given."""
    summary: ClassVar[str] = ""
    """What that mapping is for, in words for authors."""

    @classmethod
    def made(cls, values: Mapping[str, Any]) -> Action:
        """Build it from the values of its keys, by attribute; `at` is the position of its first key."""
        return cls(**{each.name: values[each.name] for each in fields(cls) if each.name in values})  # type: ignore[arg-type]

    # --- what it is made of ---------------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """The title of a step that has none of its own; empty if the step must have one."""
        return ""

    @property
    def asks(self) -> Parameter | None:
        """The value that a person sees here and types."""
        return None

    @property
    def finds(self) -> tuple[str, ...]:
        """The names of the values that it captures itself, besides those of its step."""
        return ()

    def place(self, step: Position) -> Position:
        """Return where it is written, as precisely as it knows; `step` is the position of its step."""
        return getattr(self, "at", step)

    @property
    def by_hand(self) -> Mapping[str, str]:
        """What each value that it finds means, by its name in the output, for a person who does the step by hand."""
        return {}

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the command as its author wrote them; none if the argv is generated."""
        return ()

    @property
    def included(self) -> str:
        """The id of the procedure whose steps are done here, empty for a kind that includes none."""
        return ""

    def binding_problems(self, included: Procedure) -> Iterator[str]:
        """Yield what is wrong with the values passed to the included procedure."""
        del included
        yield from ()

    def branches(self) -> tuple[tuple[Step, ...], ...]:
        """Return the lists of steps written inside it, but not those of an included procedure."""
        return ()

    def with_includes(self, resolved: Callable[[str], Procedure]) -> Action:
        """Return this with the steps of included procedures filled in; `resolved` returns a complete procedure."""
        del resolved
        return self

    # --- where it leads -------------------------------------------------------------------------------------------

    @property
    def ways_back(self) -> tuple[str, ...]:
        """The ids of earlier steps that an answer here leads back to."""
        return ()

    @property
    def suggestions(self) -> tuple[str, ...]:
        """The answers that it may suggest, as far as they are written in the book."""
        return ()

    def enter(self, place: Place, known: Known) -> Iterator[Branch]:
        """Yield the lists of steps that a walk can take from here, each with the names known in it."""
        del place, known
        yield from ()

    def leave(self, scope: Scope, step: Step, ends: Sequence[Scope]) -> Scope:
        """Return what is known after it. `ends` are the scopes at the end of each branch that was entered."""
        del step, ends
        return scope

    def is_settled(self, choice: str | None, *, passed: bool) -> bool:
        """Tell whether a walk may go past it, given how it ended and the option chosen there."""
        del choice
        return passed

    # --- what its author must get right ---------------------------------------------------------------------------

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield its texts that may contain placeholders; `at` is the position for texts that have none of their own."""
        del at
        yield from ()

    def commands(self) -> Iterator[tuple[Role, Action]]:
        """Yield what it runs, by its role."""
        yield from ()

    def majors_of(self, command: Action, majors: tuple[int, ...]) -> tuple[int, ...]:
        """Return those of these majors of the CLI on which it runs that command, one of `commands`."""
        del command
        return majors

    def problems(self, role: Role, effect: Effect) -> Iterator[Problem]:
        """Yield what is wrong with it in that role, given the effect that policy says it has."""
        del role, effect
        yield from ()

    def weaknesses(self, role: Role) -> Iterator[Problem]:
        """Yield what its author should fix, but what doesn't prevent a walk."""
        del role
        yield from ()

    def scope_problems(
        self, names: Mapping[str, Parameter | None], resolved: Mapping[str, Procedure]
    ) -> Iterator[Problem]:
        """Yield what is wrong with how it uses the names that are known at its step."""
        del names, resolved
        yield from ()

    def example_values(self, values: Mapping[str, Value]) -> Mapping[str, Value]:
        """Return the values used to check a book. `values` are examples already; a kind may replace some."""
        return values

    def written_file(self) -> WrittenFile | None:
        """Return the file that it writes, or None."""
        return None

    # --- what it runs ---------------------------------------------------------------------------------------------

    @property
    def declared(self) -> Effect:
        """The effect that its author declares. Policy may raise it; nothing lowers it."""
        return Effect.READS

    def argv(self, values: Mapping[str, Value], to: Destination) -> tuple[str, ...]:
        """Return the argv that runs there, empty for a kind that runs nothing.

        Raises UnknownName, and UsageError for a value that can't be used where it is put.
        """
        del values, to
        return ()

    def judge(self, argv: tuple[str, ...], to: Destination) -> Judgement | None:
        """Return policy's judgement of that argv, or None if nothing runs."""
        return to.judge(argv) if argv else None

    def environment(self) -> Mapping[str, str]:
        """Return variables that its command gets besides the target's."""
        return {}

    def secret_lines(self, values: Mapping[str, Value], secret: Callable[[str], str]) -> tuple[str, ...]:
        """Return the lines of a private file with its secrets; `secret` returns a secret by the name used here."""
        del values, secret
        return ()

    def secret_environment(self, secret: Callable[[str], str]) -> Mapping[str, str]:
        """Return variables that hold its secrets; only its own process gets them."""
        del secret
        return {}

    def expectation(self, own: Expectation) -> Expectation:
        """Return what its result must be: what its step or check expects, and what the kind itself expects."""
        return own

    # --- how it is done -------------------------------------------------------------------------------------------

    def begin(self, work: Work) -> Draft | None:
        """Prepare what must exist before the step is shown; return None if there is nothing to prepare."""
        del work
        return None

    def perform(self, work: Work, answer: str) -> None:
        """Do it, now that a person has confirmed; `answer` is what that person chose, saw or wrote.

        An answer that doesn't fit changes nothing, and the same question is asked again.
        """
        raise NotImplementedError

    def findings_in(self, output: str) -> str:
        """Return what a person must judge in its output, "" if nothing."""
        del output
        return ""

    def runs_dry(self, effect: Effect, *, is_complete: bool) -> bool:
        """Tell whether a dry run really does it: a dry run reads, asks and offers ticks, and does nothing else."""
        del effect, is_complete
        return False

    # --- how a person answers -------------------------------------------------------------------------------------

    @property
    def usual(self) -> str:
        """The answer to give if nothing suggests another one, "" if there is none."""
        return ""

    def suggestion(self, values: Mapping[str, Value]) -> tuple[str, str]:
        """Return the answer that it suggests and why, both "" if it suggests none."""
        del values
        return "", ""

    @property
    def wants_answer(self) -> bool:
        """True if its step takes an answer, such as an option or a value, instead of a confirmation."""
        return False

    def read_answer(self, typed: str) -> tuple[str, str]:
        """Return the answer that was typed, and what is wrong with it ("" if nothing is)."""
        return typed, ""

    def attend(self, hands: Hands) -> str | None:
        """Do the part that a person does at the terminal; return the answer, or None if the person left it."""
        del hands
        return ""

    # --- how a drill answers --------------------------------------------------------------------------------------

    def answer_problem(self, step: Step, answers: Sequence[str]) -> str:
        """Return what is wrong with a drill's answers for its step, "" if nothing is."""
        del answers
        return f"step '{step.id}' asks nothing"

    def leads_back(self, answers: Sequence[str]) -> bool:
        """Tell whether one of a drill's answers leads to an earlier step."""
        del answers
        return False

    def drill_answer(self, given: Callable[..., str | None], draft: str) -> str:
        """Return what an unattended drill answers. `given` looks up the drill's answer for the step, or for a name."""
        del given, draft
        return ""

    # --- how it shows itself --------------------------------------------------------------------------------------

    def view(self, values: Mapping[str, Value], to: Destination) -> Iterator[Block]:
        """Yield what to do, as blocks that each renderer shows its own way; `values` has an answer for every name."""
        del values, to
        yield from ()
