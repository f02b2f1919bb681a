"""What a shell knows at one moment: variables, functions, aliases, arguments, directory, files written so far."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from runbook.safety.shell.nodes import Statement
from runbook.safety.shell.texts import ANY, ANY_WORDS, Texts, either

__all__ = ["ANY_LIST", "Lists", "Scope", "Variable", "scalar"]

Lists: TypeAlias = tuple[tuple[str, ...], ...]
"""What an array, or the words of a command, may be: one of these."""

ANY_LIST: Lists = ((ANY_WORDS,),)
_MOST_LISTS = 24


class Variable(NamedTuple):
    """What a variable may hold. A scalar is a list of one; the order of a keyed array's elements can't be told."""

    lists: Lists
    keyed: bool = False

    def first(self) -> Texts:
        """Return what `$name` gives."""
        return either(tuple(items[0] if items else "" for items in self.lists))


def scalar(texts: Texts) -> Variable:
    """Return a variable that holds one of these texts."""
    return Variable(tuple((text,) for text in texts))


class Scope:
    """The mutable state of one shell; `copy` is a subshell's, `join` brings two branches together."""

    def __init__(self, directory: str | None = None) -> None:
        self.variables: dict[str, Variable] = {}
        self.functions: dict[str, tuple[Statement, ...]] = {}
        self.aliases: dict[str, str] = {}
        self.arguments: Lists = ANY_LIST
        self.name: str = ANY
        self.directory = directory
        self.files: dict[str, Texts] = {}
        self.traps: list[str] = []
        self.environment: dict[str, str] = {}

    def copy(self) -> Scope:
        """Return a scope that begins as this one and goes its own way."""
        twin = Scope(self.directory)
        twin.variables = dict(self.variables)
        twin.functions = dict(self.functions)
        twin.aliases = dict(self.aliases)
        twin.arguments, twin.name = self.arguments, self.name
        # Files are shared by all processes, so they are by all scopes.
        twin.files = self.files
        twin.environment = dict(self.environment)
        return twin

    def join(self, other: Scope) -> None:
        """Become what holds after one of two ways was taken."""
        for name in self.variables.keys() | other.variables.keys():
            self.variables[name] = _either_variable(self.variables.get(name), other.variables.get(name))
        for name, bodies in other.functions.items():
            self.functions[name] = tuple(dict.fromkeys((*self.functions.get(name, ()), *bodies)))
        self.aliases.update(other.aliases)
        self.environment.update(other.environment)
        self.arguments = _either_lists(self.arguments, other.arguments)
        self.traps += [trap for trap in other.traps if trap not in self.traps]
        if self.directory != other.directory:
            self.directory = None


def _either_variable(left: Variable | None, right: Variable | None) -> Variable:
    # On the way where it was not set, it may have come from the environment.
    unset = scalar((ANY,))
    left, right = left or unset, right or unset
    return Variable(_either_lists(left.lists, right.lists), left.keyed or right.keyed)


def _either_lists(left: Lists, right: Lists) -> Lists:
    merged = tuple(dict.fromkeys((*left, *right)))
    return merged if len(merged) <= _MOST_LISTS else ANY_LIST
