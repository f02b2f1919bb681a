"""The loop of a walk: find the next action, ask the operator, do it, record it."""

from __future__ import annotations

import errno
import shlex
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from runbook.diagnosis import Diagnosis, diagnose
from runbook.engine import parameters
from runbook.engine.confirmation import confirmation_for, is_confirmed
from runbook.engine.context import Context
from runbook.engine.detours import go_to, run_own
from runbook.engine.execution import StepWork, check, prepare_at, refuse_if_forbidden
from runbook.engine.next_action import Begin, Finish, Over, Recover, Settle, Verify, next_action
from runbook.engine.pace import finding_at, finding_before, starts_by_itself
from runbook.engine.pick_lists import with_values
from runbook.engine.ports import (
    AddNote,
    Back,
    Concluding,
    Confirmation,
    Execution,
    Go,
    GoTo,
    HandOver,
    Reconnecting,
    Reply,
    Resolve,
    RunOwn,
    Screen,
    Skip,
    Stop,
    SwitchTo,
    TakeBack,
    Undecided,
)
from runbook.engine.second_person import ask_second_person
from runbook.engine.snapshots import take_after, take_before
from runbook.engine.state import Status, StepRecord
from runbook.engine.unknown_step import child_lives, known_of
from runbook.errors import (
    ExitCode,
    JournalError,
    JournalUnreachableError,
    RunbookError,
    RunTakenOverError,
    Terminated,
    UsageError,
)
from runbook.filling import Shown, UnknownName, fill_text
from runbook.journal.events import (
    Decision,
    HandedOver,
    NoteAdded,
    Outcome,
    Purpose,
    RunFinished,
    RunStopped,
    SteppedBack,
    StepResolved,
    StepSkipped,
    ValueGiven,
)
from runbook.model import Check, Effect, Parameter
from runbook.steps.destination import Prepared
from runbook.steps.performing import Job
from runbook.steps.scope import Place
from runbook.steps.view import Label, Note, Prose, notes_of, view_of

__all__ = ["End", "Walk", "ready_screen", "screen_of"]

_PATIENCE = 20
"""How many answers in a row may lead nowhere: an unattended operator must not loop forever."""
_DRY = "dry run: shown, not done"
_LONGEST_NOTE = 4096
"""Characters."""


@dataclass(frozen=True, slots=True)
class End:
    """How a walk ended; `switch_to` names the procedure to begin instead."""

    code: ExitCode
    switch_to: str = ""


