"""Check from a run's events that it never does what it must not, by rules that don't know the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runbook.engine.state import RunState
from runbook.journal.events import (
    ChangeAccepted,
    Decision,
    Event,
    OptionChosen,
    Outcome,
    Purpose,
    RunFinished,
    RunStarted,
    StepFinished,
    SteppedBack,
    StepResolved,
    StepSkipped,
    StepStarted,
    ValueGiven,
)

__all__ = ["BrokenPromiseError", "Ledger", "StepLedger", "promise"]


class BrokenPromiseError(Exception):
    """The walk did what it must never do."""


def promise(kept: bool, otherwise: str) -> None:
    """Raise BrokenPromiseError with what happened instead."""
    if not kept:
        raise BrokenPromiseError(otherwise)


@dataclass
class StepLedger:
    """The state of one step, derived only from its events."""

    state: str = "open"
    """`open`, `reading` (started; it may simply be done again), `running` (started, its end unknown), `done`, or `left`
    (its undo failed and was given up)."""
    undoing: str = ""
    """`running` or `failed`, while an undo is neither done nor given up."""
    writes: bool = False
    undo_writes: bool = False
    taken_back: bool = False
    """Its undo has passed, so later events are about the undo."""
    again: bool = False
    """The operator went back since: it may be done once more, if they confirm it."""


@dataclass
class Ledger:
    """One run's events, kept by rules that don't know the engine."""

    run: str
    steps: dict[str, StepLedger] = field(default_factory=dict)
    given: set[tuple[str, str]] = field(default_factory=set)
    """(step, name) of the values given by hand, while nothing happened that makes them void."""
    is_smooth: bool = True
    """No step was skipped or taken as done, and the procedure hasn't changed, so no value may be missing."""
    has_begun: bool = False
    """False for a run that died before its first event and whose target was taken over since."""
    ended: bool = False

    def take(self, event: Event, granted: tuple[str, Purpose] | None) -> None:
        """Add an event. `granted` is what the operator just confirmed. Raises BrokenPromiseError."""
        if isinstance(event, StepStarted):
            self._started(event, granted)
        take = _ENTRIES.get(type(event))
        if take is not None:
            take(self, event)
        if isinstance(event, StepStarted | StepFinished | StepSkipped | StepResolved):
            self.given = {key for key in self.given if key[0] != event.step}

    def step(self, path: str) -> StepLedger:
        """Return what is known about a step."""
        return self.steps.setdefault(path, StepLedger())

    @property
    def unknown(self) -> list[str]:
        """Steps that started, or whose undo started, and whose result isn't known."""
        return [path for path, one in self.steps.items() if "running" in {one.state, one.undoing}]

    def compare(self, state: RunState) -> None:
        """Compare the run's folded state with this. Raises BrokenPromiseError."""
        for path, one in self.steps.items():
            status = state.step(path).status.value
            if one.state == "done" and not one.undoing:
                promise(status == "passed", f"the finished step {path} is {status}")
            if "running" in {one.state, one.undoing} and one.undoing != "failed":
                promise(status in {"running", "unknown"}, f"the end of {path} is not known, and it is {status}")
            if one.state == "open" and not one.undoing:
                promise(status != "passed", f"{path} was not done, or taken back, and it is {status}")

    def _started(self, event: StepStarted, granted: tuple[str, Purpose] | None) -> None:
        if event.purpose not in {Purpose.RUN, Purpose.UNDO}:
            return
        one = self.step(event.step)
        writes = event.effect != "reads"
        if writes:
            wanted = (event.step, event.purpose)
            promise(granted == wanted, f"{event.purpose} of {event.step} was not confirmed: {granted}")
        if event.purpose is Purpose.UNDO:
            one.undoing, one.undo_writes = "running", writes
            return
        if writes:
            promise(one.state != "running", f"{event.step} runs again, and how it ended is not known")
            promise(one.state != "done" or one.again, f"{event.step} runs again, and it had passed")
        state = "running" if writes or not (event.argv or event.looks) else "reading"
        one.state, one.undoing, one.writes, one.again, one.taken_back = state, "", writes, False, False

    def _finished(self, event: StepFinished) -> None:
        one = self.step(event.step)
        if event.purpose is Purpose.RUN:
            lost = "running" if one.writes else "open"
            ends = {Outcome.PASSED: "done", Outcome.FAILED: "open", Outcome.INTERRUPTED: lost}
            one.state = ends[event.outcome]
        elif event.purpose is Purpose.UNDO and event.outcome is Outcome.PASSED:
            one.state, one.undoing, one.taken_back = "open", "", True
        elif event.purpose is Purpose.UNDO:
            one.undoing = "running" if event.outcome is Outcome.INTERRUPTED and one.undo_writes else "failed"

    def _resolved(self, event: StepResolved) -> None:
        one, done = self.step(event.step), event.decision is Decision.DONE
        if one.undoing:  # one that is to be tried again is still under way
            one.undoing = "" if done else "failed"
            one.state, one.taken_back = ("open" if done else one.state), done
        elif not one.taken_back:
            one.state = "done" if done else "open"
            self.is_smooth = self.is_smooth and not done

    def _skipped(self, event: StepSkipped) -> None:
        one, self.is_smooth = self.step(event.step), False
        if one.undoing or one.state == "running":  # decided: the operator leaves it as it is
            one.state, one.undoing = "left", ""

    def _began(self, _event: RunStarted) -> None:
        self.has_begun = True

    def _chosen(self, event: OptionChosen) -> None:
        self.step(event.step).state = "left"

    def _back(self, _event: SteppedBack) -> None:
        for one in self.steps.values():
            one.again = True
        self.given.clear()

    def _changed(self, _event: ChangeAccepted) -> None:
        self.is_smooth = False
        self.given.clear()

    def _given(self, event: ValueGiven) -> None:
        key = (event.step, event.name)
        promise(key not in self.given, f"{event.name} is asked for again")
        self.given.add(key)

    def _ended(self, _event: RunFinished) -> None:
        promise(not self.unknown, f"the run finished, and the end of {self.unknown} is not known")
        promise(not self.ended, "the run finished twice")
        self.ended = True


_ENTRIES: Mapping[type[Event], Callable[[Ledger, Any], None]] = {
    RunStarted: Ledger._began,
    StepFinished: Ledger._finished,
    StepResolved: Ledger._resolved,
    StepSkipped: Ledger._skipped,
    OptionChosen: Ledger._chosen,
    SteppedBack: Ledger._back,
    ChangeAccepted: Ledger._changed,
    ValueGiven: Ledger._given,
    RunFinished: Ledger._ended,
}
