"""What the second person sees, and how they answer."""

from __future__ import annotations

from rich.text import Text

from runbook.engine.state import RunState
from runbook.journal.events import ConfirmationAsked
from runbook.model import Effect
from runbook.printable import one_line
from runbook.terminal.dialog import Dialog
from runbook.terminal.lines import Lines, command_lines, keys, wrap
from runbook.terminal.reasons import ask_reason
from runbook.terminal.screen_head import target_text

__all__ = ["ask_second", "render_request"]

_DOES = {Effect.READS: "READS", Effect.WRITES: "WRITES to", Effect.DESTROYS: "DESTROYS data on"}


def render_request(asked: ConfirmationAsked, state: RunState, code: str, width: int = 80) -> Lines:
    """Return what will run, where, for whom, and the code that the first person sees, too."""
    assert state.header is not None
    assert state.target is not None
    run = one_line(state.header.run)
    target = f"{state.target.kind.upper()} {one_line(state.target.name)}"
    return [
        Text(),
        *wrap(f"{asked.operator} asks you to confirm a step", width, style="bold"),
        Text("  ") + target_text(state.target),
        *wrap(f"Run {run}, {state.header.procedure}, step {asked.step}", width, first="  "),
        Text(),
        *(command_lines(asked.argv, width) if asked.argv else wrap("It is done by hand.", width, first="  ")),
        *wrap(f"{_DOES[Effect(asked.effect)]} {target}.", width, first="  ", style="bold yellow"),
        Text(),
        *wrap(f"To see all that was done so far: runbook report {run}", width, first="  "),
        *wrap(f"The code on {asked.operator}'s screen must be {code}.", width, first="  ", style="bold"),
        *keys("Type the code to confirm.", ["no refuse (asks why)", "q leave"], width),
    ]


def ask_second(lines: Lines, code: str, dialog: Dialog | None = None) -> str | None:
    """Return "" once the code is typed, the reason of a refusal, or None if the person leaves."""
    dialog = dialog or Dialog()
    dialog.show(lines)
    try:
        while (typed := dialog.line().lower()) not in {code, "q"}:
            if typed == "no":
                dialog.show(["Why? Whoever asked sees it, and it goes into the report. (Enter: go back)"])
                if reason := ask_reason(dialog, "why> "):
                    return reason
                continue
            dialog.problem(f"Type {code} if that is the code on the other screen, or no, or q.")
    except EOFError:
        return None
    return "" if typed == code else None
