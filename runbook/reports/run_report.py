"""The report of a run as data, made from its events alone: what a postmortem needs to know.

`document.py` lays it out for people, `json_format.py` for programs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runbook.diagnosis import Diagnosis
from runbook.engine.next_action import Finish, Over, Recover, next_action
from runbook.engine.snapshots import Difference, differences
from runbook.engine.state import RunState, fold
from runbook.engine.way import way_of
from runbook.filling import Shown, fill_text
from runbook.journal import events as known
from runbook.journal.events import Event, Outcome, Purpose, StepFinished, StepStarted
from runbook.model import Book, Procedure
from runbook.policy.argv import invocation_of
from runbook.printable import one_line, span
from runbook.rendering.command_text import quoted
from runbook.reports.failures import failures
from runbook.reports.outcome import outcome_of
from runbook.reports.timeline import Entry, timeline_of, with_operator

__all__ = [
    "Answer",
    "Command",
    "Failure",
    "Note",
    "RunReport",
    "StepText",
    "Unknown",
    "outcome_of",
    "report_of",
    "rules_line",
    "status_line",
]


@dataclass(frozen=True, slots=True)
class StepText:
    """What the book says about a step: its title and, for a question, the suggested answer and the reason."""

    title: str
    suggested: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A decision: the answer given to a step's question, and the answer that the run suggested ("": none)."""

    at: datetime
    who: str
    step: str
    answer: str
    suggested: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An execution for a step: what ran (`lines`, each for a shell; none: a person did it) and its result."""

    at: datetime
    who: str
    step: str
    purpose: Purpose
    lines: tuple[str, ...]
    effect: str
    confirmed: str
    seconded: str
    """Who else confirmed it, "" if nobody had to."""
    is_direct: bool
    """Whether it changes the target with a statement or by hand, so that no file says what it did."""
    outcome: Outcome | None
    """None: its end isn't recorded."""
    exit: int | None
    seconds: float
    evidence: str
    output: str

    @property
    def writes(self) -> bool:
        """True if it does more than read."""
        return self.effect != "reads"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What somebody said about a skipped step, or when handing over or taking over."""

    at: datetime
    who: str
    text: str
    step: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """An execution whose end nobody saw, and how that was settled: by checks and a person's decision."""

    at: datetime
    step: str
    how: str
    settled: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed command, and the reason, as far as its output says."""

    at: datetime
    step: str
    why: Diagnosis


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """Everything that the events of one run tell, sorted by readers' questions."""

    state: RunState
    header: known.RunStarted
    steps: Mapping[str, StepText]
    title: str
    outcome: str
    operators: tuple[str, ...]
    roles: tuple[str, ...]
    """The names by which the shared journal knows them, as they logged in to it."""
    hosts: tuple[str, ...]
    answers: tuple[Answer, ...]
    timeline: tuple[Entry, ...]
    commands: tuple[Command, ...]
    skipped: tuple[Note, ...]
    notes: tuple[Note, ...]
    unknowns: tuple[Unknown, ...]
    failures: tuple[Failure, ...]
    changes: tuple[known.ChangeAccepted, ...]
    differences: tuple[Difference, ...]
    """What is different from before the first write."""
    events: tuple[Event, ...]
    proof: str
    """The hash of the last event: a copy of the report can prove later whether the journal was changed."""

    def name(self, step: str) -> str:
        """Return the title of a step, or its path if the book no longer has it."""
        return self.steps[step].title if step in self.steps else step

    @property
    def written(self) -> tuple[Command, ...]:
        """The executions that may have changed something."""
        return tuple(one for one in self.commands if one.writes)

    @property
    def by_hand(self) -> tuple[Command, ...]:
        """The executions that changed the target without a migration or a deploy."""
        return tuple(one for one in self.commands if one.is_direct)


def report_of(events: Sequence[Event], book: Book | None = None, *, proof: str = "") -> RunReport:
    """Return the report of a run.

    `book` gives the titles of its steps, if it still has the procedure as it was followed, and explains errors.
    """
    state = fold(events)
    header = state.header
    assert header is not None
    procedure = book.procedures.get(header.procedure) if book else None
    texts = _step_texts(procedure, state) if procedure and procedure.digest == state.digest else {}
    joined = [event for event in events if isinstance(event, known.RunStarted | known.RunResumed)]
    timeline = timeline_of(events)
    return RunReport(
        state=state,
        header=header,
        steps=texts,
        title=procedure.title if procedure else header.procedure,
        outcome=outcome_of(state),
        operators=tuple(dict.fromkeys(event.operator for event in joined)),
        roles=tuple(dict.fromkeys(role for event in events if (role := getattr(event, "role", "")))),
        hosts=tuple(dict.fromkeys(event.host for event in joined)),
        answers=tuple(_answers(events, texts)),
        timeline=timeline,
        commands=tuple(_commands(events)),
        skipped=tuple(
            Note(at=event.at, who=who, text=event.reason or "it was done already", step=event.step)
            for who, event in with_operator(events)
            if isinstance(event, known.StepSkipped)
        ),
        notes=tuple(_notes(events)),
        unknowns=tuple(_unknowns(events, timeline)),
        failures=tuple(
            Failure(at=event.at, step=event.step, why=why)
            for event, why in failures(events, book.errors if book else ())
            if why
        ),
        changes=tuple(event for event in events if isinstance(event, known.ChangeAccepted)),
        differences=differences(state),
        events=tuple(events),
        proof=proof,
    )


