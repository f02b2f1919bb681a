"""What a run records of its target before its first write and after its last one."""

from __future__ import annotations

from dataclasses import dataclass

from runbook.model.action import Action
from runbook.model.fields import LINE, NAME, Choice, ListOf, key
from runbook.model.policy import Family
from runbook.model.terms import Position

__all__ = ["Evidence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One look at the target: a command that reads and prints a JSON list. Each item makes a line."""

    title: str = key(LINE, "What is recorded, as a heading.", name="look")
    family: Family = key(
        Choice((Family.DATABASE, Family.PROJECT)), "The first write to which it comes before.", name="before"
    )
    action: Action
    at: Position
    list_name: str = key(
        NAME, "The member of the output that is the list, if it isn't a list itself.", name="list", default="rows"
    )
    members: tuple[str, ...] = key(ListOf(NAME), "The members of an item that make its line.", default=("fact",))
