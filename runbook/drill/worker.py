"""A process of a round: it holds drills for another process, and does not outlive it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import parent_process
from typing import ParamSpec, TypeVar

__all__ = ["end_with_parent", "unless_ended"]

Words = ParamSpec("Words")
Outcome = TypeVar("Outcome")


def end_with_parent() -> None:
    """Let this process clear away what it has and end, as soon as the one that started it is gone."""
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_watch_parent, daemon=True).start()


def unless_ended(work: Callable[Words, Outcome], *words: Words.args, **named: Words.kwargs) -> Outcome:
    """Do the work; when this process is to end meanwhile, end it: a pool would go on to the next piece."""
    try:
        return work(*words, **named)
    except SystemExit:
        os._exit(1)


def _watch_parent() -> None:
    parent = parent_process()
    if parent is None:
        return
    parent.join()
    while True:
        # Again and again: the first is taken by a command that runs now, and ends only that.
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)


def _leave(number: int, frame: object) -> None:
    del frame
    signal.signal(number, signal.SIG_IGN)  # clearing away must not be interrupted
    sys.exit(1)
