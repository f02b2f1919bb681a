"""The timeline of a run: one entry for each thing that happened, with who, what and the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runbook.engine.snapshots import WHEN
from runbook.journal import events as known
from runbook.journal.events import Event, Outcome, Purpose, StepFinished, StepStarted
from runbook.printable import span
from runbook.rendering.command_text import quoted

__all__ = ["DID", "Entry", "said_of", "timeline_of", "with_operator"]

DID = {
    Purpose.RUN: "ran",
    Purpose.VERIFY: "checked",
    Purpose.UNDO: "undid",
    Purpose.PROBE: "checked what became of it",
    Purpose.PREPARE: "prepared",
    Purpose.OWN: "ran a command of their own",
}
"""What was done to a step, by the execution's purpose."""

_SHORT = 80
"""The longest comparison that the timeline shows; a longer one that passed is only shown with its command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that happened, in plain text. `step` is the path of the step that it concerns, "" if none."""

    at: datetime
    who: str
    what: str
    step: str = ""
    result: str = ""
    seconds: float | None = None
    """How long it took; None if it took no time."""
    is_lost: bool = False
    """Whether it is an execution whose end nobody saw: it was cut off, or its end isn't recorded."""
    is_probe: bool = False
    is_decision: bool = False
    """Whether it is a person's decision on such an execution."""


_DECIDED = {known.Decision.DONE: "done", known.Decision.REDO: "to be done again"}
_Told = Callable[[Any], tuple[str, str]]

_ENTRIES: Mapping[type[Event], _Told] = {
    known.RunStarted: lambda event: (f"started the run on {event.host}", "a dry run" if event.dry else ""),
    known.RunResumed: lambda event: (f"resumed the run on {event.host}", ""),
    known.TakenOver: lambda event: (f"took over the target from run {event.was}", event.reason),
    known.ChangeAccepted: lambda event: (f"accepted that the {event.what} has changed", "the difference is below"),
    known.StepSkipped: lambda event: ("skipped", event.reason or "it was done already"),
    known.StepResolved: lambda event: (f"decided that it is {_DECIDED[event.decision]}", event.note),
    known.OptionChosen: lambda event: ("decided", event.option),
    known.ValueGiven: lambda event: (f"gave {event.name}", _value(event.value)),
    known.SteppedBack: lambda _: ("went to this step again", ""),
    known.NoteAdded: lambda event: ("noted", event.note),
    known.HandedOver: lambda event: (f"handed over to {event.to}" if event.to else "handed over", event.note),
    known.ConfirmationAsked: lambda _: ("asked somebody else to confirm", ""),
    known.ConfirmationGiven: lambda event: (f"confirmed it as a second person, on {event.host}", ""),
    known.ConfirmationRefused: lambda event: (f"refused it as a second person, on {event.host}", event.reason),
    known.ConfirmationEnded: lambda event: ("had no second person", event.reason),
    known.SnapshotStarted: lambda _: ("", ""),
    known.SnapshotTaken: lambda event: (f"recorded the state {WHEN[event.when]}", _problems(event)),
    known.RunStopped: lambda event: ("stopped", event.reason),
    known.RunFinished: lambda _: ("finished the run", ""),
    known.DrillEnded: lambda event: (f"{'passed' if event.passed else 'failed'} the drill", _why_failed(event)),
}
"""What an event adds to the timeline: what was done, and its result. Each new kind of event needs a line here.

Executions aren't listed here, because their two events make one entry.
"""


def said_of(event: Event) -> tuple[str, str]:
    """Return what was done, and its result; empty texts for a part of an execution."""
    say = _ENTRIES.get(type(event))
    return say(event) if say else ("", "")


def timeline_of(events: Sequence[Event]) -> tuple[Entry, ...]:
    """Return what happened, in order. An execution is one entry at its beginning, whether its end is known or not."""
    return tuple(_entries(events))


def with_operator(events: Sequence[Event]) -> Iterator[tuple[str, Event]]:
    """Yield each event with the person whose it is: whoever was at the terminal, or did it from another one."""
    walks = ""
    for event in events:
        who = str(getattr(event, "operator", "")) or walks
        if isinstance(event, known.RunStarted | known.RunResumed | known.TakenOver):
            walks = who  # whoever confirms or hands over from outside doesn't walk
        yield who, event


def _entries(events: Sequence[Event]) -> Iterator[Entry]:
    begun: tuple[str, StepStarted] | None = None
    for who, event in with_operator(events):
        if isinstance(event, StepFinished) and begun is not None:
            yield _execution(*begun, event)
            begun = None
        # A child process starts in the middle of an execution, which continues.
        elif not isinstance(event, known.ChildStarted):
            if begun is not None:
                yield _execution(*begun, None)
            begun = (who, event) if isinstance(event, StepStarted) else None
            what, result = said_of(event)
            if what:
                step, is_decision = str(getattr(event, "step", "")), isinstance(event, known.StepResolved)
                yield Entry(at=event.at, who=who, what=what, step=step, result=result, is_decision=is_decision)
    if begun is not None:
        yield _execution(*begun, None)


def _execution(who: str, started: StepStarted, finished: StepFinished | None) -> Entry:
    is_by_hand = started.purpose is Purpose.RUN and not started.argv and not started.looks
    what = "done by hand" if is_by_hand else DID[started.purpose]
    if started.purpose is Purpose.OWN:
        what = f"{what}: {' '.join(map(quoted, started.argv))}"
    # Operators press Enter anyway, but a typed word shows that somebody meant it.
    said = f", confirmed with '{started.confirmed}'" if started.confirmed not in {"", "Enter"} else ""
    said += f" and by {started.seconded}" if started.seconded else ""
    return Entry(
        at=started.at,
        who=who,
        what=f"{what}{said}",
        step=started.step,
        result=_result(finished),
        seconds=finished.seconds if finished else None,
        is_lost=finished is None or finished.outcome is Outcome.INTERRUPTED,
        is_probe=started.purpose is Purpose.PROBE,
    )


def _result(finished: StepFinished | None) -> str:
    if finished is None:
        return "its end isn't recorded"
    # A file's diff may precede the last line; it is shown with the command.
    evidence = finished.evidence.rpartition("\n")[2]
    if finished.outcome is Outcome.PASSED:
        return "passed" if not evidence or len(evidence) > _SHORT or evidence.startswith("exit 0, as") else evidence
    after = f" after {span(finished.seconds)}" if finished.outcome is Outcome.INTERRUPTED else ""
    return f"{finished.outcome.value}{after}: {evidence}" if evidence else f"{finished.outcome.value}{after}"


def _why_failed(event: known.DrillEnded) -> str:
    return "; ".join(filter(None, (event.trouble, *event.failed)))


def _problems(taken: known.SnapshotTaken) -> str:
    return "; ".join(f"{title}: {why}" for title, why in taken.problems.items())


def _value(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else ", ".join(value)
