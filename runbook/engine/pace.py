"""How far a walk goes by itself: which steps start without a key, and what a person must judge first. Pure.

A step that only reads starts by itself, once, and the walk continues if it came out as expected. The walk waits for a
person if a step asks, warns, writes or destroys, if it was begun before or stepped back to, and after a finding:
something in the output that no `expect` or `verify` has judged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from runbook.engine.state import RunState, Status, StepRecord
from runbook.engine.way import Way
from runbook.filling import Shown, fill_text
from runbook.journal.events import Outcome, Purpose
from runbook.model import Action, Effect, Step
from runbook.steps.destination import Prepared
from runbook.steps.scope import Place
from runbook.steps.view import Label, Note

__all__ = [
    "Finding",
    "finding_at",
    "finding_before",
    "is_judged_by_person",
    "leaves_finding",
    "starts_by_itself",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a person must judge: a step's output, and what the step says to look for in it."""

    path: str
    number: int
    title: str
    output: str
    notes: tuple[Note, ...] = ()
    compare: str = ""
    """When the run last wrote, if the output has times that it matters for."""


_TIME = re.compile(r"\d\d:\d\d:\d\d|\b\d{13}\b")
"""A time of day, or the platform's milliseconds, which are shown as one. A migration's version has 14 digits."""


def starts_by_itself(
    at: Place, action: Action, prepared: Prepared, state: RunState, *, finding: Finding | None = None
) -> bool:
    """Tell whether a step starts without a key; `finding` is what the step before it left to judge."""
    record = state.step(at.path)
    only_reads = (
        action.starts_by_itself
        and not at.step.second_person
        and prepared.effect is Effect.READS
        and not prepared.needs_person
    )
    must_be_read = at.step.warning is not None or finding is not None
    is_first_time = record.status is Status.TODO and not record.attempts
    stepped_back = at.path == state.back_to and at.path not in state.settled_since
    # Whoever adds a note at a step is looking at it.
    is_noted = any(note.step == at.path for note in state.notes)
    return only_reads and is_first_time and not stepped_back and not is_noted and not must_be_read


def leaves_finding(step: Step, action: Action, record: StepRecord) -> bool:
    """Tell whether a step has passed and shown something that only a person can judge."""
    last = record.last_of(Purpose.RUN)
    if record.status is not Status.PASSED or record.vouched or last is None or last.outcome is not Outcome.PASSED:
        return False
    return bool(action.findings_in(last.output)) if action.reports_findings else is_judged_by_person(step, action)


def is_judged_by_person(step: Step, action: Action) -> bool:
    """Tell whether a step says what to look for in its command's output, without comparing it."""
    is_compared = step.verify is not None or step.expect.compares
    return action.runs and not is_compared and bool(step.look_for or step.stop_if)


def finding_before(way: Way, state: RunState, path: str, major: int) -> Finding | None:
    """Return what the step before this one left to judge."""
    before = way.before(path)
    return None if before is None else finding_at(before, way, state, major)


def finding_at(place: Place, way: Way, state: RunState, major: int) -> Finding | None:
    """Return what a step left to judge, or None."""
    step, record = place.step, state.step(place.path)
    action, last, values = step.action_on(major), record.last_of(Purpose.RUN), Shown(place.scope.values)
    if last is None or not leaves_finding(step, action, record):
        return None
    labelled = ((Label.LOOK_FOR, step.look_for), (Label.STOP_IF, step.stop_if))
    return Finding(
        path=place.path,
        number=way.number_of(place.path)[0],
        title=fill_text(step.title, values),
        output=action.findings_in(last.output) or last.output,
        notes=tuple(Note(label, fill_text(text, values)) for label, text in labelled if text),
        compare=_last_write(way, state) if _TIME.search(last.output) else "",
    )


def _last_write(way: Way, state: RunState) -> str:
    """Return when the newest command that wrote ended, and at which step, "" if none did. Failed ones don't count."""
    wrote = [
        (attempt.finished or attempt.started, place)
        for place in way.places
        for attempt in state.step(place.path).attempts
        if attempt.argv and attempt.effect != Effect.READS.value and attempt.outcome is not Outcome.FAILED
    ]
    if not wrote:
        return ""
    ended, place = max(wrote, key=lambda one: one[0])
    title = fill_text(place.step.title, Shown(place.scope.values))
    return f"this run last wrote at {ended:%H:%M:%S} UTC, at step {way.number_of(place.path)[0]} ({title})."
