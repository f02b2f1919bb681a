"""Somebody else confirms a step from another terminal, with what it will do before them.

The first person asks: the question is an event of the run, with a digest of exactly what will run. `runbook confirm`
shows it to the second, whose answer is an event as well. The journal tells the two apart by the names under which they
log in to it, so nobody can confirm for themselves.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256

from runbook.engine.context import Context
from runbook.engine.ports import Advised, Screen
from runbook.errors import UsageError
from runbook.journal.events import (
    ConfirmationAsked,
    ConfirmationEnded,
    ConfirmationGiven,
    ConfirmationRefused,
    TargetSeen,
)
from runbook.model import TargetKind
from runbook.steps.scope import Place

__all__ = ["ask_second_person", "code_of", "digest_of"]

_PATIENCE = 15 * 60.0
"""Seconds. Whoever isn't there by then was not called."""
_LOOK_SECONDS = 1.0


def digest_of(run: str, step: str, argv: Sequence[str], effect: str, seen: TargetSeen) -> str:
    """Return a digest of what a step will do: in this run, at this step, with this command, on this target."""
    return sha256(json.dumps([run, step, list(argv), effect, seen.kind, seen.name]).encode()).hexdigest()


def code_of(digest: str) -> str:
    """Return the part of a digest that people compare and type."""
    return digest[:8]


def ask_second_person(context: Context, at: Place, screen: Screen) -> str | None:
    """Wait until somebody else confirms a step that needs it; return who did, "" if the step doesn't need it.

    Return None if nobody did: they refused, nobody came in time, or the operator stopped waiting (Ctrl-C). Raises
    UsageError if the journal can't tell two people apart, and JournalError.
    """
    if not at.step.second_person or context.dry or context.target.kind != TargetKind.PRODUCTION:
        return ""
    if not context.identity.role:
        raise UsageError(
            "somebody else must confirm this step, and this journal knows nobody else",
            hint="Name a shared journal in team.yaml or RUNBOOK_JOURNAL, and begin the run there",
        )
    effect = screen.effect.value
    digest = digest_of(context.run, at.path, screen.argv, effect, context.target)
    context.record(
        ConfirmationAsked(
            at=context.ports.clock.now(),
            step=at.path,
            digest=digest,
            argv=screen.argv,
            effect=effect,
            operator=context.identity.operator,
            role=context.identity.role,
        )
    )
    answer = _wait_for(context, digest)
    if isinstance(answer, ConfirmationGiven):
        return answer.operator
    if isinstance(answer, ConfirmationRefused):
        why = f"{answer.operator} refused: {answer.reason}"
    else:
        why = answer
        context.record(ConfirmationEnded(at=context.ports.clock.now(), step=at.path, reason=why))
    if isinstance(context.ports.operator, Advised):
        context.ports.operator.advise(f"{why[:1].upper()}{why[1:]}. Nothing ran.")
    return None


def _wait_for(context: Context, digest: str) -> ConfirmationGiven | ConfirmationRefused | str:
    """Return the answer, or why there is none."""
    clock = context.ports.clock
    until = clock.monotonic() + _PATIENCE
    try:
        with context.during("Waiting for somebody else"):
            while clock.monotonic() < until:
                news = context.ports.journal.events(context.run)[context.state.events :]
                answers = [one for one in news if isinstance(one, ConfirmationGiven | ConfirmationRefused)]
                for answer in answers:
                    if answer.digest == digest and answer.role not in {"", context.identity.role}:
                        context.read_again()
                        context.ports.operator.tell(answer, None)
                        return answer
                clock.wait(_LOOK_SECONDS)
    except KeyboardInterrupt:
        return "the operator stopped waiting for somebody else"
    return f"nobody else confirmed within {_PATIENCE / 60:.0f} minutes"
