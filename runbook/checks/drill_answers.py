"""Drills: the unattended operator's answers name what the procedure asks, and say what it takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from runbook.checks.findings import Notes
from runbook.checks.parameters import fits
from runbook.model import (
    Answer,
    Book,
    Choose,
    Drill,
    Each,
    Edit,
    Expectation,
    Include,
    Parameter,
    Procedure,
    Step,
    Tick,
)

__all__ = ["check_answers"]

TAKE_OVER = "take-over"
"""Among the reactions: what to do when somebody else holds the target."""
START = "start"
"""Where an event happens that happens before the first step."""
_TURNS = ("back", "switch", "skip", "stop", "undo")
"""Reactions after which the way is another one than that of the answers."""
_VALUE = re.compile(r"\[[^\]]*\]")
"""The part of a path that says which value of an `each` it is for."""


@dataclass(frozen=True, slots=True)
class _Met:
    """A step at one place of the way, by its path without the values of `each`."""

    path: str
    step: Step

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which an answer may speak of it."""
        asks = (self.step.action.asks,) if isinstance(self.step.action, Tick) else ()
        return (self.path, self.step.id, *(each.name for each in asks if each))


def check_answers(book: Book, notes: Notes) -> None:
    """Every answer names a parameter or a step that asks, and fits; whatever a drill comes to has its answer.

    Its reactions, events and proofs name steps, too.
    """
    for procedure in book.procedures.values():
        for drill in procedure.drills:
            for problem, *place in _problems(book, procedure, drill):
                notes.add(procedure.at, problem, "drills:", f"name: {drill.name}", *place)


def _problems(book: Book, procedure: Procedure, drill: Drill) -> Iterator[tuple[str, ...]]:
    """Yield each problem of a drill, with the texts that lead to its place."""
    procedures = (procedure, *_switched_to(book, drill))
    named = _named(procedures)
    for name, answer in drill.answers.items():
        problem = _problem(procedures, named, name, answer)
        if problem:
            yield problem, "answers:", name
    yield from _unknown(named, drill)
    yield from _unchecked(named, drill)
    yield from _unwalked(procedure, drill)
    yield from _missing_values(procedure, drill)
    yield from _missing_answers(procedure, drill)


def _unknown(named: Mapping[str, Sequence[_Met]], drill: Drill) -> Iterator[tuple[str, ...]]:
    """Yield the steps at which something would never happen."""
    reactions = [("reactions:", name) for name in drill.reactions if name != TAKE_OVER]
    events = [("events:", event.at) for event in drill.scenario.events if event.at != START]
    for key, name in (*reactions, *events):
        plain = _VALUE.sub("", name)
        if plain not in named:
            close = get_close_matches(plain, named, n=1)
            yield f"no step is called '{name}'" + (f"; did you mean '{close[0]}'?" if close else ""), key, name


def _switched_to(book: Book, drill: Drill) -> tuple[Procedure, ...]:
    """Return the procedures that a drill's operator goes over to."""
    reactions = (item for answer in drill.reactions.values() for item in _items(answer))
    names = (item.removeprefix("switch:").strip() for item in reactions if item.startswith("switch:"))
    return tuple(book.procedures[name] for name in names if name in book.procedures)


def _named(procedures: Sequence[Procedure]) -> Mapping[str, Sequence[_Met]]:
    named: dict[str, list[_Met]] = {}
    for procedure in procedures:
        for met in (*_steps(procedure.before, "before/", None), *_steps(procedure.steps, "", None)):
            for name in met.names:
                named.setdefault(name, []).append(met)
    return named


def _steps(steps: Sequence[Step], prefix: str, drill: Drill | None) -> Iterator[_Met]:
    """Yield the steps with their paths: all of them, or those that a drill comes to by its answers."""
    for step in steps:
        met = _Met(f"{prefix}{step.id}", step)
        yield met
        inner = f"{met.path}/"
        if isinstance(step.action, Choose):
            for option in step.action.options:
                if drill is None or option.when in _items(_answer(met, drill)):
                    yield from _steps(option.steps, inner, drill)
        elif isinstance(step.action, Each | Include):
            yield from _steps(step.action.steps, inner, drill)


