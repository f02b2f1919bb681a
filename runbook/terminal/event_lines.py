"""The line or two that each event of a run leaves on the screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.text import Text

from runbook.engine.events import (
    Event,
    HandedOver,
    OptionChosen,
    Outcome,
    Purpose,
    RunFinished,
    RunResumed,
    RunStarted,
    RunStopped,
    StepFinished,
    SteppedBack,
    StepSkipped,
    StepStarted,
)
from runbook.engine.ports import Screen
from runbook.engine.state import RunState
from runbook.model import Command, Procedure, Sql, TargetKind
from runbook.terminal.endings import come_back, render_finished, render_result
from runbook.terminal.lines import Lines, command_lines, wrap

__all__ = ["has_output_to_look_at", "render_event"]


def render_event(
    event: Event, state: RunState, procedure: Procedure | None, width: int = 80, height: int = 24
) -> Lines:
    """Return what to print about an event; `state` is the run's after it. Most need nothing."""
    run = state.header.run if state.header else ""
    if isinstance(event, RunFinished) and procedure is not None:
        return [Text(), *render_finished(procedure, state, width, height - 1)]
    if isinstance(event, RunStopped | HandedOver) and state.header and state.header.dry:
        return [Text("Stopped. Nothing was written.", style="bold")]
    if (
        isinstance(event, RunStopped | HandedOver)
        and state.target is not None
        and state.target.kind == TargetKind.DRILL
    ):
        return [Text("Stopped.", style="bold")]  # the drill says itself how it goes on; its run is nowhere else
    tell = _TOLD.get(type(event))
    return tell(event, run, width) if tell else []


def has_output_to_look_at(event: StepFinished, screen: Screen) -> bool:
    """Tell whether a command of the step has just printed what the step says to look at."""
    ran = event.purpose is Purpose.RUN and event.outcome is Outcome.PASSED
    return ran and isinstance(screen.action, Command | Sql)


def _started(event: StepStarted, width: int) -> Lines:
    if event.purpose in {Purpose.VERIFY, Purpose.PROBE}:
        return [Text(), *wrap("Checking:", width, first="  ", style="dim"), *command_lines(event.argv, width)]
    return [Text()] if event.argv else []


def _begun(event: RunStarted, run: str, width: int) -> Lines:
    real = f"Run {run} has begun; every step is written down."
    return wrap("The dry run has begun; it leaves no trace." if event.dry else real, width, style="dim")


def _resumed(_event: RunResumed, run: str, width: int) -> Lines:
    return wrap(f"Run {run} goes on.", width, style="dim")


def _skipped(event: StepSkipped, _run: str, width: int) -> Lines:
    return wrap(f"Skipped: {event.reason or 'it is done already'}", width, first="  ", style="yellow")


def _stepped_back(event: SteppedBack, _run: str, width: int) -> Lines:
    return wrap(f"Back at {event.step}. What ran stays on record.", width, first="  ", style="yellow")


def _handed_over(event: HandedOver, run: str, width: int) -> Lines:
    who = event.to or "Whoever takes over"
    return [Text("Handed over.", style="bold"), *wrap(f"{who} goes on with: runbook resume {run}", width)]


_TOLD: Mapping[type[Event], Callable[[Any, str, int], Lines]] = {
    RunStarted: _begun,
    RunResumed: _resumed,
    StepStarted: lambda event, _run, width: _started(event, width),
    StepFinished: lambda event, _run, width: render_result(event, width),
    StepSkipped: _skipped,
    SteppedBack: _stepped_back,
    OptionChosen: lambda event, _run, width: wrap(event.option, width, first="  -> "),
    HandedOver: _handed_over,
    RunStopped: lambda event, run, _width: come_back(run, event.reason),
}
