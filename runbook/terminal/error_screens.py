"""The screens of what went wrong: a step failed, its end is unknown, something changed, somebody else is there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from runbook.engine.ports import Execution, Screen
from runbook.engine.state import Status
from runbook.journal.events import Outcome, Purpose
from runbook.journal.interface import Holder
from runbook.model import Effect
from runbook.rendering.json_format import readable_output
from runbook.steps.view import File, Label
from runbook.terminal.lines import Lines, band, command_lines, diff_lines, fit, keys, one_line, wrap
from runbook.terminal.step_screen import can_undo, head, notes, other_procedures

__all__ = ["can_check", "render_difference", "render_failure", "render_holder", "render_unknown"]

_WHAT = {
    Purpose.RUN: "The step failed",
    Purpose.VERIFY: "The step ran, and its check failed",
    Purpose.UNDO: "Taking it back failed",
    Purpose.PROBE: "The check failed",
    Purpose.PREPARE: "Preparing the step failed",
}
_LAST_LINES = 40


def can_check(screen: Screen, execution: Execution) -> bool:
    """Tell whether the step's own check can say what a failed command did: the line may have broken after its work."""
    return execution.purpose is Purpose.RUN and screen.effect is not Effect.READS and screen.step.verify is not None


def render_failure(screen: Screen, execution: Execution, width: int = 80, height: int = 24) -> Lines:
    """Return what is shown when a step, its check or its undo failed; one row is left for the prompt."""
    interrupted = execution.outcome is Outcome.INTERRUPTED
    what = "The step was interrupted" if interrupted else _WHAT[execution.purpose]
    last = readable_output(execution.output, width - 4).splitlines()[-_LAST_LINES:]
    bands = [
        band(head(screen, width)),
        band([Text()], 0),
        band(wrap(f"{what}: {screen.title}", width, first="  FAILED  ", style="bold red")),
        band(wrap(_evidence(screen, execution), width, first="  "), 2),
        band(command_lines(screen.argv, width) if screen.argv else [], 1),
        band(_tail(last, width), 3, keep_end=True),
        band(_advice(screen, width), 2),
        band([Text()], 0),
        band(keys("", _choices(screen, execution), width)),
    ]
    return fit(bands, height - 1, more="o")


def _evidence(screen: Screen, execution: Execution) -> str:
    """Return what was compared. A file's difference stands before it and has been seen; the checker's word counts."""
    if "\n" in execution.evidence and any(isinstance(block, File) for block in screen.blocks):
        return execution.evidence.rpartition("\n")[2].rpartition("; ")[2]
    return execution.evidence


def _tail(last: Sequence[str], width: int) -> Lines:
    """Return the end of the output: what went wrong stands there."""
    lines = [line for text in last if text.strip() for line in wrap(text, width, first="  | ", rest="  |   ")]
    return lines[-12:]


def _advice(screen: Screen, width: int) -> Lines:
    lines: Lines = []
    for note in notes(screen, Label.IF_IT_FAILS):
        lines += wrap(note.text, width, first="  What to do: ", rest="      ", style="bold")
        if note.see in other_procedures(screen.procedure, screen.step):
            lines += wrap(f"The procedure for this is {note.see}: press p.", width, first="  ")
    return lines


def _choices(screen: Screen, execution: Execution) -> list[str]:
    retry = {Purpose.VERIFY: ["r check again", "x run the step again"], Purpose.UNDO: ["r try to take it back again"]}
    names = list(retry.get(execution.purpose, ["r retry"]))
    names += ["c check what it did"] if can_check(screen, execution) else []
    names += ["u undo"] if can_undo(screen) and execution.purpose is not Purpose.UNDO else []
    names += ["s skip (asks why)", "b back"]
    names += ["p other procedure"] if other_procedures(screen.procedure, screen.step) else []
    return [*names, "o output", "? why", "h hand over", "q stop"]


def render_unknown(
    screen: Screen, known: Sequence[str], probe: Execution | None, width: int = 80, height: int = 24
) -> Lines:
    """Return what is shown when nobody saw how a step ended; one row is left for the prompt."""
    bands = [
        band(head(screen, width)),
        band([Text()], 0),
        band(wrap(f"{_unknown(screen)}: {screen.title}", width, first="  UNKNOWN  ", style="bold yellow")),
        band(command_lines(screen.argv, width) if screen.argv else [], 1),
        band((line for sentence in known for line in wrap(sentence, width, first="  - ")), 3),
        band(_probed(probe, width), 2),
        band(
            wrap("Doing it again when it was done may do harm. Leaving it out when it was not, too.", width, first="  ")
        ),
        band([Text()], 0),
        band(_decisions(screen)),
    ]
    return fit(bands, height - 1)


def _unknown(screen: Screen) -> str:
    failed = screen.state.step(screen.path).status is Status.FAILED
    return "This step failed, and may be done all the same" if failed else "Nobody saw how this step ended"


def _probed(probe: Execution | None, width: int) -> Lines:
    if probe is None:
        return []
    if probe.outcome is Outcome.PASSED:
        lines = wrap("The check passed: the step was done.", width, first="  ", style="bold green")
    elif probe.outcome is Outcome.INTERRUPTED:
        lines = wrap("The check was interrupted: it says nothing.", width, first="  ", style="bold yellow")
    else:
        text = "The check failed: the step was not done, only in part, or the server still works on it."
        lines = wrap(text, width, first="  ", style="bold red")
    return [*lines, *(wrap(probe.evidence, width, first="  ") if probe.evidence else [])]


def _decisions(screen: Screen) -> Lines:
    undone = screen.state.step(screen.path).purpose is Purpose.UNDO
    check = screen.step.undo.check if undone and screen.step.undo else screen.step.verify
    probe = ["check  look now what became of it; this only reads"] if check else []
    done, redo = ("it was taken back", "take it back again") if undone else ("it was done", "do it again")
    lines = [*probe, f"done   {done}, go on", f"redo   {redo}: you are asked once more"]
    return [*(Text(f"  {line}") for line in lines), *keys("", ["o output", "? why", "h hand over", "q stop"], 80)]


def render_difference(what: str, diff: str, width: int = 80) -> Lines:
    """Return what changed since the run stopped, as long as it is."""
    lines = wrap(f"The {what} is not what it was when this run stopped.", width, style="bold yellow")
    return [*lines, Text(), *diff_lines(diff.splitlines(), width)]


def render_holder(holder: Holder, now: datetime, width: int = 80) -> Lines:
    """Return who holds the target, since when, and whether they still do anything."""
    minutes = int((now - holder.since).total_seconds() // 60)
    life = {
        True: "That process still runs: somebody is at work there. Talk to them first.",
        False: "That process no longer runs: the run was cut off.",
        None: "Whether that process still runs can't be seen from this machine.",
    }[holder.alive]
    step = f", now at step {holder.step}" if holder.step else ""
    text = f"{holder.operator} on {holder.host} has been working on this target for {minutes} min"
    return [
        Text("Somebody else holds this target", style="bold yellow"),
        Text(),
        *wrap(f"{text}: {one_line(holder.procedure)}{step}.", width, first="  "),
        *wrap(
            f"Run {holder.run}, process {holder.pid}, since {holder.since:%Y-%m-%d %H:%M:%S} UTC.", width, first="  "
        ),
        *wrap(life, width, first="  ", style="bold" if holder.alive else ""),
    ]
