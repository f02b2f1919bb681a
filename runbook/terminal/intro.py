"""The first screens of a walk: what this is and where it will land, which is proven while the operator reads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from rich.text import Text

from runbook.engine.next_action import Finish, Over, is_settled, next_action
from runbook.engine.state import RunState, Status
from runbook.engine.unknown_step import span
from runbook.engine.way import way_of
from runbook.filling import Shown, fill_text
from runbook.journal.events import Purpose, TargetSeen
from runbook.model import Mode, Parameter, Procedure
from runbook.printable import one_line
from runbook.terminal.lines import Band, Lines, band, both_ends, fit, keys, wrap
from runbook.terminal.pick_list import offered_lines
from runbook.terminal.step_screen import target_text

__all__ = ["Background", "render_begin", "render_book", "render_intro", "render_notes", "render_question"]
__all__ += ["render_return"]


class Background:
    """A call that goes on while the operator reads; `result` waits for it and raises what it raised."""

    def __init__(self, call: Callable[[], TargetSeen]) -> None:
        self._call = call
        self._seen: TargetSeen | None = None
        self._error: BaseException | None = None
        # A daemon: a CLI that hangs must not keep this process from ending.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._seen = self._call()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits for it
            self._error = error

    def result(self) -> TargetSeen:
        """Return what the call returned, once it has."""
        while self._thread.is_alive():
            self._thread.join(0.2)  # in pieces, so that Ctrl-C is heard
        if self._error is not None:
            raise self._error
        assert self._seen is not None
        return self._seen


_MODES = {Mode.READ_DO: "Read each step, then do it.", Mode.DO_CONFIRM: "Do a phase, then confirm it line by line."}
_ROOM_BELOW = 8
"""Rows for what follows: that the target is being proven, the target with its notes, the question, the prompt."""


def render_intro(procedure: Procedure, width: int = 80, height: int = 24, *, whole: bool = False) -> Lines:
    """Return the introduction; without `whole` at most `height` lines less what `render_begin` needs."""
    title = Text(one_line(procedure.title), style="bold")
    minutes = Text(f"about {procedure.minutes} min", style="dim")
    not_for = [f"{one.text}{f' -> {one.see}' if one.see else ''}" for one in procedure.not_for]
    bands = [
        band([*both_ends(title, minutes, width), *wrap(procedure.summary, width)]),
        _listed("WARNING", procedure.warnings, width, "bold yellow", least=6),
        _listed("Use it when", procedure.use_when, width, least=2),
        _listed("Not for", not_for, width, least=2),
        _listed("Have at hand", procedure.needs, width, least=2),
        band(wrap(_MODES[procedure.mode], width, style="dim"), 0),
    ]
    return fit(bands, 1000 if whole else height - _ROOM_BELOW)


def render_return(procedure: Procedure, state: RunState, now: datetime, width: int = 80, height: int = 24) -> Lines:
    """Return where a run stands that somebody resumes: how it was left, what is known of it, the step it is at."""
    run = state.header.run if state.header else ""
    at = _next_place(procedure, state)
    steps = way_of(procedure, state).places
    settled = sum(is_settled(one, state) for one in steps)
    known = [f"{settled} of {len(steps)} steps are done or skipped.", *_open_ends(state)]
    known += [f"Noted at {one.at:%H:%M} UTC: {one.note}" for one in state.notes]
    bands = [
        band([*both_ends(Text(one_line(procedure.title), style="bold"), Text(one_line(run), style="dim"), width)]),
        band(_left(state, now, width)),
        band((line for text in known for line in wrap(text, width, first="  - ")), 4),
        band(wrap(at, width, first="It continues at ", style="bold") if at else []),
    ]
    return fit(bands, height - _ROOM_BELOW)


def _left(state: RunState, now: datetime, width: int) -> Lines:
    """Return who left the run and when, the note for the next person first."""
    lines = wrap(state.note, width, first="  Note for you: ", style="bold") if state.note else []
    ago = f"at {state.updated:%H:%M} UTC, {span(state.seconds_until(now) - state.seconds)} ago" if state.updated else ""
    to = f" to {state.handed_to}" if state.handed_to else ""
    if state.note:
        how = f"{state.operator} handed this run over{to} {ago}."
    elif state.paused:
        how = f"{state.operator} left it {ago}: {state.paused}."
    else:
        how = f"Its process ended without a word; its record, by {state.operator}, ends {ago}."
    return [*lines, *wrap(how, width, first="  ")]


def _open_ends(state: RunState) -> Iterator[str]:
    """Yield what has begun and has no good end."""
    for record in state.steps.values():
        own = record.last_of(Purpose.OWN)
        if record.may_be_half_done:
            yield f"Nobody saw how step {record.path} ended. You decide that first."
        elif record.status is Status.FAILED:
            yield f"Step {record.path} has failed{': ' if record.last_evidence else ''}{record.last_evidence}."
        if own is not None and own.outcome is None:
            yield f"An own command at step {record.path} has no end on record: {' '.join(own.argv)}"


def _next_place(procedure: Procedure, state: RunState) -> str:
    way = way_of(procedure, state)
    action = next_action(way, state)
    if isinstance(action, Finish | Over):
        return "its end: every step is done or skipped."
    number, total = way.number_of(action.at.path)
    part = "before step 1, " if action.at.is_before else "step "
    more = "+" if way.is_open_behind(action.at.path) else ""
    return f"{part}{number} of {total}{more}: {fill_text(action.at.step.title, Shown(action.at.scope.values))}"


def render_begin(
    seen: TargetSeen,
    notes: Sequence[str],
    width: int = 80,
    *,
    height: int = 5,
    book: str = "",
    back: bool = False,
) -> Lines:
    """Return the proven target, what was found around it, and the question whether to begin, or to continue (`back`).

    `book` names the book if it isn't the packaged one; that line is never cut.
    """
    found = render_notes(notes, width)
    where = Text("Commands will land on:  ") + target_text(seen)
    lines = [where] if where.cell_len <= width else [Text("Commands will land on:"), Text("  ") + target_text(seen)]
    lines += render_book(book, width)
    begin, leave = ("continue", "q leave; nothing more runs") if back else ("begin", "q leave; nothing has run")
    ask = keys(f"Press Enter to {begin}, or:", ["? whole introduction", leave], width)
    return fit([band(lines), band(found, 1 if found else 0), band(ask)], max(height, len(lines) + len(ask) + 1))


def render_book(book: str, width: int = 80) -> Lines:
    """Return the lines that name the book, none for the packaged one."""
    return wrap(book, width, style="yellow") if book else []


def render_notes(notes: Sequence[str], width: int = 80) -> Lines:
    """Return the notes on what was found around the target, uncut."""
    return [line for note in notes for line in wrap(note, width, first="  NOTE: ", style="yellow")]


def render_question(parameter: Parameter, problem: str, width: int = 80, height: int = 24) -> Lines:
    """Return the question for a value: what was wrong with the last answer, what is asked, what fits."""
    lines = wrap(problem, width, first="  ! ", style="bold red") if problem else []
    lines += wrap(parameter.ask, width, style="bold")
    hints = [f"one of: {', '.join(parameter.choices)}"] if parameter.choices else []
    hints += ["a number from the list, or the value itself"] if parameter.offered else []
    hints += ["several, separated by commas"] if parameter.many else []
    hints += [f"for example {parameter.example}"] if parameter.example and not parameter.secret else []
    hints += [f"Enter takes {parameter.default}"] if parameter.default else []
    hints += ["it is not shown and not kept"] if parameter.secret else []
    hints += ["paste it whole, or type @ and the path of a file that has it"] if parameter.takes_lines else []
    lines += wrap("; ".join(hints), width, first="  ", style="dim") if hints else []
    return fit([band(lines), band(offered_lines(parameter, width), 3)], height - 1)


def _listed(label: str, texts: Sequence[str], width: int, style: str = "", *, least: int) -> Band:
    if not texts:
        return band([])
    lines = [Text(f"{label}:", style=style or "bold")]
    return band([*lines, *(line for text in texts for line in wrap(text, width, first="  - ", style=style))], least)
