"""Read a function from the migrations: its last definition, and what later statements gave it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from runbook.definitions.changes import Change, ObjectName, changes_in
from runbook.definitions.functions import with_or_replace
from runbook.definitions.restoration import Asked
from runbook.definitions.routines import same_arguments
from runbook.errors import UsageError
from runbook.migration.new.current_function import Choose, CurrentFunction, choose_function, refuse_unknown

__all__ = ["file_with", "function_of"]

_LASTING = frozenset({"grant", "revoke", "comment"})
"""What `create or replace` keeps."""


def function_of(
    files: Sequence[tuple[str, str]], asked: Asked, *, where: str, choose: Choose | None = None
) -> CurrentFunction:
    """Return the function as the migrations leave it. `files` has names and texts, in the order of the CLI.

    Raises UsageError if no migration creates it, if one has dropped it, or if several functions fit.
    """
    name = asked.name.lower()
    changes = _function_changes(one for one in files if name in one[1].lower())
    found: dict[tuple[ObjectName, tuple[str, ...]], CurrentFunction] = {}
    dropped: dict[ObjectName, str] = {}
    for change in changes:
        if change.verb == "create" and change.arguments is not None:
            found[change.object, change.arguments] = _function(changes, change, where)
        elif change.verb == "drop":
            gone = [key for key in found if key[0] == change.object and _is_about(change, key[1])]
            for key in gone:
                dropped[change.object] = change.version
                del found[key]
    chosen = choose_function(asked, list(found.values()), choose)
    if chosen is not None:
        return chosen
    for one, file in dropped.items():
        if one.name == asked.name and asked.schema in {"", one.schema}:
            raise UsageError(f"{file} drops the function {one.sql}", hint="Write a file that creates it again.")
    known = {change.object for change in _function_changes(files) if change.verb == "create"}
    raise refuse_unknown(asked, known, " ".join(filter(None, ("the migrations", where))))


def file_with(files: Sequence[tuple[str, str]], function: CurrentFunction) -> tuple[str, str] | None:
    """Return the last file that creates the function, and its `create` statement; None if no file does."""
    creates = [
        change
        for change in changes_in(files)
        if (change.verb, change.kind, change.object) == ("create", "function", function.object)
        and same_arguments(change.arguments or (), function.types)
    ]
    return (creates[-1].version, creates[-1].text) if creates else None


def _function_changes(files: Iterable[tuple[str, str]]) -> list[Change]:
    return [change for change in changes_in(files) if change.kind == "function"]


def _function(changes: Sequence[Change], create: Change, where: str) -> CurrentFunction:
    types = create.arguments or ()
    rights = tuple(dict.fromkeys(_rights(changes, create)))
    source = f"{create.version}{where and f' {where}'}"
    notes = ("Grants on all functions of a schema, and what was changed by hand, aren't in it.",)
    return CurrentFunction(create.object, types, with_or_replace(create), rights, source, notes)


def _rights(changes: Sequence[Change], create: Change) -> Iterator[str]:
    """Yield the statements that count for a definition: those after it, and earlier ones that it keeps."""
    own = [one for one in changes if one.object == create.object and _is_about(one, create.arguments or ())]
    at = own.index(create)
    first = max((place for place, one in enumerate(own[:at]) if one.verb == "drop"), default=-1)
    for place, one in enumerate(own[first + 1 :], first + 1):
        is_lasting = one.verb in _LASTING or (one.verb == "alter" and "owner" in one.spelling)
        if is_lasting or (one.verb == "alter" and place > at and not {"rename", "schema"} & set(one.spelling)):
            yield one.text


def _is_about(change: Change, types: Sequence[str]) -> bool:
    """Return whether a statement concerns the function with these types. One without types concerns the only one."""
    return change.arguments is None or same_arguments(change.arguments, types)
