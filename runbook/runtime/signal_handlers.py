"""Signal handlers during a `with` block."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

__all__ = ["Handler", "handling"]

Handler = Callable[[int, FrameType | None], object]


@contextmanager
def handling(handlers: Mapping[signal.Signals, Handler]) -> Iterator[None]:
    """Install these handlers, and restore the previous ones at the end. Does nothing outside the main thread.

    A signal that is ignored (SIGHUP under nohup) stays ignored.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        heeded = [number for number in handlers if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, handlers[number]) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            # None stands for a handler that C code installed, which Python can't restore.
            signal.signal(number, handler or signal.SIG_DFL)
