"""The error screens: a step failed, its end is unknown, something changed, somebody else holds the target."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from runbook.engine.ports import Execution, Screen
from runbook.engine.state import Status
from runbook.journal.events import Outcome, Purpose
from runbook.journal.interface import Holder
from runbook.model import Effect
from runbook.printable import lines_of, one_line, span
from runbook.rendering.json_format import readable_output
from runbook.steps.view import File, Label
from runbook.terminal.block_lines import notes
from runbook.terminal.diagnosis_lines import known_error_lines, said_lines
from runbook.terminal.lines import Lines, band, both_ends, diff_lines, fit, keys, output_line, wrap
from runbook.terminal.screen_head import duration, head, step_place
from runbook.terminal.step_screen import can_undo, other_procedures, what_ran

__all__ = [
    "can_check",
    "known_lines",
    "render_difference",
    "render_disconnected",
    "render_failure",
    "render_holder",
    "render_unknown",
]

_WHAT = {
    Purpose.RUN: "The step failed",
    Purpose.VERIFY: "The step ran, and its check failed",
    Purpose.UNDO: "The undo failed",
    Purpose.PROBE: "The check failed",
    Purpose.PREPARE: "Preparing the step failed",
}


def can_check(screen: Screen, execution: Execution) -> bool:
    """Tell whether the step's check can show what a failed command did: the connection may have dropped afterwards."""
    return execution.purpose is Purpose.RUN and screen.effect is not Effect.READS and screen.step.verify is not None


def render_failure(screen: Screen, execution: Execution, width: int = 80, height: int = 24) -> Lines:
    """Return what is shown when a step, its check or its undo failed; one row is left for the prompt."""
    interrupted = execution.outcome is Outcome.INTERRUPTED
    what = "The step was interrupted" if interrupted else _WHAT[execution.purpose]
    if execution.purpose is Purpose.VERIFY and screen.state.step(screen.path).purpose is Purpose.UNDO:
        what = "The undo ran, and its check failed"
    evidence = execution.evidence
    # A file's difference is above and has been seen; what counts now is the checker's output after it.
    if "\n" in evidence and any(isinstance(block, File) for block in screen.blocks):
        evidence = evidence.rpartition("\n")[2].rpartition("; ")[2]
    # The end of the output shows what went wrong.
    last = [text for text in lines_of(readable_output(execution.output, width - 6))[-40:] if text.strip()]
    tail = [line for text in last for line in output_line(text, width, "  | ")][-12:]
    diagnosis = screen.diagnosis
    if diagnosis and evidence.startswith("expected exit "):
        evidence = ""  # the error itself says more
    bands = [
        band(head(screen, width)),
        band(_place(screen, width), 0),
        band(wrap(f"{what}: {screen.title}", width, first="  FAILED  ", style="bold red")),
        band(said_lines(diagnosis.error, width) if diagnosis else []),
        band(wrap(evidence, width, first="  ") if evidence else [], 2, more="o"),
        band(_known(screen, width)),
        band(_advice(screen, width), 0 if diagnosis and diagnosis.known else 2),
        band(what_ran(screen, width), 1),
        band(tail, 1 if diagnosis else 3, keep_end=True, more="o"),
        band([Text()], 0),
        band(keys("", _choices(screen, execution), width)),
    ]
    return fit(bands, height - 1)


def _place(screen: Screen, width: int) -> Lines:
    """Return a line of space, then which step this is, if the procedure still has it, and the time so far."""
    clock = f"{duration(screen.seconds_so_far)} so far"
    return [Text(), *both_ends(Text(step_place(screen) if screen.number else ""), Text(clock, style="dim"), width)]


def _known(screen: Screen, width: int) -> Lines:
    """Return the book's entry for the error, with the procedure that helps."""
    known = screen.diagnosis.known if screen.diagnosis else None
    if known is None:
        return []
    return [*known_error_lines(known, width), *_way_out(known.see, screen, width)]


def _advice(screen: Screen, width: int) -> Lines:
    """Return the step's own advice for a failure. It doesn't apply if the command stopped before it did anything."""
    known = screen.diagnosis.known if screen.diagnosis else None
    if known and known.nothing_ran:
        return []
    first, style = ("  For this step: ", "") if known else ("  What to do: ", "bold")
    lines: Lines = []
    for note in notes(screen, Label.IF_IT_FAILS):
        lines += wrap(note.text, width, first=first, rest="      ", style=style)
        lines += _way_out(note.see, screen, width) if known is None else []
    return lines


def _way_out(see: str | None, screen: Screen, width: int) -> Lines:
    if see not in other_procedures(screen):
        return []
    return wrap(f"The procedure for this is {see}: press p.", width, first="  ")


