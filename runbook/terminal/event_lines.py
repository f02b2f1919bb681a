"""What is printed between the screens: a line or two for each event, the end of a phase, the end of the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.text import Text

from runbook.engine.ports import Screen
from runbook.engine.second_person import code_of
from runbook.engine.snapshots import WHEN, differences
from runbook.engine.state import RunState, Status, StepRecord
from runbook.engine.way import way_of
from runbook.filling import Shown, fill_text
from runbook.journal import events
from runbook.journal.events import (
    Event,
    HandedOver,
    Outcome,
    Purpose,
    RunFinished,
    RunStopped,
    SnapshotTaken,
    StepFinished,
    SteppedBack,
    StepStarted,
)
from runbook.markup import plain_prose
from runbook.model import Mode, Procedure, TargetKind
from runbook.printable import lines_of
from runbook.steps.scope import Place
from runbook.terminal.lines import Lines, band, command_lines, fit, keys, wrap
from runbook.terminal.screen_head import duration, is_dry

__all__ = ["render_event", "render_finished", "render_phase_end", "render_result"]

_CHANGES = 8
"""How many differences to show; the report has all."""
_DONE = {Purpose.VERIFY: "checked", Purpose.PROBE: "checked", Purpose.UNDO: "undone", Purpose.PREPARE: "ready"}
_WORDS = {
    Status.PASSED: ("done", "green"),
    Status.SKIPPED: ("skipped", "yellow"),
    Status.FAILED: ("FAILED", "bold red"),
    Status.UNKNOWN: ("UNKNOWN", "bold yellow"),
    Status.RUNNING: ("UNKNOWN", "bold yellow"),
    Status.TODO: ("not done", "dim"),
}


def render_event(
    event: Event, state: RunState, procedure: Procedure | None, width: int = 80, height: int = 24
) -> Lines:
    """Return what to print about an event; `state` is the run's state after it. Most events print nothing."""
    run = state.header.run if state.header else ""
    if isinstance(event, RunFinished) and procedure is not None:
        return [Text(), *render_finished(procedure, state, width, height - 1)]
    if isinstance(event, SteppedBack):
        at = way_of(procedure, state).find(event.step) if procedure else None
        back = fill_text(at.step.title, Shown(at.scope.values)) if at else event.step
        return wrap(f"Back at: {back}. What ran stays on record.", width, first="  ", style="yellow")
    if isinstance(event, RunStopped | HandedOver) and is_dry(state):
        return [Text("Stopped. Nothing was written.", style="bold")]
    if isinstance(event, RunStopped | HandedOver) and _is_drill(state):
        return [Text("Stopped.", style="bold")]  # the drill itself says how to continue
    if isinstance(event, SnapshotTaken):
        return _snapshot(event, state, width)
    lines_of = _LINES.get(type(event))
    return lines_of(event, run, width) if lines_of else []


def render_result(event: StepFinished, width: int = 80) -> Lines:
    """Say in a few lines how an execution ended, what was compared and what was kept."""
    word, style = {
        Outcome.PASSED: (_DONE.get(event.purpose, "done"), "green"),
        Outcome.FAILED: ("FAILED", "bold red"),
        Outcome.INTERRUPTED: ("INTERRUPTED", "bold yellow"),
    }[event.outcome]
    seconds = f"{event.seconds:.1f} s" if event.seconds >= 0.05 else ""
    evidence = event.evidence
    if event.captured and event.exit is None and not event.output:
        evidence = ""  # a value seen is shown below
    elif event.purpose is Purpose.RUN and event.outcome is Outcome.PASSED and len(evidence) > 60:
        evidence = "as expected"  # the whole comparison is in the report
    facts = ", ".join(part for part in (evidence, seconds) if part)
    lines = wrap(facts, width, first=f"  {word}  ", rest="      ") if facts else [Text(f"  {word}")]
    lines[0].stylize(style, 2, 2 + len(word))
    if event.output and event.exit is None:
        # It wasn't on the screen while the commands ran.
        return [*(line for text in lines_of(event.output) for line in wrap(text, width, rest=" " * 10)), *lines]
    for name, value in event.captured.items():
        shown = value if len(value) <= 200 and "\n" not in value else f"{len(value)} characters"
        lines += wrap(f"{name} = {shown}", width, first="  kept  ", rest="      ")
    return lines


def render_phase_end(screen: Screen, phase: tuple[int, int, str], width: int = 80, height: int = 24) -> Lines:
    """Say that a phase is over. A do-confirm procedure lists its steps, to be confirmed one by one."""
    number, count, title = phase
    named = f": {title}" if title else ""
    lines = wrap(f"Phase {number} of {count} done{named}", width, style="bold green")
    if screen.procedure.mode is not Mode.DO_CONFIRM:
        return lines
    steps = way_of(screen.procedure, screen.state).in_phase(number)
    listed = [line for one in steps for line in _step_line(one, screen.state.step(one.path), width)]
    ask = keys("Is every line true? If so, press Enter. Or:", ["b back", "o output", "q stop"], width)
    return fit([band(lines), band(listed, 4), band(ask)], height - 1, more="l")


