"""The loop of a walk: take the engine's next action, ask the operator, do it, write it down."""

from __future__ import annotations

from runbook.engine import parameters
from runbook.engine.actions import End, follow, take_back
from runbook.engine.commands import Ready, refuse_if_forbidden
from runbook.engine.context import Frame
from runbook.engine.editing import make_draft
from runbook.engine.events import (
    Decision,
    OptionChosen,
    Outcome,
    Purpose,
    RunFinished,
    RunStopped,
    SteppedBack,
    StepResolved,
    ValueGiven,
)
from runbook.engine.execution import check
from runbook.engine.next_action import Ask, Begin, Finish, NextAction, Over, Recover, Settle, Verify, next_action
from runbook.engine.path import Instance, instances
from runbook.engine.ports import (
    Back,
    Concluding,
    Execution,
    Go,
    HandOver,
    Resolve,
    Screen,
    Stop,
    SwitchTo,
    TakeBack,
    Undecided,
)
from runbook.engine.step_record import Attempt, StepRecord
from runbook.engine.unknown_step import child_lives, known_of
from runbook.engine.view_model import screen_at, unready_screen
from runbook.errors import ExitCode, JournalError, RunbookError, UsageError
from runbook.filling import UnknownName
from runbook.model import Check, Choose, Edit, Parameter

__all__ = ["drive"]

_PATIENCE = 20
"""How many answers in a row may lead nowhere: an operator that answers by itself must not loop for ever."""


def drive(frame: Frame) -> End:
    """Walk until the run is finished, stopped, handed over or left for another procedure.

    Whatever else ends it is recorded as the reason for stopping, where the journal still allows that, and raised.
    """
    try:
        return _loop(frame)
    except JournalError:
        raise
    except RunbookError as error:
        _stop(frame, error.message)
        raise
    except (KeyboardInterrupt, EOFError):
        _stop(frame, "interrupted at the keyboard")
        raise


def _loop(frame: Frame) -> End:
    misfits = 0
    while misfits < _PATIENCE:
        before = frame.state
        end = _turn(frame)
        if end is not None:
            return end
        misfits = misfits + 1 if frame.state is before else 0
    raise RunbookError(
        f"{_PATIENCE} answers in a row could not be followed",
        hint=f"Nothing more ran. `runbook resume {frame.run}` goes on.",
    )


def _turn(frame: Frame) -> End | None:
    action = next_action(frame.procedure, frame.state)
    if isinstance(action, Over):
        return End(ExitCode.DONE)
    if isinstance(action, Finish):
        return _finish(frame)
    try:
        return _act(frame, action)
    except UnknownName as missing:
        _ask_for(frame, action.at, missing.name)
        return None
    except UsageError as error:
        return _cannot_be_filled(frame, action.at, error)


def _act(frame: Frame, action: NextAction) -> End | None:
    match action:
        case Begin(at):
            return _begin(frame, at)
        case Ask(at):
            return _ask(frame, at)
        case Verify(at, of):
            return _verify(frame, at, of)
        case Recover(at, what):
            return _recover(frame, at, what)
        case Settle(at, what):
            return _settle(frame, at, what)
    return None


def _cannot_be_filled(frame: Frame, at: Instance, error: UsageError) -> End | None:
    """Ask what to do at a step that a value does not fit into. Nothing ran."""
    screen = unready_screen(frame, at)
    why = f"{error.message}. {error.hint}".strip()
    failed = Execution(outcome=Outcome.FAILED, exit=None, seconds=0, output="", evidence=f"Nothing ran: {why}")
    reply = frame.ports.operator.recover(screen, failed)
    return None if isinstance(reply, Go | Resolve) else follow(frame, at, screen, Ready(), reply)


def _begin(frame: Frame, at: Instance) -> End | None:
    action = at.step.action_on(frame.major)
    draft, problem = make_draft(frame, at, action) if isinstance(action, Edit) and not frame.dry else ("", "")
    screen, ready = screen_at(frame, at, draft=str(draft), problem=problem)
    refuse_if_forbidden(ready)
    return follow(frame, at, screen, ready, frame.ports.operator.decide(screen))


def _ask(frame: Frame, at: Instance) -> End | None:
    screen, ready = screen_at(frame, at)
    reply = frame.ports.operator.decide(screen)
    if not isinstance(reply, Go):
        return follow(frame, at, screen, ready, reply)
    assert isinstance(at.step.action, Choose)
    if any(option.when == reply.value for option in at.step.action.options):
        frame.record(OptionChosen(at=frame.ports.clock.now(), step=at.path, option=reply.value), screen)
    return None


def _verify(frame: Frame, at: Instance, of: Purpose) -> End | None:
    wanted = at.step.undo.check if of is Purpose.UNDO and at.step.undo else at.step.verify
    assert wanted is not None
    check(frame, at, wanted, Purpose.VERIFY, unready_screen(frame, at))
    return None


