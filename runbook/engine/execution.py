"""Executing for a step, in the one order that is safe: prove, hold, write down, run, compare, write down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from runbook.engine.commands import Ready, lenient, prepare, refuse_if_forbidden, values_at
from runbook.engine.context import Frame
from runbook.engine.events import ChildStarted, Outcome, Purpose, StepFinished, StepStarted
from runbook.engine.expectation import capture, compare
from runbook.engine.path import Instance
from runbook.engine.ports import Execution, Screen
from runbook.errors import MissingPartError
from runbook.model import Capture, Check, Effect, Expectation
from runbook.steps.env_file import env_file, env_file_path

__all__ = ["Job", "check", "perform"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One execution: what for, what must come out of it, and what is kept."""

    purpose: Purpose = Purpose.RUN
    expect: Expectation = field(default_factory=Expectation)
    capture: Sequence[Capture] = ()
    timeout: float | None = None
    confirmed: str = ""
    evidence: str = ""
    """What is known before anything runs."""
    captured: Mapping[str, str] = field(default_factory=dict)
    """Values that a person saw, where nothing runs."""
    first: Callable[[], str] | None = None
    """Done between the record of the start and the command; returns more evidence. OSError makes the step fail."""


def perform(frame: Frame, at: Instance, ready: Ready, job: Job, screen: Screen) -> Execution:
    """Run the command and record how it ended.

    Raises TargetChanged, TargetHeldError or JournalError before anything has run. If this process dies in here, the
    journal says that the step started and not that it finished.
    """
    refuse_if_forbidden(ready)
    if ready.effect is not Effect.READS:
        frame.recheck()
    frame.hold_on(at.path)
    _start(frame, at, ready.argv, ready.effect, job, screen)
    ended = _run(frame, at, ready, job)
    _finish(frame, at, ended, screen)
    return ended


def check(frame: Frame, at: Instance, wanted: Check, purpose: Purpose, screen: Screen) -> Execution:
    """Run a reading check of the step, as `VERIFY` or as `PROBE`, and record what it showed."""
    ready = prepare(frame, at, wanted.action)
    refuse_if_forbidden(ready, reading_only=True)
    return perform(frame, at, ready, Job(purpose=purpose, expect=wanted.expect, timeout=at.step.timeout), screen)


def _start(frame: Frame, at: Instance, argv: tuple[str, ...], effect: Effect, job: Job, screen: Screen) -> None:
    now = frame.ports.clock.now()
    frame.record(
        StepStarted(at=now, step=at.path, purpose=job.purpose, argv=argv, effect=effect.value, confirmed=job.confirmed),
        screen,
    )


def _finish(frame: Frame, at: Instance, ended: Execution, screen: Screen) -> None:
    frame.record(
        StepFinished(
            at=frame.ports.clock.now(),
            step=at.path,
            purpose=ended.purpose,
            outcome=ended.outcome,
            exit=ended.exit,
            seconds=ended.seconds,
            output=ended.output,
            evidence=ended.evidence,
            captured=ended.captured,
        ),
        screen,
    )


def _run(frame: Frame, at: Instance, ready: Ready, job: Job) -> Execution:
    first = _first(frame, job)
    if not ready.argv or first.outcome is not Outcome.PASSED:
        return first
    ended = _judge(frame, at, _execute(frame, at, ready, job.timeout), job)
    return replace(ended, evidence="\n".join(part for part in (first.evidence, ended.evidence) if part))


def _first(frame: Frame, job: Job) -> Execution:
    """Do the part of the step that is not a command."""
    began = frame.ports.clock.now()
    outcome, evidence = Outcome.PASSED, job.evidence
    try:
        evidence = "\n".join(part for part in (job.evidence, job.first() if job.first else "") if part)
    except OSError as error:
        outcome, evidence = Outcome.FAILED, str(error)
    except KeyboardInterrupt:
        outcome, evidence = Outcome.INTERRUPTED, "ended by Ctrl-C"
    seconds = (frame.ports.clock.now() - began).total_seconds()
    return Execution(
        outcome=outcome,
        exit=None,
        seconds=seconds,
        output="",
        evidence=evidence,
        captured=job.captured,
        purpose=job.purpose,
    )


def _execute(frame: Frame, at: Instance, ready: Ready, timeout: float | None) -> Execution:
    def born(pid: int, born_at: str) -> None:
        now = frame.ports.clock.now()
        frame.record(ChildStarted(at=now, step=at.path, pid=pid, born=born_at, host=frame.identity.host))

    with ExitStack() as stack:
        try:
            stack.enter_context(env_file(env_file_path(frame.scratch, frame.run), ready.env))
        except OSError as error:
            return _not_started(f"the file for the secrets can't be written: {error.strerror}")
        try:
            return frame.ports.executor.execute(
                ready.argv,
                environment={**frame.ports.target.environment(), **ready.environment},
                directory=frame.ports.target.directory,
                timeout=timeout,
                born=born,
                secrets=tuple(frame.secrets.values()),
            )
        except MissingPartError as missing:
            return _not_started(f"{missing.message}. {missing.hint}".strip())


def _not_started(why: str) -> Execution:
    return Execution(outcome=Outcome.FAILED, exit=None, seconds=0, output="", evidence=f"{why} (nothing ran)")


def _judge(frame: Frame, at: Instance, ended: Execution, job: Job) -> Execution:
    """Compare how the command ended with what was expected. What was interrupted is not compared."""
    ended = replace(ended, purpose=job.purpose)
    if ended.outcome is Outcome.INTERRUPTED or (ended.outcome is Outcome.FAILED and ended.evidence):
        return ended
    values = values_at(frame, at)
    # Once it has run nothing may raise for want of a value, the end would be lost: a missing one is compared as it is.
    captured, problem = capture(job.capture, ended.output, lambda text: lenient(text, values), document=ended.document)
    known = {**values, **captured}
    seen = compare(job.expect, ended.exit, ended.output, lambda text: lenient(text, known), document=ended.document)
    passed = seen.is_met and not problem
    evidence = "; ".join(part for part in (seen.evidence, problem) if part)
    return replace(ended, outcome=Outcome.PASSED if passed else Outcome.FAILED, evidence=evidence, captured=captured)
