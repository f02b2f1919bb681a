"""The fields of a drill: its scenario, its answers and its proofs."""

from __future__ import annotations

from runbook.loading.schema.words import KEBAB, LINE, PROSE, TEXTS
from runbook.model.fields import (
    Anything,
    Choice,
    Duration,
    Either,
    Field,
    Kind,
    ListOf,
    MapOf,
    Regex,
    Shape,
    Shaped,
    Text,
    Truth,
    Whole,
)

__all__ = ["SHAPES"]

_FILE_NAME = Text(r"[A-Za-z0-9_][A-Za-z0-9_./-]*", "a name of letters, digits, - and _")
_SQL = Text(says="SQL")
_PART = r"[a-z][a-z0-9_-]*(?:\[[^\]\n]*\])?"
_ANSWERED = Text(rf"{_PART}(?:/{_PART})*", "the name of a parameter, the id of a step, or a step's path")

_REACTION = Text(
    r"go|retry|undo|back|probe|done|redo|stop|(?:skip|stop|switch|take): .+",
    "go, retry, undo, back, probe, done, redo, stop, 'skip: why', 'stop: why', 'switch: procedure' or 'take: why'",
)

_DRILL = Shape(
    "drill",
    "a drill",
    "A rehearsal of one way through the procedure, on a throwaway target.",
    (
        Field("name", KEBAB, "The drill's name; unique in the procedure.", required=True),
        Field("briefing", PROSE, "What the person on call knows at the start.", required=True),
        Field("scenario", Shaped("scenario"), "What is so before the walk.", required=True),
        Field(
            "answers",
            MapOf(
                _ANSWERED,
                Either(Text(empty=True), ListOf(TEXTS)),
            ),
            "What the unattended operator answers: values of parameters, the option of a question, what was seen at a "
            "tick, and the full text of an edited file.",
        ),
        Field("prove", ListOf(Shaped("proof")), "What must hold after the walk.", required=True),
        Field(
            "reactions",
            MapOf(_ANSWERED, Either(_REACTION, ListOf(_REACTION))),
            "What the unattended operator does when a step fails or its end is unknown, by the step's id.",
        ),
        Field(
            "ends",
            Choice(("done", "stopped", "held")),
            "How the walk must end: done, stopped, or held because somebody else took the target over.",
            default="done",
        ),
        Field(
            "practice",
            Truth(),
            "Whether a person can practise it; false where the drill's own answers make the mistake.",
            default="true",
        ),
        Field(
            "loses",
            ListOf(LINE),
            "What the walk takes away on purpose, such as 'column location of generations'. Anything else that is lost "
            "fails the drill.",
        ),
    ),
)

_SCENARIO = Shape(
    "scenario",
    "a scenario",
    "What is so before the walk, on top of the scratch project.",
    (
        Field("migrations", ListOf(Shaped("migration"), 0), "Migrations of the scratch project, in order."),
        Field("seed", ListOf(_SQL, 0), "Statements that run on the database after the migrations."),
        Field(
            "traffic", ListOf(_SQL, 0), "What the app then tries; what fails leaves its error in the database's log."
        ),
        Field("hold", _SQL, "A statement that another session holds open in a transaction."),
        Field("functions", MapOf(_FILE_NAME, TEXTS), "Edge functions in the working tree: name and source."),
        Field("earlier", MapOf(_FILE_NAME, TEXTS), "Edge functions in the commit before the newest: name and source."),
        Field("deployed", MapOf(_FILE_NAME, TEXTS), "Edge functions on the platform before the walk: name and source."),
        Field(
            "responses",
            MapOf(_FILE_NAME, ListOf(Shaped("response"))),
            "What calls of an edge function are answered: the first response that fits the live version.",
        ),
        Field("secrets", MapOf(_FILE_NAME, Text(empty=True)), "Secrets that the project has before the walk."),
        Field("platform", MapOf(TEXTS, Anything()), "How the platform's stand-in behaves."),
        Field("events", ListOf(Shaped("event"), 0), "What happens during the walk, in their order."),
    ),
)

