"""What each answer of the operator leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runbook.engine import parameters
from runbook.engine.commands import Ready, refuse_if_forbidden
from runbook.engine.confirmation import is_confirmed
from runbook.engine.context import Frame
from runbook.engine.editing import drop_draft, finished_text, place
from runbook.engine.events import HandedOver, Outcome, Purpose, RunStopped, SteppedBack, StepSkipped
from runbook.engine.execution import Job, perform
from runbook.engine.next_action import previous
from runbook.engine.path import Instance
from runbook.engine.ports import Back, Go, HandOver, Reply, Screen, Skip, Stop, SwitchTo, TakeBack
from runbook.engine.step_record import Status
from runbook.engine.view_model import screen_of_undo
from runbook.errors import ExitCode
from runbook.model import Action, Choose, Command, Edit, Effect, Sql, Tick, Wait

__all__ = ["End", "follow", "take_back"]

_DRY = "dry run: shown, not done"


@dataclass(frozen=True, slots=True)
class End:
    """How a walk ended; `switch_to` names the procedure to begin instead."""

    code: ExitCode
    switch_to: str = ""


def follow(frame: Frame, at: Instance, screen: Screen, ready: Ready, reply: Reply) -> End | None:
    """Do what the operator says. An answer that does not fit changes nothing, so the same question comes again."""
    match reply:
        case Go():
            _go(frame, at, screen, ready, reply)
        case Skip(reason):
            _skip(frame, at, screen, reason)
        case Back():
            _back(frame, at, screen)
        case TakeBack():
            return take_back(frame, at, reply)
        case HandOver(note, to):
            frame.record(HandedOver(at=frame.ports.clock.now(), note=note, to=to), screen)
            return End(ExitCode.NOT_COMPLETED)
        case SwitchTo(procedure) if procedure in frame.book.procedures:
            _stopped(frame, screen, f"left for {procedure}")
            return End(ExitCode.NOT_COMPLETED, procedure)
        case Stop(reason):
            _stopped(frame, screen, reason)
            return End(ExitCode.NOT_COMPLETED)
    return None


def take_back(frame: Frame, at: Instance, reply: TakeBack) -> End | None:
    """Run the step's undo, if it has one and the operator confirms that very command."""
    undo = at.step.undo
    if undo is None or undo.action is None or frame.dry:
        return None
    screen, ready = screen_of_undo(frame, at, undo.action)
    refuse_if_forbidden(ready)
    typed = reply.typed
    if not typed or not is_confirmed(ready.confirmation, ready.word, typed):
        answer = frame.ports.operator.decide(screen)
        if isinstance(answer, HandOver | SwitchTo | Stop):
            return follow(frame, at, screen, ready, answer)
        if not isinstance(answer, Go) or not is_confirmed(ready.confirmation, ready.word, answer.typed):
            return None
        typed = answer.typed
    by_hand = f"taken back by hand: {screen.pieces['text']}" if isinstance(undo.action, Tick) else ""
    job = Job(purpose=Purpose.UNDO, confirmed=_said(typed), evidence=by_hand, timeout=at.step.timeout)
    perform(frame, at, ready, job, screen)
    return None


def _go(frame: Frame, at: Instance, screen: Screen, ready: Ready, reply: Go) -> None:
    if frame.dry and not _runs_dry(screen.action, ready):
        frame.record(StepSkipped(at=frame.ports.clock.now(), step=at.path, reason=_DRY), screen)
        return
    if not is_confirmed(ready.confirmation, ready.word, reply.typed):
        return
    if isinstance(screen.action, Edit):
        _edit(frame, at, screen, ready, reply)
        return
    job = _job(frame, at, screen, reply)
    if job is not None:
        perform(frame, at, ready, job, screen)


def _job(frame: Frame, at: Instance, screen: Screen, reply: Go) -> Job | None:
    said = _said(reply.typed)
    match screen.action:
        case Command() | Sql():
            step = at.step
            return Job(expect=step.expect, capture=step.capture, timeout=step.timeout, confirmed=said)
        case Tick() as tick:
            captured = _seen(frame, tick, reply.value)
            evidence = "; ".join(f"{name}: {value}" for name, value in captured.items()) or "ticked"
            return Job(confirmed=said, captured=captured, evidence=evidence)
        case Wait(seconds):
            return Job(confirmed=said, first=lambda: _wait(frame, seconds, reply.value))
    return None


def _wait(frame: Frame, seconds: float, waited: str) -> str:
    """Wait, unless the operator has: then what was really waited goes on record."""
    if waited:
        return f"waited {waited} s of {seconds:g} s"
    frame.ports.clock.wait(seconds)
    return f"waited {seconds:g} s"


def _seen(frame: Frame, tick: Tick, value: str) -> Mapping[str, str]:
    """Return the value that the operator saw, asked for again until it fits."""
    if tick.asks is None:
        return {}
    problem = parameters.problem_with(tick.asks, value)
    if problem:
        value = parameters.ask(tick.asks, frame.ports.operator, problem=problem if value else "")
    return {tick.asks.name: value}


def _edit(frame: Frame, at: Instance, screen: Screen, ready: Ready, reply: Go) -> None:
    assert isinstance(screen.action, Edit)
    edit, text_problem = screen.action, finished_text(reply.value)
    text, problem = text_problem
    keep = Path(frame.scratch, "kept", frame.run)

    def first() -> str:
        if problem:
            raise OSError(problem)
        return place(frame, at, edit, text, keep)

    job = Job(expect=at.step.expect, timeout=at.step.timeout, confirmed=_said(reply.typed), first=first)
    if perform(frame, at, ready, job, screen).outcome is Outcome.PASSED:
        drop_draft(frame, at, edit)


def _skip(frame: Frame, at: Instance, screen: Screen, reason: str) -> None:
    has_passed = frame.state.step(at.path).status is Status.PASSED
    if reason.strip() or has_passed or frame.dry:
        frame.record(StepSkipped(at=frame.ports.clock.now(), step=at.path, reason=reason.strip()), screen)


def _back(frame: Frame, at: Instance, screen: Screen) -> None:
    before = previous(frame.procedure, frame.state, at.path)
    if before is not None:
        frame.record(SteppedBack(at=frame.ports.clock.now(), step=before.path), screen)


def _stopped(frame: Frame, screen: Screen, reason: str) -> None:
    frame.record(RunStopped(at=frame.ports.clock.now(), reason=reason), screen)


def _runs_dry(action: Action, ready: Ready) -> bool:
    """Return True for what a dry run really does: it reads, asks and lets tick, and nothing else."""
    if isinstance(action, Command | Sql):
        return ready.effect is Effect.READS and ready.is_complete
    return isinstance(action, Tick | Choose)


def _said(typed: str) -> str:
    return typed.strip() or "Enter"
