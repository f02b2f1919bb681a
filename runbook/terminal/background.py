"""Prove the target while the operator reads."""

from __future__ import annotations

import threading
from collections.abc import Callable

from runbook.engine.events import TargetSeen

__all__ = ["Background"]


class Background:
    """A call that goes on while the operator reads; `result` waits for it and raises what it raised."""

    def __init__(self, call: Callable[[], TargetSeen]) -> None:
        self._call = call
        self._seen: TargetSeen | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._seen = self._call()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits for it
            self._error = error

    def result(self) -> TargetSeen:
        """Return what the call returned, once it has."""
        while self._thread.is_alive():
            self._thread.join(0.2)  # in pieces, so that Ctrl-C is heard
        if self._error is not None:
            raise self._error
        assert self._seen is not None
        return self._seen
