"""The state of a run, folded from its events. Pure: the same events always give the same state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import reduce
from typing import Any

from runbook.engine.frozen import replace
from runbook.journal.events import (
    ChangeAccepted,
    ChildStarted,
    ConfirmationAsked,
    ConfirmationEnded,
    ConfirmationGiven,
    ConfirmationRefused,
    Decision,
    DrillEnded,
    Event,
    HandedOver,
    NoteAdded,
    OptionChosen,
    Outcome,
    Purpose,
    RulesSeen,
    RunFinished,
    RunResumed,
    RunStarted,
    RunStopped,
    Snapshot,
    SnapshotStarted,
    SnapshotTaken,
    StepFinished,
    SteppedBack,
    StepResolved,
    StepSkipped,
    StepStarted,
    TakenOver,
    TargetSeen,
    ValueGiven,
)

__all__ = ["Attempt", "ChildProcess", "RunState", "Status", "StepRecord", "apply", "fold", "seconds_since"]


class Status(StrEnum):
    """The status of one step."""

    TODO = "todo"
    """Never begun, or undone."""
    RUNNING = "running"
    """Started and not finished: in progress while the run's process lives; afterwards, its end is unknown."""
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    """Interrupted while writing: the server may have continued."""

    @property
    def is_settled(self) -> bool:
        """True if the walk may go past the step."""
        return self in {Status.PASSED, Status.SKIPPED}

    @property
    def is_unknown(self) -> bool:
        """True if nobody can say what became of the step. That must be decided before anything else."""
        return self in {Status.RUNNING, Status.UNKNOWN}


