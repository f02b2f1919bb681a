"""What is printed between the screens: how an execution ended, a phase's end, the run's end and how to come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from runbook.engine.events import Outcome, Purpose, StepFinished
from runbook.engine.path import Instance, instances
from runbook.engine.ports import Screen
from runbook.engine.state import RunState
from runbook.engine.state import Status, StepRecord
from runbook.model import Mode, Procedure, TargetKind
from runbook.terminal.banner import duration
from runbook.terminal.lines import Lines, block, fit, keys, wrap

__all__ = ["come_back", "render_finished", "render_phase_end", "render_result", "worth_a_look"]

_DONE = {Purpose.VERIFY: "checked", Purpose.PROBE: "checked", Purpose.UNDO: "taken back", Purpose.PREPARE: "ready"}
_WORDS = {
    Status.PASSED: ("done", "green"),
    Status.SKIPPED: ("skipped", "yellow"),
    Status.FAILED: ("FAILED", "bold red"),
    Status.UNKNOWN: ("UNKNOWN", "bold yellow"),
    Status.RUNNING: ("UNKNOWN", "bold yellow"),
    Status.TODO: ("not done", "dim"),
}


def render_result(event: StepFinished, width: int = 80) -> Lines:
    """Say in one or a few lines how an execution ended, what was compared and what was kept."""
    word, style = {
        Outcome.PASSED: (_DONE.get(event.purpose, "done"), "green"),
        Outcome.FAILED: ("FAILED", "bold red"),
        Outcome.INTERRUPTED: ("INTERRUPTED", "bold yellow"),
    }[event.outcome]
    seconds = f"{event.seconds:.1f} s" if event.seconds >= 0.05 else ""
    facts = ", ".join(part for part in (_evidence(event), seconds) if part)
    lines = wrap(facts, width, first=f"  {word}  ", rest="      ") if facts else [Text(f"  {word}")]
    lines[0].stylize(style, 2, 2 + len(word))
    for name, value in event.captured.items():
        shown = value if len(value) <= 200 and "\n" not in value else f"{len(value)} characters"
        lines += wrap(f"{name} = {shown}", width, first="  kept  ", rest="      ")
    return lines


def _evidence(event: StepFinished) -> str:
    if event.captured and event.exit is None:
        return ""  # a value seen is shown below
    passed = event.purpose is Purpose.RUN and event.outcome is Outcome.PASSED
    return "as expected" if passed and len(event.evidence) > 60 else event.evidence


def worth_a_look(screen: Screen, width: int = 80) -> Lines:
    """Return what to look for in the output that has just been printed; nothing if the step does not say."""
    pieces = screen.pieces
    lines = wrap(pieces["look_for"], width, first="  Look for: ", rest="      ") if pieces.get("look_for") else []
    return lines + (wrap(pieces["stop_if"], width, first="  Stop if: ", rest="      ") if pieces.get("stop_if") else [])


def render_phase_end(screen: Screen, phase: tuple[int, int, str], width: int = 80, height: int = 24) -> Lines:
    """Say that a phase is over. In a do-confirm procedure its steps are listed, to be confirmed one by one."""
    number, count, title = phase
    named = f": {title}" if title else ""
    lines = wrap(f"Phase {number} of {count} done{named}", width, style="bold green")
    if screen.procedure.mode is not Mode.DO_CONFIRM:
        return lines
    steps = [one for one in instances(screen.procedure, screen.state) if one.phase == number and not one.is_before]
    listed = [line for one in steps for line in _step_line(one, screen.state.step(one.path), width)]
    ask = keys("Is each line so? Press Enter if all are, or:", ["b back", "o output", "q stop"], width)
    return fit([block(lines), block(listed, 4), block(ask)], height - 1)


def render_finished(procedure: Procedure, state: RunState, width: int = 80, height: int = 24) -> Lines:
    """Return the end of a run: what was done when, what is still to do, and where the report is."""
    run = state.header.run if state.header else ""
    began, ended = (state.header.at if state.header else None), state.updated
    took = f" in {duration((ended - began).total_seconds())}" if began and ended else ""
    steps = instances(procedure, state)
    listed = [line for one in steps for line in _step_line(one, state.step(one.path), width)]
    after = [line for text in procedure.after for line in wrap(text, width, first="  [ ] ")]
    blocks = [
        block(wrap(f"Finished: {procedure.title}{took}", width, style="bold green")),
        block(listed, 5),
        block([Text("Still to do:", style="bold"), *after] if after else [], 2),
        block([Text(f"Report: runbook report {run}")] if not _is_forgotten(state) else []),
    ]
    return fit(blocks, height - 1)


def come_back(run: str, reason: str = "") -> Lines:
    """Say how to go on with a run that has stopped; a drill (`run` is empty) is gone with its database."""
    because = f" ({reason})" if reason and not reason.startswith("stopped by") else ""
    back = f"Come back with: runbook resume {run}" if run else "A drill can't be resumed; begin it again."
    return [*wrap(f"Stopped{because}.", 100, style="bold"), Text(back)]


def _is_forgotten(state: RunState) -> bool:
    """Tell whether the run is in no journal that anybody can ask later: a dry run, a drill."""
    header = state.header
    return header is not None and (header.dry or header.target.kind == TargetKind.DRILL)


def _step_line(one: Instance, record: StepRecord, width: int) -> Lines:
    word, style = _WORDS[record.status]
    when = f"{record.last.started:%H:%M:%S}" if record.last else " " * 8
    took = f"{record.seconds:.0f} s" if record.seconds >= 1 else ""
    note = f" ({record.reason})" if record.reason else ""
    lines = wrap(f"{_title(one.step.title, one.values)}{note}", width - 8, first=f"  {when}  {word:<8}  ")
    lines[0].stylize(style, 12, 12 + len(word))
    return [lines[0] + Text(f"  {took}" if took else ""), *lines[1:]]


def _title(title: str, values: Mapping[str, str | Sequence[str]]) -> str:
    for name, value in values.items():
        title = title.replace("{{" + name + "}}", value if isinstance(value, str) else ", ".join(value))
    return title