def render_finished(procedure: Procedure, state: RunState, width: int = 80, height: int = 24) -> Lines:
    """Return the last screen of a run: what was done when, what is still to do, and where the report is."""
    run = state.header.run if state.header else ""
    took = f" in {duration(state.seconds)}" if state.header else ""
    steps = way_of(procedure, state).places
    listed = [line for one in steps for line in _step_line(one, state.step(one.path), width)]
    after = [line for text in procedure.after for line in wrap(plain_prose(text), width, first="  [ ] ")]
    still = "Still to do after a real run" if _is_drill(state) else "Still to do"
    bands = [
        band(wrap(f"Finished: {procedure.title}{took}", width, style="bold green")),
        band(listed, 5),
        band([Text(f"{still}:", style="bold"), *after] if after else [], 2),
        band([Text(f"Report: runbook report {run}")] if not (is_dry(state) or _is_drill(state)) else []),
    ]
    # No prompt follows, so there is no key to show the rest. A drill has no report, so it shows everything.
    return fit(bands, 1000 if _is_drill(state) else height - 1, more="the report")


def _is_drill(state: RunState) -> bool:
    return state.target is not None and state.target.kind == TargetKind.DRILL


def _step_line(one: Place, record: StepRecord, width: int) -> Lines:
    word, style = _WORDS[record.status]
    when = f"{record.last.started:%H:%M:%S}" if record.last else " " * 8
    took = f"{record.seconds:.0f} s" if record.seconds >= 1 else ""
    note = f" ({record.reason})" if record.reason else ""
    title = fill_text(one.step.title, Shown(one.scope.values))
    lines = wrap(f"{title}{note}", width - 8, first=f"  {when}  {word:<8}  ")
    lines[0].stylize(style, 12, 12 + len(word))
    return [lines[0] + Text(f"  {took}" if took else ""), *lines[1:]]


# --- one event at a time ------------------------------------------------------------------------------------------


def _started(event: StepStarted, _run: str, width: int) -> Lines:
    if event.purpose in {Purpose.VERIFY, Purpose.PROBE}:
        return [Text(), *wrap("Checking:", width, first="  ", style="dim"), *command_lines(event.argv, width)]
    # The screen showed the command; a blank line sets its output off.
    return [Text()] if event.argv else []


def _begun(event: events.RunStarted, run: str, width: int) -> Lines:
    real = f"Run {run} has begun; every step is recorded."
    return wrap("The dry run has begun; it leaves no trace." if event.dry else real, width, style="dim")


def _changed(event: events.ChangeAccepted, _run: str, width: int) -> Lines:
    # The operator has seen the whole difference of any other change, and accepted it.
    first = event.diff.partition("\n")[0]
    return wrap(f"The policy changed. {first}", width, style="dim") if event.what == "policy" else []


def _handed_over(event: HandedOver, run: str, width: int) -> Lines:
    who = event.to or "Whoever takes over"
    return [Text("Handed over.", style="bold"), *wrap(f"{who} continues with: runbook resume {run}", width)]


def _stopped(event: RunStopped, run: str, width: int) -> Lines:
    because = f" ({event.reason})" if event.reason and not event.reason.startswith("stopped by") else ""
    back = f"Come back with: runbook resume {run}" if run else "A drill can't be resumed; begin it again."
    return [*wrap(f"Stopped{because}.", width, style="bold"), *wrap(back, width)]


def _asked_second(event: events.ConfirmationAsked, run: str, width: int) -> Lines:
    return [
        *wrap("Somebody else must confirm this before it runs. On their terminal:", width, style="bold"),
        *wrap(f"runbook confirm {run}", width, first="  "),
        *wrap(f"Their screen must show this code: {code_of(event.digest)}", width, first="  "),
        *wrap("Ctrl-C ends the waiting; nothing has run.", width, first="  "),
    ]


def _snapshot(event: SnapshotTaken, state: RunState, width: int) -> Lines:
    """Say what couldn't be recorded and, after the last write, what is different from before the first one."""
    lines = Lines()
    for title, why in event.problems.items():
        lines += wrap(f"Not recorded: {title} ({why})", width, first="  ", rest="    ", style="yellow")
    if event.when is events.Snapshot.BEFORE:
        return lines
    changed = [f"{sign} {line}" for one in differences(state) for sign, each in (("-", one.gone), ("+", one.new))
               for line in each]  # fmt: skip
    title = "Different from before the first write:" if changed else "As before the first write:"
    lines += wrap(title if changed else f"{title} {', '.join(event.found)}.", width, first="  ", style="dim")
    for line in changed[:_CHANGES]:
        lines += wrap(line, width, first="    ", rest="      ")
    if len(changed) > _CHANGES:
        lines += wrap(f"and {len(changed) - _CHANGES} more, in the report", width, first="    ", style="dim")
    return lines


_LINES: Mapping[type[Event], Callable[[Any, str, int], Lines]] = {
    events.RunStarted: _begun,
    events.RunResumed: lambda _event, run, width: wrap(f"Run {run} continues.", width, style="dim"),
    events.ChangeAccepted: _changed,
    StepStarted: _started,
    StepFinished: lambda event, _run, width: render_result(event, width),
    events.StepSkipped: lambda event, _run, width: wrap(
        f"Skipped: {event.reason or 'already done'}", width, first="  ", style="yellow"
    ),
    events.OptionChosen: lambda event, _run, width: wrap(event.option, width, first="  -> "),
    events.ConfirmationAsked: _asked_second,
    events.ConfirmationGiven: lambda event, _run, width: wrap(
        f"{event.operator} confirmed it, too.", width, first="  ", style="green"
    ),
    events.SnapshotStarted: lambda event, _run, width: wrap(
        f"Recording the state {WHEN[event.when]}. Ctrl-C skips this.", width, first="  ", style="dim"
    ),
    events.NoteAdded: lambda _event, _run, width: wrap("Noted; it is in the report.", width, first="  ", style="dim"),
    HandedOver: _handed_over,
    RunStopped: _stopped,
}
