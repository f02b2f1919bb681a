"""The fields of patterns.yaml and advice.yaml."""

from __future__ import annotations

from runbook.loading.schema.words import KEBAB, LINE, TEXTS
from runbook.model.fields import Field, ListOf, ProcedureId, Shape, Shaped, Text

__all__ = ["SHAPES"]

_PATTERNS = Shape(
    "patterns",
    "the patterns file",
    "Changes of the schema: the safe form and the unsafe one.",
    (Field("patterns", ListOf(Shaped("pattern")), "One entry for each change.", required=True),),
)

_PATTERN = Shape(
    "pattern",
    "a pattern",
    "A change of the schema, done safely and unsafely.",
    (
        Field("id", KEBAB, "The pattern's name; unique in the file.", required=True),
        Field("title", LINE, "What is changed.", required=True),
        Field("safe", Text(says="SQL"), "The SQL that is safe.", required=True),
        Field("unsafe", Text(says="SQL"), "The SQL that is not.", required=True),
        Field("why", TEXTS, "What the unsafe form does.", required=True),
        Field("caught_by", LINE, "The check that catches it.", required=True),
        Field("notes", ListOf(TEXTS, 0), "What else to know."),
        Field("see", ProcedureId(), "The id of the procedure that does it."),
    ),
)

_ADVICE_FILE = Shape(
    "advice",
    "the advice file",
    "What to do and what not, by topic.",
    (Field("advice", ListOf(Shaped("topic")), "One entry for each topic.", required=True),),
)

_TOPIC = Shape(
    "topic",
    "a topic",
    "What to do and what not, on one topic.",
    (
        Field("id", KEBAB, "The topic's name; unique in the file.", required=True),
        Field("title", LINE, "The topic.", required=True),
        Field("do", ListOf(Shaped("point"), 0), "What to do."),
        Field("dont", ListOf(Shaped("point"), 0), "What not to do."),
        Field("watch", ListOf(Shaped("point"), 0), "What to keep an eye on."),
    ),
)

_POINT = Shape(
    "point",
    "a point",
    "One piece of advice.",
    (
        Field("text", TEXTS, "The advice.", required=True),
        Field("why", TEXTS, "Its reason, where it does not speak for itself."),
    ),
)

SHAPES = (_PATTERNS, _PATTERN, _ADVICE_FILE, _TOPIC, _POINT)
"""The shapes of this part of the table."""
