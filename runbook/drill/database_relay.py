"""Relay between commands and the database, for drills in which the connection breaks in the middle of a push."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit, urlunsplit

from runbook.drill.loopback import Threads, watch_threads

__all__ = ["Break", "DatabaseRelay", "open_relay"]

_RECORDS_A_FILE = re.compile(rb"insert\s+into\s+supabase_migrations\.schema_migrations", re.IGNORECASE)
"""Both majors send a file's history row in one message with its statements, so this marks the middle of a push."""
_OVERLAP = 200
"""How many earlier bytes to keep: the statement may be split across two reads."""
_LET_IN = b"R\x00\x00\x00\x08\x00\x00\x00\x00"
"""AuthenticationOk. The database itself asks each client for the password; the relay neither knows nor checks it."""


class Break(StrEnum):
    """When the connection breaks: before the server has the file, or after, so that the server finishes alone."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(slots=True)
class DatabaseRelay:
    """A relay on loopback. `url` is the database as commands see it; `breaks` counts the broken connections."""

    url: str
    server: tuple[str, int]
    listener: socket.socket = field(repr=False)
    threads: Threads = field(repr=False)
    breaks: int = 0
    _armed: tuple[Break, Callable[[], None]] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: set[socket.socket] = field(default_factory=set, repr=False)
    _closed: bool = False

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.listener.getsockname()[1])

    def serve(self) -> None:
        """Accept connections until the relay is closed."""
        # This polls. Shutting the listener down would wake this thread at once, but would also close it for the
        # process that keeps serving a kept sandbox.
        self.listener.settimeout(0.05)
        while not self._closed:
            with suppress(TimeoutError):
                client, _ = self.listener.accept()
                self.threads.start(self._carry, client)

    def close(self) -> None:
        """Cut all connections and end `serve`."""
        with self._lock:
            self._closed = True
            for end in self._open:
                _cut(end)

    def arm(self, when: Break, also: Callable[[], None] = lambda: None) -> None:
        """Call `also` at the next migration that is pushed, and then break the connection."""
        with self._lock:
            self._armed = (when, also)

    def _carry(self, client: socket.socket) -> None:
        """Carry one connection both ways until a side closes it, or it breaks."""
        with client:
            try:
                server = socket.create_connection(self.server, timeout=10)
            except OSError:
                return  # the command sees that the database is down, which is true
            server.settimeout(None)  # the ten seconds are only for connecting: a push may wait much longer for a lock
            ends = {client, server}
            with server:
                with self._lock:
                    if self._closed:  # while this thread was connecting, so nobody else would cut this connection
                        return
                    self._open |= ends
                let_in = threading.Event()
                back = self.threads.start(_carry_back, server, client, let_in)
                if not self._carry_out(client, server, let_in):
                    _finish(server)
                back.join()
                with self._lock:
                    self._open -= ends

    def _carry_out(self, client: socket.socket, server: socket.socket, let_in: threading.Event) -> bool:
        """Carry from the command to the server. Return True if the connection broke and the server was left alone.

        It breaks only after the database has let the client in: any local user can send what looks like a push.
        """
        seen = b""
        while data := _receive(client):
            seen = (seen + data)[-len(data) - _OVERLAP :]
            armed = None
            with self._lock:
                if self._armed is not None and let_in.is_set() and _RECORDS_A_FILE.search(seen):
                    armed, self._armed = self._armed, None
                    self.breaks += 1
            if armed is not None:
                when, also = armed
                # Call it before the cut: a command that `also` kills must not notice the cut and report an error.
                also()
                # Nothing may reach the command now, and the server's answer can be quicker than the cut.
                _cut(client)
                if when is Break.BEFORE or not _send(server, data):
                    _cut(server)
                return True
            if not _send(server, data):
                return False
        return False


@contextmanager
def open_relay(url: str) -> Iterator[DatabaseRelay]:
    """Relay from a free port of 127.0.0.1 to the database of that URL until the block ends.

    Raises RunbookError at its end if a thread of the relay failed. A side that closes its connection isn't a failure.
    """
    parts = urlsplit(url)
    listener = socket.create_server(("127.0.0.1", 0))
    user = f"{parts.username}@" if parts.username else ""
    own = parts._replace(netloc=f"{user}127.0.0.1:{listener.getsockname()[1]}")
    with watch_threads("the relay to the database") as threads:
        relay = DatabaseRelay(urlunsplit(own), (str(parts.hostname), int(parts.port or 5432)), listener, threads)
        threads.start(relay.serve)
        try:
            yield relay
        finally:
            relay.close()
            threads.join()
            listener.close()


def _carry_back(server: socket.socket, client: socket.socket, let_in: threading.Event) -> None:
    """Carry from the server to the command. If the command is gone, read until the server is done."""
    seen = b""
    while data := _receive(server):
        seen = (seen + data)[-len(data) - len(_LET_IN) :]
        if not let_in.is_set() and _LET_IN in seen:
            let_in.set()
        _send(client, data)
        # ReadyForQuery, idle or in a failed transaction: the server has finished what was sent before the cut.
        if data.endswith((b"Z\x00\x00\x00\x05I", b"Z\x00\x00\x00\x05E")) and _is_cut(client):
            break
    _finish(client)
    if _is_cut(client):
        _cut(server)


def _receive(end: socket.socket) -> bytes:
    """Return what was received, or nothing if the other side is gone for any reason."""
    try:
        return end.recv(65536)
    except OSError:
        return b""


def _send(end: socket.socket, data: bytes) -> bool:
    """Send all of it. Return False if the other side is gone."""
    try:
        end.sendall(data)
    except OSError:
        return False
    return True


def _finish(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_WR)


def _cut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


def _is_cut(end: socket.socket) -> bool:
    try:
        end.getpeername()
    except OSError:
        return True
    return False