class Walk:
    """One walk through a procedure, until it is finished, stopped, handed over or left for another one.

    go                          records why it ends, whatever the cause
      _turn_when_connected      asks whether to try again if the shared journal can't be reached
      _turn                     holds on to the target, and takes the next action (`next_action`: pure)
        _begin                  shows a step and lets the operator decide; if `pace` lets it start by itself, only shows
        _verify                 runs the check of a step that has run
        _recover                asks what to do about a failure
        _settle                 asks what became of a step whose end nobody saw
          _follow               does what the operator answers. A confirmed step is done by its kind:
                                `Action.perform`, which calls `StepWork.run`: prove, hold, record, run,
                                compare, record
            _take_back          does the same with the step's undo
        _ask_for                asks for a value that a skipped step would have found
        _finish                 gives the operator the last word, and ends the run
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.operator = context.ports.operator

    def go(self) -> End:
        """Walk to the end. If anything else ends the walk, record why it stopped, if the journal still allows that."""
        try:
            misfits = 0
            while misfits < _PATIENCE:
                before = self.context.state
                end = self._turn_when_connected()
                if end is not None:
                    return end
                misfits = misfits + 1 if self.context.state is before else 0
        except (JournalError, RunTakenOverError):
            raise
        except RunbookError as error:
            self._record_stop(error.message)
            raise
        except Terminated as told:
            with suppress(OSError):  # the terminal may be gone: the stop is on record, but can't be shown
                self._record_stop(str(told))
            raise
        except OSError as error:
            why = "the terminal was lost" if error.errno == errno.EIO else f"the system refused: {error.strerror}"
            with suppress(OSError):
                self._record_stop(why)
            raise
        except (KeyboardInterrupt, EOFError):
            self._record_stop("interrupted at the keyboard")
            raise
        message = f"stopped after {_PATIENCE} answers in a row that don't fit this prompt"
        self._record_stop(message)
        raise RunbookError(message, hint=f"Nothing more ran. `runbook resume {self.context.run}` continues.")

    def _turn_when_connected(self) -> End | None:
        """Take a turn. If the journal can't be reached, nothing runs; ask the operator whether to try again."""
        try:
            return self._turn()
        except JournalUnreachableError as lost:
            if not isinstance(self.operator, Reconnecting):
                raise
            return self._reconnect(self.operator, lost)

    def _reconnect(self, operator: Reconnecting, lost: JournalUnreachableError) -> End | None:
        while operator.reconnect(lost.message, self.context.ports.journal.waiting):
            try:
                with self.context.during("Asking the shared journal"):
                    self.context.read_again()
            except JournalUnreachableError as again:
                lost = again
            else:
                return None
        self._record_stop("the shared journal can't be reached")
        return End(ExitCode.NOT_COMPLETED)

    def _turn(self) -> End | None:  # noqa: PLR0911 - one for each thing that can come next
        action = next_action(self.context.way, self.context.state)
        if isinstance(action, Over):
            return End(ExitCode.DONE)
        if isinstance(action, Finish):
            return self._finish()
        self.context.hold_on(action.at.path)
        try:
            match action:
                case Begin(at):
                    return self._begin(at)
                case Verify(at, of):
                    return self._verify(at, of)
                case Recover(at, what):
                    return self._recover(at, what)
                case Settle(at, what):
                    return self._settle(at, what)
        except UnknownName as missing:
            self._ask_for(action.at, missing.name)
            return None
        except UsageError as error:
            return self._cannot_be_filled(action.at, error)

    # --- asking ---------------------------------------------------------------------------------------------------

    def _begin(self, at: Place) -> End | None:
        screen, prepared = ready_screen(self.context, at)
        action, draft = screen.action, None
        if action.asks is not None:
            directory = self.context.ports.target.directory
            asks = with_values(action.asks, directory, way=self.context.way, state=self.context.state, at=at)
            screen = replace(screen, asks=asks)
        if not self.context.dry:
            draft = action.begin(StepWork(context=self.context, at=at, prepared=Prepared(), screen=screen))
        if draft is not None:
            warning = (Note(Label.WARNING, draft.problem),) if draft.problem else ()
            screen = replace(screen, draft=str(draft.path), blocks=(*warning, *screen.blocks))
        refuse_if_forbidden(prepared)
        return self._follow(at, screen, prepared, self.operator.decide(screen))

    def _verify(self, at: Place, of: Purpose) -> End | None:
        wanted = _check_of(at, of)
        assert wanted is not None
        check(self.context, at, wanted, Purpose.VERIFY, screen_of(self.context, at))
        return None

    def _recover(self, at: Place, what: Purpose) -> End | None:
        record = self.context.state.step(at.path)
        screen, prepared = ready_screen(self.context, at)
        screen = replace(screen, diagnosis=self._diagnosis(record, what))
        reply = self.operator.recover(screen, _last_execution(record, what))
        if isinstance(reply, Resolve) and reply.what is Undecided.PROBE:
            return self._settle(at, what, probe=self._probe(at, what, screen))
        if isinstance(reply, Resolve):
            if reply.what is Undecided.REDO:
                self._resolve(at, Decision.REDO, reply.note, screen)
            return None
        if isinstance(reply, Go) and what is Purpose.VERIFY:
            return self._verify(at, record.purpose)
        if isinstance(reply, Go) and what is Purpose.UNDO:
            return self._take_back(at, TakeBack(reply.typed))
        if isinstance(reply, Go) and screen.action.asks_again_on_retry:
            return self._begin(at)
        return self._follow(at, screen, prepared, reply)

    def _diagnosis(self, record: StepRecord, what: Purpose) -> Diagnosis | None:
        last = record.last_of(what)
        if last is None:
            return None
        errors, major = self.context.book.errors, self.context.destination.major
        if last.looks and not last.argv:
            # The output of several looks is in one report, with each error on a line of its own.
            said = "\n".join(line.strip() for line in last.output.splitlines())
            return diagnose(errors, shlex.split(last.looks[0]), 1, said, major=major)
        return diagnose(errors, last.argv, last.exit, last.output, major=major)

    def _settle(self, at: Place, what: Purpose, *, probe: Execution | None = None) -> End | None:
        """Ask what became of a step. This never starts it again: `redo` leads back to the step's own question."""
        screen = screen_of(self.context, at)
        for _ in range(_PATIENCE):
            record = self.context.state.step(at.path)
            reply = self.operator.resolve(screen, known_of(self.context, record), probe=probe)
            if isinstance(reply, Resolve) and reply.what is Undecided.PROBE:
                probe = self._probe(at, what, screen) or probe
            elif isinstance(reply, Resolve):
                decision = Decision.DONE if reply.what is Undecided.DONE else Decision.REDO
                # Two commands must never run at once; `known_of` says how to end the first.
                if decision is Decision.DONE or not child_lives(self.context, record):
                    self._resolve(at, decision, reply.note, screen)
                    return None
            elif isinstance(reply, TakeBack):
                return self._take_back(at, reply)
            elif isinstance(reply, AddNote | RunOwn):
                self._follow(at, screen, Prepared(), reply)
            elif isinstance(reply, Stop | HandOver | SwitchTo):
                return self._follow(at, screen, Prepared(), reply)
        return None

    def _probe(self, at: Place, what: Purpose, screen: Screen) -> Execution | None:
        wanted = _check_of(at, what)
        return check(self.context, at, wanted, Purpose.PROBE, screen) if wanted else None

    def _resolve(self, at: Place, decision: Decision, note: str, screen: Screen) -> None:
        self.context.record(StepResolved(at=self._now(), step=at.path, decision=decision, note=note), screen)

    def _cannot_be_filled(self, at: Place, error: UsageError) -> End | None:
        """Ask what to do at a step whose value doesn't fit. Nothing ran."""
        screen = screen_of(self.context, at)
        for _ in range(_PATIENCE):
            why = f"Nothing ran: {error.message}. {error.hint}".strip()
            failed = Execution(outcome=Outcome.FAILED, exit=None, seconds=0, output="", evidence=why)
            reply = self.operator.recover(screen, failed)
            try:
                return None if isinstance(reply, Go | Resolve) else self._follow(at, screen, Prepared(), reply)
            except UnknownName as missing:
                self._ask_for(at, missing.name)
                return None
            except UsageError as again:  # the step's undo can't be filled in either
                error = again
        return None

    def _ask_for(self, at: Place, name: str) -> None:
        """Ask for an unknown value, and record it under the step that should have found it, where it is looked up."""
        source = at.after.source_of(name)
        declared = {each.name: each for each in self.context.procedure.parameters} if not source.path else {}
        found_at = self.context.way.find(source.path)
        seen = [action.asks for action in found_at.step.actions if action.asks] if found_at else []
        found = f"Step {source.path} would have captured {source.name}. What is its value?"
        ask = found if found_at else f"What is {source.name}?"
        known = declared.get(source.name) or next((one for one in seen if one.name == source.name), None)
        parameter = known or Parameter(name=source.name, ask=ask, example="", at=at.step.at)
        directory = self.context.ports.target.directory
        if found_at:
            parameter = with_values(parameter, directory, way=self.context.way, state=self.context.state, at=found_at)
        problem_with = self.context.problem_with
        value = parameters.parse(
            parameter, parameters.ask(parameter, self.operator, problem_with=problem_with, directory=directory)
        )
        self.context.record(ValueGiven(at=self._now(), step=source.path, name=source.name, value=value))

    # --- doing what the operator answers --------------------------------------------------------------------------

    def _follow(self, at: Place, screen: Screen, prepared: Prepared, reply: Reply) -> End | None:  # noqa: C901, PLR0912 - one case for each reply
        """Do what the operator says. An answer that doesn't fit changes nothing, so the same question comes again."""
        context, now = self.context, self._now()
        match reply:
            case Go(typed=typed, value=value):
                runs_dry = screen.action.runs_dry(prepared.effect, is_complete=prepared.is_complete)
                if context.dry and (prepared.needs_person or not runs_dry):
                    context.record(StepSkipped(at=now, step=at.path, reason=_DRY), screen)
                elif is_confirmed(screen.confirmation, screen.word, typed):
                    seconded = ask_second_person(context, at, screen)
                    if seconded is not None and take_before(context, at, prepared):
                        said = typed.strip() or "Enter"
                        work = StepWork(
                            context=context, at=at, prepared=prepared, screen=screen, confirmed=said, seconded=seconded
                        )
                        screen.action.perform(work, value)
            case Skip(reason):
                has_passed = context.state.step(at.path).status is Status.PASSED
                if reason.strip() or has_passed or context.dry:
                    context.record(StepSkipped(at=now, step=at.path, reason=reason.strip()), screen)
            case Back():
                before = context.way.before(at.path)
                if before is not None:
                    context.record(SteppedBack(at=now, step=before.path), screen)
            case GoTo():
                go_to(context, screen, reply)
            case AddNote(note):
                context.record(NoteAdded(at=now, step=at.path, note=note.strip()[:_LONGEST_NOTE]), screen)
            case RunOwn():
                instead = run_own(context, at, screen, reply)
                return None if instead is None else self._follow(at, screen, prepared, instead)
            case TakeBack():
                return self._take_back(at, reply)
            case HandOver(note, to):
                role, files = context.identity.role, context.files()
                context.record(HandedOver(at=now, note=note, to=to, files=files, role=role), screen)
                return End(ExitCode.NOT_COMPLETED)
            case SwitchTo(procedure) if procedure in context.book.procedures:
                context.record(RunStopped(at=now, reason=f"left for {procedure}", files=context.files()), screen)
                return End(ExitCode.NOT_COMPLETED, procedure)
            case Stop(reason):
                context.record(RunStopped(at=now, reason=reason, files=context.files()), screen)
                return End(ExitCode.NOT_COMPLETED)
        return None

    def _take_back(self, at: Place, reply: TakeBack) -> End | None:
        """Run the step's undo, if it has one and the operator confirms that very command."""
        undo = at.step.undo
        if undo is None or undo.action is None or self.context.dry:
            return None
        prepared = prepare_at(self.context, at, undo.action, after=True)
        blocks = tuple(undo.action.view(Shown(at.after.values), self.context.destination))
        screen = _with(self.context, screen_of(self.context, at), prepared)
        # Nothing shows that a person has done it, and Enter may be a reflex, so Enter alone isn't enough.
        by_hand_only = undo.action.is_seen_by_person and screen.confirmation is Confirmation.ENTER
        screen = replace(
            screen,
            confirmation=Confirmation.YES if by_hand_only else screen.confirmation,
            action=undo.action,
            purpose=Purpose.UNDO,
            title=f"Undo: {screen.title}",
            blocks=(*blocks, *(block for block in screen.blocks if isinstance(block, Note))),
        )
        refuse_if_forbidden(prepared)
        typed = reply.typed
        if not typed or not is_confirmed(screen.confirmation, screen.word, typed):
            while isinstance(answer := self.operator.decide(screen), AddNote | RunOwn):
                self._follow(at, screen, prepared, answer)
            if isinstance(answer, HandOver | SwitchTo | Stop):
                return self._follow(at, screen, prepared, answer)
            if not isinstance(answer, Go) or not is_confirmed(screen.confirmation, screen.word, answer.typed):
                return None
            typed = answer.typed
        by_hand = " ".join(block.text for block in blocks if isinstance(block, Prose))
        work = StepWork(
            context=self.context,
            at=at,
            prepared=prepared,
            screen=screen,
            purpose=Purpose.UNDO,
            confirmed=typed.strip() or "Enter",
        )
        work.run(Job(evidence=f"undone by hand: {by_hand}" if by_hand else "", timeout=at.step.timeout))
        return None

    def _finish(self) -> End | None:
        """End the run, unless the operator saw something in the last step's output that must be fixed first."""
        context, places = self.context, self.context.way.places
        if places:
            take_after(context, places[-1])
        if places and isinstance(self.operator, Concluding):
            screen, major = screen_of(self.context, places[-1]), context.destination.major
            screen = replace(screen, finding=finding_at(places[-1], context.way, context.state, major))
            reply = self.operator.conclude(screen)
            if isinstance(reply, Back):
                context.record(SteppedBack(at=self._now(), step=places[-1].path), screen)
                return None
            if reply is not None:
                return self._follow(places[-1], screen, Prepared(), reply)
        finished = context.finished
        event = RunFinished(at=self._now())
        context.record(event, before_telling=lambda: finished(context.run) if finished else None)
        return End(ExitCode.DONE)

    def _record_stop(self, reason: str) -> None:
        if not self.context.state.ended:
            self.context.record(RunStopped(at=self._now(), reason=reason, files=self.context.files()))

    def _now(self) -> datetime:
        return self.context.ports.clock.now()


