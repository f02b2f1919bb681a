"""The fields of a step: those of every step, and those of each kind."""

from __future__ import annotations

from dataclasses import replace

from runbook.loading.fields import (
    CommandLine,
    Duration,
    Either,
    Field,
    Kind,
    ListOf,
    MapOf,
    Number,
    ProcedureId,
    Regex,
    Shape,
    Shaped,
    Text,
    Truth,
    Whole,
)
from runbook.loading.schema.words import EFFECT, KEBAB, LINE, MAJOR, NAME, SQL, TEMPLATE, VALUE_MAP

__all__ = ["SHAPES"]

_RUN = Field("run", CommandLine(), "A command: a program and its words. No shell sees it; {{target}} names the target.")
_ENV_FILE = Field(
    "env_file",
    MapOf(Text(r"(?:[A-Za-z_]|\{\{)(?:[A-Za-z0-9_]|\{\{|\}\})*", "a variable's name", template=True), NAME),
    "A private file of variables, each filled by a secret parameter; {{env_file}} in the command is its path.",
)
_STATEMENT = Field("sql", SQL, "One SQL statement. {{name}} within '…' becomes text, elsewhere an identifier.")
_LOCK_TIMEOUT = Field("lock_timeout", Duration(), "How long the statement may wait for a lock.", default="5s")
_STATEMENT_TIMEOUT = Field("statement_timeout", Duration(), "How long the statement may run.", default="30s")
_WRITES = Field("writes", Truth(), "The statement changes something.", default="false")
_TICK = Field("tick", TEMPLATE, "A thing only a person can do or see.")
_ASKS = Field("asks", Shaped("asks"), "A value that the operator notes down here.")
_EXPECT = Field("expect", Shaped("expect"), "What must be so for it to have passed.", default="exit code 0")

_RUN_KIND = Kind((_RUN, _ENV_FILE))
_SQL_KIND = Kind((_STATEMENT, _WRITES, _LOCK_TIMEOUT, _STATEMENT_TIMEOUT))
_READING_SQL = Kind((_STATEMENT, _LOCK_TIMEOUT, _STATEMENT_TIMEOUT))
_TICK_KIND = Kind((_TICK, _ASKS))

_STEP_KINDS = (
    _RUN_KIND,
    _SQL_KIND,
    _TICK_KIND,
    Kind((Field("edit", Shaped("edit"), "A file to write: opened in the operator's editor, shown as a difference."),)),
    Kind(
        (
            Field("wait", Duration(), "A pause."),
            Field("for", TEMPLATE, "What the pause is for.", required=True),
        )
    ),
    Kind((Field("choose", ListOf(Shaped("option"), 2), "A question (the title); its answer picks what comes next."),)),
    Kind(
        (
            Field("each", NAME, "A parameter with `many: true`: the steps are done once for each of its values."),
            Field("as", NAME, "The name of the current value within the steps.", required=True),
            Field("steps", ListOf(Shaped("step")), "The steps to do for each value.", required=True),
        )
    ),
    Kind(
        (
            Field("include", ProcedureId(), "The id of a procedure whose steps are done here."),
            Field("with", VALUE_MAP, "Values for that procedure's parameters."),
        )
    ),
)

_STEP = Shape(
    "step",
    "a step",
    "One action, and all that a person needs around it.",
    (
        Field("id", KEBAB, "The step's name; unique in the procedure.", required=True),
        Field("title", replace(LINE, template=True), "What is done, as an order.", required=True, unless="tick"),
        Field("phase", LINE, "Title of the phase that begins here. A phase has at most nine steps."),
        Field("why", TEMPLATE, "Why this step is there."),
        Field("look_for", TEMPLATE, "What to look for in the output."),
        Field("warning", TEMPLATE, "What can go wrong, shown before the step."),
        Field("stop_if", TEMPLATE, "What to see as a reason to stop."),
        Field("if_it_fails", Either(TEMPLATE, Shaped("recovery")), "What to do when the step fails."),
        Field("minutes", Number(), "How long it takes."),
        Field("timeout", Duration(), "After how long the command counts as hung."),
        Field("effect", EFFECT, "Asks for more care than policy does; never for less."),
        _EXPECT,
        Field("capture", MapOf(NAME, Shaped("capture")), "Values to keep from the output, for later steps."),
        Field("verify", Shaped("check"), "A reading command that tells whether the step was done."),
        Field("undo", Shaped("undo"), "How to take the step back, or why that can't be done."),
        Field("on_cli", MapOf(MAJOR, Shaped("action")), "Another action on that major of the Supabase CLI."),
    ),
    _STEP_KINDS,
)

