"""Define the kinds of steps, one per module. Only a kind's module knows what the kind does; no other code asks for it.

To add a kind, write a subclass of `runbook.model.Action` in a module of its own, and add its name to `KINDS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from runbook.model import Action, Capture, Check, Expectation, Position, Recovery, Step, Undo
from runbook.model.evidence import Evidence
from runbook.model.fields import TEMPLATE, Field, Kind, ListOf, Shape, Shaped, fields_of, file_of, forms, shape
from runbook.steps.choose import Choose, Option
from runbook.steps.command import Command
from runbook.steps.each import Each
from runbook.steps.edit import Edit, Git
from runbook.steps.history import History
from runbook.steps.include import Include
from runbook.steps.previous import Previous
from runbook.steps.request import Request
from runbook.steps.sql import Sql
from runbook.steps.survey import Look, Suggestion, Survey
from runbook.steps.tick import Tick
from runbook.steps.wait import Wait

__all__ = ["KINDS", "SHAPES", "stand_in", "typed_command"]

KINDS: tuple[type[Action], ...] = (
    Command, Sql, History, Previous, Request, Survey, Tick, Edit, Wait, Choose, Each, Include,
)  # fmt: skip
"""All kinds of steps, in the order in which the reference lists them."""


def typed_command(words: Sequence[str], at: Position) -> Action:
    """Return the action of a command that somebody typed. Its words may be templates; `at` is where they are."""
    return Command(tuple(words), at)


def stand_in(path: str) -> Step:
    """Return a step to show in place of one that the procedure no longer has."""
    text = f"Step {path} began before the procedure changed; it is no longer part of it."
    return Step(id=path, title=text, action=Tick(text), at=Position("", 1, 1))


# --- the YAML of a step, from the declarations of the kinds --------------------------------------------------------


def _kind(cls: type[Action], place: str) -> Kind:
    if cls.mapping:
        return Kind((Field(cls.mapping, Shaped(cls.mapping), cls.summary, attribute="action"),))
    return Kind(tuple(field for field in fields_of(cls) if place not in field.not_in))


@cache  # called for every step of a book
def _kinds(place: str) -> dict[str, type[Action]]:
    return {_kind(cls, place).key: cls for cls in KINDS if place in cls.places}


def _action(cls: type[Action], values: Mapping[str, Any]) -> Action:
    if cls.mapping:
        action: Action = values["action"]
        return action
    first = fields_of(cls)[0].attribute
    return cls.made({**values, "at": values[f"{first}_at"]})


def _only(cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
    names = {each.name for each in dataclasses.fields(cls)}
    return {name: value for name, value in values.items() if name in names}


def _build_step(kind: str, values: dict[str, Any]) -> Step:
    action = _action(_kinds("step")[kind], values)
    return Step(**{**_only(Step, values), "action": action, "title": values.get("title") or action.title})


def _build_check(kind: str, values: dict[str, Any]) -> Check:
    return Check(_action(_kinds("check")[kind], values), values.get("expect", Expectation()), values["at"])


def _build_look(kind: str, values: dict[str, Any]) -> Look:
    return Look(**{**_only(Look, values), "action": _action(_kinds("check")[kind], values)})


def _build_evidence(kind: str, values: dict[str, Any]) -> Evidence:
    return Evidence(**{**_only(Evidence, values), "action": _action(_kinds("check")[kind], values)})


def _build_undo(kind: str, values: dict[str, Any]) -> Undo:
    if kind == _NO_UNDO.name:
        return Undo(reason=values["reason"])
    return Undo(action=_action(_kinds("undo")[kind], values), check=values.get("check"))


def _build_action(kind: str, values: dict[str, Any]) -> Action:
    return _action(_kinds("on_cli")[kind], values)


_TITLED = tuple(name for name, cls in _kinds("step").items() if cls.title is not Action.title)
"""Kinds whose own text is the title if a step has none."""
_NO_UNDO = Field("none", TEMPLATE, "Why the step can't be undone, and what to do instead.", attribute="reason")
_CHECKED = Field("verify", Shaped("check"), "A reading command that shows whether the undo worked.", attribute="check")


def _step_fields() -> tuple[Field, ...]:
    return tuple(replace(field, unless=_TITLED[0]) if field.name == "title" else field for field in fields_of(Step))


def _mapping(cls: type[Action]) -> Shape:
    kinds = forms(cls, *((name,) for name in cls.forms))
    rest = tuple(field for field in fields_of(cls) if field.name not in cls.forms)
    noun = f"{'an' if cls.mapping[0] in 'aeiou' else 'a'} {cls.mapping}"
    return Shape(cls.mapping, noun, cls.summary, rest, kinds, build=lambda _kind, values: cls.made(values))


SHAPES: tuple[Shape, ...] = (
    Shape(
        "step",
        "a step",
        "One action, and all that a person needs around it.",
        _step_fields(),
        tuple(_kind(cls, "step") for cls in _kinds("step").values()),
        build=_build_step,
    ),
    Shape(
        "action",
        "an action",
        "What to do instead: a command, a statement or a tick.",
        kinds=tuple(_kind(cls, "on_cli") for cls in _kinds("on_cli").values()),
        build=_build_action,
    ),
    Shape(
        "check",
        "a check",
        "A command or statement that only reads, and what it must show.",
        tuple(field for field in fields_of(Step) if field.name == "expect"),
        tuple(_kind(cls, "check") for cls in _kinds("check").values()),
        build=_build_check,
    ),
    Shape(
        "look",
        "a look",
        "A command or statement that only reads, and prints a list of findings.",
        fields_of(Look),
        tuple(_kind(cls, "check") for cls in _kinds("check").values()),
        build=_build_look,
    ),
    file_of(
        Field("evidence", ListOf(Shaped("evidence-look")), "One entry for each look at the target."),
        "evidence",
        "the evidence file",
        "What a run records of its target before its first write and after its last one.",
    ),
    Shape(
        "evidence-look",
        "a look at the target",
        "A command or statement that only reads, and what to keep of its output.",
        fields_of(Evidence),
        tuple(_kind(cls, "check") for cls in _kinds("check").values()),
        build=_build_evidence,
    ),
    Shape(
        "undo",
        "an undo",
        "How to undo a step, or why that can't be done.",
        (_CHECKED,),
        (*(_kind(cls, "undo") for cls in _kinds("undo").values()), Kind((_NO_UNDO,))),
        build=_build_undo,
    ),
    *(_mapping(cls) for cls in KINDS if cls.mapping),
    shape(Git, "git", "a version in git", "A file as it was at a commit."),
    shape(Option, "option", "an option", "One answer to the question, and the steps it leads to."),
    shape(Suggestion, "suggestion", "a suggestion", "An answer to suggest if the text of a finding matches."),
    shape(Expectation, "expect", "an expectation", "What the output must be. All that is given must hold."),
    shape(
        Capture,
        "capture",
        "a capture",
        "Where in the output a value is.",
        forms(Capture, ("json", "becomes"), ("pattern", "becomes")),
        keyed_by="name",
    ),
    shape(Recovery, "recovery", "a way out", "What to do when a step fails, and the procedure that takes over."),
)
"""The mappings that a step is made of."""