def screen_of(context: Context, at: Place) -> Screen:
    """Return the screen of a step with the argv it last ran, even if values are missing. Never raises."""
    way, state = context.way, context.state
    number, total = way.number_of(at.path)
    action = at.step.action_on(context.destination.major)
    values, later = Shown(at.scope.values), Shown(at.after.values)
    try:
        blocks = tuple(view_of(at.step, action, values, later, context.destination))
    except UsageError:  # a value can't be used where it is put; preparing the step reports that
        blocks = tuple(notes_of(at.step, values))
    return Screen(
        procedure=context.procedure,
        state=state,
        target=context.target,
        path=at.path,
        step=at.step,
        action=action,
        number=number,
        total=total,
        phase=way.phase_of(at.path),
        has_more=way.is_open_behind(at.path),
        argv=state.step(at.path).argv,
        values=at.scope.values,
        seconds_so_far=context.seconds_so_far(),
        unsent=context.ports.journal.waiting,
        title=fill_text(at.step.title, values),
        blocks=blocks,
    )


def ready_screen(context: Context, at: Place) -> tuple[Screen, Prepared]:
    """Return the screen of a step and what it would run. Raises what `prepare_at` raises."""
    screen = screen_of(context, at)
    prepared = prepare_at(context, at, screen.action, care=_care_for(context, at))
    finding = finding_before(context.way, context.state, at.path, context.destination.major)
    by_itself = starts_by_itself(at, screen.action, prepared, context.state, finding=finding)
    return replace(_with(context, screen, prepared), starts_by_itself=by_itself, finding=finding), prepared


