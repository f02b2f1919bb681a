"""What comes next in a run. Pure: it depends only on the way and the state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runbook.engine.state import RunState, Status, StepRecord
from runbook.engine.way import Way
from runbook.journal.events import Outcome, Purpose
from runbook.model import Step
from runbook.steps import stand_in
from runbook.steps.scope import Place, Scope

__all__ = ["Begin", "Finish", "NextAction", "Over", "Recover", "Settle", "Verify", "is_settled", "next_action"]


@dataclass(frozen=True, slots=True)
class Begin:
    """Show this step, and do it if the operator says so."""

    at: Place


@dataclass(frozen=True, slots=True)
class Verify:
    """The step (or, with `UNDO`, its undo) has run, but its check hasn't, or nobody saw how the check ended."""

    at: Place
    of: Purpose = Purpose.RUN


@dataclass(frozen=True, slots=True)
class Recover:
    """The step, its check or its undo failed (`what`): ask what to do."""

    at: Place
    what: Purpose


@dataclass(frozen=True, slots=True)
class Settle:
    """The step, or its undo, started and nobody knows how it ended: ask before anything else."""

    at: Place
    what: Purpose


@dataclass(frozen=True, slots=True)
class Finish:
    """Every step is done or was skipped."""


@dataclass(frozen=True, slots=True)
class Over:
    """The run has finished already."""


NextAction = Begin | Verify | Recover | Settle | Finish | Over


def next_action(way: Way, state: RunState) -> NextAction:
    """Return what comes next: an unknown end first, then the first step that isn't settled."""
    if state.ended:
        return Over()
    unknown = state.unknown
    if unknown is not None:
        return Settle(way.find(unknown.path) or _gone(unknown.path), unknown.purpose)
    doubtful = state.doubtful
    if doubtful is not None:
        # Whatever the walk has done since, a step that may be half done is never left behind silently.
        return Recover(way.find(doubtful.path) or _gone(doubtful.path), Purpose.UNDO)
    current = next(_ahead(way, state), None)
    if current is None:
        return Finish()
    record = state.step(current.path)
    return Begin(current) if _failed_before_stepping_back(record, state) else _at(current, record)


def _failed_before_stepping_back(record: StepRecord, state: RunState) -> bool:
    """Return True if the step failed before the walk went back: what it would run now may differ.

    A failed undo stays open until it is decided.
    """
    own = {Purpose.PREPARE, Purpose.OWN}  # neither does the step
    last = next((one for one in reversed(record.attempts) if one.purpose not in own), None)
    is_old = bool(state.back_to) and last is not None and last.number < state.back_number
    return is_old and record.purpose is not Purpose.UNDO


def _at(current: Place, record: StepRecord) -> NextAction:
    step = current.step
    if record.status is Status.FAILED:
        return Recover(current, record.purpose)
    passed = record.status is Status.PASSED and step.verify is not None and not record.vouched
    if passed and record.check is not Outcome.PASSED:
        return Verify(current) if record.check is None else Recover(current, Purpose.VERIFY)
    if _undo_unchecked(step, record):
        return Verify(current, Purpose.UNDO) if record.check is None else Recover(current, Purpose.VERIFY)
    return Begin(current)


def _undo_unchecked(step: Step, record: StepRecord) -> bool:
    """Return True if the step was undone but nothing has shown that the undo worked."""
    has_check = step.undo is not None and step.undo.check is not None
    undone = record.status is Status.TODO and record.purpose is Purpose.UNDO and not record.vouched
    return has_check and undone and record.check is not Outcome.PASSED


def is_settled(place: Place, state: RunState) -> bool:
    """Return True if the walk may go past the step: it and its check are done, or it was skipped."""
    record, step = state.step(place.path), place.step
    if record.status is Status.SKIPPED:
        return True
    passed = record.status is Status.PASSED
    if step.verify is not None and not record.vouched:
        passed = passed and record.check is Outcome.PASSED
    return step.action.is_settled(state.choices.get(place.path), passed=passed)


def _ahead(way: Way, state: RunState) -> Iterator[Place]:
    """Yield the steps still to go through; after a step back, that includes steps settled before it."""
    again = False
    for place in way.places:
        again = again or place.path == state.back_to
        if not is_settled(place, state) or (again and place.path not in state.settled_since):
            yield place


def _gone(path: str) -> Place:
    """Return a stand-in for a step that the changed procedure no longer has: its end must still be decided."""
    return Place(step=stand_in(path), path=path, number="", scope=Scope(), after=Scope(), procedure="")
