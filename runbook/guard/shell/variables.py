"""Assignments, declarations, and words put back into text."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from runbook.guard.shell.nodes import Array, Assign, Declare
from runbook.guard.shell.scope import ANY_LIST, Lists, Scope, Variable, scalar
from runbook.guard.shell.texts import ANY, ANY_WORDS, UNKNOWN, Texts, concatenated, plain
from runbook.guard.shell.words import Runner, expand_text, expand_words

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["assign", "declare", "quoted_words"]

_MOST_ELEMENTS = 64
_CHANGING = frozenset("inulc")
"""Attributes that change what is assigned later: integer, reference, cases."""


def assign(item: Assign, scope: Scope, runner: Runner) -> None:
    """Make one assignment."""
    before = scope.variables.get(item.name)
    if isinstance(item.value, Array):
        lists = expand_words(item.value.elements, scope, runner)
        keyed = item.value.keyed or (item.append and before is not None and before.keyed)
        scope.assign(item.name, Variable(_grown(before, lists) if item.append else lists, keyed))
        return
    texts = expand_text(item.value, scope, runner)
    if item.subscript is not None:
        scope.assign(item.name, _with_element(before, expand_text(item.subscript, scope, runner), texts))
    elif item.append:
        scope.assign(item.name, scalar(concatenated(before.first() if before else UNKNOWN, texts)))
    else:
        scope.assign(item.name, scalar(texts))


def _grown(before: Variable | None, lists: Lists) -> Lists:
    if before is None:
        return ANY_LIST
    grown = tuple((*left, *right) for left in before.lists for right in lists)
    return grown if len(grown) <= _MOST_ELEMENTS else ANY_LIST


def _with_element(before: Variable | None, subscript: Texts, texts: Texts) -> Variable:
    """Return an array with one element set; where it is not known which, with one more."""
    lists: Lists = before.lists if before else ((),)
    keyed = before.keyed if before else False
    if not keyed and len(subscript) == 1 and subscript[0].isdigit() and int(subscript[0]) < _MOST_ELEMENTS:
        at = int(subscript[0])
        return Variable(tuple(_put(items, at, text) for items in lists for text in texts))
    return Variable(tuple((*items, text) for items in lists for text in texts), keyed=True)


def _put(items: tuple[str, ...], at: int, text: str) -> tuple[str, ...]:
    padded = (*items, *("" for _ in range(at + 1 - len(items))))
    return (*padded[:at], text, *padded[at + 1 :])


def declare(command: Declare, scope: Scope, runner: Runner) -> list[str]:
    """Run `export`, `declare` and their kin: assign, and give attributes. Return the names that children now see."""
    options, names = "", []
    for item in command.assigns:
        assign(item, scope, runner)
        names.append(item.name)
    for words in expand_words(command.words, scope, runner):
        for word in map(plain, words):
            name, equals, value = word.partition("=")
            if word.startswith(("-", "+")):
                options += word[1:]
            elif re.fullmatch(r"\w+", name):
                names.append(name)
                if equals:
                    scope.assign(name, scalar((value,)))
    if "i" in options:
        for name in names:
            runner.evaluate(scope.variables[name].first() if name in scope.variables else (), scope)
    _give(command.keyword, options, names, scope)
    return [name for name in names if name in scope.environment]


def _give(keyword: str, options: str, names: Iterable[str], scope: Scope) -> None:
    for name in names:
        if set(options) & _CHANGING:
            scope.odd.add(name)
            scope.variables[name] = scalar((ANY,))
        if keyword == "export" and "f" in options:
            scope.shared_functions.add(name)
        elif keyword == "export" or "x" in options:
            scope.export(name)


def quoted_words(words: Iterable[str]) -> str:
    """Return words as text that a shell reads as the same words; what may be several words stays bare."""
    return " ".join(plain(word) if ANY_WORDS in word else shlex.quote(plain(word)) for word in words)
