"""What a drill starts from, what its unattended operator answers, and what must be true at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runbook.model.fields import (
    KEBAB,
    LINE,
    NAME,
    PROSE,
    TEXTS,
    Anything,
    Choice,
    Duration,
    Either,
    Field,
    ListOf,
    MapOf,
    Regex,
    Shaped,
    Text,
    Truth,
    Whole,
    forms,
    key,
    shape,
)

__all__ = ["SHAPES", "Answer", "Drill", "FunctionResponse", "Proof", "Scenario", "ScenarioEvent", "ScenarioMigration"]

Answer = str | tuple[str, ...]
"""A parameter's value, the `when` of an option, a value seen in a tick, or the text of an edited file."""

_FILE_NAME = Text(r"[A-Za-z0-9_][A-Za-z0-9_./-]*", "a name of letters, digits, - and _")
_SQL = Text(says="SQL")
_PART = r"[a-z][a-z0-9_-]*(?:\[[^\]\n]*\])?"
_ANSWERED = Text(rf"{_PART}(?:/{_PART})*", "the name of a parameter, the id of a step, or a step's path")
_REACTION = Text(
    r"go|retry|undo|back|probe|done|redo|stop|(?:leave|skip|stop|switch|take): .+",
    "go, retry, undo, back, probe, done, redo, stop, 'leave: why', 'skip: why', 'stop: why', 'switch: procedure' or "
    "'take: why'",
)
_BREAKS = Choice(("before", "after"))
"""When a push is interrupted: before or after the server has received it."""


@dataclass(frozen=True, slots=True)
class ScenarioMigration:
    """A migration file of the scratch project."""

    name: str = key(
        Text(r"[A-Za-z0-9][A-Za-z0-9_.-]*", "a name such as 20261101000000_add_column"),
        "Its name, without .sql. A file that the CLI skips can only be pending.",
    )
    sql: str = key(_SQL, "Its SQL.")
    state: str = key(
        Choice(("applied", "pending", "edited", "missing", "half")),
        "applied: on production and in the tree. pending: in the tree only. edited: changed after it was applied. "
        "missing: on production only. half: begun on production and not recorded there.",
        default="applied",
        said="applied",
    )


@dataclass(frozen=True, slots=True)
class ScenarioEvent:
    """Something that happens during the walk, as a step starts. `what` is the value of the key that names its kind."""

    at: str = key(_ANSWERED, "The id of the step, or its path; `start` means before the first step.")
    kind: str  # type: ignore[misc] # always there: `key` gives no default
    what: str  # type: ignore[misc]
    turn: int | None = key(
        Whole(1), "At which start of the step it happens: 1 is the first.", default=None, said="every start"
    )
    status: int | None = key(Whole(400), "The HTTP status of the response.", default=None, said="the normal response")
    delay: float = key(Duration(), "How long the response takes.", default=0, said="no time")
    """Seconds."""
    times: int = key(Whole(1), "How many requests go wrong.", default=1, said="1")
    text: str = key(TEXTS, "The text of the file.", default="", required=True)


def _event(name: str, type_: Any, doc: str) -> Field:
    return Field(name, type_, doc, attribute="what")