def _step_texts(procedure: Procedure, state: RunState) -> dict[str, StepText]:
    """Return what the procedure says about a run's steps, by path, filled with the run's values."""
    found = {}
    for one in way_of(procedure, state).places:
        values = Shown(one.scope.values)
        suggested, because = one.step.action.suggestion(values)
        found[one.path] = StepText(fill_text(one.step.title, values), suggested, because)
    return found


def _answers(events: Sequence[Event], steps: Mapping[str, StepText]) -> Iterator[Answer]:
    for who, event in with_operator(events):
        if isinstance(event, known.OptionChosen):
            text = steps.get(event.step, StepText(""))
            yield Answer(
                at=event.at,
                who=who,
                step=event.step,
                answer=event.option,
                suggested=text.suggested,
                because=text.because,
            )


def _commands(events: Sequence[Event]) -> Iterator[Command]:
    started: tuple[str, StepStarted] | None = None
    for who, event in with_operator(events):
        if isinstance(event, StepFinished) and started:
            yield _command(*started, event)
            started = None
        elif isinstance(event, StepStarted):
            if started:
                yield _command(*started, None)
            started = (who, event)
    if started:
        yield _command(*started, None)


def _command(who: str, started: StepStarted, finished: StepFinished | None) -> Command:
    lines = (" ".join(map(quoted, started.argv)),) if started.argv else started.looks
    invocation = invocation_of(started.argv)
    is_sql = invocation.program == "psql" or invocation.arguments[:2] == ("db", "query")
    return Command(
        at=started.at,
        who=who,
        step=started.step,
        purpose=started.purpose,
        lines=lines,
        effect=started.effect,
        confirmed=started.confirmed,
        seconded=started.seconded,
        is_direct=started.effect != "reads" and (is_sql or not started.argv),
        outcome=finished.outcome if finished else None,
        exit=finished.exit if finished else None,
        seconds=finished.seconds if finished else 0,
        evidence=finished.evidence if finished else "",
        output=finished.output if finished else "",
    )


_NOTES: Mapping[type[Event], Callable[[Any], str]] = {
    known.HandedOver: lambda event: f"Handed over to {event.to or 'whoever takes over'}: {event.note or 'no note'}",
    known.NoteAdded: lambda event: event.note,
    known.TakenOver: lambda event: f"Took over from run {event.was}: {event.reason or 'no reason given'}",
}
"""The events that carry a person's words to others, each with its sentence in the report."""


def _notes(events: Sequence[Event]) -> Iterator[Note]:
    for who, event in with_operator(events):
        if say := _NOTES.get(type(event)):
            yield Note(at=event.at, who=who, text=say(event), step=getattr(event, "step", ""))


def _unknowns(events: Sequence[Event], timeline: Sequence[Entry]) -> Iterator[Unknown]:
    """Yield each write whose end nobody saw, with what was done about the step until that was decided."""
    for entry in timeline:
        if not entry.is_lost:
            continue
        settled: list[Entry] = []
        for later in timeline[timeline.index(entry) + 1 :]:
            if later.step == entry.step and (later.is_decision or later.is_probe):
                settled.append(later)
            if later.step == entry.step and (later.is_decision or later.is_lost):
                break
        if any(one.is_decision for one in settled) or _is_last_word(entry, events):
            yield Unknown(at=entry.at, step=entry.step, how=entry.result, settled=tuple(settled))


def _is_last_word(entry: Entry, events: Sequence[Event]) -> bool:
    unknown = fold(events).unknown
    return unknown is not None and unknown.path == entry.step


def status_line(state: RunState, procedure: Procedure | None, now: datetime, *, alive: bool | None = True) -> str:
    """Return one line for a chat on the state of a run; `alive` says whether its process is still running."""
    header = state.header
    if header is None:
        return "A run is about to begin."
    title = procedure.title if procedure else header.procedure
    where = f"{title} on {header.target.kind} {header.target.name}"
    since = f"{state.operator} since {header.at:%H:%M} UTC ({span(state.seconds_until(now))})"
    doing = outcome_of(state) if state.ended or state.paused else _standing(state, procedure, is_gone=alive is False)
    return one_line(f"{where}: {doing}. {since}. Run {header.run}")


def rules_line(state: RunState) -> str:
    """Return the book and the policy that a run follows; "" if an older version began it."""
    if not state.rules.digest:
        return ""
    return f"{state.rules.book or 'the packaged book'}, policy {state.rules.digest[:12]}"


def _standing(state: RunState, procedure: Procedure | None, *, is_gone: bool) -> str:
    """Return which step a run is at, as far as the procedure is known."""
    if procedure is None:
        return f"at step {list(state.steps)[-1]}" if state.steps else "at its beginning"
    way = way_of(procedure, state)
    action = next_action(way, state)
    if isinstance(action, Finish | Over):
        return "at its end"
    number, total = way.number_of(action.at.path)
    part = "before step 1" if action.at.is_before else f"step {number} of {total}"
    record = state.step(action.at.path)
    if is_gone:
        doing = "cut off"
    elif record.attempts and record.attempts[-1].outcome is None:
        doing = "running"
    else:
        doing = "failed, waiting for the operator" if isinstance(action, Recover) else "waiting for the operator"
    return f"{part}, {action.at.step.title} ({doing})"
