"""Check parameters and the values that ticks ask for: their examples and defaults would be accepted."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject
from runbook.model import Parameter
from runbook.variables import OWN_VARIABLES, variable_of

__all__ = ["check_examples", "check_lines", "check_names_of_settings", "check_secret_defaults", "check_shadows", "fits"]


def check_examples(subject: Subject, notes: Notes) -> None:
    """Report examples, defaults and choices that don't match their own pattern or aren't among their own choices."""
    asked = (action.asks for _, place in subject.places for action in place.step.actions if action.asks)
    declared = (parameter for procedure in subject.book.procedures.values() for parameter in procedure.parameters)
    for parameter in (*declared, *asked):
        for what, value in _declared(parameter):
            if not fits(parameter, value):
                notes.add(parameter.at, f"the {what} '{value}' is not a value it takes", f"{what}:", value)


def check_shadows(subject: Subject, notes: Notes) -> None:
    """Report captured values that have the name of a parameter."""
    for procedure in subject.book.procedures.values():
        captured = subject.captured(procedure)
        for parameter in procedure.parameters:
            if parameter.name in captured:
                message = f"step '{captured[parameter.name]}' captures a value of that name: rename one of them"
                notes.add(parameter.at, message, parameter.name)


def check_names_of_settings(subject: Subject, notes: Notes) -> None:
    """Report parameters whose environment variable is also a setting of the program."""
    for procedure in subject.book.procedures.values():
        for parameter in procedure.parameters:
            if variable_of(parameter.name) is None:
                variable = f"RUNBOOK_{parameter.name.upper()}"
                message = f"{variable} is a setting of runbook ({OWN_VARIABLES[variable]}): use another name"
                notes.add(parameter.at, message, parameter.name)


def check_secret_defaults(subject: Subject, notes: Notes) -> None:
    """Report secrets with a default: everybody who reads the book would know it."""
    for procedure in subject.book.procedures.values():
        for parameter in procedure.parameters:
            if parameter.secret and parameter.default is not None:
                notes.add(
                    parameter.at, "a secret can't have a default: whoever reads the book would know it", "default:"
                )


def check_lines(subject: Subject, notes: Notes) -> None:
    """Report `lines: many` on parameters that aren't a single secret: other values go into commands, on one line."""
    for procedure in subject.book.procedures.values():
        for parameter in procedure.parameters:
            if parameter.takes_lines and not (parameter.secret and not parameter.many):
                message = (
                    "only a secret that isn't a list can have several lines: other values go into commands, on one line"
                )
                notes.add(parameter.at, message, "lines:")


def fits(parameter: Parameter, value: str) -> bool:
    """Tell whether a parameter accepts a value. An empty one is fine without a pattern and choices."""
    is_free = not value and not parameter.pattern and not parameter.choices
    return is_free or not parameter.problem_with(value)


def _declared(parameter: Parameter) -> Iterator[tuple[str, str]]:
    yield "example", parameter.example
    if parameter.default is not None:
        yield "default", parameter.default
