"""Parameters and the values that ticks ask for: examples and defaults are such as would be taken."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runbook.checks.findings import Notes
from runbook.checks.scopes import scoped_steps, variables
from runbook.model import Book, Parameter, Procedure, Tick
from runbook.variables import OWN_VARIABLES, variable_of

__all__ = ["check_examples", "check_names_of_settings", "check_secret_defaults", "check_shadows", "fits"]


def check_examples(book: Book, notes: Notes) -> None:
    """Every example, default and choice matches its own pattern and is one of its own choices."""
    for procedure in book.procedures.values():
        for parameter in _all_parameters(procedure):
            for what, value in _declared(parameter):
                if not fits(parameter, value):
                    notes.add(parameter.at, f"the {what} '{value}' is not a value it takes", f"{what}:", value)


def check_shadows(book: Book, notes: Notes) -> None:
    """No captured value has the name of a parameter."""
    for procedure in book.procedures.values():
        captured = variables(procedure)
        for parameter in procedure.parameters:
            if parameter.name in captured:
                message = f"step '{captured[parameter.name]}' captures a value of that name: give one another name"
                notes.add(parameter.at, message, parameter.name)


def check_names_of_settings(book: Book, notes: Notes) -> None:
    """No parameter shares its environment variable with a setting of the program."""
    for procedure in book.procedures.values():
        for parameter in procedure.parameters:
            if variable_of(parameter.name) is None:
                variable = f"RUNBOOK_{parameter.name.upper()}"
                message = f"{variable} is a setting of runbook ({OWN_VARIABLES[variable]}): use another name"
                notes.add(parameter.at, message, parameter.name)


def check_secret_defaults(book: Book, notes: Notes) -> None:
    """No secret has a default: what is in a book is known to all its readers."""
    for procedure in book.procedures.values():
        for parameter in procedure.parameters:
            if parameter.secret and parameter.default is not None:
                notes.add(
                    parameter.at, "a secret can't have a default: whoever reads the book would know it", "default:"
                )


def fits(parameter: Parameter, value: str) -> bool:
    """Whether a parameter takes a value; of a list, each of its values."""
    values = [each.strip() for each in value.split(",")] if parameter.many else [value]
    return all(_fits_one(parameter, each) for each in values)


def _fits_one(parameter: Parameter, value: str) -> bool:
    if parameter.choices and value not in parameter.choices:
        return False
    return parameter.pattern is None or re.fullmatch(parameter.pattern, value) is not None


def _declared(parameter: Parameter) -> Iterator[tuple[str, str]]:
    yield "example", parameter.example
    if parameter.default is not None:
        yield "default", parameter.default


def _all_parameters(procedure: Procedure) -> Iterator[Parameter]:
    yield from procedure.parameters
    for scoped in scoped_steps(procedure):
        for action in (scoped.step.action, *scoped.step.on_cli.values()):
            if isinstance(action, Tick) and action.asks:
                yield action.asks