def _choices(screen: Screen, execution: Execution) -> list[str]:
    # Checking again comes first, because it only reads; running the step again may write.
    retry = {Purpose.VERIFY: ["r check again", "x run the step again"], Purpose.UNDO: ["r try the undo again"]}
    names = list(retry.get(execution.purpose, ["r retry"]))
    names += ["c check what it did"] if can_check(screen, execution) else []
    names += ["u undo"] if can_undo(screen) and execution.purpose is not Purpose.UNDO else []
    names += ["s skip (asks why)", "b back"]
    names += ["p other procedure"] if other_procedures(screen) else []
    return [*names, "o output", "l steps", "? more", "h hand over", "q stop"]


def render_unknown(
    screen: Screen, known: Sequence[str], probe: Execution | None, width: int = 80, height: int = 24
) -> Lines:
    """Return what is shown when nobody saw how a step ended; one row is left for the prompt."""
    record, undo = screen.state.step(screen.path), screen.step.undo
    failed = record.status is Status.FAILED
    what = "This step failed, but may be done anyway" if failed else "Nobody saw how this step ended"
    undone = record.purpose is Purpose.UNDO
    done, redo = ("it was undone", "undo it again") if undone else ("it was done", "do it again")
    decisions = [f"  done   {done}, continue", f"  redo   {redo}; you are asked again first"]
    if undo.check if undone and undo else screen.step.verify:
        decisions.insert(0, "  check  see what became of it; this only reads")
    either = "Repeating it if it was done may do harm, and so may leaving it out if it wasn't."
    bands = [
        band(head(screen, width)),
        band(_place(screen, width), 0),
        band(wrap(f"{what}: {screen.title}", width, first="  UNKNOWN  ", style="bold yellow")),
        band(what_ran(screen, width), 1),
        band(known_lines(known, width), 3),
        band(_probed(probe, width) if probe else [], 2),
        band(wrap(either, width, first="  ")),
        band([Text()], 0),
        band(
            [
                *map(Text, decisions),
                *keys("", ["l steps", "m note", "o output", "? why", "h hand over", "q stop"], width),
            ]
        ),
    ]
    return fit(bands, height - 1)


def known_lines(known: Sequence[str], width: int) -> Lines:
    """Return everything known about a step whose end nobody saw, however long it is."""
    return [line for sentence in known for line in wrap(sentence, width, first="  - ")]


def _probed(probe: Execution, width: int) -> Lines:
    text, style = {
        Outcome.PASSED: ("The check passed: the step was done.", "bold green"),
        Outcome.INTERRUPTED: ("The check was interrupted, so it shows nothing.", "bold yellow"),
        # A lost connection doesn't stop what the server has begun, so even this doesn't prove that nothing happens.
        Outcome.FAILED: (
            "The check failed: the step wasn't done, was only partly done, or is still running on the server.",
            "bold red",
        ),
    }[probe.outcome]
    lines = wrap(text, width, first="  ", style=style)
    return [*lines, *(wrap(probe.evidence, width, first="  ") if probe.evidence else [])]


def render_difference(what: str, diff: str, width: int = 80) -> Lines:
    """Return what changed since the run stopped, however long it is."""
    lines = wrap(f"The {what} has changed since this run stopped.", width, style="bold yellow")
    return [*lines, Text(), *diff_lines(lines_of(diff), width)]


def render_disconnected(why: str, unsent: str, width: int = 80) -> Lines:
    """Return what is shown when nothing runs because the shared journal can't be reached."""
    kept = f"{unsent}. They are appended as soon as it answers." if unsent else "Nothing waits to be recorded."
    return [
        *wrap("NOTHING RUNS: the shared journal can't be reached", width, style="bold yellow"),
        *wrap(f"{why[:1].upper()}{why[1:]}.", width, first="  "),
        *wrap(kept, width, first="  "),
        Text(),
        *keys("Enter tries again.", ["q stop"], width),
    ]


def render_holder(holder: Holder, now: datetime, width: int = 80) -> Lines:
    """Return who holds the target, since when, and whether they still do anything."""
    minutes = max(0, int((now - holder.since).total_seconds() // 60))  # a clock may have been set back
    life = {
        True: "That process is still running: somebody is at work there. Talk to them first.",
        False: "That process is no longer running: the run was cut off.",
        None: f"Nothing was heard of that process for {span(holder.silent)}. It may still be at work."
        if holder.silent
        else "This machine can't tell whether that process is still running.",
    }[holder.alive]
    step = f", now at step {holder.step}" if holder.step else ""
    text = f"{one_line(holder.operator)} on {one_line(holder.host)} has been working on this target for {minutes} min"
    return [
        Text("Somebody else holds this target", style="bold yellow"),
        Text(),
        *wrap(f"{text}: {one_line(holder.procedure)}{step}.", width, first="  "),
        *wrap(
            f"Run {holder.run}, process {holder.pid}, since {holder.since:%Y-%m-%d %H:%M:%S} UTC.", width, first="  "
        ),
        *wrap(life, width, first="  ", style="bold" if holder.alive else ""),
        *(wrap(f"Its record is in another journal: {holder.elsewhere}", width, first="  ") if holder.elsewhere else []),
    ]
