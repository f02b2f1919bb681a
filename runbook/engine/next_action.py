"""What comes next in a run. Pure: `next_action(procedure, state)` depends on nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runbook.engine.events import Outcome, Purpose
from runbook.engine.path import Instance, chosen, instances
from runbook.engine.state import RunState
from runbook.engine.step_record import Status, StepRecord
from runbook.model import Choose, Position, Procedure, Step, Tick

__all__ = ["Ask", "Begin", "Finish", "NextAction", "Over", "Recover", "Settle", "Verify", "next_action", "previous"]


@dataclass(frozen=True, slots=True)
class Begin:
    """Show this step and do it, if the operator says so."""

    at: Instance


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask which option of this `choose` step to take."""

    at: Instance


@dataclass(frozen=True, slots=True)
class Verify:
    """The step (or, with `UNDO`, its undo) has run; its check has not."""

    at: Instance
    of: Purpose = Purpose.RUN


@dataclass(frozen=True, slots=True)
class Recover:
    """The step, its check or its undo failed (`what`): ask what to do."""

    at: Instance
    what: Purpose


@dataclass(frozen=True, slots=True)
class Settle:
    """The step, or its undo, started and nobody knows how it ended: ask before anything else."""

    at: Instance
    what: Purpose


@dataclass(frozen=True, slots=True)
class Finish:
    """Every step is done or was skipped."""


@dataclass(frozen=True, slots=True)
class Over:
    """The run has finished already."""


NextAction = Begin | Ask | Verify | Recover | Settle | Finish | Over


def next_action(procedure: Procedure, state: RunState) -> NextAction:
    """Return what comes next: an unknown end first, then the first step that is not settled."""
    if state.ended:
        return Over()
    steps = instances(procedure, state)
    unknown = state.unknown
    if unknown is not None:
        return Settle(_find(steps, unknown.path), unknown.purpose)
    current = next((one for one in _ahead(steps, state)), None)
    return Finish() if current is None else _at(current, state.step(current.path))


def previous(procedure: Procedure, state: RunState, path: str) -> Instance | None:
    """Return the step before that one, None at the first."""
    steps = instances(procedure, state)
    index = next((index for index, one in enumerate(steps) if one.path == path), 0)
    return steps[index - 1] if index else None


def _at(current: Instance, record: StepRecord) -> NextAction:
    step = current.step
    if isinstance(step.action, Choose):
        return Ask(current)
    if record.status is Status.FAILED:
        return Recover(current, record.purpose)
    passed = record.status is Status.PASSED and step.verify is not None and not record.vouched
    if passed and record.check is not Outcome.PASSED:
        return Verify(current) if record.check is None else Recover(current, Purpose.VERIFY)
    if _undo_unchecked(step, record):
        return Verify(current, Purpose.UNDO) if record.check is None else Recover(current, Purpose.VERIFY)
    return Begin(current)


def _undo_unchecked(step: Step, record: StepRecord) -> bool:
    """Return True if the step was taken back and that was not shown to have worked."""
    has_check = step.undo is not None and step.undo.check is not None
    undone = record.status is Status.TODO and record.purpose is Purpose.UNDO and not record.vouched
    return has_check and undone and record.check is not Outcome.PASSED


def _is_settled(one: Instance, state: RunState) -> bool:
    record = state.step(one.path)
    if isinstance(one.step.action, Choose):
        return record.status is Status.SKIPPED or chosen(one.step.action, one.path, state) is not None
    if one.step.verify is None or record.vouched or record.status is Status.SKIPPED:
        return record.status.is_settled
    return record.status is Status.PASSED and record.check is Outcome.PASSED


def _ahead(steps: Sequence[Instance], state: RunState) -> Iterator[Instance]:
    """Yield the steps still to be gone through: after a step back, also those that were settled before it."""
    again = False
    for one in steps:
        again = again or one.path == state.back_to
        if not _is_settled(one, state) or (again and one.path not in state.settled_since):
            yield one


def _find(steps: Sequence[Instance], path: str) -> Instance:
    return next((one for one in steps if one.path == path), None) or _stranger(path)


def _stranger(path: str) -> Instance:
    """Stand in for a step that the procedure, changed since, no longer has."""
    text = f"Step {path} began before the procedure changed; it is no longer part of it."
    step = Step(id=path, title=text, action=Tick(text), at=Position("", 1, 1))
    return Instance(path=path, step=step, values={}, secrets={}, captures={})