_RESPONSE = Shape(
    "response",
    "a response",
    "What an edge function answers to a call.",
    (
        Field("version", Whole(1), "The version that answers this.", default="any"),
        Field("source", TEXTS, "A text in the source of the versions that answer this.", default="any"),
        Field("status", Whole(200), "The HTTP status.", default="200"),
        Field("body", Either(Text(empty=True), Anything()), "Its text, or a mapping or list that is sent as JSON."),
        Field("headers", MapOf(Text(r"[A-Za-z0-9-]+", "a header's name"), TEXTS), "More headers."),
        Field("delay", Duration(), "How long the answer takes.", default="no time"),
    ),
)

_MIGRATION = Shape(
    "migration",
    "a migration",
    "A migration file of the scratch project.",
    (
        Field("name", Text(r"[0-9]{14}_[A-Za-z0-9_]+", "a name such as 20261101000000_add_column"), "Its name.", True),
        Field("sql", _SQL, "Its text.", required=True),
        Field(
            "state",
            Choice(("applied", "pending", "edited", "missing", "half")),
            "applied: on production and in the tree. pending: in the tree only. edited: changed after it was applied. "
            "missing: on production only. half: begun there and not recorded.",
            default="applied",
        ),
    ),
)

_BREAKS = Choice(("before", "after"))

_EVENT = Shape(
    "event",
    "an event",
    "Something that happens during the walk, as its step starts.",
    (
        Field("at", _ANSWERED, "The id of the step, or its path; `start` is before the first one.", required=True),
        Field("turn", Whole(1), "At which start of the step it happens.", default="at each"),
    ),
    (
        Kind((Field("drop_connection", _BREAKS, "The line breaks in a push: before or after the server has it."),)),
        Kind((Field("kill_cli", _BREAKS, "The command is killed in a push: before or after the server has it."),)),
        Kind((Field("second_operator", LINE, "The name of a colleague who takes the target over, or holds it."),)),
        Kind(
            (
                Field("fail_requests", Regex(), "A regular expression over 'METHOD path' of requests that go wrong."),
                Field("status", Whole(400), "The HTTP status of the answer.", default="the right answer"),
                Field("delay", Duration(), "How long the answer takes.", default="no time"),
                Field("times", Whole(1), "How many requests.", default="1"),
            )
        ),
        Kind((Field("run_sql", _SQL, "Somebody changes production by this statement."),)),
        Kind((Field("fail_function", _FILE_NAME, "The edge function whose calls fail from now on."),)),
        Kind((Field("keep_version", _FILE_NAME, "The edge function whose next deploy is accepted and not live."),)),
        Kind((Field("remove_file", _FILE_NAME, "The file that an unattended drill removes, as the tick says."),)),
        Kind(
            (
                Field("write_file", _FILE_NAME, "The file that an unattended drill writes, as the tick says."),
                Field("text", TEXTS, "Its text.", required=True),
            )
        ),
    ),
)

_EQUALS = Field("equals", Text(empty=True), "The value it must have, as text.", required=True)

_PROOF = Shape(
    "proof",
    "a proof",
    "One thing that must hold after the walk.",
    (Field("text", LINE, "What is proven, as a sentence.", required=True),),
    (
        Kind((Field("sql", _SQL, "A query; the first column of its first row is compared."), _EQUALS)),
        Kind((Field("history", ListOf(TEXTS, 0), "The migrations that production must have, in order."),)),
        Kind(
            (
                Field("function", _FILE_NAME, "An edge function; its version on the platform is compared."),
                _EQUALS,
                Field("source", TEXTS, "A text that this version's source must hold."),
            )
        ),
        Kind(
            (
                Field(
                    "checked",
                    ListOf(_ANSWERED),
                    "Steps whose expectation or check must have compared something, and held.",
                    required=True,
                ),
            )
        ),
        Kind((Field("walked", ListOf(_ANSWERED), "Steps that must have been done, in this order.", required=True),)),
        Kind((Field("secret", _FILE_NAME, "A secret that must be set."),)),
        Kind(
            (
                Field("request", Regex(), "A regular expression over 'METHOD path' of requests and function calls."),
                Field("equals", Choice(("yes", "no")), "Whether there must have been such a request.", default="yes"),
            )
        ),
    ),
)

SHAPES = (_DRILL, _SCENARIO, _RESPONSE, _MIGRATION, _EVENT, _PROOF)
"""The shapes of this part of the table."""
