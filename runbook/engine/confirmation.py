"""What a person must type before a command runs, and whether they typed it. None of it can be waived."""

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
    """Return how a step is confirmed: Enter if it reads, `yes` if it writes, the target's name if it destroys."""
    if prepared.effect is Effect.DESTROYS:
        return Confirmation.NAME
    return Confirmation.YES if prepared.effect is Effect.WRITES or prepared.needs_person else Confirmation.ENTER


def is_confirmed(confirmation: Confirmation, word: str, typed: str) -> bool:
    """Return True if `typed` is the requested word, ignoring spaces around it; a name must match in case, too."""
    if confirmation is Confirmation.ENTER:
        return True
    if confirmation is Confirmation.YES:
        return typed.strip().lower() == "yes"
    return bool(word) and typed.strip() == word
