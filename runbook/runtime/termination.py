"""Ends a waiting run as a person would, when the system tells it to end: with a record of why, and the target free."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from runbook.errors import Terminated

__all__ = ["ends_cleanly"]

_REASONS = {
    signal.SIGTERM: "told to end (SIGTERM)",
    signal.SIGHUP: "the terminal was closed, or the connection to it was lost (SIGHUP)",
}


@contextmanager
def ends_cleanly() -> Iterator[None]:
    """Raise Terminated on SIGTERM and SIGHUP for the length of a `with` block; only a main thread can.

    While a command runs, `note_signals` stands in front of this: the command's end is still recorded then.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # What is ignored (SIGHUP under nohup) stays ignored.
    heeded = [number for number in _REASONS if signal.getsignal(number) is not signal.SIG_IGN]

    def end(number: int, _frame: FrameType | None) -> None:
        # The first one is enough: a second must not cut off the record of the first.
        for each in heeded:
            signal.signal(each, signal.SIG_IGN)
        raise Terminated(_REASONS[signal.Signals(number)])

    before = {number: signal.signal(number, end) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            # None stands for a handler that C code installed: Python can't put that one back.
            signal.signal(number, handler or signal.SIG_DFL)
