"""Build screens of a walk by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.text import Text

from runbook.engine.ports import Confirmation, Execution, Screen
from runbook.engine.state import RunState, fold
from runbook.journal.events import Outcome, Purpose, RunStarted
from runbook.model import Effect, Family, Step, TargetKind, Undo, Verdict
from runbook.policy.judgement import Judgement
from runbook.steps.destination import Destination
from runbook.steps.view import CommandToRun, view_of
from support.walks import PRODUCTION, START, policy, procedure, step

__all__ = ["PUSH", "failed", "judged", "plain_text", "screen", "state"]

PUSH = ("npx", "supabase", "db", "push", "--remote")


def state(run: str = "20261123-0120-emergency-rollback", *, dry: bool = False) -> RunState:
    """Return the state of a run that has just begun."""
    started = RunStarted(
        at=START,
        run=run,
        procedure="fix",
        digest="",
        sources={},
        target=PRODUCTION,
        runbook="0.1",
        operator="ada",
        host="here",
        directory="/project",
        values={},
        dry=dry,
    )
    return fold([started])


def judged(effect: Effect, family: Family = Family.DATABASE) -> Judgement:
    """Return a judgement of that effect."""
    return Judgement(
        verdict=Verdict.ALLOW,
        effect=effect,
        rule="db-push",
        reason="It applies the pending migrations.",
        instead="",
        family=family,
        target=TargetKind.PRODUCTION,
        commands=(PUSH,),
    )


def screen(
    one: Step | None = None, *, argv: Sequence[str] = PUSH, effect: Effect = Effect.WRITES, **more: object
) -> Screen:
    """Return the screen of a step, by default of one that writes to production."""
    undo = Undo(reason="another migration")
    shown = one or step("apply", "change it", title="Apply the rollback", minutes=2, undo=undo)
    fix = procedure(shown, name="emergency-rollback")
    confirmation = {
        Effect.READS: Confirmation.ENTER,
        Effect.WRITES: Confirmation.YES,
        Effect.DESTROYS: Confirmation.NAME,
    }
    production = Destination(policy(), 3, lambda _words: ("--remote",))
    blocks = view_of(shown, shown.action, {}, {}, production)
    runs = shown.action.runs
    made = Screen(
        procedure=replace(fix, title="Emergency rollback"),
        state=state(),
        target=PRODUCTION,
        path=shown.id,
        step=shown,
        action=shown.action,
        number=2,
        total=7,
        phase=(1, 2, "Identify"),
        argv=tuple(argv) if runs else (),
        effect=effect,
        judgement=judged(effect),
        confirmation=confirmation[effect],
        word=PRODUCTION.name if effect is Effect.DESTROYS else "",
        seconds_so_far=250,
        title=shown.title,
        blocks=tuple(CommandToRun(tuple(argv)) if runs and isinstance(one, CommandToRun) else one for one in blocks),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def failed(output: str = "", /, **more: object) -> Execution:
    """Return a command that failed."""
    made = Execution(
        outcome=Outcome.FAILED,
        exit=1,
        seconds=2,
        output=output,
        evidence="expected exit 0, saw exit 1",
        purpose=Purpose.RUN,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def plain_text(lines: Sequence[Text | str]) -> str:
    """Return lines without their colours."""
    return "\n".join((line if isinstance(line, str) else line.plain).rstrip() for line in lines)
