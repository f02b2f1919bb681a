"""A procedure laid out to be read: every step once, in order, with its commands as they would run on production."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from runbook.errors import UsageError
from runbook.filling import UnknownName, Values, argv_of, fill_text
from runbook.model import (
    Action,
    Book,
    Choose,
    Command,
    Each,
    Effect,
    Family,
    Include,
    Procedure,
    Sql,
    Step,
    TargetKind,
    Tick,
)
from runbook.policy.judgement import Judgement, classify

__all__ = ["Entry", "Reader", "example_values", "outline"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One step as it is read. `number` is like `5` or, in the second answer to step 5, `5b.1`."""

    number: str
    step: Step
    values: Values
    depth: int = 0
    heading: str = ""
    """What begins with this step: a phase, or the answer that leads here."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: the book, with the CLI major and the project that commands are shown for."""

    book: Book
    major: int
    project_ref: str

    def argv(self, action: Command | Sql, values: Values) -> tuple[str, ...]:
        """Return the argv that the walk would run; what is not known before it is shown as `<name>`."""
        known = dict(values)
        names = {"project_ref": self.project_ref}
        while True:
            try:
                return argv_of(
                    action, known, policy=self.book.policy, major=self.major, kind=TargetKind.PRODUCTION, names=names
                )
            except UnknownName as unknown:
                known[unknown.name] = f"<{unknown.name}>"

    def effect(self, step: Step, values: Values) -> Effect | None:
        """Return what the step's command does, None for a step without one."""
        return _worst(self._judge(step, values), step)

    def sentence(self, step: Step, values: Values) -> str:
        """Say what the step's command does, and to what."""
        judgement = self._judge(step, values)
        effect = _worst(judgement, step)
        if effect is None or effect is Effect.READS:
            return "It only reads."
        here = judgement is not None and judgement.family is Family.NOTHING
        return f"It {effect.value.upper()}{' on this machine' if here else ''}."

    def _judge(self, step: Step, values: Values) -> Judgement | None:
        action = step.action_on(self.major)
        if not isinstance(action, Command | Sql):
            return None
        return classify(self.argv(action, values), self.book.policy, major=self.major)

    def text(self, template: str, values: Values) -> str:
        """Fill a text in; what is not known stays as `<name>`."""
        known = dict(values)
        while True:
            try:
                return fill_text(template, known)
            except UnknownName as unknown:
                known[unknown.name] = f"<{unknown.name}>"


def _worst(judgement: Judgement | None, step: Step) -> Effect | None:
    if judgement is None:
        return step.effect
    return max((judgement.effect, step.effect or Effect.READS), key=lambda one: one.rank)


def example_values(procedure: Procedure, project_ref: str) -> dict[str, str | tuple[str, ...]]:
    """Return an example for every parameter that is no secret."""
    values: dict[str, str | tuple[str, ...]] = {"project_ref": project_ref, "env_file": "<env_file>"}
    for one in procedure.parameters:
        example = one.example or one.default or f"<{one.name}>"
        values[one.name] = tuple(part.strip() for part in example.split(",")) if one.many else example
    return {name: value for name, value in values.items() if name not in _secrets(procedure)}


def _secrets(procedure: Procedure) -> set[str]:
    return {one.name for one in procedure.parameters if one.secret}


def outline(steps: Sequence[Step], values: Values, *, prefix: str = "", depth: int = 0) -> Iterator[Entry]:
    """Yield the steps, each followed by those within it: answers, repetitions, included procedures."""
    known = dict(values)
    for index, step in enumerate(steps, start=1):
        number = f"{prefix}{index}"
        yield Entry(number, step, dict(known), depth, step.phase or "")
        yield from _within(step.action, number, known, depth + 1)
        known.update(_shown_values(step))


def _within(action: Action, number: str, values: Values, depth: int) -> Iterator[Entry]:
    if isinstance(action, Choose):
        for letter, option in zip("abcdefghijklmnopqrstuvwxyz", action.options, strict=False):
            heading = f"{letter}) {option.when}"
            inner = outline(option.steps, values, prefix=f"{number}{letter}.", depth=depth)
            yield from _headed(inner, heading, depth)
    elif isinstance(action, Each):
        over = values.get(action.over, ())
        first = over if isinstance(over, str) else next(iter(over), f"<{action.name}>")
        yield from outline(action.steps, {**values, action.name: first}, prefix=f"{number}.", depth=depth)
    elif isinstance(action, Include):
        yield from outline(action.steps, _bound(action, values), prefix=f"{number}.", depth=depth)


def _headed(entries: Iterator[Entry], heading: str, depth: int) -> Iterator[Entry]:
    first = next(entries, None)
    if first is None:
        return
    yield Entry(first.number, first.step, first.values, depth, heading)
    yield from entries


def _bound(include: Include, values: Values) -> dict[str, str | tuple[str, ...]]:
    shown = {name: value for name, value in values.items() if name in {"project_ref", "env_file"}}
    return {**shown, **{name: _filled(template, values) for name, template in include.values.items()}}


def _filled(template: str, values: Mapping[str, str | tuple[str, ...]]) -> str:
    try:
        return fill_text(template, values)
    except UsageError:
        return template.replace("{{", "<").replace("}}", ">")


def _shown_values(step: Step) -> dict[str, str]:
    asked = (
        {step.action.asks.name: step.action.asks.example} if isinstance(step.action, Tick) and step.action.asks else {}
    )
    return {**asked, **{one.name: f"<{one.name}>" for one in step.capture}}
