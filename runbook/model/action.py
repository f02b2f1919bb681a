"""What every kind of step has to answer, and the words in which it does.

Every text a command, a statement, a path or a template is made of may hold `{{name}}` placeholders;
`runbook.filling` puts values into them. `{{target}}` stands for the words that name the target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, ClassVar

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
"""What is wrong, then the texts in the source that lead to its place, each behind the one before."""


class Role(Enum):
    """What a command is there for."""

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
    """One text. With `late` the step's own captures are known to it. `env_file`: its command has a private file."""

    text: str
    at: Position
    becomes: Becomes = Becomes.SHOWN
    late: bool = False
    env_file: bool = False


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that a step writes: its path, what it begins as (None: an older version), whether a command checks it."""

    path: str
    text: str | None
    is_checked: bool


class Action:
    """What a step does. Each kind of step is a subclass in `runbook.steps`, and all that differs is said there.

    A kind is a frozen dataclass whose attributes are its YAML keys. What it does not override is as here: it runs
    nothing, holds no steps, asks for nothing, and is ticked off by Enter.
    """

    __slots__ = ()

    word: ClassVar[str] = ""
    """What it is, beside its step's title: `By hand`, `Wait`. Of what runs, the effect says more."""
    symbol: ClassVar[str] = ""
    """The name of its drawing on the site; empty where the effect is drawn."""
    places: ClassVar[frozenset[str]] = frozenset({"step"})
    """Where it may stand: `step`, `on_cli`, `check` (it must be able to read only), `undo`."""
    enter_does: ClassVar[str] = "to run"
    """What Enter does at its step, as in `Press Enter to run`."""
    runs: ClassVar[bool] = False
    """It is one command or request, and what it prints is there to be looked at."""
    starts_by_itself: ClassVar[bool] = False
    """It needs nothing from a person: where it only reads, a walk starts it without a key."""
    reports_findings: ClassVar[bool] = False
    """It says itself whether it has found something; see `findings_in`."""
    by_hand: ClassVar[Mapping[str, str]] = {}
    """What the values are that it finds, by their names in its output, for a person who does the step by hand."""
    is_container: ClassVar[bool] = False
    """A walk goes straight to the steps within it; it has no screen of its own."""
    may_come_before: ClassVar[bool] = False
    """It may stand among what must hold before step 1."""
    is_seen_by_person: ClassVar[bool] = False
    """A person judges how it went, where for others the program compares."""
    asks_again_on_retry: ClassVar[bool] = False
    """A retry begins at its question, because what was answered there is used up."""

    mapping: ClassVar[str] = ""
    """Its keys stand in a mapping of their own under this key; empty where they stand beside the step's."""
    forms: ClassVar[tuple[str, ...]] = ()
    """Of these keys of that mapping exactly one is given."""
    summary: ClassVar[str] = ""
    """What that mapping is, for authors."""

    @classmethod
    def made(cls, values: Mapping[str, Any]) -> Action:
        """Return it from the values of its keys by attribute; `at` is where its first key stands."""
        return cls(**{each.name: values[each.name] for each in fields(cls) if each.name in values})  # type: ignore[arg-type]

    # --- what it is made of ---------------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """The title of a step that has none of its own; empty where a step needs one."""
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
        """Return where it is written, as near as it knows; `step` is the place of its step."""
        return getattr(self, "at", step)

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the command as its author wrote them; none where the argv is not written but made."""
        return ()

    @property
    def included(self) -> str:
        """The id of the procedure whose steps are done here, empty for a kind that includes none."""
        return ""

    def binding_problems(self, included: Procedure) -> Iterator[str]:
        """Yield what is wrong with the values that the included procedure is given."""
        del included
        yield from ()

    def branches(self) -> tuple[tuple[Step, ...], ...]:
        """Return the lists of steps that are written within it; not those of an included procedure."""
        return ()

    def with_includes(self, resolved: Callable[[str], Procedure]) -> Action:
        """Return this with the steps of included procedures in their places; `resolved` gives those, complete."""
        del resolved
        return self

    # --- where it leads -------------------------------------------------------------------------------------------

    @property
    def ways_back(self) -> tuple[str, ...]:
        """The ids of earlier steps that an answer here leads back to."""
        return ()

    @property
    def suggestions(self) -> tuple[str, ...]:
        """The answers that it may suggest, as far as they are written here."""
        return ()

    def enter(self, place: Place, known: Known) -> Iterator[Branch]:
        """Yield the lists of steps that are gone through from here, each with the names that hold in it."""
        del place, known
        yield from ()

    def leave(self, scope: Scope, step: Step, ends: Sequence[Scope]) -> Scope:
        """Return what is known behind it. `ends` are the scopes at the end of each branch that was entered."""
        del step, ends
        return scope

    def is_settled(self, choice: str | None, *, passed: bool) -> bool:
        """Tell whether a walk may go past it, given how it ended and the option chosen there."""
        del choice
        return passed

    # --- what its author must mind --------------------------------------------------------------------------------

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield its texts that may hold placeholders; `at` is the place of one that keeps none of its own."""
        del at
        yield from ()

    def commands(self) -> Iterator[tuple[Role, Action]]:
        """Yield what it runs, by its role."""
        yield from ()

    def majors_of(self, command: Action, majors: tuple[int, ...]) -> tuple[int, ...]:
        """Return on which of these majors of the CLI it runs that command, one of `commands`."""
        del command
        return majors

    def problems(self, role: Role, effect: Effect) -> Iterator[Problem]:
        """Yield what is wrong with it in that role, where policy says that it has that effect."""
        del role, effect
        yield from ()

    def weaknesses(self, role: Role) -> Iterator[Problem]:
        """Yield what its author should mend, and what keeps nobody from a walk."""
        del role
        yield from ()

    def scope_problems(
        self, names: Mapping[str, Parameter | None], resolved: Mapping[str, Procedure]
    ) -> Iterator[Problem]:
        """Yield what is wrong with how it uses the names that are known at its step."""
        del names, resolved
        yield from ()

    def example_values(self, values: Mapping[str, Value]) -> Mapping[str, Value]:
        """Return the values with which a book is checked. `values` are examples already; a kind may replace some."""
        return values

    def written_file(self) -> WrittenFile | None:
        """Return the file that it writes, None where it writes none."""
        return None

    # --- what it runs ---------------------------------------------------------------------------------------------

    @property
    def declared(self) -> Effect:
        """The least that it does, by its author's word. Policy may see more; nothing makes it less."""
        return Effect.READS

    def argv(self, values: Mapping[str, Value], to: Destination) -> tuple[str, ...]:
        """Return the argv that runs there, empty for a kind that runs nothing.

        Raises UnknownName, and UsageError for a value that can't stand where it is put.
        """
        del values, to
        return ()

    def judge(self, argv: tuple[str, ...], to: Destination) -> Judgement | None:
        """Return what policy says of that argv; None where nothing runs."""
        return to.judge(argv) if argv else None

    def environment(self) -> Mapping[str, str]:
        """Return variables that its command gets besides the target's."""
        return {}

    def secret_lines(self, values: Mapping[str, Value], secret: Callable[[str], str]) -> tuple[str, ...]:
        """Return the lines of a private file with its secrets; `secret` gives one by the name it is called here."""
        del values, secret
        return ()

    def secret_environment(self, secret: Callable[[str], str]) -> Mapping[str, str]:
        """Return variables that hold its secrets; they reach its own process and nothing else."""
        del secret
        return {}

    def expectation(self, own: Expectation) -> Expectation:
        """Return what must come out of it: what its step or check expects, and what the kind itself does."""
        return own

    # --- how it is done -------------------------------------------------------------------------------------------

    def begin(self, work: Work) -> Draft | None:
        """Prepare what must be at hand before the step is shown; None where there is nothing."""
        del work
        return None

    def perform(self, work: Work, answer: str) -> None:
        """Do it, now that a person has confirmed; `answer` is what that person chose, saw or wrote.

        An answer that does not fit changes nothing, so that the same question comes again.
        """
        raise NotImplementedError

    def findings_in(self, output: str) -> str:
        """Return what a person must judge in this output of it, "" if nothing."""
        del output
        return ""

    def runs_dry(self, effect: Effect, *, is_complete: bool) -> bool:
        """Tell whether a dry run really does it: it reads, asks and lets tick, and nothing else."""
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
        """True if its step is not confirmed but answered: an option, a value."""
        return False

    def read_answer(self, typed: str) -> tuple[str, str]:
        """Return the answer that was typed, and what is wrong with it ("" if nothing is)."""
        return typed, ""

    def attend(self, hands: Hands) -> str | None:
        """Do the part that a person does at the terminal, and return the answer; None if it was left."""
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
        """Return what an unattended drill answers. `given` looks up the drill's word for the step, or for a name."""
        del given, draft
        return ""

    # --- how it shows itself --------------------------------------------------------------------------------------

    def view(self, values: Mapping[str, Value], to: Destination) -> Iterator[Block]:
        """Yield what to do, as blocks that each renderer shows its own way; `values` has an answer for every name."""
        del values, to
        yield from ()
