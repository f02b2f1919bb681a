"""What an operator does apart from the step: go to another one, or run their own command. Both are recorded."""

from __future__ import annotations

import shlex
from dataclasses import replace

from runbook.engine.confirmation import Confirmation, confirmation_for, is_confirmed
from runbook.engine.context import Context
from runbook.engine.execution import StepWork, refuse_if_forbidden
from runbook.engine.next_action import Begin, Recover, is_settled, next_action
from runbook.engine.ports import Advised, Go, GoTo, HandOver, Reply, RunOwn, Screen, Stop, SwitchTo
from runbook.engine.snapshots import take_before
from runbook.engine.state import RunState
from runbook.engine.way import Way
from runbook.errors import PolicyRefusal, RunbookError, UsageError
from runbook.journal.events import Purpose, SteppedBack, StepSkipped
from runbook.model import Action, Effect, Role
from runbook.steps import typed_command
from runbook.steps.destination import Prepared, prepare
from runbook.steps.performing import Job
from runbook.steps.scope import Place
from runbook.steps.view import CommandToRun

__all__ = ["go_to", "left_out", "run_own"]


def left_out(way: Way, state: RunState, path: str) -> tuple[Place, ...]:
    """Return the steps that nobody has done or skipped before the one with that path."""
    paths = [place.path for place in way.places]
    before = way.places[: paths.index(path)] if path in paths else ()
    return tuple(place for place in before if not is_settled(place, state))


def go_to(context: Context, screen: Screen, wanted: GoTo) -> None:
    """Go to another step. Steps that this leaves out are skipped with the reason; without a reason, nothing happens."""
    way, reason = context.way, wanted.reason.strip()
    skipped = left_out(way, context.state, wanted.path)
    if way.find(wanted.path) is None or (skipped and not reason):
        return
    for place in skipped:
        context.record(StepSkipped(at=context.ports.clock.now(), step=place.path, reason=reason), screen)
    comes_next = next_action(context.way, context.state)
    if not isinstance(comes_next, Begin | Recover) or comes_next.at.path != wanted.path:
        context.record(SteppedBack(at=context.ports.clock.now(), step=wanted.path), screen)


def run_own(context: Context, at: Place, screen: Screen, wanted: RunOwn) -> Reply | None:
    """Run a command that the operator typed, if policy allows it; return what the operator wants instead, if anything.

    Policy judges it like a step's command, and a write needs the same confirmation. A command without a rule in the
    policy never runs, because it could start any other program.
    """
    try:
        action = typed_command(_words(wanted.line, context), at.step.at)
        prepared = _prepared(context, at, action)
    except RunbookError as error:
        if isinstance(context.ports.operator, Advised):
            said = (error.message, error.hint, "" if "Nothing ran" in error.hint else "Nothing ran")
            context.ports.operator.advise(" ".join(f"{part.removesuffix('.')}." for part in said if part))
        return None
    confirmation = confirmation_for(prepared)
    shown = replace(
        screen,
        action=action,
        argv=prepared.argv,
        effect=prepared.effect,
        judgement=prepared.judgement,
        confirmation=confirmation,
        word=context.target.name if confirmation is Confirmation.NAME else "",
        purpose=Purpose.OWN,
        title="Your own command",
        blocks=(CommandToRun(prepared.argv),),
    )
    typed = "Enter"
    if confirmation is not Confirmation.ENTER:
        reply = context.ports.operator.decide(shown)
        if not isinstance(reply, Go):
            return reply if isinstance(reply, HandOver | Stop | SwitchTo) else None
        if not is_confirmed(shown.confirmation, shown.word, reply.typed):
            return None
        typed = reply.typed.strip()
    if not take_before(context, at, prepared):
        return None
    work = StepWork(context=context, at=at, prepared=prepared, screen=shown, purpose=Purpose.OWN, confirmed=typed)
    work.run(Job())
    return None


def _words(line: str, context: Context) -> tuple[str, ...]:
    """Return the argv of a line. Raises UsageError if it needs a shell or contains a secret."""
    if context.redactor.redact(line) != line:
        raise UsageError("The command contains a secret", hint="Every user of this machine could read it. Nothing ran.")
    try:
        words = tuple(shlex.split(line))
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        marks = [token for token in lexer if token and set(token) <= set("();<>|&")]
    except ValueError as error:
        raise UsageError(f"The quotes don't match ({error})", hint="Nothing ran.") from error
    if not words:
        raise UsageError("No command was typed", hint="Nothing ran.")
    if marks:
        raise UsageError(f"'{marks[0]}' needs a shell, and none is used here", hint="Type one command. Nothing ran.")
    return words


def _prepared(context: Context, at: Place, action: Action) -> Prepared:
    """Return the command to run. Raises UsageError or PolicyRefusal if it must not run."""
    prepared = prepare(action, at.after.values, context.destination)
    judgement = prepared.judgement
    if judgement is not None and not judgement.rule:
        raise PolicyRefusal(
            f"The policy has no rule for {' '.join(prepared.argv[:2])}, so nobody can say what it does to the target",
            hint="Run it in another terminal, and note with m what it did.",
        )
    refuse_if_forbidden(prepared)
    for said, *_ in action.problems(Role.STEP, prepared.effect):
        raise PolicyRefusal(said, hint="Nothing ran.")
    if context.dry and prepared.effect is not Effect.READS:
        raise PolicyRefusal("A dry run writes nothing", hint="Nothing ran.")
    return prepared
