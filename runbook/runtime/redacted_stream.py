"""A child's output on its way to a reader: read without waiting, decoded, and without secrets."""

from __future__ import annotations

import codecs
import os
from typing import Protocol

__all__ = ["Channel", "StreamRedactor", "read_ready"]

_AT_ONCE = 256 * 1024


class StreamRedactor(Protocol):
    """Removes secrets from a text that comes in pieces."""

    def feed(self, text: str) -> str:
        """Take a piece, return what is safe to show of it and of what was held back before."""

    def flush(self) -> str:
        """Return what was held back."""


class Channel:
    """One stream of output: bytes in, readable and redacted text out."""

    def __init__(self, redactor: StreamRedactor) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._redactor = redactor

    def take(self, data: bytes) -> str:
        """Return the text of these bytes, as far as it can be told by now."""
        return self._redactor.feed(self._decoder.decode(data))

    def rest(self) -> str:
        """Return what was held back, at the stream's end."""
        return self._redactor.feed(self._decoder.decode(b"", final=True)) + self._redactor.flush()


def read_ready(end: int) -> tuple[bytes, bool]:
    """Return what can be read without waiting, up to a limit, and whether there may ever be more.

    A terminal gives 4 KiB at a time; many of them together are redacted and recorded faster.
    """
    parts: list[bytes] = []
    size = 0
    while size < _AT_ONCE:
        try:
            part = os.read(end, 65536)
        except BlockingIOError:
            return b"".join(parts), True
        except OSError:  # EIO is how Linux says that nobody has the other side open
            part = b""
        if not part:
            return b"".join(parts), False
        parts.append(part)
        size += len(part)
    return b"".join(parts), True
