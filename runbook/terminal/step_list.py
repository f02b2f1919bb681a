"""The list of a walk's steps: which one it is at, which are done, skipped or failed, and which are next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runbook.engine.detours import left_out
from runbook.engine.next_action import is_settled
from runbook.engine.ports import Screen
from runbook.engine.state import RunState, Status, StepRecord
from runbook.engine.way import way_of
from runbook.expansion import plain_path
from runbook.filling import Shown, fill_text
from runbook.journal.events import Outcome
from runbook.model import Effect
from runbook.steps.scope import BUILT_INS, Place
from runbook.terminal.lines import Lines, wrap

__all__ = ["ListedStep", "listed_steps", "render_left_out", "render_step_list", "step_called", "steps_left_out"]

_WORDS: Mapping[Status, tuple[str, str]] = {
    Status.PASSED: ("done", "green"),
    Status.SKIPPED: ("skipped", "yellow"),
    Status.FAILED: ("FAILED", "bold red"),
    Status.UNKNOWN: ("UNKNOWN", "bold yellow"),
    Status.RUNNING: ("UNKNOWN", "bold yellow"),
    Status.TODO: ("", ""),
}


@dataclass(frozen=True, slots=True)
class ListedStep:
    """A step as the list shows it. `number` is the one on its screen; steps before step 1 are `0.1`, `0.2`."""

    place: Place
    number: str
    title: str
    record: StepRecord


def listed_steps(screen: Screen) -> tuple[ListedStep, ...]:
    """Return the steps of a walk as far as they are known, first to last."""
    known = {name: value for name, value in screen.values.items() if name in BUILT_INS}
    way = way_of(screen.procedure, screen.state, known)
    return tuple(
        ListedStep(
            place,
            f"{'0.' if place.is_before else ''}{way.number_of(place.path)[0]}",
            fill_text(place.step.title, Shown(place.scope.values)),
            screen.state.step(place.path),
        )
        for place in way.places
    )


def step_called(screen: Screen, typed: str) -> ListedStep | None:
    """Return the step with that number, or with that id if only one step has it."""
    steps = listed_steps(screen)
    found = [one for one in steps if one.number == typed] or [one for one in steps if one.place.step.id == typed]
    return found[0] if len(found) == 1 else None


def steps_left_out(screen: Screen, wanted: ListedStep) -> tuple[ListedStep, ...]:
    """Return the steps that nobody has done or skipped before that one."""
    way = way_of(screen.procedure, screen.state)
    paths = {place.path for place in left_out(way, screen.state, wanted.place.path)}
    return tuple(one for one in listed_steps(screen) if one.place.path in paths)


def render_step_list(screen: Screen, width: int = 80) -> Lines:
    """Return the list, however long it is, with the current step marked."""
    steps, lines = listed_steps(screen), []
    settled = sum(is_settled(one.place, screen.state) for one in steps)
    more = "+" if way_of(screen.procedure, screen.state).is_open_behind(screen.path) else ""
    so_far = f"{screen.procedure.title}: {settled} of {len(steps)}{more} steps are done or skipped."
    lines += wrap(so_far, width, style="bold")
    again = False
    for one in steps:
        again = again or one.place.path == screen.state.back_to
        lines += _step_lines(one, screen, width, again=again)
    return [*lines, *wrap("> is where you are. To go to another step, type g.", width, first="  ", style="dim")]


def _step_lines(one: ListedStep, screen: Screen, width: int, *, again: bool) -> Lines:
    word, style = _WORDS[one.record.status]
    if one.record.check is Outcome.FAILED and not one.record.vouched:
        word, style = "FAILED", "bold red"
    is_here = one.place.path == screen.path
    if again and word == "done" and one.place.path not in screen.state.settled_since and not is_here:
        word, style = "again", "yellow"
    lead = f"{'>' if is_here else ' '}{one.number:>5}  {word:<8}"
    lines = wrap(one.title, width, first=lead, rest=" " * len(lead), style="bold" if is_here else "")
    lines[0].stylize(style, 8, 16)
    reason = one.record.reason if one.record.status is Status.SKIPPED else ""
    lines += wrap(reason, width, first=f"{' ' * len(lead)}because: ", style="dim") if reason else []
    is_open = any(one.place.step.action.branches()) and not is_settled(one.place, screen.state)
    if is_open and one.record.status is not Status.SKIPPED:
        more = "what comes next depends on the answer"
        lines += wrap(more, width, first=f"{' ' * len(lead)}... ", style="dim")
    return lines


def render_left_out(screen: Screen, wanted: ListedStep, width: int = 80) -> Lines:
    """Say which steps going there leaves out, and which of them write."""
    lines = wrap(f"This leaves out, before step {wanted.number}:", width, style="bold yellow")
    for one in steps_left_out(screen, wanted):
        effect = _effect_of(one.place, screen.state)
        mark = "" if effect is Effect.READS else f" ({effect.value} {screen.target.kind.upper()})"
        questions = " and everything its answers lead to" if any(one.place.step.action.branches()) else ""
        style = "" if effect is Effect.READS else "bold"
        lines += wrap(f"{one.title}{questions}{mark}", width, first=f"{one.number:>7}  ", style=style)
    return lines


def _effect_of(place: Place, state: RunState) -> Effect:
    """Return the step's effect, as policy judged it when the run began."""
    path = plain_path(place.path)
    judged = [Effect(one.effect) for name, one in state.rules.commands.items() if plain_path(name) == path]
    return max([*judged, place.step.action.declared, place.step.effect or Effect.READS], key=lambda one: one.rank)
