"""The operator's own terminal while a child has it: every key goes through, and it always comes back as it was."""

from __future__ import annotations

import contextlib
import os
import termios
import tty
from types import TracebackType

__all__ = ["Keyboard"]


class Keyboard:
    """A terminal in raw mode for the length of a `with` block.

    Entering and leaving throw away what was typed before: a key pressed too early must not answer a prompt that the
    operator has not seen. Without a terminal (`descriptor` is None) everything here does nothing.
    """

    def __init__(self, descriptor: int | None) -> None:
        self.descriptor = descriptor
        self._before: list[int | list[bytes | int]] | None = None

    def __enter__(self) -> Keyboard:
        """Switch to raw mode."""
        if self.descriptor is not None:
            self._before = termios.tcgetattr(self.descriptor)
            tty.setraw(self.descriptor, termios.TCSAFLUSH)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Restore the mode, also when an exception passes, and also when the terminal is gone meanwhile."""
        if self._before is not None:
            with contextlib.suppress(termios.error, OSError):
                termios.tcsetattr(self._fd(), termios.TCSAFLUSH, self._before)
            self._before = None

    def again(self) -> None:
        """Switch to raw mode once more: a shell that stopped and continued this process changed it."""
        if self._before is not None:
            with contextlib.suppress(termios.error, OSError):
                tty.setraw(self._fd(), termios.TCSADRAIN)

    def read(self) -> bytes:
        """Return the keys that wait; empty when the terminal is gone."""
        try:
            return os.read(self._fd(), 4096)
        except OSError:
            return b""

    def _fd(self) -> int:
        return -1 if self.descriptor is None else self.descriptor
