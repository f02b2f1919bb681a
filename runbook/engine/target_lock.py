"""One run per target: hold its lock during a walk, and take it from somebody else only if a person says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from runbook.engine.context import Context, lock_key
from runbook.errors import JournalError, TargetHeldError
from runbook.journal.events import TakenOver, TargetSeen
from runbook.journal.interface import Holder
from runbook.policy.redaction import hide_known
from runbook.printable import span

__all__ = ["lock_target"]


@contextmanager
def lock_target(context: Context, seen: TargetSeen) -> Iterator[TakenOver | None]:
    """Hold the target's lock until the block ends; yield the takeover, if one was needed.

    Raises TargetHeldError if somebody has the target and it isn't taken over.
    """
    key = lock_key(seen, context.identity, context.ports.target)
    takes_over = _take(context, key)
    try:
        yield takes_over
    finally:
        # A lock that can't be released now is recognised later by its dead process.
        with suppress(JournalError):
            context.ports.journal.release(key, context.run)


def _take(context: Context, key: str) -> TakenOver | None:
    journal = context.ports.journal
    takes_over: TakenOver | None = None
    over: Holder | None = None
    while True:
        other = journal.hold(key, context.holder(), over=over)
        if other is None:
            _tell_the_other(context, over, takes_over)
            return takes_over
        # It also goes into the other run's record, before this run has asked for its own secrets.
        reason = hide_known((context.ports.operator.take_over(other) or "").strip())
        if not reason:
            raise _held_by(other)
        over, now = other, context.ports.clock.now()
        takes_over = TakenOver(
            at=now,
            operator=context.identity.operator,
            was=other.run,
            reason=reason,
            role=context.identity.role,
        )


def _tell_the_other(context: Context, other: Holder | None, event: TakenOver | None) -> None:
    """Record the takeover in the run that it was taken from, too."""
    # A run in another journal isn't ours to write to; its process notices that it lost the target.
    if other is not None and event is not None and other.run != context.run and not other.elsewhere:
        journal = context.ports.journal
        with suppress(JournalError):
            if other.run in journal.runs():  # one that died before its first event has no record to write into
                journal.append(other.run, event)


def _held_by(other: Holder) -> TargetHeldError:
    dead = " Its process is no longer running." if other.alive is False else ""
    if other.alive is None and other.silent:
        dead = f" Nothing was heard of it for {span(other.silent)}."
    step = f", at step {other.step}" if other.step else ""
    back = f"`runbook resume {other.run}` continues it once it has stopped."
    if other.elsewhere:
        back = f"Its record is in another journal, {other.elsewhere}: resume it from there."
    return TargetHeldError(
        f"{other.operator} has been running {other.procedure} on this target since "
        f"{other.since:%Y-%m-%d %H:%M} UTC{step} (run {other.run} on {other.host}, process {other.pid}).{dead}",
        hint=f"`runbook status` shows it. {back}",
    )
