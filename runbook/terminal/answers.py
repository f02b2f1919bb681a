"""Whether what was typed does the step. Enter alone never does anything that writes."""

from __future__ import annotations

import re

from runbook.engine.confirmation import is_confirmed
from runbook.engine.ports import Confirmation, Go, Screen
from runbook.model import Choose, Parameter, Tick
from runbook.terminal.lines import one_line

__all__ = ["go_for", "looks_like_value", "wanted"]


def go_for(screen: Screen, typed: str) -> Go | str:
    """Return the go-ahead that `typed` gives, or what is wrong with it in a sentence."""
    action = screen.action
    if isinstance(action, Choose):
        return _option(action, typed)
    if isinstance(action, Tick) and action.asks is not None:
        return _value(action.asks, typed)
    if screen.confirmation is Confirmation.ENTER:
        return Go(typed="") if not typed else f"'{one_line(typed)}' is none of the keys. Enter alone does the step."
    if is_confirmed(screen.confirmation, screen.word, typed):
        return Go(typed=typed)
    return wanted(screen, typed)


def wanted(screen: Screen, typed: str) -> str:
    """Say what was typed, what is wanted, and that nothing ran."""
    word = screen.word if screen.confirmation is Confirmation.NAME else "yes"
    if not typed:
        return f"Enter alone does nothing here. Type {one_line(word)} to go on."
    return f"You typed '{one_line(typed)}'; it takes '{one_line(word)}', all of it. Nothing ran."


def looks_like_value(screen: Screen, typed: str) -> bool:
    """Tell whether a key is also a value that this step asks for."""
    asks = screen.action.asks if isinstance(screen.action, Tick) else None
    if asks is None or not typed:
        return False
    return typed in asks.choices or bool(asks.pattern and re.fullmatch(asks.pattern, typed))


def _option(choose: Choose, typed: str) -> Go | str:
    if typed.isdecimal() and 0 < int(typed) <= len(choose.options):
        return Go(value=choose.options[int(typed) - 1].when)
    exact = [option.when for option in choose.options if option.when.lower() == typed.lower()]
    return Go(value=exact[0]) if exact else f"Type a number from 1 to {len(choose.options)}."


def _value(parameter: Parameter, typed: str) -> Go | str:
    from runbook.engine.parameters import problem_with

    problem = problem_with(parameter, typed)
    hint = f" For example: {parameter.example}" if problem and parameter.example else ""
    return f"{problem}.{hint}" if problem else Go(value=typed)
