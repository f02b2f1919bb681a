"""Placeholders: each names something that is known by then, each parameter is used, no secret is shown."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from runbook.checks.findings import Notes
from runbook.checks.placeholder_uses import Becomes, Use, uses_of
from runbook.checks.scopes import BUILT_INS, Scoped, scoped_steps
from runbook.model.templates import names_in
from runbook.model import Book, Each, Include, Parameter, Procedure

__all__ = ["check_each", "check_names", "check_secrets", "check_unused"]


def check_names(book: Book, notes: Notes) -> None:
    """Every `{{name}}` is a parameter, a built-in, or captured by then on every way there."""
    for procedure in book.procedures.values():
        for scoped in scoped_steps(procedure):
            for use, name in _names(scoped):
                problem = _problem(scoped, use, name)
                if problem:
                    token = name if use.becomes in {Becomes.NAME, Becomes.SECRET} else f"{{{{{name}}}}}"
                    notes.add(use.at, problem, token)


def check_unused(book: Book, notes: Notes) -> None:
    """Every parameter fills something."""
    for procedure in book.procedures.values():
        used = {name for scoped in scoped_steps(procedure) for _, name in _names(scoped)}
        for parameter in procedure.parameters:
            if parameter.name not in used:
                notes.add(parameter.at, f"the parameter '{parameter.name}' is asked for and never used", parameter.name)


def check_each(book: Book, notes: Notes) -> None:
    """`each` goes over a list, gives each value a name of its own, and a list stands nowhere else in a command."""
    for procedure in book.procedures.values():
        for scoped in scoped_steps(procedure):
            action, known = scoped.step.action, scoped.scope.known
            if isinstance(action, Each):
                over = known.get(action.over)
                if action.over in known and not (over and over.many):
                    message = f"'{action.over}' is one value, not a list: give its parameter 'many: true'"
                    notes.add(scoped.step.at, message, "each:", action.over)
                if action.name in known:
                    notes.add(scoped.step.at, f"'{action.name}' is already the name of something", "as:", action.name)
            for use, name in _names(scoped):
                parameter = known.get(name)
                if parameter and parameter.many and use.becomes in {Becomes.ARGV, Becomes.SQL, Becomes.FILE}:
                    message = f"'{name}' is a list; go through it with 'each'"
                    notes.add(use.at, message, f"{{{{{name}}}}}")


def check_secrets(book: Book, notes: Notes) -> None:
    """Let a secret go into a private file or into an included procedure's secret, and nowhere else."""
    for procedure in book.procedures.values():
        for scoped in scoped_steps(procedure):
            for use, name in _names(scoped):
                parameter = scoped.scope.known.get(name)
                problem = _secret_problem(use, name, parameter)
                if problem:
                    notes.add(use.at, problem, name)
            if isinstance(scoped.step.action, Include):
                _check_bound(book, scoped, scoped.step.action, notes)


def _names(scoped: Scoped) -> Iterator[tuple[Use, str]]:
    for use in uses_of(scoped.step):
        if use.becomes in {Becomes.NAME, Becomes.SECRET}:
            yield use, use.text
        else:
            yield from ((use, name) for name in names_in(use.text))


def _problem(scoped: Scoped, use: Use, name: str) -> str:
    scope = scoped.scope
    if name in scope.known or (use.late and name in scoped.own):
        return ""
    if name in BUILT_INS:
        return _built_in_problem(use, name)
    if name in scope.doubtful:
        return f"'{name}' is captured on some ways through '{scope.doubtful[name]}' only, and not on the others"
    if name in scope.later:
        return f"'{name}' is not captured yet: step '{scope.later[name]}' does it"
    close = get_close_matches(name, [*scope.known, *BUILT_INS], n=1)
    return f"nothing is called '{name}'" + (f"; did you mean '{close[0]}'?" if close else "")


def _built_in_problem(use: Use, name: str) -> str:
    if name == "target" and use.becomes is not Becomes.ARGV:
        return "{{target}} stands for words of a command and can be in a command only"
    if name == "env_file" and not use.env_file:
        return "{{env_file}} needs 'env_file' beside 'run': which variables are in it"
    return ""


def _secret_problem(use: Use, name: str, parameter: Parameter | None) -> str:
    if use.becomes is Becomes.SECRET:
        return "" if parameter and parameter.secret else f"'{name}' is no parameter with 'secret: true'"
    if not parameter or not parameter.secret:
        return ""
    if use.becomes is Becomes.BOUND and use.text == f"{{{{{name}}}}}":
        return ""
    return f"the secret '{name}' would be seen here; a secret goes into 'env_file' only"


def _check_bound(book: Book, scoped: Scoped, include: Include, notes: Notes) -> None:
    included: Procedure = book.procedures[include.procedure]
    for name, value in include.values.items():
        outer = scoped.scope.known.get(value.strip("{}"))
        inner = included.parameter(name)
        if inner.secret != bool(outer and outer.secret):
            message = (
                f"'{name}' of '{included.id}' is {'a' if inner.secret else 'no'} secret, and this value is not alike"
            )
            notes.add(scoped.step.at, message, "with:", name)
        if inner.many != bool(outer and outer.many):
            message = f"'{name}' of '{included.id}' is {'a list' if inner.many else 'one value'}, and this value is not"
            notes.add(scoped.step.at, message, "with:", name)
