"""Tells the shared journal, every few seconds, that this process still holds its target."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["BEAT_SECONDS", "Heartbeat"]

BEAT_SECONDS = 5.0


class Heartbeat:
    """Calls `beat` from a thread of its own until `stop`, and then `end`, which frees what `beat` used."""

    def __init__(self, beat: Callable[[], None], end: Callable[[], None], seconds: float = BEAT_SECONDS) -> None:
        self._ended = threading.Event()
        self._beat = beat
        self._end = end
        self._seconds = seconds
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the calls; one that is under way ends within its own time limit."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            self._beat()
        self._end()
