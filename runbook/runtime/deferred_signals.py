"""Signals to this process while a child runs, noted for the loop that relays instead of acted on at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

__all__ = ["Noted", "noted"]

_WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH, signal.SIGCONT)


@dataclass(slots=True)
class Noted:
    """Which signals came since they were last asked for."""

    _arrived: set[int] = field(default_factory=set)

    def note(self, number: int, frame: FrameType | None) -> None:
        """Serve as a signal handler."""
        del frame
        self._arrived.add(number)

    def take(self, number: int) -> bool:
        """Tell whether that signal came, and forget it."""
        if number not in self._arrived:
            return False
        self._arrived.discard(number)
        return True


@contextmanager
def noted() -> Iterator[Noted]:
    """Note signals for the length of a `with` block. Only a main thread can; in another none is ever noted."""
    arrived = Noted()
    if threading.current_thread() is not threading.main_thread():
        yield arrived
        return
    # What is ignored (SIGHUP under nohup) stays ignored.
    watched = [number for number in _WATCHED if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, arrived.note) for number in watched}
    try:
        yield arrived
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
