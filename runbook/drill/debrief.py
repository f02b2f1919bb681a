"""Write the debrief of a drill: time, wrong turns, failed steps, and what was really wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from runbook.drill.stage import DrillReport
from runbook.engine.state import seconds_since
from runbook.expansion import EveryWay, expand, plain_path
from runbook.filling import Shown, fill_text
from runbook.journal.events import (
    Event,
    OptionChosen,
    Outcome,
    Purpose,
    RunStarted,
    StepFinished,
    SteppedBack,
    StepResolved,
    StepSkipped,
)
from runbook.model import Drill, KnownError, Procedure
from runbook.printable import one_line
from runbook.reports.failures import failures, in_one_sentence
from runbook.steps.scope import Scope

__all__ = ["StepTitles", "cause", "debrief"]

_LONG = 60.0
"""How many seconds at one step are worth mentioning."""
_STATES = {
    "applied": "was applied",
    "pending": "waited in the tree",
    "edited": "was edited after it was applied",
    "missing": "was in production and not in the tree",
    "half": "had run halfway and was not in the history",
}

_HAPPENED = {
    "drop_connection": "the connection to the database broke",
    "kill_cli": "the command was killed",
    "second_operator": "a colleague had the target locked",
    "fail_requests": "the platform failed or was slow",
    "run_sql": "somebody changed production",
    "fail_function": "calls of the function began to fail",
    "keep_version": "the platform took a deploy and kept the old version",
    "keep_secret": "the platform took a secret and kept the old value",
    "remove_file": "a file was taken away",
    "write_file": "a file was written",
}


class StepTitles:
    """The titles of the steps that a drill went through, by their paths: a person knows a step by its title."""

    def __init__(
        self, procedure: Procedure, events: Sequence[Event] = (), procedures: Mapping[str, Procedure] | None = None
    ) -> None:
        begun = (
            (procedures.get(event.procedure) for event in events if isinstance(event, RunStarted)) if procedures else ()
        )
        self._titles: dict[str, str] = {}
        for one in (procedure, *filter(None, begun)):
            laid_out = expand(one, EveryWay(lambda _prefix, name, _asks: f"<{name}>"), Scope())
            for place in (*laid_out.before, *laid_out.places):
                title = fill_text(place.step.title, Shown(place.scope.values))
                self._titles.setdefault(plain_path(place.path), one_line(title))

    def of(self, path: str) -> str:
        """Return the step's title, or its path if no procedure has the step."""
        return self._titles.get(plain_path(path), path)


def debrief(
    report: DrillReport,
    procedure: Procedure,
    drill: Drill,
    *,
    hints: int = 0,
    errors: Sequence[KnownError] = (),
    titles: StepTitles | None = None,
) -> tuple[str, ...]:
    """Return sentences for the person who drilled. `hints` counts their requests for help, `errors` are the book's."""
    titles = titles or StepTitles(procedure)
    minutes = round(report.seconds / 60)
    took = f"about {minutes} min" if minutes else "less than a minute"
    lines = [f"It took {took}; the page says about {procedure.minutes} min."]
    lines += [*_turns(report.events, drill, titles), *_trouble(report.events, errors, titles)]
    if hints:
        lines.append(f"You asked for more help {_times(hints)}.")
    lines += _pauses(report.events, titles)
    return tuple(lines)


def cause(drill: Drill, happened: Sequence[tuple[str, str]], titles: StepTitles) -> tuple[str, ...]:
    """Return sentences that explain the scenario after the drill. `happened` has the events that took place."""
    scenario = drill.scenario
    lines = [f"Migration {migration.name} {_STATES[migration.state]}." for migration in scenario.migrations]
    if scenario.seed:
        several = len(scenario.seed) > 1
        number = f"{len(scenario.seed)} statement{'s' * several}"
        lines.append(f"{number} had set the scene in the database{', the first' * several}: {scenario.seed[0]}")
    if scenario.hold:
        lines.append(f"Another session held a transaction open: {scenario.hold}")
    for kind, step in happened:
        when = "From the start" if step == "start" else f"At '{titles.of(step)}'"
        lines.append(f"{when} {_HAPPENED[kind]}.")
    if len(happened) < len(scenario.events):
        lines.append("Something else would have gone wrong, at a step that you didn't reach.")
    return tuple(lines)


def _turns(events: Sequence[Event], drill: Drill, titles: StepTitles) -> Iterator[str]:
    """Yield where the walk differed from the drill's own answers."""
    for event in events:
        if isinstance(event, OptionChosen):
            wanted = drill.answers.get(event.step.rpartition("/")[2])
            # A list of answers is for a question that is asked several times. Which one was for which isn't known here.
            if isinstance(wanted, str) and wanted != event.option:
                yield f"At '{titles.of(event.step)}' you chose '{event.option}'; the drill's own answer is '{wanted}'."
        elif isinstance(event, SteppedBack):
            yield f"You went to '{titles.of(event.step)}' again."
        elif isinstance(event, StepSkipped):
            # Nobody is asked for a reason at a step that was already done, and skipping it leaves nothing out.
            yield from [f"You skipped '{titles.of(event.step)}': {event.reason}."] if event.reason else []


def _trouble(events: Sequence[Event], errors: Sequence[KnownError], titles: StepTitles) -> Iterator[str]:
    """Yield steps that failed or whose result was unknown, each once."""
    failed = Counter(
        (event.step, event.outcome)
        for event in events
        if isinstance(event, StepFinished) and event.outcome is not Outcome.PASSED and event.purpose is Purpose.RUN
    )
    for (step, outcome), number in failed.items():
        yield f"'{titles.of(step)}' {'failed' if outcome is Outcome.FAILED else 'was cut off'} {_times(number)}."
        why = [known for event, known in failures(events, errors) if known and event.step == step]
        yield from dict.fromkeys(f"Its error: {one_line(in_one_sentence(known))}" for known in why)
    for event in events:
        if isinstance(event, StepResolved):
            ended = "was done" if event.decision == "done" else "had to be done again"
            yield f"You decided that '{titles.of(event.step)}' {ended}."


def _pauses(events: Sequence[Event], titles: StepTitles) -> Iterator[str]:
    """Yield the longest time at one step, if it was long."""
    stays: dict[str, float] = {}
    before: datetime | None = None
    for event in events:
        # The time before an event counts for its step, because people read a screen before they answer.
        step = getattr(event, "step", "")
        if before is not None and step:
            stays[step] = stays.get(step, 0) + seconds_since(before, event)
        before = event.at
    longest = max(stays, key=lambda step: stays[step], default="")
    if longest and stays[longest] > _LONG:
        yield f"You spent the most time at '{titles.of(longest)}': {stays[longest] / 60:.1f} min."


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")
