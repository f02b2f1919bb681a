"""Programs in terminals of 80 by 24. One reader for all of them reads what they show as fast as it comes."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect

__all__ = ["Terminal", "opened"]

_SILENCE = 120.0
"""Seconds without output after which a program counts as hung."""
_KEPT = 500
"""How many bytes of the earlier reads to keep: enough to find a text that two reads split, and to show in an error."""


class Terminal:
    """A program in its terminal. `received` is how many bytes it has shown so far."""

    def __init__(self, child: pexpect.spawn[Any]) -> None:
        self.received = 0
        self._child = child
        self._shown = b""

    def press(self, keys: bytes) -> None:
        """Send keys."""
        os.write(self._child.child_fd, keys)

    def wait_for(self, text: bytes) -> None:
        """Read until it has shown the text since the last wait. Raises RuntimeError if it doesn't."""
        while text not in self._shown:
            if not self._read():
                raise RuntimeError(f"{self._child.name} ended before it showed {text!r}: {self._shown!r}")
        self._shown = self._shown.partition(text)[2]

    def wait_for_end(self) -> None:
        """Read until it has ended. Raises RuntimeError if its exit code isn't 0."""
        while self._read():
            pass
        if self._child.wait() != 0:
            raise RuntimeError(f"{self._child.name} exited with {self._child.exitstatus}: {self._shown!r}")

    def echo_of(self, key: bytes) -> float:
        """Press a key, and return the seconds until it is shown."""
        self._shown = b""
        began = time.perf_counter()
        self.press(key)
        self.wait_for(key)
        return time.perf_counter() - began

    def _read(self) -> bool:
        """Read once; return False at the end."""
        if not select.select([self._child.child_fd], [], [], _SILENCE)[0]:
            raise RuntimeError(f"{self._child.name} showed nothing for {_SILENCE:g} s: {self._shown!r}")
        try:
            data = os.read(self._child.child_fd, 65536)
        except OSError:  # EIO means on Linux that nobody has the other side open
            return False
        self.received += len(data)
        self._shown = self._shown[-_KEPT:] + data
        return bool(data)


@contextmanager
def opened(argv: Sequence[str], *, environment: Mapping[str, str], directory: Path) -> Iterator[Terminal]:
    """Start a program in a terminal, and end it after the block if it hasn't ended."""
    child = pexpect.spawn(argv[0], [*argv[1:]], env={**environment}, cwd=str(directory), dimensions=(24, 80))
    try:
        yield Terminal(child)
    finally:
        child.close(force=True)
