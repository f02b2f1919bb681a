"""The failed executions of a run, each with the reason, as far as its output says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from runbook.diagnosis import Diagnosis, diagnose
from runbook.journal.events import Event, Outcome, RunStarted, StepFinished, StepStarted
from runbook.model import KnownError

__all__ = ["failures", "in_one_sentence"]

_LONGEST = 200


def failures(events: Iterable[Event], errors: Sequence[KnownError]) -> Iterator[tuple[StepFinished, Diagnosis | None]]:
    """Yield the executions that failed, with the diagnosis that the failure screen shows."""
    major = 0
    argv: tuple[str, ...] = ()
    for event in events:
        match event:
            case RunStarted():
                major = event.target.major
            case StepStarted():
                argv = event.argv
            case StepFinished() if event.outcome is Outcome.FAILED:
                yield event, diagnose(errors, argv, event.exit, event.output, major=major)


def in_one_sentence(diagnosis: Diagnosis) -> str:
    """Return the book's title for the error, if it has one, and the error as printed."""
    said = diagnosis.error.text
    said = said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"
    return f"{diagnosis.known.title} ({said})" if diagnosis.known else said