def _care_for(context: Context, at: Place) -> Effect | None:
    """Return the effect that the author declares, or a worse one that an earlier step found."""
    step = at.step
    if step.effect_found is None or context.dry:  # a dry run finds nothing
        return step.effect
    try:
        found = fill_text(step.effect_found, at.scope.values)
    except UnknownName:  # the step that would have found it was skipped
        found = ""
    # What nobody knows counts as the worst.
    effect = Effect(found) if found in set(Effect) else Effect.DESTROYS
    return max(effect, step.effect or effect, key=lambda each: each.rank)


def _with(context: Context, screen: Screen, prepared: Prepared) -> Screen:
    confirmation = Confirmation.ENTER if context.dry else confirmation_for(prepared)
    return replace(
        screen,
        argv=prepared.argv,
        effect=prepared.effect,
        judgement=prepared.judgement,
        confirmation=confirmation,
        word=context.target.name if confirmation is Confirmation.NAME else "",
    )


def _check_of(at: Place, what: Purpose) -> Check | None:
    return at.step.undo.check if what is Purpose.UNDO and at.step.undo else at.step.verify


def _last_execution(record: StepRecord, what: Purpose) -> Execution:
    """Return how the last execution of that purpose ended, according to the journal."""
    last = record.last_of(what)
    if last is None or last.outcome is None:
        unseen = "Its result is unknown; the server may have continued"
        return Execution(outcome=Outcome.INTERRUPTED, exit=None, seconds=0, output="", evidence=unseen, purpose=what)
    return Execution(
        outcome=last.outcome,
        exit=last.exit,
        seconds=last.seconds,
        output=last.output,
        evidence=last.evidence,
        captured=record.captured,
        purpose=what,
    )
