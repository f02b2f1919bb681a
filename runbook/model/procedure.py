"""A procedure and its steps, as the loader leaves them: checked, frozen, and with nothing of YAML left.

Every text a command, a statement, a path or a template is made of may hold `{{name}}` placeholders;
`runbook.filling` puts values into them. `{{target}}` stands for the words that name the target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from runbook.model.drill import Drill
from runbook.model.terms import Effect, Position

__all__ = [
    "Action",
    "Capture",
    "Check",
    "Choose",
    "Command",
    "Each",
    "Edit",
    "Effect",
    "Expectation",
    "Include",
    "Mode",
    "Option",
    "Parameter",
    "Position",
    "Procedure",
    "Recovery",
    "Reference",
    "Section",
    "Sql",
    "Step",
    "Tick",
    "Undo",
    "Wait",
]


class Mode(StrEnum):
    """How a procedure is meant to be used: read each step and do it, or do a phase and then confirm it."""

    READ_DO = "read-do"
    DO_CONFIRM = "do-confirm"


class Section(StrEnum):
    """Where in time a procedure belongs; the site's navigation follows it."""

    START = "start"
    BEFORE = "before"
    DURING = "during"
    WRONG = "wrong"
    FUNCTIONS = "functions"


@dataclass(frozen=True, slots=True)
class Reference:
    """A situation, and the procedure that fits it (an id), if there is one."""

    text: str
    see: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A value asked for before step 1, or, in a tick, the value that the operator sees.

    `pattern` is a regular expression that the whole value must match. A `secret` is never shown, stored or
    put into an argv. A `many` parameter is a list of values, written with commas.
    """

    name: str
    ask: str
    example: str
    at: Position
    pattern: str | None = None
    choices: tuple[str, ...] = ()
    default: str | None = None
    secret: bool = False
    many: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """An argv, each word a template. It never goes through a shell."""

    words: tuple[str, ...]
    at: Position
    env_file: tuple[tuple[str, str], ...] = ()
    """Pairs (key template, secret parameter) for a 0600 file whose path fills `{{env_file}}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sql:
    """One statement for the CLI's query command. `lock_timeout` and `statement_timeout` are seconds."""

    statement: str
    at: Position
    writes: bool = False
    lock_timeout: float = 5
    statement_timeout: float = 30


@dataclass(frozen=True, slots=True)
class Tick:
    """A thing only a person can do or see. With `asks`, the value seen is checked and kept as a variable."""

    text: str
    asks: Parameter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A file written from `template` or from git (`revision`, `path`), opened in `$EDITOR`, then `check`ed."""

    file: str
    template: str | None = None
    git_revision: str | None = None
    git_path: str | None = None
    check: Command | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """A pause of `seconds`, and what it is for."""

    seconds: float
    text: str


@dataclass(frozen=True, slots=True)
class Option:
    """One answer of a `Choose` step and the steps it leads to (none: go on)."""

    when: str
    steps: tuple[Step, ...]
    at: Position


@dataclass(frozen=True, slots=True)
class Choose:
    """A question whose answer picks the branch."""

    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Each:
    """The same steps once for every value of the list parameter `over`, each time bound to `name`."""

    over: str
    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Include:
    """Another procedure's steps at this place. `values` binds its parameters to templates of this one."""

    procedure: str
    values: Mapping[str, str]
    steps: tuple[Step, ...] = ()
    """The included procedure's steps, filled in by the loader."""


Action = Command | Sql | Tick | Edit | Wait | Choose | Each | Include


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the output must be for a step to have passed. Absent parts are not looked at.

    `output` must occur literally (a template), `matches` and `absent` are regular expressions that must and must
    not occur, `json` pairs a dotted path (`migrations.0.local`, `0.count`, `migrations.*.remote`) with the value
    expected there as text (a template). `differs` pairs such a path with a value that must not be there; something
    else must. A part `slug=complete-task` (the value a template) picks the items of a list whose field has that value.
    """

    exit: int = 0
    output: str | None = None
    matches: str | None = None
    absent: str | None = None
    json: tuple[tuple[str, str], ...] = ()
    differs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Capture:
    """A variable filled from the output: by a JSON path (as in an expectation), or by a regular expression's group."""

    name: str
    json: str | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A reading action and what it must show. It decides what became of a step whose end is unknown."""

    action: Command | Sql
    expect: Expectation
    at: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """How to take a step back (`action`), or why that can't be done (`reason`)."""

    action: Command | Sql | Tick | None = None
    reason: str | None = None
    check: Check | None = None


@dataclass(frozen=True, slots=True)
class Recovery:
    """What to do when the step fails, and the procedure (an id) that takes over, if any."""

    text: str
    see: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action of a procedure, with all a person needs around it. `timeout` and `minutes` are budgets."""

    id: str
    title: str
    action: Action
    at: Position
    phase: str | None = None
    """Title of the phase that begins at this step."""
    why: str | None = None
    look_for: str | None = None
    warning: str | None = None
    stop_if: str | None = None
    if_it_fails: Recovery | None = None
    minutes: float | None = None
    timeout: float | None = None
    """Seconds after which the command counts as hung."""
    effect: Effect | None = None
    """More care than policy asks for; never less."""
    expect: Expectation = field(default_factory=Expectation)
    capture: tuple[Capture, ...] = ()
    verify: Check | None = None
    undo: Undo | None = None
    on_cli: Mapping[int, Action] = field(default_factory=dict)
    """What to do instead on a CLI major whose commands differ."""

    def action_on(self, major: int) -> Action:
        """Return the action for that major of the Supabase CLI."""
        return self.on_cli.get(major, self.action)


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """One task from start to end."""

    id: str
    title: str
    summary: str
    section: Section
    use_when: tuple[str, ...]
    not_for: tuple[Reference, ...]
    owner: str
    reviewed: date
    review_days: int
    minutes: int
    mode: Mode
    needs: tuple[str, ...]
    warnings: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    before: tuple[Step, ...]
    steps: tuple[Step, ...]
    after: tuple[str, ...]
    related: tuple[str, ...]
    drills: tuple[Drill, ...]
    source: str
    """The YAML text, kept so that a changed procedure can be shown as a difference."""
    digest: str
    """SHA-256 (hex) over this procedure's YAML and that of every procedure it includes."""
    at: Position

    def parameter(self, name: str) -> Parameter:
        """Return the parameter called `name`; raises KeyError."""
        return {parameter.name: parameter for parameter in self.parameters}[name]
