"""What is known, in sentences, about a step whose end nobody saw."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from runbook.engine.context import Context
from runbook.engine.state import Attempt, ChildProcess, StepRecord
from runbook.journal.events import Outcome, Purpose
from runbook.printable import span

__all__ = ["child_lives", "known_of"]


def known_of(context: Context, record: StepRecord) -> tuple[str, ...]:
    """Return what the journal and this machine's processes show about the last execution."""
    attempt = record.last
    if attempt is None:
        return ("Nothing more is on record.",)
    return tuple(_sentences(context, record, attempt))


def child_lives(context: Context, record: StepRecord) -> bool:
    """Return True if the step's command, or a process that it started, is certainly still running on this machine."""
    child = record.child
    return child is not None and bool(context.ports.survivors(child.pid, child.born, child.host))


def _sentences(context: Context, record: StepRecord, attempt: Attempt) -> Iterator[str]:
    what = "The undo of this step" if record.purpose is Purpose.UNDO else "This step"
    ago = span(max(0.0, context.seconds_so_far() - attempt.started_after))
    yield f"{what} was started at {_clock(attempt.started)} UTC, {ago} ago."
    if attempt.outcome is Outcome.INTERRUPTED:
        yield f"It was interrupted after {span(attempt.seconds)}; the server may have continued."
        if attempt.evidence:
            yield attempt.evidence
    elif attempt.outcome is Outcome.FAILED:
        yield f"It failed: {attempt.evidence}."
    else:
        yield "Its end isn't recorded."
    if attempt.argv:
        yield _process(context, attempt, attempt.child)


def _process(context: Context, attempt: Attempt, child: ChildProcess | None) -> str:
    if child is None:
        # The executor holds a program back until its process is in the journal.
        return "No process is on record for it, so the command itself was never started."
    running = context.ports.survivors(child.pid, child.born, child.host)
    if running is None:
        return f"Its process {child.pid} ran on {child.host}; whether it still does can't be seen from here."
    if running:
        since, pids = _clock(attempt.started), " and ".join(str(pid) for pid in running)
        return f"The command is still running as process {pids} since {since} UTC. Let it end, or stop it."
    return f"Its process {child.pid} no longer runs; what it had sent to the server may still take effect."


def _clock(moment: datetime) -> str:
    return moment.strftime("%H:%M:%S")
