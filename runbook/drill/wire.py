"""The line between commands and the database, for drills in which it breaks in the middle of a push."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit, urlunsplit

__all__ = ["Break", "Wire", "string_wire"]

_RECORDS_A_FILE = re.compile(rb"insert\s+into\s+supabase_migrations\.schema_migrations", re.IGNORECASE)
"""In one message with a file's statements, both majors send its history row: then the push is in the middle."""
_OVERLAP = 200


class Break(StrEnum):
    """When the line breaks: before the server has the file, or after, so that it goes on alone."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(slots=True)
class Wire:
    """A relay on loopback. `url` is the database as commands see it; `breaks` counts what happened."""

    url: str
    server: tuple[str, int]
    listener: socket.socket = field(repr=False)
    breaks: int = 0
    _armed: tuple[Break, Callable[[], None]] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.listener.getsockname()[1])

    def serve(self) -> None:
        """Accept connections until the listener is closed."""
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=_relay, args=(client, self), daemon=True).start()

    def arm(self, when: Break, also: Callable[[], None] = lambda: None) -> None:
        """Break the line at the next migration that is pushed, and then call `also`."""
        with self._lock:
            self._armed = (when, also)

    def disarm(self) -> None:
        """Leave the line whole after all."""
        with self._lock:
            self._armed = None

    def fire(self, data: bytes) -> tuple[Break, Callable[[], None]] | None:
        """Tell whether the line breaks at this data, once."""
        with self._lock:
            if self._armed is None or not _RECORDS_A_FILE.search(data):
                return None
            armed, self._armed = self._armed, None
            self.breaks += 1
            return armed


@contextmanager
def string_wire(url: str) -> Iterator[Wire]:
    """Relay from a free port of 127.0.0.1 to the database of that URL until the block ends."""
    parts = urlsplit(url)
    listener = socket.create_server(("127.0.0.1", 0))
    user = f"{parts.username}@" if parts.username else ""
    own = parts._replace(netloc=f"{user}127.0.0.1:{listener.getsockname()[1]}")
    wire = Wire(urlunsplit(own), (str(parts.hostname), int(parts.port or 5432)), listener)
    thread = threading.Thread(target=wire.serve, daemon=True)
    thread.start()
    try:
        yield wire
    finally:
        # Closing a listener does not wake who waits in accept; shutting it down does.
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=2)


def _relay(client: socket.socket, wire: Wire) -> None:
    """Carry one connection both ways until a side closes it, or the line breaks."""
    with client:
        try:
            server = socket.create_connection(wire.server, timeout=10)
        except OSError:
            return
        server.settimeout(None)
        with server:
            back = threading.Thread(target=_carry_back, args=(server, client), daemon=True)
            back.start()
            broken = _carry_out(client, server, wire)
            if not broken:
                with suppress(OSError):
                    server.shutdown(socket.SHUT_WR)
            back.join()


def _carry_out(client: socket.socket, server: socket.socket, wire: Wire) -> bool:
    """Carry from the command to the server; true if the line broke, and the server was left to itself."""
    seen = b""
    while data := _receive(client):
        seen = (seen + data)[-len(data) - _OVERLAP :]
        armed = wire.fire(seen)
        if armed is None:
            server.sendall(data)
            continue
        when, also = armed
        # Nothing may reach the command any more: the server's answer can be quicker than the cut.
        _cut(client)
        also()
        if when is Break.AFTER:
            server.sendall(data)
        else:
            _cut(server)
        return True
    return False


def _carry_back(server: socket.socket, client: socket.socket) -> None:
    """Carry from the server to the command; with nobody there any more, listen until the server is done."""
    while data := _receive(server):
        with suppress(OSError):
            client.sendall(data)
        if data.endswith((b"Z\x00\x00\x00\x05I", b"Z\x00\x00\x00\x05E")) and _is_cut(client):
            break
    with suppress(OSError):
        client.shutdown(socket.SHUT_WR)
    _cut(server) if _is_cut(client) else None


def _receive(end: socket.socket) -> bytes:
    try:
        return end.recv(65536)
    except OSError:
        return b""


def _cut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


def _is_cut(end: socket.socket) -> bool:
    try:
        end.getpeername()
    except OSError:
        return True
    return False
