"""This process's standard output and error, which only let printable text through."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from runbook.printable import printable

__all__ = ["printable_streams", "terminal_of"]


class _PrintableStream:
    """A text stream that passes on only printable text. Code that must move the cursor uses `terminal_of`."""

    def __init__(self, stream: TextIO) -> None:
        self.unfiltered = stream
        self.was_written = False
        """Whether anything was written to it."""

    def write(self, text: str) -> int:
        """Write the text in printable form; escape characters that the stream's encoding lacks."""
        if not isinstance(text, str):
            raise TypeError(f"expected text, got {type(text).__name__}")
        shown = printable(text)
        self.was_written = True
        try:
            self.unfiltered.write(shown)
        except UnicodeEncodeError:
            encoding = self.unfiltered.encoding
            self.unfiltered.write(shown.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write the lines, one by one."""
        for line in lines:
            self.write(line)

    @property
    def buffer(self) -> io.RawIOBase:
        """Return a stream for bytes: click writes completions to it, and those are text anyway."""
        return _PrintableBytes(self)

    def __getattr__(self, name: str) -> Any:
        """Return the stream's own attribute for everything else."""
        return getattr(self.unfiltered, name)


class _PrintableBytes(io.RawIOBase):
    def __init__(self, stream: _PrintableStream) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._stream.write(bytes(data).decode("utf-8", "replace"))
        return len(data)


class _ClosedStream(io.TextIOBase):
    """Standard output of a process that was started without one, as with `>&-`. What is written would be lost."""

    encoding = "utf-8"

    def write(self, _text: str) -> int:
        raise OSError(errno.EBADF, "standard output is closed")


@contextmanager
def printable_streams() -> Iterator[None]:
    """Only let printable text through standard output and error during a `with` block."""
    before = sys.stdout, sys.stderr
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - pathlib takes longer to import
        # Python has None for a stream that is closed. Without messages, a command can still do its work.
        sys.stdout = _filtered(sys.stdout or cast("TextIO", _ClosedStream()))
        sys.stderr = _filtered(sys.stderr or nowhere)
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


def terminal_of(stream: TextIO) -> TextIO:
    """Return the unfiltered stream, for text that is printable already, has colours, or moves the cursor."""
    unfiltered: TextIO = getattr(stream, "unfiltered", stream)
    return unfiltered


def _filtered(stream: TextIO) -> TextIO:
    return stream if terminal_of(stream) is not stream else cast("TextIO", _PrintableStream(stream))
