"""The first screen of a resumed run: how it was left, what is known about it, and which step is next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from rich.text import Text

from runbook.engine.next_action import Finish, Over, is_settled, next_action
from runbook.engine.state import RunState, Status
from runbook.engine.way import way_of
from runbook.filling import Shown, fill_text
from runbook.journal.events import Purpose
from runbook.model import Procedure
from runbook.printable import one_line, span
from runbook.terminal.intro import ROOM_BELOW
from runbook.terminal.lines import Lines, band, both_ends, fit, wrap

__all__ = ["render_return"]


def render_return(procedure: Procedure, state: RunState, now: datetime, width: int = 80, height: int = 24) -> Lines:
    """Return the state of a resumed run: how it was left, what is known about it, and which step is next."""
    run = state.header.run if state.header else ""
    at = _next_place(procedure, state)
    steps = way_of(procedure, state).places
    titles = {one.path: f"'{fill_text(one.step.title, Shown(one.scope.values))}'" for one in steps}
    settled = sum(is_settled(one, state) for one in steps)
    known = [f"{settled} of {len(steps)} steps are done or skipped.", *_open_ends(state, titles)]
    known += [f"Noted at {one.at:%H:%M} UTC: {one.note}" for one in state.notes]
    bands = [
        band([*both_ends(Text(one_line(procedure.title), style="bold"), Text(one_line(run), style="dim"), width)]),
        band(_left(state, now, width)),
        band((line for text in known for line in wrap(text, width, first="  - ")), 4),
        band(wrap(at, width, first="It continues at ", style="bold") if at else []),
    ]
    return fit(bands, height - ROOM_BELOW)


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
        how = f"Its process ended without recording why; the record, by {state.operator}, ends {ago}."
    return [*lines, *wrap(how, width, first="  ")]


def _open_ends(state: RunState, titles: Mapping[str, str]) -> Iterator[str]:
    """Yield everything that began and didn't end well."""
    for record in state.steps.values():
        step = titles.get(record.path, record.path)
        own = record.last_of(Purpose.OWN)
        if record.may_be_half_done:
            yield f"Nobody saw how step {step} ended. You decide that first."
        elif record.status is Status.FAILED:
            yield f"Step {step} has failed{': ' if record.last_evidence else ''}{record.last_evidence}."
        if own is not None and own.outcome is None:
            yield f"The end of your own command at step {step} isn't recorded: {' '.join(own.argv)}"


def _next_place(procedure: Procedure, state: RunState) -> str:
    way = way_of(procedure, state)
    action = next_action(way, state)
    if isinstance(action, Finish | Over):
        return "its end: every step is done or skipped."
    number, total = way.number_of(action.at.path)
    part = "before step 1, " if action.at.is_before else "step "
    more = "+" if way.is_open_behind(action.at.path) else ""
    return f"{part}{number} of {total}{more}: {fill_text(action.at.step.title, Shown(action.at.scope.values))}"
