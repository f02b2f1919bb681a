"""Drills: the unattended operator's answers name what the procedure asks, and say what it takes."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from runbook.checking.notes import Notes
from runbook.checking.parameters import fits
from runbook.model import Answer, Book, Choose, Drill, Each, Edit, Include, Procedure, Step, Tick

__all__ = ["check_answers"]


def check_answers(book: Book, notes: Notes) -> None:
    """Every answer names a parameter or a step that asks, and fits; every parameter without a default has one."""
    for procedure in book.procedures.values():
        steps = {step.id: step for step in _all_steps((*procedure.before, *procedure.steps))}
        for drill in procedure.drills:
            for name, answer in drill.answers.items():
                problem = _problem(procedure, steps, name, answer)
                if problem:
                    notes.add(procedure.at, problem, "drills:", f"name: {drill.name}", "answers:", name)
            for problem in (*_missing_values(procedure, drill), *_missing_choices(procedure, drill)):
                notes.add(procedure.at, problem, "drills:", f"name: {drill.name}")


def _all_steps(steps: tuple[Step, ...]) -> Iterator[Step]:
    for step in steps:
        yield step
        if isinstance(step.action, Choose):
            for option in step.action.options:
                yield from _all_steps(option.steps)
        elif isinstance(step.action, Each | Include):
            yield from _all_steps(step.action.steps)


def _problem(procedure: Procedure, steps: dict[str, Step], name: str, answer: Answer) -> str:
    parameter = next((each for each in procedure.parameters if each.name == name), None)
    text = answer if isinstance(answer, str) else ", ".join(answer)
    if parameter:
        return "" if fits(parameter, text) else f"'{text}' is not a value that '{name}' takes"
    if name not in steps:
        close = get_close_matches(name, [*steps, *(each.name for each in procedure.parameters)], n=1)
        return f"no parameter and no step is called '{name}'" + (f"; did you mean '{close[0]}'?" if close else "")
    return _step_problem(steps[name], text)


def _step_problem(step: Step, text: str) -> str:
    match step.action:
        case Choose(options):
            answers = [option.when for option in options]
            return "" if text in answers else f"'{step.id}' has no option '{text}'; it has: {'; '.join(answers)}"
        case Tick(_, asks) if asks:
            return "" if fits(asks, text) else f"'{text}' is not a value that '{step.id}' takes"
        case Edit():
            return ""
        case _ if any(isinstance(action, Tick) and action.asks for action in step.on_cli.values()):
            return ""
        case _:
            return f"step '{step.id}' asks nothing"


def _missing_values(procedure: Procedure, drill: Drill) -> Iterator[str]:
    for parameter in procedure.parameters:
        if parameter.default is None and parameter.name not in drill.answers:
            yield f"the drill '{drill.name}' has no answer for the parameter '{parameter.name}'"


def _missing_choices(procedure: Procedure, drill: Drill) -> Iterator[str]:
    for step in _met(procedure.steps, drill):
        if isinstance(step.action, Choose) and step.id not in drill.answers:
            yield f"the drill '{drill.name}' comes to '{step.id}' and has no answer for it"


def _met(steps: tuple[Step, ...], drill: Drill) -> Iterator[Step]:
    """Yield the steps that a drill comes to, by its answers."""
    for step in steps:
        yield step
        if isinstance(step.action, Choose):
            taken = [option for option in step.action.options if option.when == drill.answers.get(step.id)]
            yield from (inner for option in taken for inner in _met(option.steps, drill))
        elif isinstance(step.action, Each | Include):
            yield from _met(step.action.steps, drill)
