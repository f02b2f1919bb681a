"""What each event of a run says in a report, in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from runbook.journal.events import (
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

__all__ = ["DID", "describe_event", "execution", "named"]

DID = {
    Purpose.RUN: "ran",
    Purpose.VERIFY: "checked",
    Purpose.UNDO: "took back",
    Purpose.PROBE: "probed",
    Purpose.PREPARE: "prepared",
}
"""What was done to a step, by the purpose of an execution."""


def describe_event(event: Event, titles: Mapping[str, str]) -> str | None:
    """Return what an event adds to the timeline, None for one that others tell of; `titles` name steps by path."""
    retell = _RETOLD.get(type(event))
    return retell(event, named(str(getattr(event, "step", "")), titles)) if retell else None


def named(step: str, titles: Mapping[str, str]) -> str:
    """Return how a step is called in a report: by its title, if that is known, and by its path."""
    return f"**{titles[step]}** (`{step}`)" if step in titles else f"`{step}`"


def _with(text: str, more: str) -> str:
    return f"{text}: {more}" if more else text


def execution(started: StepStarted, finished: StepFinished | None, titles: Mapping[str, str]) -> str:
    """Return one sentence on an execution; without an end, that its end is not on record."""
    done = "done by hand" if not started.argv and started.purpose is Purpose.RUN else DID[started.purpose]
    said = f", confirmed with `{started.confirmed}`" if started.confirmed not in {"", "Enter"} else ""
    head = f"{named(started.step, titles)}: {done}{said}"
    if finished is None:
        return f"{head}; its end is not on record"
    return _with(f"{head}, {finished.outcome.value}", finished.evidence.split("\n", maxsplit=1)[0])


def _resolved(event: StepResolved, name: str) -> str:
    return _with(f"{name}: its end was unknown; the operator says {event.decision.value}", event.note)


def _handed_over(event: HandedOver, _name: str) -> str:
    return _with(f"handed over to {event.to}" if event.to else "handed over", event.note)


_RETOLD: Mapping[type[Event], Callable[[Any, str], str]] = {
    RunStarted: lambda event, _: f"{event.operator} began",
    RunResumed: lambda event, _: f"{event.operator} went on, on {event.host}",
    TakenOver: lambda event, _: f"{event.operator} took the target over from run `{event.was}`: {event.reason}",
    ChangeAccepted: lambda event, _: f"the {event.what} had changed, which was accepted (the difference is below)",
    StepSkipped: lambda event, name: f"{name}: skipped: {event.reason or 'left as it is'}",
    StepResolved: _resolved,
    OptionChosen: lambda event, name: f"{name}: {event.option}",
    ValueGiven: lambda event, _: f"the operator gave {event.name}: {event.value}",
    SteppedBack: lambda _, name: f"back to {name}",
    HandedOver: _handed_over,
    RunStopped: lambda event, _: f"stopped: {event.reason}",
    RunFinished: lambda _event, _name: "finished",
}