_ACTION = Shape(
    "action",
    "an action",
    "What to do instead: a command, a statement or a tick.",
    kinds=(_RUN_KIND, _SQL_KIND, _TICK_KIND),
)

_CHECK = Shape(
    "check",
    "a check",
    "A command or statement that only reads, and what it must show.",
    (_EXPECT,),
    (Kind((_RUN,)), _READING_SQL),
)

_UNDO = Shape(
    "undo",
    "an undo",
    "How to take a step back, or why that can't be done.",
    (Field("verify", Shaped("check"), "A reading command that tells whether it is taken back."),),
    (
        _RUN_KIND,
        _SQL_KIND,
        Kind((_TICK,)),
        Kind((Field("none", TEMPLATE, "Why the step can't be undone, and what to do instead."),)),
    ),
)

_EDIT = Shape(
    "edit",
    "an edit",
    "A file to write. It begins as a template or as an older version from git.",
    (
        Field("file", replace(LINE, template=True), "Path of the file, from the project's directory.", required=True),
        Field("check", CommandLine(), "A command that must end with 0 before the file is accepted."),
    ),
    (
        Kind((Field("template", TEMPLATE, "What the file begins as."),)),
        Kind((Field("git", Shaped("git"), "The version of a file that it begins as."),)),
    ),
)

_GIT = Shape(
    "git",
    "a version in git",
    "A file as it was at a commit.",
    (
        Field("revision", replace(LINE, template=True), "The commit, tag or branch.", required=True),
        Field("path", replace(LINE, template=True), "The file's path in the repository.", required=True),
    ),
)

_OPTION = Shape(
    "option",
    "an option",
    "One answer to the question, and the steps it leads to.",
    (
        Field("when", LINE, "The answer, as the operator reads it.", required=True),
        Field("steps", ListOf(Shaped("step"), 0), "The steps it leads to; none means: go on."),
    ),
)

_PATH_PART = r"(?:\*|[A-Za-z0-9_-]+|[a-z_]+=(?:[A-Za-z0-9_-]+|\{\{[a-z][a-z0-9_]*\}\}))"
_PATH = Text(rf"{_PATH_PART}(?:\.{_PATH_PART})*", "a path such as migrations.0.local", template=True)

_EXPECTATION = Shape(
    "expect",
    "an expectation",
    "What the output must be. All that is given must hold.",
    (
        Field("exit", Whole(), "The exit code.", default="0"),
        Field("output", TEMPLATE, "Text that must occur in the output."),
        Field("matches", Regex(), "A regular expression that must occur in the output."),
        Field("absent", Regex(), "A regular expression that must not occur in the output."),
        Field(
            "json",
            MapOf(_PATH, Text(template=True, empty=True)),
            "Paths into the JSON output, such as 0.count, each with the value expected there, as text.",
        ),
        Field(
            "differs",
            MapOf(_PATH, Text(template=True, empty=True)),
            "Paths into the JSON output where there must be a value, and another one than this.",
        ),
    ),
)

_CAPTURE = Shape(
    "capture",
    "a capture",
    "Where in the output a value is.",
    kinds=(
        Kind((Field("json", _PATH, "A path into the JSON output, such as migrations.-1.remote."),)),
        Kind((Field("pattern", Regex(groups=1), "A regular expression; its first group is the value."),)),
    ),
)

_RECOVERY = Shape(
    "recovery",
    "a way out",
    "What to do when a step fails, and the procedure that takes over.",
    (
        Field("text", TEMPLATE, "What to do.", required=True),
        Field("see", ProcedureId(), "The id of the procedure that takes over."),
    ),
)

SHAPES = (
    _STEP,
    _ACTION,
    _CHECK,
    _UNDO,
    _EDIT,
    _GIT,
    _OPTION,
    _EXPECTATION,
    _CAPTURE,
    _RECOVERY,
)
"""The shapes of this part of the table."""
