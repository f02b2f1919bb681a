"""Events of runs, with sizes as real ones have them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from runbook.journal.events import (
    ChildStarted,
    Event,
    NoteAdded,
    Outcome,
    Purpose,
    RulesSeen,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
    TargetSeen,
)
from runbook.journal.liveness import this_host

__all__ = ["EVENTS_OF_A_RUN", "FIRST_DAY", "events_of", "run_id"]

EVENTS_OF_A_RUN = 100
FIRST_DAY = datetime(2026, 11, 23, tzinfo=UTC)


def run_id(number: int) -> str:
    """Return the id of a run, as runs have it."""
    return f"20261123-0120-procedure-{number}"


def events_of(number: int) -> Iterator[Event]:
    """Yield the 100 events of a run, outputs of commands included; another number gives another run."""
    chance = random.Random(number)
    at = FIRST_DAY + timedelta(minutes=3 * number)
    sources = {"fix": "  - id: step\n    title: Look at what is there\n    run: npx supabase db push\n" * 40}
    yield RunStarted(
        at=at,
        run=run_id(number),
        procedure=f"procedure-{number % 12}",
        digest="0" * 64,
        sources=sources,
        target=TargetSeen("production", f"project {number % 20}", "3.1.0", "production"),
        runbook="0.1",
        operator=f"operator {number % 50}",
        host=this_host(),
        directory="/home/somebody/project",
        values={"table": "tasks", "version": f"{20261123000000 + number}"},
        rules=RulesSeen(digest="1" * 64, sources={"policy.yaml": "rule: x\n" * 300}),
        files={f"supabase/migrations/{name}.sql": "2" * 64 for name in range(20)},
    )
    steps = ("push", "check", "deploy", "look", "tell")
    for turn in range(24):
        step, argv = chance.choice(steps), ("npx", "supabase", "db", "push", "--linked", "--include-all")
        yield StepStarted(at=at, after=0.4, step=step, purpose=Purpose.RUN, argv=argv, effect="writes", confirmed="yes")
        yield ChildStarted(at=at, after=0.01, step=step, pid=4242, born="123456@0123456789ab", host=this_host())
        output = "".join(f"row {line}: {chance.random()}\n" for line in range(chance.choice((2, 10, 40, 120))))
        captured = {"last": f"{turn}"} if turn % 8 == 0 else {}
        yield StepFinished(
            at=at, after=2.5, step=step, purpose=Purpose.RUN, outcome=Outcome.PASSED, exit=0, seconds=2.5,
            output=output, evidence="exit 0, as expected", captured=captured,
        )  # fmt: skip
        yield NoteAdded(at=at, after=5.0, step=step, note="Looked at the dashboard: nothing unusual there.")
    for note in ("Told the team.", "Nobody has seen the fault again."):
        yield NoteAdded(at=at, step="tell", note=note)
    yield RunFinished(at=at)
