"""Check placeholders: each names something that is known by then, each parameter is used, and no secret is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject
from runbook.model import Parameter, Use
from runbook.model.action import Becomes
from runbook.model.templates import names_in
from runbook.steps.scope import BUILT_INS, Place

__all__ = ["check_lists", "check_names", "check_secrets", "check_unused"]

_BARE = {Becomes.NAME, Becomes.SECRET}
"""Uses that are written as a name alone, without braces."""


def check_names(subject: Subject, notes: Notes) -> None:
    """Report each `{{name}}` that isn't a parameter, a built-in, or captured by then on every way there."""
    for procedure, place in subject.places:
        later = subject.captured(procedure)
        for use, name in _names(place):
            problem = _problem(place, later, use, name)
            if problem:
                notes.add(use.at, problem, name if use.becomes in _BARE else f"{{{{{name}}}}}")


def check_unused(subject: Subject, notes: Notes) -> None:
    """Report parameters that are never used."""
    for procedure in subject.book.procedures.values():
        used = {name for place in subject.places_by_procedure[procedure.id] for _, name in _names(place)}
        for parameter in procedure.parameters:
            if parameter.name not in used:
                notes.add(parameter.at, f"the parameter '{parameter.name}' is asked for but never used", parameter.name)


def check_lists(subject: Subject, notes: Notes) -> None:
    """Report a whole list in a command, a statement or a file: only its values, one by one, can be used there."""
    for _, place in subject.places:
        for use, name in _names(place):
            parameter = place.scope.names.get(name)
            if parameter and parameter.many and use.becomes in {Becomes.ARGV, Becomes.SQL, Becomes.FILE}:
                notes.add(use.at, f"'{name}' is a list; go through it with 'each'", f"{{{{{name}}}}}")


def check_secrets(subject: Subject, notes: Notes) -> None:
    """Report secrets outside of `env_file`, and what each kind of step finds wrong with the names that it uses."""
    for _, place in subject.places:
        for use, name in _names(place):
            problem = _secret_problem(use, name, place.scope.names.get(name))
            if problem:
                notes.add(use.at, problem, name)
        for message, *tokens in place.step.action.scope_problems(place.scope.names, subject.book.procedures):
            notes.add(place.step.at, message, *tokens)
        step = place.step
        late = (step.verify.action if step.verify else None, step.undo.action if step.undo else None)
        for action in filter(None, late):
            for message, *tokens in action.scope_problems(place.after.names, subject.book.procedures):
                notes.add(action.place(step.at), message, *tokens)


def _names(place: Place) -> Iterator[tuple[Use, str]]:
    for use in place.step.uses():
        if use.becomes in _BARE:
            yield use, use.text
        else:
            yield from ((use, name) for name in names_in(use.text))


def _problem(place: Place, later: Mapping[str, str], use: Use, name: str) -> str:
    scope = place.after if use.late else place.scope
    if name in scope.names:
        return ""
    if name in BUILT_INS:
        return _built_in_problem(use, name)
    if name in scope.doubtful:
        return f"'{name}' is captured only on some ways through '{scope.doubtful[name]}'"
    if name in later:
        return f"'{name}' is not captured yet: step '{later[name]}' captures it"
    close = get_close_matches(name, [*scope.names, *BUILT_INS], n=1)
    return f"nothing is called '{name}'" + (f"; did you mean '{close[0]}'?" if close else "")


def _built_in_problem(use: Use, name: str) -> str:
    if name == "target" and use.becomes is not Becomes.ARGV:
        return "{{target}} can be used only as a word of a command"
    if name == "env_file" and not use.env_file:
        return "{{env_file}} needs 'env_file' beside 'run' to say which variables are in it"
    return ""


def _secret_problem(use: Use, name: str, parameter: Parameter | None) -> str:
    if use.becomes is Becomes.SECRET:
        return "" if parameter and parameter.secret else f"'{name}' isn't a parameter with 'secret: true'"
    if not parameter or not parameter.secret:
        return ""
    if use.becomes is Becomes.BOUND and use.text == f"{{{{{name}}}}}":
        return ""
    return f"the secret '{name}' would be visible here; use secrets only in 'env_file'"
