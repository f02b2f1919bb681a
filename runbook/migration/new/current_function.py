"""A function as it is now, from wherever that is known, and the choice among functions of one name. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from runbook.definitions.changes import ObjectName
from runbook.definitions.restoration import Asked
from runbook.definitions.routines import same_arguments
from runbook.errors import UsageError

__all__ = ["Choose", "CurrentFunction", "choose_function", "refuse_unknown"]


class CurrentFunction(NamedTuple):
    """A function or procedure, and the statements that give it the rights that it has."""

    object: ObjectName
    types: tuple[str, ...]
    definition: str
    """The `create or replace` statement, without a semicolon at its end."""
    rights: tuple[str, ...]
    """Statements for its owner, its grants and its comment."""
    source: str
    """Where this definition is: a database, or a file at a commit."""
    notes: tuple[str, ...] = ()

    @property
    def signature(self) -> str:
        """Its name and its types, which tell it from others of that name."""
        return f"{self.object.sql}({', '.join(self.types)})"


Choose = Callable[[Sequence[str]], int]
"""Asks a person for one of several signatures, and returns its place."""


def choose_function(asked: Asked, found: Sequence[CurrentFunction], choose: Choose | None) -> CurrentFunction | None:
    """Return the function that was asked for, None if there is none of that name.

    An exact match of case wins. If several fit, `choose` asks which one. Raises UsageError if nobody can be asked, and
    if only functions with other types have that name.
    """
    named = [one for one in found if asked.schema in {"", one.object.schema} and one.object.name == asked.name]
    named = named or [
        one
        for one in found
        if asked.schema.lower() in {"", one.object.schema.lower()} and one.object.name.lower() == asked.name.lower()
    ]
    types = asked.arguments
    fitting = [one for one in named if types is None or same_arguments(one.types, types)]
    if named and not fitting:
        raise UsageError(
            f"no function '{asked.name}' has the arguments ({', '.join(types or ())})",
            hint=f"There {'is' if len(named) == 1 else 'are'} {_listed(named)}.",
        )
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    if choose is None:
        raise UsageError(
            f"several functions are called '{asked.name}': {_listed(fitting)}",
            hint="Name one with its types: --function 'SCHEMA.NAME(TYPES)'",
        )
    return fitting[choose([one.signature for one in fitting])]


def refuse_unknown(asked: Asked, known: Iterable[ObjectName], where: str) -> UsageError:
    """Return the error about a function that doesn't exist, with the names that are close to it."""
    names = {name.sql: name for name in sorted(known)}
    schema = f"{asked.schema}." if asked.schema else ""
    same = [sql for sql, name in names.items() if name.name.lower() == asked.name.lower()]
    by_name = {name.name.lower(): sql for sql, name in names.items()}
    close = [by_name[each] for each in get_close_matches(asked.name.lower(), by_name, n=3)]
    near = list(dict.fromkeys([*same, *close]))[:3]
    hint = f"Did you mean {' or '.join(near)}?" if near else "Give the schema too if it isn't public: app.name"
    return UsageError(f"there is no function '{schema}{asked.name}' in {where}", hint=hint)


def _listed(functions: Iterable[CurrentFunction]) -> str:
    return ", ".join(one.signature for one in functions)
