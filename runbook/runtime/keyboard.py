"""The operator's own terminal while a child has it: every key goes through, and its mode is always restored.

Signals that arrive meanwhile are noted for the relay loop, instead of acted on at once.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import termios
import tty
from collections.abc import Iterator
from types import FrameType, TracebackType

from runbook.runtime.signal_handlers import handling

__all__ = ["Keyboard", "SignalNotes", "note_signals"]


class Keyboard:
    """A terminal in raw mode during a `with` block.

    Entering and leaving discard what was typed before: a key pressed too early must not answer a prompt that the
    operator hasn't seen. Without a terminal (`descriptor` is None), everything here does nothing.
    """

    def __init__(self, descriptor: int | None) -> None:
        self.descriptor = descriptor
        self._fd = -1 if descriptor is None else descriptor
        self._before: list[int | list[bytes | int]] | None = None
        self.has_early_keys = False
        """Whether a line was typed before, which is discarded."""

    def __enter__(self) -> Keyboard:
        """Switch to raw mode."""
        if self.descriptor is not None:
            self._before = termios.tcgetattr(self._fd)
            self.has_early_keys = bool(select.select([self._fd], [], [], 0)[0])
            tty.setraw(self._fd, termios.TCSAFLUSH)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Restore the mode, even after an exception, and even if the terminal is gone by now."""
        if self._before is not None:
            with contextlib.suppress(termios.error, OSError):
                termios.tcsetattr(self._fd, termios.TCSAFLUSH, self._before)
            self._before = None

    def again(self) -> None:
        """Switch to raw mode again, after a shell that stopped and continued this process changed the mode."""
        if self._before is not None:
            with contextlib.suppress(termios.error, OSError):
                # Not TCSAFLUSH, because these keys were typed for the child that is still running.
                tty.setraw(self._fd, termios.TCSADRAIN)

    def waiting(self) -> bytes:
        """Return the pending keys without waiting for one; empty if there is no terminal."""
        there = self.descriptor is not None and select.select([self._fd], [], [], 0)[0]
        return self.read() if there else b""

    def read(self) -> bytes:
        """Return the pending keys; empty if the terminal is gone."""
        try:
            return os.read(self._fd, 4096)
        except OSError:
            return b""


class SignalNotes:
    """Which signals have arrived since they were last asked for."""

    def __init__(self) -> None:
        self._arrived: set[int] = set()

    def note(self, number: int, _frame: FrameType | None) -> None:
        """Serve as a signal handler."""
        self._arrived.add(number)

    def take(self, number: int) -> bool:
        """Tell whether that signal arrived, and forget it."""
        came = number in self._arrived
        self._arrived.discard(number)
        return came


@contextlib.contextmanager
def note_signals() -> Iterator[SignalNotes]:
    """Note signals during a `with` block. Only a main thread can; in any other, none is ever noted."""
    notes = SignalNotes()
    every = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH, signal.SIGCONT)
    with handling(dict.fromkeys(every, notes.note)):
        yield notes
