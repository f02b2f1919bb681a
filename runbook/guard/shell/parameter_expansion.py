"""Expand `$name` and `${name…}`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import NamedTuple

from runbook.guard.shell.nodes import ParameterPart
from runbook.guard.shell.shell_state import ANY_LIST, Lists, ShellState, Variable, scalar
from runbook.guard.shell.texts import (
    ANY,
    ANY_WORDS,
    LONGEST,
    MAYBE,
    UNKNOWN,
    Texts,
    concatenated,
    either,
    is_known,
    plain,
)

__all__ = ["Value", "value_of"]

_UNTOLD = frozenset("#?$!-")
_USUAL = {
    **dict.fromkeys(("EDITOR", "VISUAL", "GIT_EDITOR"), "vi"),
    **dict.fromkeys(("PAGER", "MANPAGER", "GIT_PAGER"), "less"),
    "SHELL": "sh",
    "BASH": "bash",
    "BROWSER": "open",
    "SUDO": "sudo",
    "PYTHON": "python3",
    "NODE": "node",
    "CC": "cc",
    "CXX": "c++",
    "MAKE": "make",
    "GIT": "git",
    "DOCKER": "docker",
    "JAVA": "java",
}
"""Values of well-known variables that the text doesn't set: enough to know what is started."""
_MOST_CHANGES = 64
"""The most combinations of texts and operands to compute. Beyond it, the result is unknown."""
_PATTERN = frozenset("*?[]()&")
"""Characters that mean something in a pattern, or (`&`) in a replacement."""


class Value(NamedTuple):
    """What an expansion may give; `apart`: its words stay apart inside quotes, as those of `"$@"`."""

    lists: Lists
    apart: bool = False


def value_of(
    parameter: ParameterPart, state: ShellState, subscript: Texts | None, operands: tuple[Texts, ...]
) -> Value:
    """Return what a parameter expansion may give in this state. May assign (`${A:=x}`)."""
    name, operator = parameter.name, parameter.operator
    variable = _variable(name, state)
    if name in {"@", "*"} or subscript in {("@",), ("*",)}:
        return _all_of(variable, parameter, operands, apart=name == "@" or subscript == ("@",))
    texts = _element(variable, subscript)
    # This follows `$SHELL -c` and `$SUDO npx`, for which the environment decides.
    if texts is None and name in _USUAL:
        texts = (_USUAL[name],)
    if operator == "!":  # `${!name}`: the value of the variable that this one names
        is_name = texts is not None and len(texts) == 1 and re.fullmatch(r"\w+", texts[0])
        pointed = _variable(texts[0], state) if texts and is_name else None
        return Value(tuple((text,) for text in pointed.first()) if pointed else (UNKNOWN,))
    result = _operated(parameter, texts, state, operands)
    return Value(tuple((text,) for text in result))


def _variable(name: str, state: ShellState) -> Variable | None:
    if name in {"@", "*"}:
        return Variable(state.arguments)
    if name == "0":
        return scalar((state.name,))
    if name == "PWD" and name not in state.variables and state.directory is not None:
        return scalar((state.directory,))
    if name.isdigit():
        at = int(name) - 1
        # After an unknown number of words, nobody knows which one is the third.
        readings = [
            ANY if ANY_WORDS in "".join(items[:at]) else "".join(items[at : at + 1]) for items in state.arguments
        ]
        return scalar(either(tuple(readings)))
    if name in _UNTOLD:
        return scalar(UNKNOWN)
    return state.variables.get(name)


def _all_of(variable: Variable | None, parameter: ParameterPart, operands: tuple[Texts, ...], *, apart: bool) -> Value:
    # An associative array gives its elements in no order.
    if variable is None or (variable.keyed and any(len(items) > 1 for items in variable.lists)):
        return Value(ANY_LIST, apart)
    if not parameter.operator:
        return Value(variable.lists, apart)
    numbers = _numbers(operands) if parameter.operator == "slice" else None
    # An array counts from 0, the arguments from 1 (and 0 is the script's name).
    first = 0 if parameter.subscript else 1
    if numbers is None or numbers[0] < first or variable.lists == ANY_LIST:
        return Value(ANY_LIST, apart)
    start, length = numbers[0] - first, numbers[1]
    return Value(tuple(items[start:][:length] for items in variable.lists), apart)


