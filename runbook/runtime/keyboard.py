"""The operator's own terminal while a child has it: every key goes through, and it always comes back as it was.

Signals that come meanwhile are noted for the loop that relays, instead of acted on at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import termios
import threading
import tty
from collections.abc import Iterator
from types import FrameType, TracebackType

__all__ = ["Keyboard", "SignalNotes", "note_signals"]


class Keyboard:
    """A terminal in raw mode for the length of a `with` block.

    Entering and leaving throw away what was typed before: a key pressed too early must not answer a prompt that the
    operator has not seen. Without a terminal (`descriptor` is None) everything here does nothing.
    """

    def __init__(self, descriptor: int | None) -> None:
        self.descriptor = descriptor
        self._fd = -1 if descriptor is None else descriptor
        self._before: list[int | list[bytes | int]] | None = None

    def __enter__(self) -> Keyboard:
        """Switch to raw mode."""
        if self.descriptor is not None:
            self._before = termios.tcgetattr(self._fd)
            tty.setraw(self._fd, termios.TCSAFLUSH)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Restore the mode, also when an exception passes, and also when the terminal is gone meanwhile."""
        if self._before is not None:
            with contextlib.suppress(termios.error, OSError):
                termios.tcsetattr(self._fd, termios.TCSAFLUSH, self._before)
            self._before = None

    def again(self) -> None:
        """Switch to raw mode once more: a shell that stopped and continued this process changed it."""
        if self._before is not None:
            with contextlib.suppress(termios.error, OSError):
                # Not TCSAFLUSH: these keys were typed for the child that is still running.
                tty.setraw(self._fd, termios.TCSADRAIN)

    def read(self) -> bytes:
        """Return the keys that wait; empty when the terminal is gone."""
        try:
            return os.read(self._fd, 4096)
        except OSError:
            return b""


class SignalNotes:
    """Which signals came since they were last asked for."""

    def __init__(self) -> None:
        self._arrived: set[int] = set()

    def note(self, number: int, _frame: FrameType | None) -> None:
        """Serve as a signal handler."""
        self._arrived.add(number)

    def take(self, number: int) -> bool:
        """Tell whether that signal came, and forget it."""
        came = number in self._arrived
        self._arrived.discard(number)
        return came


@contextlib.contextmanager
def note_signals() -> Iterator[SignalNotes]:
    """Note signals for the length of a `with` block. Only a main thread can; in another none is ever noted."""
    notes = SignalNotes()
    if threading.current_thread() is not threading.main_thread():
        yield notes
        return
    every = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH, signal.SIGCONT)
    # What is ignored (SIGHUP under nohup) stays ignored.
    watched = [number for number in every if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, notes.note) for number in watched}
    try:
        yield notes
    finally:
        for number, handler in before.items():
            # None stands for a handler that C code installed: Python can't put that one back.
            signal.signal(number, handler or signal.SIG_DFL)
