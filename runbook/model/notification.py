"""Whom a team notifies when something happens in a run, and how."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from runbook.model.fields import Choice, ListOf, Text, forms, key, shape
from runbook.model.terms import Position

__all__ = ["SHAPES", "Moment", "Notification"]


class Moment(StrEnum):
    """What happened in a run."""

    START = "start"
    """It began, or somebody continued it."""
    WRITE = "write"
    """A command that writes or destroys begins."""
    STUCK = "stuck"
    """A step failed or was cut off, or somebody else must confirm it."""
    END = "end"
    """It finished, stopped or was handed over."""


_VARIABLE = Text(
    r"[A-Z][A-Z0-9_]*",
    "the name of an environment variable that has the address: whoever knows a webhook's address can use it",
)
_PROGRAM = Text(r"[^\s\x00]+", "the path of a program, without arguments: it runs unasked, so it must be one of yours")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One receiver: a webhook, whose address is in an environment variable, or a program, which gets JSON as input."""

    kind: str
    """`slack`, `teams`, `webhook` or `program`."""
    slack: str = key(_VARIABLE, "The variable with the address of a Slack webhook.", default="")
    teams: str = key(_VARIABLE, "The variable with the address of a workflow in Teams.", default="")
    webhook: str = key(_VARIABLE, "The variable with an address that takes JSON.", default="")
    program: str = key(_PROGRAM, "A program that reads JSON; its path begins at the book's directory.", default="")
    on: tuple[str, ...] = key(
        ListOf(Choice(tuple(Moment))),
        "The moments it wants: start, write, stuck, end.",
        default=tuple(Moment),
        said="all",
    )
    at: Position

    @property
    def variable(self) -> str:
        """The name of the variable with the webhook's address, "" for a program."""
        return self.slack or self.teams or self.webhook


SHAPES = (
    shape(
        Notification,
        "notification",
        "a receiver of notifications",
        "Who gets a message when something happens in the team's runs.",
        forms(Notification, ("slack",), ("teams",), ("webhook",), ("program",)),
    ),
)
"""The receivers."""
