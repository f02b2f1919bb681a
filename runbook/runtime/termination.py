"""On SIGTERM or SIGHUP, end a waiting run as a person would: record the reason and release the target."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from runbook.errors import Terminated
from runbook.runtime.signal_handlers import handling

__all__ = ["ends_cleanly"]

_REASONS = {
    signal.SIGTERM: "told to end (SIGTERM)",
    signal.SIGHUP: "the terminal was closed, or the connection to it was lost (SIGHUP)",
}


@contextmanager
def ends_cleanly() -> Iterator[None]:
    """Raise Terminated on SIGTERM and SIGHUP during a `with` block; only a main thread can.

    While a command runs, `note_signals` replaces these handlers, so that the command's end is still recorded.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        # Only the first one counts: a second must not interrupt recording the first.
        for each in _REASONS:
            signal.signal(each, signal.SIG_IGN)
        raise Terminated(_REASONS[signal.Signals(number)])

    with handling(dict.fromkeys(_REASONS, end)):
        yield
