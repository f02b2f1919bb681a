"""A step as the loader leaves it, and what every kind of step has to answer.

Every text a command, a statement, a path or a template is made of may hold `{{name}}` placeholders;
`runbook.filling` puts values into them. `{{target}}` stands for the words that name the target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, ClassVar

from runbook.model.fields import (
    EFFECT,
    KEBAB,
    LINE,
    LINE_TEMPLATE,
    MAJOR,
    NAME,
    TEMPLATE,
    Duration,
    Either,
    MapOf,
    Number,
    ProcedureId,
    Regex,
    Shaped,
    Text,
    Whole,
    key,
)
from runbook.model.terms import Effect, Position

if TYPE_CHECKING:
    from runbook.model.parameter import Parameter, Value
    from runbook.model.procedure import Procedure
    from runbook.policy.judgement import Judgement
    from runbook.steps.destination import Destination
    from runbook.steps.performing import Draft, Hands, Work
    from runbook.steps.scope import Branch, Known, Place, Scope
    from runbook.steps.view import Block

__all__ = [
    "Action",
    "Becomes",
    "Capture",
    "Check",
    "Expectation",
    "Problem",
    "Recovery",
    "Role",
    "Step",
    "Undo",
    "Use",
    "WrittenFile",
]

_PART = r"(?:\*|[A-Za-z0-9_-]+|[a-z_]+=(?:[A-Za-z0-9_-]+|\{\{[a-z][a-z0-9_]*\}\}))"
_PATH = Text(rf"{_PART}(?:\.{_PART})*", "a path such as migrations.0.local", template=True)

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

    def runs_dry(self, effect: Effect, *, is_complete: bool) -> bool:
        """Tell whether a dry run really does it: it reads, asks and lets tick, and nothing else."""
        del effect, is_complete
        return False

    # --- how a person answers -------------------------------------------------------------------------------------

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

    def drill_answer(self, given: Callable[..., str | None], draft: str) -> str:
        """Return what an unattended drill answers. `given` looks up the drill's word for the step, or for a name."""
        del given, draft
        return ""

    # --- how it shows itself --------------------------------------------------------------------------------------

    def view(self, values: Mapping[str, Value], to: Destination) -> Iterator[Block]:
        """Yield what to do, as blocks that each renderer shows its own way; `values` has an answer for every name."""
        del values, to
        yield from ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the output must be for a step to have passed. Absent parts are not looked at.

    `output` must occur literally (a template), `matches` and `absent` are regular expressions that must and must
    not occur, `json` pairs a dotted path (`migrations.0.local`, `0.count`, `migrations.*.remote`) with the value
    expected there as text (a template). `differs` pairs such a path with a value that must not be there; something
    else must. A part `slug=complete-task` (the value a template) picks the items of a list whose field has that value.
    """

    exit: int = key(Whole(), "The exit code.", default=0, said="0")
    output: str | None = key(TEMPLATE, "Text that must occur in the output.", default=None)
    matches: str | None = key(Regex(), "A regular expression that must occur in the output.", default=None)
    absent: str | None = key(Regex(), "A regular expression that must not occur in the output.", default=None)
    json: tuple[tuple[str, str], ...] = key(
        MapOf(_PATH, Text(template=True, empty=True)),
        "Paths into the JSON output, such as 0.count, each with the value expected there, as text.",
        default=(),
        read=lambda found: tuple(found.items()),
    )
    differs: tuple[tuple[str, str], ...] = key(
        MapOf(_PATH, Text(template=True, empty=True)),
        "Paths into the JSON output where there must be a value, and another one than this.",
        default=(),
        read=lambda found: tuple(found.items()),
    )

    @property
    def compares(self) -> bool:
        """True if anything besides the exit code is looked at."""
        return self != Expectation(exit=self.exit)

    def clauses(self, fill: Callable[[str], str]) -> list[str]:
        """Say each part as a clause, with code in backticks. An exit code of 0 goes without saying."""
        found = [f"it ends with exit code {self.exit}"] if self.exit else []
        if self.output is not None:
            found.append(f"the output has {_code(fill(self.output))}")
        if self.matches is not None:
            found.append(f"the output matches {_code(self.matches)}")
        if self.absent is not None:
            found.append(f"the output does not match {_code(self.absent)}")
        found += [f"{_path_in_words(path, fill)} is {_code(fill(value))}" for path, value in self.json]
        found += [f"{_path_in_words(path, fill)} is no longer {_code(fill(value))}" for path, value in self.differs]
        return found

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield its texts that may hold placeholders."""
        for text in (self.output, *(text for pair in (*self.json, *self.differs) for text in pair)):
            if text:
                yield Use(text, at, Becomes.COMPARED)


@dataclass(frozen=True, slots=True)
class Capture:
    """A variable filled from the output: by a JSON path (as in an expectation), or by a regular expression's group."""

    name: str
    json: str | None = key(_PATH, "A path into the JSON output, such as migrations.-1.remote.", default=None)
    pattern: str | None = key(Regex(groups=1), "A regular expression; its first group is the value.", default=None)


