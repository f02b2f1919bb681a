"""A guard against tests that never end. How long something takes is measured in `benchmarks/`, not asserted here."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["must_end"]


@contextmanager
def must_end(seconds: int = 60) -> Iterator[None]:
    """Fail where the block would go on for ever: what backtracks or goes round in circles takes hours, not a minute."""

    def fail(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"it did not end within {seconds} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
