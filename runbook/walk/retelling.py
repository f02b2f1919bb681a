"""What each event of a run says in a report, in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from runbook.walk.events import (
    ChangeAccepted,
    Event,
    HandedOver,
    OptionChosen,
    Purpose,
    RunFinished,
    RunResumed,
    RunStarted,
    RunStopped,
    StepFinished,
    SteppedBack,
    StepResolved,
    StepSkipped,
    StepStarted,
    TakenOver,
    ValueGiven,
)

__all__ = ["DID", "retold"]

DID = {
    Purpose.RUN: "ran",
    Purpose.VERIFY: "checked",
    Purpose.UNDO: "took back",
    Purpose.PROBE: "probed",
    Purpose.PREPARE: "prepared",
}
"""What was done to a step, by the purpose of an execution."""


def retold(event: Event, titles: Mapping[str, str]) -> str | None:
    """Return what an event adds to the timeline, None for one that others tell of; `titles` name steps by path."""
    step = str(getattr(event, "step", ""))
    name = f"**{titles[step]}** (`{step}`)" if step in titles else f"`{step}`"
    retell = _RETOLD.get(type(event))
    return retell(event, name) if retell else None


def _with(text: str, more: str) -> str:
    return f"{text}: {more}" if more else text


def _started(event: StepStarted, name: str) -> str:
    said = f", confirmed with `{event.confirmed}`" if event.confirmed else ""
    return f"{name}: {DID[event.purpose]}{said}, started"


def _finished(event: StepFinished, name: str) -> str:
    shown = event.evidence.splitlines()[0] if event.evidence else ""
    return _with(f"{name}: {DID[event.purpose]}, {event.outcome.value}", shown)


def _resolved(event: StepResolved, name: str) -> str:
    return _with(f"{name}: its end was unknown; the operator says {event.decision.value}", event.note)


def _handed_over(event: HandedOver, _name: str) -> str:
    return _with(f"handed over to {event.to}" if event.to else "handed over", event.note)


_RETOLD: Mapping[type[Event], Callable[[Any, str], str]] = {
    RunStarted: lambda event, _: f"{event.operator} began",
    RunResumed: lambda event, _: f"{event.operator} went on, on {event.host}",
    TakenOver: lambda event, _: f"{event.operator} took the target over from run `{event.was}`: {event.reason}",
    ChangeAccepted: lambda event, _: f"the {event.what} had changed, which was accepted (the difference is below)",
    StepStarted: _started,
    StepFinished: _finished,
    StepSkipped: lambda event, name: f"{name}: skipped: {event.reason or 'left as it is'}",
    StepResolved: _resolved,
    OptionChosen: lambda event, name: f"{name}: {event.option}",
    ValueGiven: lambda event, _: f"the operator gave {event.name}: {event.value}",
    SteppedBack: lambda _, name: f"back to {name}",
    HandedOver: _handed_over,
    RunStopped: lambda event, _: f"stopped: {event.reason}",
    RunFinished: lambda _event, _name: "finished",
}