@dataclass(frozen=True, slots=True)
class Check:
    """A reading action and what it must show. It decides what became of a step whose end is unknown."""

    action: Action
    expect: Expectation
    at: Position

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield its texts that may hold placeholders; `at` is the place of the step."""
        yield from self.action.uses(at)
        yield from self.expect.uses(self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """How to take a step back (`action`), or why that can't be done (`reason`)."""

    action: Action | None = None
    reason: str | None = None
    check: Check | None = None

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield its texts that may hold placeholders; `at` is the place of the step."""
        if self.reason:
            yield Use(self.reason, at)
        if self.action:
            yield from self.action.uses(at)
        if self.check:
            yield from self.check.uses(at)


@dataclass(frozen=True, slots=True)
class Recovery:
    """What to do when the step fails, and the procedure (an id) that takes over, if any."""

    text: str = key(TEMPLATE, "What to do.")
    see: str | None = key(ProcedureId(), "The id of the procedure that takes over.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action of a procedure, with all a person needs around it. `timeout` is in seconds, `minutes` in minutes."""

    id: str = key(KEBAB, "The step's name; unique in the procedure.")
    title: str = key(LINE_TEMPLATE, "What is done, as an order.", required=True)
    action: Action
    at: Position
    phase: str | None = key(LINE, "Title of the phase that begins here. A phase has at most nine steps.", default=None)
    why: str | None = key(TEMPLATE, "Why this step is there.", default=None)
    look_for: str | None = key(TEMPLATE, "What to look for in the output.", default=None)
    warning: str | None = key(TEMPLATE, "What can go wrong, shown before the step.", default=None)
    stop_if: str | None = key(TEMPLATE, "What to see as a reason to stop.", default=None)
    if_it_fails: Recovery | None = key(
        Either(TEMPLATE, Shaped("recovery")),
        "What to do when the step fails.",
        default=None,
        read=lambda found: Recovery(found) if isinstance(found, str) else found,
    )
    minutes: float | None = key(Number(), "How long it takes.", default=None)
    timeout: float | None = key(Duration(), "After how long the command counts as hung.", default=None)
    effect: Effect | None = key(
        EFFECT, "Asks for more care than policy does; never for less.", default=None, read=Effect
    )
    expect: Expectation = key(
        Shaped("expect"), "What must be so for it to have passed.", default=Expectation, said="exit code 0"
    )
    capture: tuple[Capture, ...] = key(
        MapOf(NAME, Shaped("capture")),
        "Values to keep from the output, for later steps.",
        default=(),
        read=lambda found: tuple(found.values()),
    )
    verify: Check | None = key(Shaped("check"), "A reading command that tells whether the step was done.", default=None)
    undo: Undo | None = key(Shaped("undo"), "How to take the step back, or why that can't be done.", default=None)
    on_cli: Mapping[int, Action] = key(
        MapOf(MAJOR, Shaped("action")), "Another action on that major of the Supabase CLI.", default=dict
    )

    def action_on(self, major: int) -> Action:
        """Return the action for that major of the Supabase CLI."""
        return self.on_cli.get(major, self.action)

    def with_includes(self, resolved: Callable[[str], Procedure]) -> Step:
        """Return the step with the steps of included procedures in their places."""
        action = self.action.with_includes(resolved)
        return self if action is self.action else replace(self, action=action)

    @property
    def actions(self) -> tuple[Action, ...]:
        """All that the step may do, on one major or another."""
        return (self.action, *self.on_cli.values())

    @property
    def captures(self) -> tuple[str, ...]:
        """Names that the step fills: from its output, or by what a person sees."""
        asked = (action.asks.name for action in self.actions if action.asks)
        return (*(each.name for each in self.capture), *asked)

    def commands(self, majors: Sequence[int]) -> Iterator[tuple[Role, Action, tuple[int, ...]]]:
        """Yield all that the step runs, with its role and the majors of the CLI that it is for."""
        others = tuple(major for major in majors if major not in self.on_cli)
        for action, own in ((self.action, others), *((each, (major,)) for major, each in self.on_cli.items())):
            yield from ((role, each, own) for role, each in action.commands())
        if self.verify:
            yield Role.CHECK, self.verify.action, tuple(majors)
        if self.undo and self.undo.action:
            yield from ((Role.UNDO, each, tuple(majors)) for _, each in self.undo.action.commands())
        if self.undo and self.undo.check:
            yield Role.CHECK, self.undo.check.action, tuple(majors)

    def uses(self) -> Iterator[Use]:
        """Yield the texts of the step that may hold placeholders, but not those of the steps within it."""
        failing = self.if_it_fails.text if self.if_it_fails else None
        for text in (self.title, self.why, self.look_for, self.warning, self.stop_if, failing):
            if text:
                yield Use(text, self.at)
        for action in self.actions:
            yield from action.uses(self.at)
        yield from self.expect.uses(self.at)
        yield from (Use(each.json, self.at, Becomes.COMPARED) for each in self.capture if each.json)
        if self.verify:
            yield from _late(self.verify.uses(self.at))
        if self.undo:
            yield from _late(self.undo.uses(self.at))


def _late(uses: Iterator[Use]) -> Iterator[Use]:
    return (Use(use.text, use.at, use.becomes, True, use.env_file) for use in uses)


def _code(value: str) -> str:
    return f"`{value}`" if value else "empty"


def _path_in_words(path: str, fill: Callable[[str], str]) -> str:
    """Say a path as a person reads the output: which column, of which row, of which list."""
    *outer, last = path.split(".")
    return _code(fill(last)) + "".join(_within(part, fill) for part in reversed(outer))


def _within(part: str, fill: Callable[[str], str]) -> str:
    name, picks, value = part.partition("=")
    if picks:
        return f" where {_code(name)} is {_code(fill(value))}"
    if part == "*":
        return " in one of the rows"
    if part == "-1":
        return " in the last row"
    if part.isdigit():
        return "" if part == "0" else f" in row {int(part) + 1}"
    return f" of {_code(fill(part))}"