def _recover(frame: Frame, at: Instance, what: Purpose) -> End | None:
    record = frame.state.step(at.path)
    screen, ready = screen_at(frame, at)
    reply = frame.ports.operator.recover(screen, _execution(record, what))
    if isinstance(reply, Resolve) and reply.what is Undecided.PROBE:
        return _settle(frame, at, what, probe=_probe(frame, at, what, screen))
    if isinstance(reply, Resolve):
        _redo(frame, at, reply, screen)
        return None
    if isinstance(reply, Go) and what is Purpose.VERIFY:
        return _verify(frame, at, record.purpose)
    if isinstance(reply, Go) and what is Purpose.UNDO:
        return take_back(frame, at, TakeBack(reply.typed))
    if isinstance(reply, Go) and isinstance(screen.action, Edit):
        return _begin(frame, at)
    return follow(frame, at, screen, ready, reply)


def _redo(frame: Frame, at: Instance, reply: Resolve, screen: Screen) -> None:
    if reply.what is Undecided.REDO:
        now = frame.ports.clock.now()
        frame.record(StepResolved(at=now, step=at.path, decision=Decision.REDO, note=reply.note), screen)


def _settle(frame: Frame, at: Instance, what: Purpose, *, probe: Execution | None = None) -> End | None:
    """Ask what became of a step. Nothing here ever starts it again: `redo` leads back to the step's own question."""
    screen = unready_screen(frame, at)
    for _ in range(_PATIENCE):
        record = frame.state.step(at.path)
        reply = frame.ports.operator.resolve(screen, known_of(frame, record), probe=probe)
        if reply == Resolve(Undecided.PROBE, getattr(reply, "note", "")):
            probe = _probe(frame, at, what, screen) or probe
        elif isinstance(reply, Resolve):
            if _decide(frame, record, reply, screen):
                return None
        elif isinstance(reply, TakeBack):
            return take_back(frame, at, reply)
        elif isinstance(reply, Stop | HandOver | SwitchTo):
            return follow(frame, at, screen, Ready(), reply)
    return None


def _decide(frame: Frame, record: StepRecord, reply: Resolve, screen: Screen) -> bool:
    decision = Decision.DONE if reply.what is Undecided.DONE else Decision.REDO
    if decision is Decision.REDO and child_lives(frame, record):
        return False  # two of them at once is what nobody wants; `known_of` says how to end the first
    frame.record(StepResolved(at=frame.ports.clock.now(), step=record.path, decision=decision, note=reply.note), screen)
    return True


def _probe(frame: Frame, at: Instance, what: Purpose, screen: Screen) -> Execution | None:
    wanted = at.step.undo.check if what is Purpose.UNDO and at.step.undo else at.step.verify
    return check(frame, at, wanted, Purpose.PROBE, screen) if isinstance(wanted, Check) else None


def _finish(frame: Frame) -> End | None:
    """End the run, unless the operator saw something in the last step's output that must not stay so."""
    operator, steps = frame.ports.operator, instances(frame.procedure, frame.state)
    if steps and isinstance(operator, Concluding):
        screen = unready_screen(frame, steps[-1])
        reply = operator.conclude(screen)
        if isinstance(reply, Back):
            frame.record(SteppedBack(at=frame.ports.clock.now(), step=steps[-1].path), screen)
            return None
        if reply is not None:
            return follow(frame, steps[-1], screen, Ready(), reply)
    event = RunFinished(at=frame.ports.clock.now())
    frame.record(event, before_telling=lambda: frame.finished(frame.run) if frame.finished else None)
    return End(ExitCode.DONE)


def _ask_for(frame: Frame, at: Instance, name: str) -> None:
    source = at.captures.get(name, "")
    declared = {parameter.name: parameter for parameter in frame.procedure.parameters}
    ask = f"Step {source} would have found out {name}. What is it?" if source else f"What is {name}?"
    parameter = declared.get(name) or Parameter(name=name, ask=ask, example="", at=at.step.at)
    value = parameters.ask(parameter, frame.ports.operator)
    step = source if name not in declared else ""
    frame.record(ValueGiven(at=frame.ports.clock.now(), step=step, name=name, value=value))


def _execution(record: StepRecord, what: Purpose) -> Execution:
    """Return how the last execution of that purpose ended, as the journal has it."""
    last: Attempt | None = next((one for one in reversed(record.attempts) if one.purpose is what), None)
    assert last is not None
    assert last.outcome is not None
    return Execution(
        outcome=last.outcome,
        exit=last.exit,
        seconds=last.seconds,
        output=last.output,
        evidence=last.evidence,
        captured=record.captured,
        purpose=what,
    )


def _stop(frame: Frame, reason: str) -> None:
    if not frame.state.ended:
        frame.record(RunStopped(at=frame.ports.clock.now(), reason=reason))
