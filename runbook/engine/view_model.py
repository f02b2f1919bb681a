"""What is shown at one step, put together for the operator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from runbook.engine.commands import Ready, lenient, prepare, values_at
from runbook.engine.context import Frame
from runbook.engine.events import Purpose
from runbook.engine.path import Instance, Values, instances, number_of, phase_of
from runbook.engine.ports import Screen
from runbook.model import Action, Command, Edit, Sql, Step, Tick, Undo, Wait

__all__ = ["screen_at", "screen_of_undo", "unready_screen"]


def screen_at(frame: Frame, at: Instance, *, draft: str = "", problem: str = "") -> tuple[Screen, Ready]:
    """Return the screen of a step and what it would run. Raises what `prepare` raises.

    `problem` is what went wrong in making the draft; it comes before the step's own warning.
    """
    action = at.step.action_on(frame.major)
    runs = action.check or action if isinstance(action, Edit) else action
    ready = prepare(frame, at, runs, care=at.step.effect)
    screen = replace(_with(unready_screen(frame, at), ready), draft=draft)
    if problem:
        warning = " ".join(part for part in (problem, screen.pieces.get("warning")) if part)
        screen = replace(screen, pieces={**screen.pieces, "warning": warning})
    return screen, ready


def screen_of_undo(frame: Frame, at: Instance, action: Command | Sql | Tick) -> tuple[Screen, Ready]:
    """Return the screen that asks whether to take a step back, and what that would run."""
    ready = prepare(frame, at, action)
    text = {"text": lenient(action.text, values_at(frame, at))} if isinstance(action, Tick) else {}
    screen = _with(unready_screen(frame, at), ready)
    pieces = {**screen.pieces, "title": f"Take back: {screen.pieces['title']}", **text}
    return replace(screen, action=action, purpose=Purpose.UNDO, pieces=pieces), ready


def unready_screen(frame: Frame, at: Instance) -> Screen:
    """Return the screen of a step with the argv it last ran, whatever is known of its values."""
    steps = instances(frame.procedure, frame.state)
    number, total = number_of(steps, at.path)
    began = frame.state.header.at if frame.state.header else frame.ports.clock.now()
    values = values_at(frame, at)
    action = at.step.action_on(frame.major)
    return Screen(
        procedure=frame.procedure,
        state=frame.state,
        target=frame.target,
        path=at.path,
        step=at.step,
        action=action,
        number=number,
        total=total,
        phase=phase_of(steps, at.path),
        argv=frame.state.step(at.path).argv,
        values=at.values,
        seconds_so_far=max(0.0, (frame.ports.clock.now() - began).total_seconds()),
        pieces=dict(_pieces(at.step, action, values)),
    )


def _with(screen: Screen, ready: Ready) -> Screen:
    return replace(
        screen,
        argv=ready.argv,
        effect=ready.effect,
        judgement=ready.judgement,
        confirmation=ready.confirmation,
        word=ready.word,
    )


def _pieces(step: Step, action: Action, values: Values) -> Iterator[tuple[str, str]]:
    texts = {
        "title": step.title,
        "why": step.why,
        "look_for": step.look_for,
        "warning": step.warning,
        "stop_if": step.stop_if,
        "if_it_fails": step.if_it_fails.text if step.if_it_fails else None,
        "text": action.text if isinstance(action, Tick | Wait) else None,
        "file": action.file if isinstance(action, Edit) else None,
        "undo": _undo_text(step.undo) if step.undo else None,
    }
    yield from ((name, lenient(text, values)) for name, text in texts.items() if text)


def _undo_text(undo: Undo) -> str | None:
    if isinstance(undo.action, Tick):
        return undo.action.text
    if isinstance(undo.action, Command):
        return " ".join(undo.action.words)
    return undo.action.statement if isinstance(undo.action, Sql) else undo.reason
