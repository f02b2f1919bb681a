"""How much a person must type before a command runs, and whether what was typed is that. Nothing here can be waived."""

from __future__ import annotations

from enum import StrEnum

from runbook.model import Effect
from runbook.steps.destination import Prepared

__all__ = ["Confirmation", "confirmation_for", "is_confirmed"]


class Confirmation(StrEnum):
    """How a step is confirmed: Enter, the word yes, or a name typed out."""

    ENTER = "enter"
    YES = "yes"
    NAME = "name"


def confirmation_for(prepared: Prepared) -> Confirmation:
    """Return how a step is confirmed: what reads by Enter, what writes by `yes`, what destroys by the target's name."""
    if prepared.effect is Effect.DESTROYS:
        return Confirmation.NAME
    return Confirmation.YES if prepared.effect is Effect.WRITES or prepared.needs_person else Confirmation.ENTER


def is_confirmed(confirmation: Confirmation, word: str, typed: str) -> bool:
    """Return True if `typed` is what is asked for, spaces around it aside; of a name, case counts too."""
    if confirmation is Confirmation.ENTER:
        return True
    if confirmation is Confirmation.YES:
        return typed.strip().lower() == "yes"
    return bool(word) and typed.strip() == word