def _answer(met: _Met, drill: Drill) -> Answer:
    plain = {_VALUE.sub("", name): answer for name, answer in drill.answers.items()}
    return next((plain[name] for name in met.names if name in plain), ())


def _items(answer: Answer) -> tuple[str, ...]:
    return (answer,) if isinstance(answer, str) else answer


def _problem(procedures: Sequence[Procedure], named: Mapping[str, Sequence[_Met]], name: str, answer: Answer) -> str:
    parameters = {parameter.name: parameter for procedure in procedures for parameter in procedure.parameters}
    if name in parameters:
        text = ",".join(_items(answer))
        return "" if fits(parameters[name], text) else f"'{text}' is not a value that '{name}' takes"
    steps = named.get(_VALUE.sub("", name), ())
    if not steps:
        close = get_close_matches(name, [*named, *parameters], n=1)
        return f"no parameter and no step is called '{name}'" + (f"; did you mean '{close[0]}'?" if close else "")
    # Several steps of included procedures may share an id: the answer must be right for one of them.
    problems = [_step_problem(met.step, _items(answer)) for met in steps]
    return "" if "" in problems else problems[0]


def _step_problem(step: Step, items: Sequence[str]) -> str:
    match step.action:
        case Choose(options):
            answers = [option.when for option in options]
            wrong = [item for item in items if item not in answers]
            return f"'{step.id}' has no option '{wrong[0]}'; it has: {'; '.join(answers)}" if wrong else ""
        case Edit():
            return ""
        case _:
            return _asked_problem(step, items)


def _asked_problem(step: Step, items: Sequence[str]) -> str:
    asked: list[Parameter] = [
        action.asks for action in (step.action, *step.on_cli.values()) if isinstance(action, Tick) and action.asks
    ]
    if not asked:
        return f"step '{step.id}' asks nothing"
    wrong = [item for item in items if not any(fits(asks, item) for asks in asked)]
    return f"'{wrong[0]}' is not a value that '{step.id}' takes" if wrong else ""


def _unchecked(named: Mapping[str, Sequence[_Met]], drill: Drill) -> Iterator[tuple[str, ...]]:
    """Yield what is wrong with the steps that a drill's proofs call checked."""
    for name in (name for proof in drill.prove for name in proof.checked or ()):
        steps = [met.step for met in named.get(name, ())]
        if not steps:
            yield f"no step is called '{name}'", name
        elif not any(step.verify or step.expect != Expectation(exit=step.expect.exit) for step in steps):
            yield f"step '{name}' compares nothing, so it can't have been checked", name


def _unwalked(procedure: Procedure, drill: Drill) -> Iterator[tuple[str, ...]]:
    """Yield the steps of proofs that a drill which goes straight on does not come to in their order."""
    turns = [item for answer in drill.reactions.values() for item in _items(answer) if item.startswith(_TURNS)]
    way = (*_steps(procedure.before, "before/", drill), *_steps(procedure.steps, "", drill))
    for proof in drill.prove if not turns else ():
        at = 0
        for name in proof.walked or ():
            found = next((place for place in range(at, len(way)) if name in way[place].names), None)
            if found is None:
                yield f"the drill '{drill.name}' does not come to '{name}' there", name
            at = at if found is None else found + 1


def _missing_values(procedure: Procedure, drill: Drill) -> Iterator[tuple[str, ...]]:
    for parameter in procedure.parameters:
        if parameter.default is None and parameter.name not in drill.answers:
            yield (f"the drill '{drill.name}' has no answer for the parameter '{parameter.name}'",)


def _missing_answers(procedure: Procedure, drill: Drill) -> Iterator[tuple[str, ...]]:
    for met in (*_steps(procedure.before, "before/", drill), *_steps(procedure.steps, "", drill)):
        action = met.step.action
        asks = isinstance(action, Choose) or (isinstance(action, Tick) and action.asks is not None)
        if asks and not _items(_answer(met, drill)):
            yield (f"the drill '{drill.name}' comes to '{met.path}' and has no answer for it",)