_EVENTS = forms(
    ScenarioEvent,
    (
        _event(
            "drop_connection",
            _BREAKS,
            "The connection drops during a push: before or after the server has received it.",
        ),
    ),
    (_event("kill_cli", _BREAKS, "The command is killed during a push: before or after the server has received it."),),
    (_event("second_operator", LINE, "The name of a colleague who takes over the target, or holds it."),),
    (
        _event("fail_requests", Regex(), "A regular expression for the 'METHOD path' of the requests that go wrong."),
        "status",
        "delay",
        "times",
    ),
    (_event("run_sql", _SQL, "A statement with which somebody changes production."),),
    (_event("fail_function", _FILE_NAME, "The edge function whose calls fail from now on."),),
    (_event("keep_version", _FILE_NAME, "The edge function whose next deploy is accepted but doesn't go live."),),
    (_event("keep_secret", _FILE_NAME, "The secret whose next new value is accepted but not set."),),
    (_event("remove_file", _FILE_NAME, "The file that an unattended drill removes, as the tick asks."),),
    (_event("write_file", _FILE_NAME, "The file that an unattended drill writes, as the tick asks."), "text"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionResponse:
    """How a deployed edge function responds to a call.

    This applies to one `version`, or to every version whose source contains the text `source`; with neither, to all.
    """

    version: int | None = key(Whole(1), "The version that responds like this.", default=None, said="any")
    source: str = key(TEXTS, "Text in the source of the versions that respond like this.", default="", said="any")
    status: int = key(Whole(200), "The HTTP status.", default=200, said="200")
    body: object = key(
        Either(Text(empty=True), Anything()), "The body: text, or a mapping or list that is sent as JSON.", default=""
    )
    headers: Mapping[str, str] = key(
        MapOf(Text(r"[A-Za-z0-9-]+", "a header's name"), TEXTS), "More headers.", default=dict
    )
    delay: float = key(Duration(), "How long the response takes.", default=0, said="no time")
    """Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The situation before the walk, on top of the scratch project's own schema and rows."""

    migrations: tuple[ScenarioMigration, ...] = key(
        ListOf(Shaped("migration"), 0), "Migrations of the scratch project, in order.", default=()
    )
    seed: tuple[str, ...] = key(
        ListOf(_SQL, 0), "Statements that run on the database after the migrations.", default=()
    )
    traffic: tuple[str, ...] = key(
        ListOf(_SQL, 0),
        "Statements that the app then tries. Those that fail leave an error in the database's log.",
        default=(),
    )
    hold: str | None = key(_SQL, "A statement that another session holds open in a transaction.", default=None)
    waits: str | None = key(_SQL, "A statement that makes one more session wait. It is rolled back.", default=None)
    functions: Mapping[str, str] = key(
        MapOf(_FILE_NAME, TEXTS), "Edge functions in the working tree: name and source.", default=dict
    )
    earlier: Mapping[str, str] = key(
        MapOf(_FILE_NAME, TEXTS), "Edge functions in the commit before the newest: name and source.", default=dict
    )
    files: Mapping[str, str] = key(
        MapOf(_FILE_NAME, TEXTS), "Other files in the working tree: path and text.", default=dict
    )
    earlier_files: Mapping[str, str] = key(
        MapOf(_FILE_NAME, TEXTS), "Other files in the commit before the newest: path and text.", default=dict
    )
    deployed: Mapping[str, str] = key(
        MapOf(_FILE_NAME, TEXTS), "Edge functions on the platform before the walk: name and source.", default=dict
    )
    responses: Mapping[str, tuple[FunctionResponse, ...]] = key(
        MapOf(_FILE_NAME, ListOf(Shaped("response"))),
        "How an edge function responds to calls: with the first response that fits the live version.",
        default=dict,
    )
    secrets: Mapping[str, str] = key(
        MapOf(_FILE_NAME, Text(empty=True)), "Secrets that the project has before the walk.", default=dict
    )
    platform: Mapping[str, object] = key(MapOf(TEXTS, Anything()), "How the platform's stand-in behaves.", default=dict)
    events: tuple[ScenarioEvent, ...] = key(
        ListOf(Shaped("event"), 0), "What happens during the walk, in order.", default=()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One thing that must be true after the walk; exactly one of its forms is set."""

    text: str = key(LINE, "What is proven, as a sentence.")
    sql: str | None = key(_SQL, "A query; the first column of its first row is compared.", default=None)
    history: tuple[str, ...] | None = key(
        ListOf(TEXTS, 0), "The migrations that production must have, in order.", default=None
    )
    files: tuple[str, ...] | None = key(
        ListOf(_FILE_NAME, 0), "The files that supabase/migrations must contain, by name.", default=None
    )
    modified: tuple[str, ...] | None = key(
        ListOf(_FILE_NAME, 0),
        "The migration files whose content must differ from the newest commit; an empty list means none.",
        default=None,
    )
    function: str | None = key(_FILE_NAME, "An edge function; its version on the platform is compared.", default=None)
    source: str | None = key(TEXTS, "Text that this version's source must contain.", default=None)
    verify_jwt: str | None = key(
        Choice(("true", "false")), "Whether this version must accept only callers with a token.", default=None
    )
    entrypoint: str | None = key(TEXTS, "The file that this version must start with.", default=None)
    secret: str | None = key(_FILE_NAME, "A secret that must be set.", default=None)
    request: str | None = key(
        Regex(), "A regular expression for the 'METHOD path' of requests and function calls.", default=None
    )
    checked: tuple[str, ...] | None = key(
        ListOf(_ANSWERED), "Steps whose expectation or check must have compared something and passed.", default=None
    )
    """The page's own safety nets."""
    walked: tuple[str, ...] | None = key(
        ListOf(_ANSWERED), "Steps that must have been done, in this order.", default=None
    )
    """These may be steps that prove nothing themselves."""
    captured: Mapping[str, str] | None = key(
        MapOf(NAME, TEXTS), "Values that a step must have captured or found, by name.", default=None
    )
    diagnosed: Mapping[str, str] | None = key(
        MapOf(_ANSWERED, KEBAB, 1),
        "Steps that must have failed, each with the known error that it was recognized as (its id, or `unknown`).",
        default=None,
    )
    """The same diagnosis that the failure screen shows, made from the record."""
    equals: str | None = key(Text(empty=True), "The value it must have, as text.", default=None, required=True)
    """The value of `sql` or of `secret`, the version of `function`; of a `request` whether it was sent, yes or no."""


_PROOFS = forms(
    Proof,
    ("sql", "equals"),
    ("history",),
    ("files",),
    ("modified",),
    ("function", "equals", "source", "verify_jwt", "entrypoint"),
    ("checked",),
    ("walked",),
    ("captured",),
    ("diagnosed",),
    ("secret", Field("equals", Text(empty=True), "The value that it must have.", attribute="equals")),
    (
        "request",
        Field(
            "equals",
            Choice(("yes", "no")),
            "Whether there must have been such a request.",
            default="yes",
            attribute="equals",
        ),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """A rehearsal of one way through a procedure on a throwaway target."""

    name: str = key(KEBAB, "The drill's name; unique in the procedure.")
    briefing: str = key(PROSE, "What the person on call knows at the start.")
    scenario: Scenario = key(Shaped("scenario"), "The situation before the walk.")
    answers: Mapping[str, Answer] = key(
        MapOf(_ANSWERED, Either(Text(empty=True), ListOf(TEXTS))),
        "What the unattended operator answers: parameter values, the option chosen at a question, what was seen at "
        "a tick, and the full text of an edited file.",
        default=dict,
    )
    prove: tuple[Proof, ...] = key(ListOf(Shaped("proof")), "What must be true after the walk.")
    reactions: Mapping[str, Answer] = key(
        MapOf(_ANSWERED, Either(_REACTION, ListOf(_REACTION))),
        "What the unattended operator does when a step fails or its end is unknown, by the step's id; `leave: why` "
        "skips it before it runs.",
        default=dict,
    )
    ends: str = key(
        Choice(("done", "stopped", "held")),
        "How the walk must end: done, stopped, or held because somebody else took the target over.",
        default="done",
        said="done",
    )
    practice: bool = key(
        Truth(),
        "Whether a person can practise it; false if the drill's own answers make the mistake.",
        default=True,
        said="true",
    )
    loses: tuple[str, ...] = key(
        ListOf(LINE),
        "What the walk removes on purpose, such as 'column location of generations'. Anything else that is lost "
        "fails the drill.",
        default=(),
    )
    """As `runbook.drill.proofs` names it."""


SHAPES = (
    shape(Drill, "drill", "a drill", "A rehearsal of one way through the procedure, on a throwaway target."),
    shape(Scenario, "scenario", "a scenario", "The situation before the walk, on top of the scratch project."),
    shape(FunctionResponse, "response", "a response", "How an edge function responds to a call."),
    shape(ScenarioMigration, "migration", "a migration", "A migration file of the scratch project."),
    shape(ScenarioEvent, "event", "an event", "Something that happens during the walk, as its step starts.", _EVENTS),
    shape(Proof, "proof", "a proof", "One thing that must be true after the walk.", _PROOFS),
)
"""A drill, and what it is made of."""
