"""A team's changes to one packaged procedure: texts of their own, steps added, replaced or removed."""

from __future__ import annotations

import dataclasses

from runbook.model.drill import Drill
from runbook.model.fields import KEBAB, LINE, PROSE, Field, Kind, ListOf, MapOf, Shape, Shaped, fields_of
from runbook.model.procedure import Procedure
from runbook.model.step import Step

__all__ = ["ADDABLE", "REPLACEABLE", "SHAPES", "STEP_TEXTS"]

REPLACEABLE = (
    *("owner", "reviewed", "review_every", "title", "summary", "use_when", "not_for", "symptoms", "errors"),
    *("minutes", "drill_every", "needs", "warnings", "after", "related"),
)
"""The keys of a procedure that a team may set."""

ADDABLE = ("use_when", "not_for", "symptoms", "errors", "needs", "warnings", "after", "related")
"""The lists of a procedure that a team may add to."""

STEP_TEXTS = ("title", "why", "look_for", "warning", "stop_if", "if_it_fails", "timeout", "effect", "second_person")
"""The keys of a step that a team may set. What the step does stays: to change that, put another in its place."""


def _taken(cls: type, names: tuple[str, ...]) -> tuple[Field, ...]:
    known = {field.name: field for field in fields_of(cls)}
    return tuple(dataclasses.replace(known[name], required=False) for name in names)


def _plain(name: str, noun: str, doc: str, fields: tuple[Field, ...] = (), kinds: tuple[Kind, ...] = ()) -> Shape:
    """Return the table of a mapping that is applied to another one, and never becomes a value itself."""
    return Shape(name, noun, doc, fields, kinds, build=lambda _kind, values: values)


def _step(name: str, doc: str) -> Field:
    return Field(name, KEBAB, doc)


_STEPS = Field("steps", ListOf(Shaped("step")), "Your steps.", required=True)
_REASON = Field("reason", LINE, "Why. It is shown on the page and in the walk.", required=True)
_KINDS = (
    Kind((_step("before", "The packaged step before which yours go, by its id."), _STEPS)),
    Kind((_step("after", "The packaged step after which yours go."), _STEPS)),
    Kind((_step("instead_of", "The packaged step that yours replace."), _STEPS, _REASON)),
    Kind((_step("remove", "The packaged step that isn't done."), _REASON)),
    Kind((_step("change", "The packaged step that gets other texts."), *_taken(Step, STEP_TEXTS))),
)
_ANSWERS = next(field for field in fields_of(Drill) if field.name == "answers")

SHAPES = (
    _plain(
        "changes",
        "a team's changes",
        "What a team changes in the packaged procedure of the same name.",
        (
            Field("set", Shaped("set-texts"), "Keys of the procedure that get your value."),
            Field("add", Shaped("added-texts"), "Lists of the procedure that get more entries."),
            *_taken(Procedure, ("parameters",)),
            Field("steps", ListOf(Shaped("step-change")), "Steps that you add, replace, remove or reword."),
            *_taken(Procedure, ("drills",)),
            Field(
                "drill_answers",
                _ANSWERS.type,
                "What the unattended operator answers at your steps, in every drill of the procedure.",
            ),
            Field(
                "without_drills",
                MapOf(KEBAB, PROSE),
                "Packaged drills that no longer fit, each with the reason.",
            ),
        ),
    ),
    _plain("set-texts", "texts", "Keys of a procedure that a team sets.", _taken(Procedure, REPLACEABLE)),
    _plain("added-texts", "texts", "Entries that a team adds to a procedure's lists.", _taken(Procedure, ADDABLE)),
    _plain("step-change", "a change", "What a team does with one packaged step, or beside it.", (), _KINDS),
)
"""A file in `changes/`."""