@dataclass(frozen=True, slots=True)
class ChildProcess:
    """A process that was started for a step; `born` is its kernel start time."""

    pid: int
    born: str
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One execution for a step: when, why, and how it ended (`outcome` None: as far as is known, it didn't)."""

    purpose: Purpose
    started: datetime
    started_after: float = 0
    """How many seconds into the run it started (`RunState.seconds`)."""
    number: int = 0
    """Its number among all events of the run."""
    argv: tuple[str, ...] = ()
    effect: str = "reads"
    confirmed: str = ""
    looks: tuple[str, ...] = ()
    finished: datetime | None = None
    outcome: Outcome | None = None
    exit: int | None = None
    seconds: float = 0
    output: str = ""
    evidence: str = ""
    child: ChildProcess | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """Everything known about one step. `status` is about the step itself, `check` about its verification."""

    path: str
    status: Status = Status.TODO
    purpose: Purpose = Purpose.RUN
    """What the status is about: the step (`RUN`) or its undo (`UNDO`)."""
    check: Outcome | None = None
    """How the verification of the last run or undo ended; None: not verified (yet)."""
    attempts: tuple[Attempt, ...] = ()
    captured: Mapping[str, str] = field(default_factory=dict)
    is_doubtful: bool = False
    """Whether its undo began while the end of the step, or of an earlier undo, was unknown: until that is decided, it
    may be half done."""
    vouched: bool = False
    """Whether a person let it count as passed although its end was unknown or its check had failed."""
    reason: str = ""
    """Why it was skipped, or the reason for a person's decision on it."""

    def last_of(self, purpose: Purpose) -> Attempt | None:
        """Return the newest execution of that purpose."""
        return next((one for one in reversed(self.attempts) if one.purpose is purpose), None)

    @property
    def last(self) -> Attempt | None:
        """The newest execution of the step or its undo; checks don't count."""
        ran = [attempt for attempt in self.attempts if attempt.purpose in {Purpose.RUN, Purpose.UNDO}]
        return ran[-1] if ran else None

    @property
    def may_be_half_done(self) -> bool:
        """True if nobody knows how it ended and it ran more than reads, which can simply be repeated."""
        last = self.last
        only_read = last is not None and last.purpose is Purpose.RUN and last.effect == "reads"
        return self.status.is_unknown and not (only_read and last is not None and (last.argv or last.looks))

    @property
    def output(self) -> str:
        """The stored output of the newest execution of any purpose."""
        return self.attempts[-1].output if self.attempts else ""

    @property
    def last_evidence(self) -> str:
        """What was compared last, in words: of the step, its check or its undo."""
        own = Purpose.OWN
        return next((one.evidence for one in reversed(self.attempts) if one.evidence and one.purpose is not own), "")

    @property
    def argv(self) -> tuple[str, ...]:
        """What was executed last for the step or its undo."""
        return self.last.argv if self.last else ()

    @property
    def child(self) -> ChildProcess | None:
        """The newest process of the step or its undo."""
        return self.last.child if self.last else None

    @property
    def seconds(self) -> float:
        """Time spent in commands, checks included."""
        return sum(attempt.seconds for attempt in self.attempts)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """Everything known about a run. Mappings are never changed in place."""

    header: RunStarted | None = None
    steps: Mapping[str, StepRecord] = field(default_factory=dict)
    """By path, in the order of their first event."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """The option taken, by the path of the `choose` step."""
    values: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    """Parameters, captured values and values seen, for display; steps get theirs from `way`."""
    parameters: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    """Values of the procedure's parameters. No secrets."""
    back_to: str = ""
    """The earlier step that the walk went back to; steps from there on are repeated."""
    settled_since: frozenset[str] = frozenset()
    """Steps settled since the walk went back."""
    back_number: int = 0
    """The number of that event among all events of the run; attempts with a lower number came before it."""
    operator: str = ""
    host: str = ""
    directory: str = ""
    """The project's directory on that host."""
    files: Mapping[str, str] = field(default_factory=dict)
    """A digest for each file of the project that counts, as the run was left."""
    target: TargetSeen | None = None
    digest: str = ""
    """The procedure's content as it was last accepted."""
    sources: Mapping[str, str] = field(default_factory=dict)
    rules: RulesSeen = field(default_factory=RulesSeen)
    """The rules as they were when the run began, or as they were last accepted."""
    ended: bool = False
    paused: str = ""
    """Why the run stopped, while it is stopped."""
    handed_to: str = ""
    note: str = ""
    """The note from when the run was handed over."""
    notes: tuple[NoteAdded, ...] = ()
    """The operators' notes, oldest first."""
    updated: datetime | None = None
    seconds: float = 0
    """How long the run took up to its last event. It never decreases, even if the machine's clock is set back."""
    events: int = 0
    snapshots: Mapping[Snapshot, SnapshotTaken] = field(default_factory=dict)
    """What was recorded of the target before the first write and after the last one."""
    has_written_since: bool = False
    """Whether something was written since the newest snapshot."""
    asked: ConfirmationAsked | None = None
    """What somebody else is asked to confirm right now."""
    drill: DrillEnded | None = None
    """How the drill went, if the run is one that a person walked."""

    def step(self, path: str) -> StepRecord:
        """Return what is known about a step, an empty record if nothing is."""
        return self.steps.get(path) or StepRecord(path=path)

    def seconds_until(self, now: datetime) -> float:
        """Return how long the run has taken so far, as far as its record and the machine's clock can tell."""
        return self.seconds + (max(0.0, (now - self.updated).total_seconds()) if self.updated else 0.0)

    @property
    def unknown(self) -> StepRecord | None:
        """The first step whose end nobody knows and that may have changed something."""
        return next((record for record in self.steps.values() if record.may_be_half_done), None)

    @property
    def doubtful(self) -> StepRecord | None:
        """The first step whose undo has failed and that nobody knows to be done or not."""
        failed = (record for record in self.steps.values() if record.status is Status.FAILED)
        return next((record for record in failed if record.is_doubtful), None)


def fold(events: Iterable[Event]) -> RunState:
    """Return the state that these events lead to."""
    return reduce(apply, events, RunState())


def apply(state: RunState, event: Event) -> RunState:
    """Return the state after one more event. Raises KeyError for an event that isn't from `events.py`."""
    state = replace(state, events=state.events + 1, seconds=state.seconds + _passed(state, event), updated=event.at)
    return _FOLDS[type(event)](state, event)


def seconds_since(before: datetime | None, event: Event) -> float:
    """Return the seconds since the previous event: as measured, or else by clocks that somebody may have set."""
    if event.after is not None:
        return event.after
    return max(0.0, (event.at - before).total_seconds()) if before else 0.0


def _passed(state: RunState, event: Event) -> float:
    # Another process records this while ours continues, and our next event measures that time, too.
    is_foreign = isinstance(event, TakenOver) and state.header is not None and event.was == state.header.run
    return 0.0 if is_foreign else seconds_since(state.updated, event)


# --- the run ----------------------------------------------------------------------------------------------------


def _started(state: RunState, event: RunStarted) -> RunState:
    return replace(
        state,
        header=event,
        values=dict(event.values),
        parameters=dict(event.values),
        operator=event.operator,
        host=event.host,
        directory=event.directory,
        files=event.files,
        target=event.target,
        digest=event.digest,
        sources=event.sources,
        rules=event.rules,
    )


def _resumed(state: RunState, event: RunResumed) -> RunState:
    # The target stays the same: only ChangeAccepted replaces it.
    state = replace(state, operator=event.operator, host=event.host, paused="", handed_to="", note="")
    return replace(state, directory=event.directory or state.directory)


def _taken_over(state: RunState, event: TakenOver) -> RunState:
    if state.header is not None and event.was == state.header.run:
        return replace(state, paused=f"taken over by {event.operator}: {event.reason}")
    return replace(state, operator=event.operator)


def _change_accepted(state: RunState, event: ChangeAccepted) -> RunState:
    rules = event.rules if event.rules.digest else state.rules
    return replace(state, digest=event.digest, sources=event.sources, target=event.target, rules=rules)


def _handed_over(state: RunState, event: HandedOver) -> RunState:
    operator, files = event.operator or state.operator, event.files or state.files
    return replace(state, handed_to=event.to, note=event.note, paused="handed over", operator=operator, files=files)


def _stopped(state: RunState, event: RunStopped) -> RunState:
    return replace(state, paused=event.reason, files=event.files or state.files)


def _finished(state: RunState, _event: RunFinished) -> RunState:
    return replace(state, ended=True, paused="")


def _drill_ended(state: RunState, event: DrillEnded) -> RunState:
    return replace(state, ended=True, paused="", drill=event)


# --- its steps --------------------------------------------------------------------------------------------------


def _keep(state: RunState, record: StepRecord, *, settled: bool = False) -> RunState:
    since = state.settled_since | {record.path} if settled else state.settled_since
    return replace(state, steps={**state.steps, record.path: record}, settled_since=since, paused="", asked=None)


def _step_started(state: RunState, event: StepStarted) -> RunState:
    record = state.step(event.step)
    attempt = Attempt(
        purpose=event.purpose,
        started=event.at,
        started_after=state.seconds,
        number=state.events,
        argv=event.argv,
        effect=event.effect,
        confirmed=event.confirmed,
        looks=event.looks,
    )
    record = replace(record, attempts=(*record.attempts, attempt))
    if event.effect != "reads":
        state = replace(state, has_written_since=True)
    if event.purpose is Purpose.RUN:
        record = replace(record, status=Status.RUNNING, purpose=Purpose.RUN, check=None, vouched=False, reason="")
        record = replace(record, is_doubtful=False)
    elif event.purpose is Purpose.UNDO:
        doubtful = record.is_doubtful or record.status.is_unknown
        record = replace(record, status=Status.RUNNING, purpose=Purpose.UNDO, check=None, is_doubtful=doubtful)
    elif event.purpose is Purpose.VERIFY:
        # An earlier check no longer counts: if this one is cut off, the step is unverified.
        record = replace(record, check=None)
    return _keep(state, record)


def _child_started(state: RunState, event: ChildStarted) -> RunState:
    record = state.step(event.step)
    if not record.attempts:
        return state
    attempt = replace(record.attempts[-1], child=ChildProcess(event.pid, event.born, event.host))
    return _keep(state, replace(record, attempts=(*record.attempts[:-1], attempt)))


def _step_finished(state: RunState, event: StepFinished) -> RunState:
    record = _close_attempt(state.step(event.step), event)
    if event.purpose in {Purpose.RUN, Purpose.UNDO}:
        record = replace(record, status=_status_after(record, event))
        if event.purpose is Purpose.UNDO and event.outcome is Outcome.PASSED:
            record = replace(record, is_doubtful=False)
    elif event.purpose is Purpose.VERIFY:
        record = replace(record, check=event.outcome)
    if event.purpose is Purpose.RUN and event.outcome is Outcome.PASSED:
        record = replace(record, captured=event.captured)
        state = replace(state, values={**state.values, **event.captured})
    settles = event.purpose in {Purpose.RUN, Purpose.VERIFY} and record.status is Status.PASSED
    return _keep(state, record, settled=settles)


def _close_attempt(record: StepRecord, event: StepFinished) -> StepRecord:
    if not record.attempts:
        return record
    closed = replace(
        record.attempts[-1],
        finished=event.at,
        outcome=event.outcome,
        exit=event.exit,
        seconds=event.seconds,
        output=event.output,
        evidence=event.evidence,
    )
    return replace(record, attempts=(*record.attempts[:-1], closed))


def _status_after(record: StepRecord, event: StepFinished) -> Status:
    if event.outcome is Outcome.INTERRUPTED:
        reads = record.last is None or record.last.effect == "reads"
        return Status.FAILED if reads else Status.UNKNOWN
    if event.outcome is Outcome.FAILED:
        return Status.FAILED
    return Status.PASSED if event.purpose is Purpose.RUN else Status.TODO


def _step_skipped(state: RunState, event: StepSkipped) -> RunState:
    record = state.step(event.step)
    # A step that passed before, and comes up again, keeps its result.
    passed = record.status is Status.PASSED
    status = Status.PASSED if passed else Status.SKIPPED
    record = replace(record, status=status, vouched=passed, reason=event.reason, is_doubtful=False)
    return _keep(state, record, settled=True)


def _step_resolved(state: RunState, event: StepResolved) -> RunState:
    record = state.step(event.step)
    done = event.decision is Decision.DONE
    if record.purpose is Purpose.UNDO and (done or record.status is not Status.TODO):
        # An undo to be retried stays open: nothing leads from it to the step itself.
        status = Status.TODO if done else Status.FAILED
        purpose = Purpose.UNDO
    else:
        status = Status.PASSED if done else Status.TODO
        purpose = Purpose.RUN
    settled = done and status is Status.PASSED
    doubtful = record.is_doubtful and status is Status.FAILED
    record = replace(record, status=status, purpose=purpose, vouched=done, reason=event.note, is_doubtful=doubtful)
    return _keep(state, record, settled=settled)


def _value_given(state: RunState, event: ValueGiven) -> RunState:
    given = {event.name: event.value}
    state = replace(state, values={**state.values, **given})
    if not event.step:
        return replace(state, parameters={**state.parameters, **given})
    record = state.step(event.step)
    value = event.value if isinstance(event.value, str) else ",".join(event.value)
    return _keep(state, replace(record, captured={**record.captured, event.name: value}))


def _stepped_back(state: RunState, event: SteppedBack) -> RunState:
    number = state.events
    return replace(state, back_to=event.step, back_number=number, settled_since=frozenset(), paused="")


def _note_added(state: RunState, event: NoteAdded) -> RunState:
    return replace(state, notes=(*state.notes, event))


def _confirmation_asked(state: RunState, event: ConfirmationAsked) -> RunState:
    return replace(state, asked=event)


def _confirmation_answered(state: RunState, _event: Event) -> RunState:
    return replace(state, asked=None)


def _snapshot_started(state: RunState, _event: SnapshotStarted) -> RunState:
    return state


def _snapshot_taken(state: RunState, event: SnapshotTaken) -> RunState:
    earlier = state.snapshots.get(Snapshot.BEFORE)
    if event.when is Snapshot.BEFORE and earlier is not None:  # of what another write reached
        event = replace(event, found={**earlier.found, **event.found}, problems={**earlier.problems, **event.problems})
    written = state.has_written_since and event.when is Snapshot.BEFORE
    return replace(state, snapshots={**state.snapshots, event.when: event}, has_written_since=written)


def _option_chosen(state: RunState, event: OptionChosen) -> RunState:
    state = replace(state, choices={**state.choices, event.step: event.option})
    return _keep(state, replace(state.step(event.step), status=Status.PASSED), settled=True)


_FOLDS: Mapping[type[Event], Callable[[RunState, Any], RunState]] = {
    RunStarted: _started,
    RunResumed: _resumed,
    TakenOver: _taken_over,
    ChangeAccepted: _change_accepted,
    HandedOver: _handed_over,
    RunStopped: _stopped,
    RunFinished: _finished,
    DrillEnded: _drill_ended,
    StepStarted: _step_started,
    ChildStarted: _child_started,
    StepFinished: _step_finished,
    StepSkipped: _step_skipped,
    ValueGiven: _value_given,
    StepResolved: _step_resolved,
    SteppedBack: _stepped_back,
    NoteAdded: _note_added,
    ConfirmationAsked: _confirmation_asked,
    ConfirmationGiven: _confirmation_answered,
    ConfirmationRefused: _confirmation_answered,
    ConfirmationEnded: _confirmation_answered,
    OptionChosen: _option_chosen,
    SnapshotStarted: _snapshot_started,
    SnapshotTaken: _snapshot_taken,
}
