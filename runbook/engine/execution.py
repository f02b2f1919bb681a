"""Executes commands for a step in the only safe order: prove, hold, record, run, compare, record."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from runbook.engine import parameters
from runbook.engine.comparison import capture, compare
from runbook.engine.context import Context
from runbook.engine.ports import Comparing, Execution, Pausing, ReadCommand, Screen
from runbook.engine.state import Status
from runbook.errors import MissingPartError, PolicyRefusal, ProgramChangedError, Terminated, UsageError
from runbook.filling import Shown, fill_text
from runbook.journal.events import (
    ChildStarted,
    OptionChosen,
    Outcome,
    Purpose,
    StepFinished,
    SteppedBack,
    StepStarted,
)
from runbook.model import Action, Check, Effect, Expectation, Parameter, Step, Verdict
from runbook.model.templates import names_in
from runbook.steps.destination import Prepared, prepare
from runbook.steps.performing import Done, Job
from runbook.steps.scope import Place

__all__ = ["StepWork", "check", "prepare_at", "refuse_if_forbidden"]

_LOOK_TIMEOUT = 60.0
"""Seconds for one look if the step sets no limit: nobody could answer a question that it asks."""


def prepare_at(
    context: Context, at: Place, action: Action, *, care: Effect | None = None, after: bool = False
) -> Prepared:
    """Fill an action in with a step's values and secrets.

    `after` lets it use what the step itself has found. If a value is missing, a dry run shows `<name>` for it, and any
    other run raises UnknownName. Raises UsageError if a value can't be used where it is put.
    """
    known = (at.after if after else at.scope).values
    values = Shown(known) if context.dry else known
    prepared = prepare(action, values, context.destination, care=care)

    secret = partial(_secret, context, at)
    if context.dry:
        return replace(prepared, is_complete=_names_in(action, at) <= known.keys())
    environment = {**prepared.environment, **action.secret_environment(secret)}
    return replace(prepared, environment=environment, env_file=action.secret_lines(values, secret))


def _secret(context: Context, at: Place, name: str) -> str:
    """Return the value of a secret by its name at that step. Raises UsageError."""
    try:
        return context.secrets[at.scope.secrets[name]]
    except KeyError as unknown:
        raise UsageError(f"the secret '{name}' isn't one of the parameters") from unknown


def _names_in(action: Action, at: Place) -> set[str]:
    return {name for use in action.uses(at.step.at) for name in names_in(use.text)} - {"target"}


def refuse_if_forbidden(prepared: Prepared, *, reading_only: bool = False) -> None:
    """Raise PolicyRefusal if policy forbids the command, or if it isn't proven to read and `reading_only` is set.

    `reading_only` also refuses a read that a person must confirm first, because a check asks nobody.
    """
    judgement = prepared.judgement
    if judgement is not None and judgement.verdict is Verdict.REFUSE:
        raise PolicyRefusal(
            f"policy refuses `{' '.join(prepared.argv)}`: {judgement.reason}",
            hint=judgement.instead or "It didn't run, and no flag changes that.",
        )
    if reading_only and (prepared.effect is not Effect.READS or prepared.needs_person):
        what = prepared.effect.value if prepared.effect is not Effect.READS else "needs a person to confirm it"
        why = f": {judgement.reason}" if judgement is not None else ""
        raise PolicyRefusal(
            f"a check may only read, and `{' '.join(prepared.argv)}` {what}{why}",
            hint="It didn't run. The procedure's `verify` needs another command.",
        )


def check(context: Context, at: Place, wanted: Check, purpose: Purpose, screen: Screen) -> Execution:
    """Run a check of the step that only reads, as `VERIFY` or as `PROBE`, and record what it showed."""
    prepared = prepare_at(context, at, wanted.action, after=True)
    refuse_if_forbidden(prepared, reading_only=True)
    work = StepWork(context=context, at=at, prepared=prepared, screen=screen, purpose=purpose)
    return work.run(Job(expect=wanted.action.expectation(wanted.expect), timeout=at.step.timeout))


@dataclass(slots=True, kw_only=True)
class StepWork:
    """One step of a walk, for its kind to act on; implements `runbook.steps.performing.Work`.

    `run` is the only way to start a process, and it records the process.
    """

    context: Context
    at: Place
    prepared: Prepared
    screen: Screen
    purpose: Purpose = Purpose.RUN
    confirmed: str = ""
    """What the operator typed to allow it."""
    seconded: str = ""
    """Who else confirmed it; empty if nobody had to."""
    _told_to_end: Terminated | None = None
    """The signal's exception, raised once the end of the step is recorded."""
    _wanted: Sequence[Check] = ()
    _looks: Sequence[Prepared] = ()
    """The job's looks, as written and as run."""

    # --- what a kind of step may know and do ----------------------------------------------------------------------

    @property
    def step(self) -> Step:
        """The step."""
        return self.at.step

    @property
    def path(self) -> str:
        """Its path in the walk."""
        return self.at.path

    @property
    def project(self) -> Path:
        """The Supabase project's directory, resolved."""
        return Path(self.context.ports.target.directory).resolve()

    @property
    def major(self) -> int:
        """The major of the installed CLI."""
        return self.context.destination.major

    @property
    def drafts(self) -> Path:
        """A private directory for this step's drafts."""
        return self.context.scratch / "drafts" / self.context.run / re.sub(r"[^A-Za-z0-9_-]", "_", self.path)

    @property
    def kept(self) -> Path:
        """A private directory for files that the run replaced."""
        return self.context.scratch / "kept" / self.context.run

    @property
    def has_passed(self) -> bool:
        """True if the step has passed before and is being repeated."""
        return self.context.state.step(self.path).status is Status.PASSED

    def fill(self, template: str) -> str:
        """Put the step's values into a text. Raises UnknownName."""
        return fill_text(template, self.at.scope.values)

    def problem_with(self, parameter: Parameter, text: str) -> str:
        """Return why a value can't be stored, "" if it can."""
        return self.context.problem_with(parameter, text)

    def ask(self, parameter: Parameter, problem: str) -> str:
        """Ask the operator for a value until it fits."""
        return parameters.ask(
            self.screen.asks or parameter,
            self.context.ports.operator,
            problem=problem,
            problem_with=self.context.problem_with,
        )

    def wait(self, seconds: float) -> float:
        """Wait that many seconds, or less if the operator ends the pause; return how long it was."""
        ports = self.context.ports
        if isinstance(ports.operator, Pausing):
            return ports.operator.pause(seconds)
        ports.clock.wait(seconds)
        return seconds

    def choose(self, option: str, back_to: str) -> None:
        """Record which option was chosen; with `back_to` (a step's id), go back to that earlier step."""
        self.context.record(OptionChosen(at=self._now(), step=self.path, option=option), self.screen)
        if back_to:
            earlier = self.context.way.named(back_to, before=self.path)
            self.context.record(SteppedBack(at=self._now(), step=earlier.path), self.screen)

    def look(self) -> Sequence[Execution]:
        """Run all the job's looks in parallel; return how each one ended, compared with what it expects."""
        context = self.context
        ended = context.ports.executor.read_in_parallel(
            [ReadCommand(argv=one.argv, environment={**context.ports.target.environment(), **one.environment})
             for one in self._looks],
            directory=context.ports.target.directory,
            timeout=self.step.timeout or _LOOK_TIMEOUT,
            born=self._born,
            secrets=tuple(context.secrets.values()),
        )  # fmt: skip
        return [
            self._judged(
                self._compared_with_target(one, prepared), Job(expect=wanted.action.expectation(wanted.expect))
            )
            for one, prepared, wanted in zip(ended, self._looks, self._wanted, strict=True)
        ]

    def read(self, argv: Sequence[str]) -> str:
        """Run a command that only prepares the step; return why it failed, "" if it didn't."""
        prepared = Prepared(argv=tuple(argv))
        ended = replace(self, prepared=prepared, purpose=Purpose.PREPARE).run(Job(timeout=60))
        return "" if ended.passed else ended.output.strip() or ended.evidence

    # --- the only safe order --------------------------------------------------------------------------------------

    def run(self, job: Job) -> Execution:
        """Run the command, do the rest of the job, and record how it ended.

        Raises TargetChanged, TargetHeldError or JournalError before anything has run. If this process dies in here, the
        journal has the start of the step but not its end.
        """
        context, prepared = self.context, self.prepared
        refuse_if_forbidden(prepared)
        self._wanted, self._looks = job.looks, [prepare_at(context, self.at, one.action) for one in job.looks]
        for one in self._looks:
            refuse_if_forbidden(one, reading_only=True)
        if prepared.effect is not Effect.READS:
            context.recheck()
        context.hold_on(self.path)
        context.record(
            StepStarted(
                at=self._now(),
                step=self.path,
                purpose=self.purpose,
                argv=prepared.argv,
                effect=prepared.effect.value,
                confirmed=self.confirmed,
                seconded=self.seconded,
                looks=tuple(shlex.join(one.argv) for one in self._looks),
            ),
            self.screen,
        )
        ended = self._without_command(job)
        if prepared.argv and ended.passed:
            known = ended.evidence
            ended = self._judged(self._command(job), job)
            ended = replace(ended, evidence="\n".join(part for part in (known, ended.evidence) if part))
        ended = replace(ended, purpose=self.purpose)
        context.record(
            StepFinished(
                at=self._now(),
                step=self.path,
                purpose=ended.purpose,
                outcome=ended.outcome,
                exit=ended.exit,
                seconds=ended.seconds,
                output=ended.output,
                evidence=ended.evidence,
                captured=ended.captured,
            ),
            self.screen,
        )
        if self._told_to_end is not None:
            raise self._told_to_end
        return ended

    def _without_command(self, job: Job) -> Execution:
        """Do the part of the step that isn't a command."""
        clock = self.context.ports.clock
        began = clock.monotonic()
        outcome, evidence, done = Outcome.PASSED, job.evidence, Done()
        try:
            done = job.first() if job.first else done
            outcome = Outcome.PASSED if done.passed else Outcome.FAILED
            evidence = "\n".join(part for part in (job.evidence, done.evidence) if part)
        except (MissingPartError, ProgramChangedError) as error:
            outcome, evidence = Outcome.FAILED, f"{error.message}. {error.hint}".strip()
        except OSError as error:
            outcome, evidence = Outcome.FAILED, str(error)
        except Terminated as told:
            outcome, evidence, self._told_to_end = Outcome.INTERRUPTED, str(told), told
        except KeyboardInterrupt:
            outcome, evidence = Outcome.INTERRUPTED, "ended by Ctrl-C"
        seconds = clock.monotonic() - began
        captured = {**job.captured, **done.captured}
        return Execution(
            outcome=outcome, exit=None, seconds=seconds, output=done.output, evidence=evidence, captured=captured
        )

    def _command(self, job: Job) -> Execution:
        context, prepared = self.context, self.prepared
        with ExitStack() as stack:
            try:
                stack.enter_context(context.secret_file.holding(prepared.env_file))
            except OSError as error:
                return _not_started(f"the file for the secrets can't be written: {error.strerror}")
            try:
                ended = context.ports.executor.execute(
                    prepared.argv,
                    environment={**context.ports.target.environment(), **prepared.environment},
                    directory=context.ports.target.directory,
                    timeout=job.timeout,
                    born=self._born,
                    secrets=tuple(context.secrets.values()),
                    understands=job.understands,
                )
            except (MissingPartError, ProgramChangedError) as error:
                return _not_started(f"{error.message}. {error.hint}".strip())
        return self._compared_with_target(ended, prepared)

    def _born(self, pid: int, born_at: str) -> None:
        host = self.context.identity.host
        self.context.record(ChildStarted(at=self._now(), step=self.path, pid=pid, born=born_at, host=host))

    def _compared_with_target(self, ended: Execution, prepared: Prepared) -> Execution:
        """Fail the step if the command says that it went to another target. An interrupted one stays unknown."""
        target = self.context.ports.target
        elsewhere = target.contradicts(prepared.argv, ended) if isinstance(target, Comparing) else ""
        if not elsewhere:
            return ended
        said = (
            f"the command says that it went to {elsewhere}, but this run is for {self.context.target.name}. "
            f"Whatever it changed, it changed there. Stop, and find out what switched the target"
        )
        outcome = ended.outcome if ended.outcome is Outcome.INTERRUPTED else Outcome.FAILED
        return replace(ended, outcome=outcome, evidence="; ".join(part for part in (ended.evidence, said) if part))

    def _judged(self, ended: Execution, job: Job) -> Execution:
        """Compare how the command ended with what was expected, unless it was interrupted."""
        if ended.outcome is Outcome.INTERRUPTED or (ended.outcome is Outcome.FAILED and ended.evidence):
            return ended
        # Once the command has run, a missing value must not raise, or the end would be lost: it's compared as `<name>`,
        # and fails. A check knows what its step has found; a step finds its own values only now.
        known: Mapping[str, str | tuple[str, ...]] = self.at.after.values
        captured, problem = capture(job.capture, ended.output, _filler(known), document=ended.document)
        seen = compare(
            job.expect or Expectation(),
            ended.exit,
            ended.output,
            _filler({**known, **captured}),
            document=ended.document,
            secret=lambda name: self.context.secrets.get(self.at.scope.secrets.get(name, "")),
        )
        passed = seen.is_met and not problem
        evidence = "; ".join(part for part in (seen.evidence, problem) if part)
        outcome = Outcome.PASSED if passed else Outcome.FAILED
        return replace(ended, outcome=outcome, evidence=evidence, captured=captured)

    def _now(self) -> datetime:
        return self.context.ports.clock.now()


def _filler(values: Mapping[str, str | tuple[str, ...]]) -> Callable[[str], str]:
    shown = Shown(values)
    return lambda template: fill_text(template, shown)


def _not_started(why: str) -> Execution:
    return Execution(outcome=Outcome.FAILED, exit=None, seconds=0, output="", evidence=f"{why} (nothing ran)")
