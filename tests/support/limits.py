"""Stop tests that never end. `benchmarks/` measures how long something takes; nothing here asserts it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["must_end"]


@contextmanager
def must_end(seconds: int = 60) -> Iterator[None]:
    """Fail if the block runs forever. Backtracking or an endless loop takes hours, not a minute."""

    def fail(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"it did not end within {seconds} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
