"""Answer psql like a PostgreSQL without data, so that the real psql runs its own commands."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["run_stand_in"]

_TLS, _KERBEROS = 80877103, 80877104
"""What a client asks instead of its first message."""
_PARAMETERS = {"server_version": "17.6", "client_encoding": "UTF8", "standard_conforming_strings": "on"}


def _message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


_READY = _message(b"Z", b"I")
_HELLO = b"".join(
    [
        _message(b"R", struct.pack("!i", 0)),
        *(_message(b"S", f"{name}\0{value}\0".encode()) for name, value in _PARAMETERS.items()),
        _message(b"K", struct.pack("!ii", 1, 1)),
        _READY,
    ]
)
_ONE_TEXT_COLUMN = struct.pack("!h", 1) + b"a\0" + struct.pack("!ihihih", 0, 0, 25, -1, -1, 0)
_ROW = (
    _message(b"T", _ONE_TEXT_COLUMN)
    + _message(b"D", struct.pack("!hi", 1, 1) + b"1")
    + _message(b"C", b"SELECT 1\0")
    + _READY
)
_COPIED = _message(b"C", b"COPY 0\0") + _READY
_FORMAT = struct.pack("!bhh", 0, 1, 0)


class _Session(socketserver.StreamRequestHandler):
    """One client. Each query returns one row, and each copy nothing."""

    def handle(self) -> None:
        """Answer until the client leaves."""
        while struct.unpack("!i", self._body()[:4])[0] in {_TLS, _KERBEROS}:
            self.wfile.write(b"N")
        self.wfile.write(_HELLO)
        while (kind := self.rfile.read(1)) not in {b"", b"X"}:
            self.wfile.write(_answer(kind, self._body()))

    def _body(self) -> bytes:
        size = self.rfile.read(4)
        return self.rfile.read(struct.unpack("!i", size)[0] - 4) if size else bytes(4)


def _answer(kind: bytes, body: bytes) -> bytes:
    if kind in {b"c", b"f"}:
        return _COPIED
    if kind != b"Q":
        return b""
    words = body.decode(errors="replace").lower().split()
    if words[:1] == ["copy"] and "stdin" in words:
        return _message(b"G", _FORMAT)
    if words[:1] == ["copy"]:
        return _message(b"H", _FORMAT) + _message(b"c") + _COPIED
    return _ROW


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def run_stand_in() -> Iterator[int]:
    """Listen on a free port of this machine, which is the value, until the end of the block."""
    with _Server(("127.0.0.1", 0), _Session) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
