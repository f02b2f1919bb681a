"""When a target's lock may pass from one holder to the next without a person saying so. Pure."""

from __future__ import annotations

from runbook.errors import JournalError
from runbook.journal.codec import from_json
from runbook.journal.events import HandedOver, RunFinished, RunStopped
from runbook.journal.interface import Holder

__all__ = ["SILENT_SECONDS", "is_end", "is_same", "may_replace"]

SILENT_SECONDS = 30
"""How long a holder on another machine may say nothing before nobody can tell whether it still lives."""


def may_replace(now: Holder, holder: Holder, over: Holder | None, *, last_event: str | None) -> bool:
    """Tell whether `holder` may have the target that `now` has; `over` is whom a person decided to take it from.

    `last_event` is the JSON of the last event of the run that has it; None if it has no event.
    """
    if is_same(now, holder) or (over is not None and is_same(now, over)):
        return True
    if now.alive or (now.alive is None and now.silent < SILENT_SECONDS):
        return False
    # Its process is dead, or hasn't been heard of. Another run may have the target only if nothing in that run needs
    # attention: it never began, or it had finished or stopped, and its process died on the way out.
    if last_event is None or is_end(last_event):
        return True
    return now.alive is False and now.run == holder.run


def is_same(one: Holder, other: Holder) -> bool:
    """Tell whether both are the same process in the same run."""
    return (one.run, one.host, one.pid) == (other.run, other.host, other.pid)


def is_end(body: str) -> bool:
    """Tell whether an event ends a walk. A damaged one doesn't prove that."""
    try:
        return isinstance(from_json(body), RunFinished | RunStopped | HandedOver)
    except JournalError:
        return False
