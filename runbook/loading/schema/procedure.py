"""The fields of a procedure's file, but for its steps and its drills."""

from __future__ import annotations

from runbook.loading.schema.words import LINE, LINES, NAME, PROSE
from runbook.model.fields import (
    Choice,
    Day,
    Duration,
    Field,
    ListOf,
    MapOf,
    ProcedureId,
    Shape,
    Shaped,
    Whole,
)

__all__ = ["SHAPES"]

_PROCEDURE = Shape(
    "procedure",
    "a procedure",
    "One task from start to end. The file's name is the procedure's id.",
    (
        Field("title", LINE, "What the task is called, in two to four words.", required=True),
        Field("summary", PROSE, "One sentence: when this is needed, or what it achieves.", required=True),
        Field(
            "section",
            Choice(("start", "before", "during", "wrong", "functions")),
            "When in time it belongs: start (getting ready), before, during a migration, wrong (something broke), "
            "or functions (edge functions).",
            required=True,
        ),
        Field("use_when", LINES, "The situations in which this is the right procedure.", required=True),
        Field("not_for", ListOf(Shaped("reference")), "Situations that look alike, and what fits them."),
        Field("owner", LINE, "Who keeps it right: a person or a team.", required=True),
        Field("reviewed", Day(), "The day somebody last checked all of it.", required=True),
        Field("review_every", Duration("d"), "How long a review holds.", required=True),
        Field("minutes", Whole(1), "How long it takes, from practice.", required=True),
        Field(
            "mode",
            Choice(("read-do", "do-confirm")),
            "read-do: read each step, then do it. do-confirm: do a phase, then confirm its list.",
            default="read-do",
        ),
        Field("needs", LINES, "What to have at hand before step 1."),
        Field("warnings", ListOf(PROSE), "What to know before step 1."),
        Field("parameters", MapOf(NAME, Shaped("parameter")), "Values asked for before step 1, by name."),
        Field("before", ListOf(Shaped("step")), "What must hold before step 1: things to tick, or commands that read."),
        Field("steps", ListOf(Shaped("step")), "What to do, in order.", required=True),
        Field("after", ListOf(PROSE), "What is left to do when all steps are done."),
        Field("related", ListOf(ProcedureId()), "Ids of procedures that readers of this one look for."),
        Field("drills", ListOf(Shaped("drill")), "Rehearsals of this procedure on a throwaway target."),
    ),
)

_REFERENCE = Shape(
    "reference",
    "a situation",
    "A situation, and the procedure that fits it.",
    (
        Field("text", LINE, "The situation.", required=True),
        Field("see", ProcedureId(), "The id of the procedure that fits it."),
    ),
)

SHAPES = (_PROCEDURE, _REFERENCE)
"""The shapes of this part of the table."""
