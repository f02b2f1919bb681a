"""The values that a person may pick from when asked for one: names from project files and earlier output."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from runbook.definitions.changes import changes_in
from runbook.engine.comparison import document_in, values_at
from runbook.engine.state import RunState
from runbook.engine.way import Way
from runbook.errors import UsageError
from runbook.filling import Shown, fill_text
from runbook.journal.events import Purpose
from runbook.model import Parameter
from runbook.steps.migration_files import migration_files
from runbook.steps.scope import Place

__all__ = ["picked", "with_values"]

_MOST = 200
"""How many values a list shows."""


def with_values(parameter: Parameter, directory: str, *, way: Way | None = None, state: RunState | None = None,
                at: Place | None = None) -> Parameter:  # fmt: skip
    """Return the parameter with the values to pick from, none if they can't be known. Only values that fit are kept.

    `directory` is the project's. At a step (`at`), `way` and `state` give the output of earlier steps.
    """
    if not parameter.pick or parameter.secret:
        return parameter
    try:
        if parameter.pick in _OF_PROJECT:
            found = _OF_PROJECT[parameter.pick](Path(directory))
        elif way is not None and state is not None and at is not None:
            found = _of_step(parameter.pick, way, state, at)
        else:
            found = ()
    except (OSError, UsageError):
        found = ()  # the list is only a help: without it, the value is typed
    one = replace(parameter, many=False)
    fitting = [value for value in dict.fromkeys(found) if value and not one.problem_with(value)]
    return replace(parameter, offered=tuple(fitting[:_MOST]))


def picked(parameter: Parameter, typed: str) -> str:
    """Return the typed text with the numbers of listed values (separated by commas) replaced by the values."""
    parts = [part.strip() for part in typed.split(",")]
    numbers = range(1, len(parameter.offered) + 1)
    if typed in parameter.offered or not all(part.isdecimal() and int(part) in numbers for part in parts):
        return typed
    return ",".join(parameter.offered[int(part) - 1] for part in parts)


def _of_step(pick: str, way: Way, state: RunState, at: Place) -> Sequence[str]:
    step, _, path = pick.partition("/")
    earlier = state.step(way.named(step, before=at.path).path).last_of(Purpose.RUN)
    document = document_in(earlier.output) if earlier else None
    values = Shown(at.scope.values)
    return values_at(document, path, lambda template: fill_text(template, values)) if document is not None else ()


def _edge_functions(project: Path) -> Iterable[str]:
    directories = sorted((project / "supabase" / "functions").iterdir())
    return [one.name for one in directories if one.is_dir() and one.name[0] not in "._"]


def _file_names(project: Path) -> Iterable[str]:
    return [file.name for file in reversed(migration_files(project))]


def _versions(project: Path) -> Iterable[str]:
    return [name.partition("_")[0] for name in _file_names(project)]


def _defined(kind: str) -> Callable[[Path], Iterable[str]]:
    """Return a function that lists the objects of a kind that the migrations create and don't drop."""

    def names(project: Path) -> Iterable[str]:
        found: dict[str, None] = {}
        for change in changes_in((file.name, file.text) for file in migration_files(project)):
            one = change.object
            name = one.name if one.schema == "public" else f"{one.schema}.{one.name}"
            if change.kind == kind and change.verb == "create":
                found[name] = None
            elif change.kind == kind and change.verb == "drop":
                found.pop(name, None)
        return sorted(found)

    return names


_OF_PROJECT: Mapping[str, Callable[[Path], Iterable[str]]] = {
    "functions": _edge_functions,
    "migrations": _versions,
    "migration-files": _file_names,
    "tables": _defined("table"),
    "database-functions": _defined("function"),
}
