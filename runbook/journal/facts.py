"""What a run can be found by later: its target, the people who took part, and its values. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from runbook.journal.events import Event, RunResumed, RunStarted, StepFinished, TakenOver, TargetSeen, ValueGiven
from runbook.model import TargetKind

__all__ = ["DRILL", "Fact", "FactKind", "Query", "facts_of"]

DRILL = TargetKind.DRILL.value
"""The kind of target that a drill's runs have."""

_LONGEST = 500
"""Characters of a value that are kept for the search; the event has all of it."""


class FactKind(StrEnum):
    """What a fact is about."""

    PROCEDURE = "procedure"
    TARGET = "target"
    OPERATOR = "operator"
    VALUE = "value"


@dataclass(frozen=True, slots=True, order=True)
class Fact:
    """One thing that a run can be found by. `name` is the value's name, or the target's kind."""

    kind: FactKind
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which runs to list. Texts match any part of what was recorded, in any case; empty ones match every run.

    `kind` is the kind of target, exactly: `production`, `local`, `drill` or `this machine`. Drills match only a query
    for drills: they are over when they are recorded, so nobody resumes one, and many would hide the real runs.
    """

    procedure: str = ""
    target: str = ""
    kind: str = ""
    operator: str = ""
    value: str = ""
    since: datetime | None = None

    @property
    def texts(self) -> Mapping[FactKind, str]:
        """The texts that a run's facts must contain, by the kind of fact, in lower case."""
        wanted = {
            FactKind.PROCEDURE: self.procedure,
            FactKind.TARGET: self.target,
            FactKind.OPERATOR: self.operator,
            FactKind.VALUE: self.value,
        }
        return {kind: text.lower() for kind, text in wanted.items() if text}

    @property
    def earliest(self) -> str:
        """The moment from which runs count, as events state theirs; empty if all count."""
        return "" if self.since is None else self.since.astimezone(UTC).isoformat()


def facts_of(event: Event) -> tuple[Fact, ...]:
    """Return what a run can be found by because of this event."""
    return tuple(dict.fromkeys(_facts(event)))


def _facts(event: Event) -> Iterator[Fact]:
    if isinstance(event, RunStarted):
        yield Fact(FactKind.PROCEDURE, "", event.procedure)
        yield from _values(event.values)
        yield from _values({"ticket": event.ticket} if event.ticket else {})
    if isinstance(event, RunStarted | RunResumed):
        yield from _target(event.target)
    if isinstance(event, RunStarted | RunResumed | TakenOver):
        yield Fact(FactKind.OPERATOR, "", event.operator)
    if isinstance(event, ValueGiven):
        yield from _values({event.name: event.value})
    if isinstance(event, StepFinished):
        yield from _values(event.captured)


def _target(seen: TargetSeen) -> Iterator[Fact]:
    for name in (seen.name, seen.project_ref):
        if name:
            yield Fact(FactKind.TARGET, seen.kind, name)


def _values(values: Mapping[str, str | tuple[str, ...]]) -> Iterator[Fact]:
    for name, value in values.items():
        for text in (value,) if isinstance(value, str) else value:
            yield Fact(FactKind.VALUE, name, text[:_LONGEST])