def _element(variable: Variable | None, subscript: Texts | None) -> Texts | None:
    """Return what one element may be, or None if the variable isn't set in this text."""
    if variable is None:
        return None
    if subscript is None:
        return variable.first()
    if not variable.keyed and len(subscript) == 1 and re.fullmatch(r"-?\d+", subscript[0]):
        at = int(subscript[0])
        inside = [items[at] if -len(items) <= at < len(items) else "" for items in variable.lists]
        return either(
            *((ANY if ANY_WORDS in items else each,) for items, each in zip(variable.lists, inside, strict=True))
        )
    return either(*(items or ("",) for items in variable.lists))


def _operated(parameter: ParameterPart, texts: Texts | None, state: ShellState, operands: tuple[Texts, ...]) -> Texts:
    operator = parameter.operator
    if not operator:
        return UNKNOWN if texts is None else texts
    if operator.lstrip(":") in {"-", "=", "+", "?"}:
        result = _defaulted(operator, texts, operands[0] if operands else ("",))
        if operator.endswith("="):
            state.variables[parameter.name] = scalar(result)
        return result
    if texts is None or not all(is_known(text) for text in (*texts, *(text for item in operands for text in item))):
        return UNKNOWN
    if len(texts) * math.prod(map(len, operands)) > _MOST_CHANGES:
        return UNKNOWN
    return either(*(_changed(operator, plain(text), operands) for text in texts))


def _defaulted(operator: str, texts: Texts | None, word: Texts) -> Texts:
    """`${A:-word}` and the like. A variable that isn't set here may be in the environment. Then both are readings."""
    maybe = concatenated((MAYBE,), word)
    if operator.endswith("+"):
        if texts is None:
            return either(("",), maybe)
        return either(*(word if text else ("",) for text in texts))
    # `${A:?message}` ends the shell if A is unset, so only set values continue.
    if operator.endswith("?"):
        return UNKNOWN if texts is None else texts
    if texts is None:
        return either(UNKNOWN, maybe)
    # A variable that was unset is kept as an empty one.
    empty = word if operator.startswith(":") else either(("",), word)
    return either(
        *((text,) if is_known(text) and text else either((text,), maybe) if text else empty for text in texts)
    )


def _changed(operator: str, text: str, operands: tuple[Texts, ...]) -> Texts:
    """Apply an operator to a text that is known."""
    if operator == "slice":
        numbers = _numbers(operands)
        start, length = numbers or (0, None)
        return (text[max(0, len(text) + start) if start < 0 else start :][:length],) if numbers else UNKNOWN
    # With a pattern only some letters change case.
    if operator in _CASES and (not operands or operands[0] in {("",), ()}):
        return (_CASES[operator](text),)
    if any(_PATTERN & set(item) for operand in operands for item in operand):
        return UNKNOWN  # which of these characters were quoted is not kept
    if operator in {"#", "##", "%", "%%"}:
        cut = text.removeprefix if operator[0] == "#" else text.removesuffix
        return tuple(cut(plain(part)) for part in operands[0])
    if operator in {"/", "//"}:
        return tuple(
            _replaced(text, plain(old), plain(new), every=operator == "//")
            for old in operands[0]
            for new in operands[1]
        )
    return UNKNOWN


_CASES: dict[str, Callable[[str], str]] = {
    "^^": str.upper,
    ",,": str.lower,
    "^": lambda text: text[:1].upper() + text[1:],
    ",": lambda text: text[:1].lower() + text[1:],
}


def _numbers(operands: tuple[Texts, ...]) -> tuple[int, int | None] | None:
    texts = [operand[0].strip() if operand and len(operand) == 1 else ANY for operand in operands]
    if len(texts) != 2 or not re.fullmatch(r"-?\d+", texts[0]) or not re.fullmatch(r"\d*", texts[1]):
        return None
    return int(texts[0]), int(texts[1]) if texts[1] else None


def _replaced(text: str, old: str, new: str, *, every: bool) -> str:
    if not old:
        return text
    # `${A/#x/y}` replaces at the beginning, `${A/%x/y}` at the end.
    if old[0] == "#" and not every:
        return new + text.removeprefix(old[1:]) if text.startswith(old[1:]) else text
    if old[0] == "%" and not every:
        return text.removesuffix(old[1:]) + new if text.endswith(old[1:]) else text
    # Replacing each letter of a long text with a long text would take gigabytes.
    grows = text.count(old) * len(new) if every else len(new)
    return text.replace(old, new, -1 if every else 1) if grows <= LONGEST else ANY
