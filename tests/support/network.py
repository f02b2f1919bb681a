"""A network between a client and a server that can break in every way that matters, by sockets on this machine."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

__all__ = ["Network", "Trouble", "open_network"]


class Trouble(StrEnum):
    """How it breaks."""

    NONE = "none"
    CUT = "cut"
    """Connections are closed, and no new one is let in."""
    NOTHING_ARRIVES = "nothing arrives"
    """What the client sends is lost, without a sign."""
    NOTHING_RETURNS = "nothing returns"
    """The server does what it was told, and its answer is lost."""
    LATE = "late"
    """What the client sends arrives when `deliver` is called, as when a router comes back after the client gave up. No
    new connection is let in."""


class Network:
    """Carries bytes between `listener` and the server's socket until it is told to break."""

    def __init__(self, directory: Path, server: str, port: int) -> None:
        self.url = f"postgresql://postgres@/production?host={quote(str(directory), safe='')}&port={port}"
        self.trouble = Trouble.NONE
        self.is_quick_to_refuse = False
        """Whether it lets nobody in while it's broken, instead of losing what they send."""
        self.connections = 0
        """How many were let in so far."""
        self._server = server
        self._open: set[socket.socket] = set()
        self._delivery = threading.Event()
        self._late: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(directory / f".s.PGSQL.{port}"))
        self._listener.listen()
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def breaks(self, trouble: Trouble, *, now: bool = False) -> None:
        """Break from now on; `now` also closes the connections that are open.

        `NONE` mends everything, but what is late still waits for `deliver`.
        """
        self.trouble = trouble
        if now or trouble is Trouble.CUT:
            self.close_connections()

    def deliver(self) -> None:
        """Let everything arrive that is late, and wait until the server has dealt with it."""
        self._delivery.set()
        for thread in self._late:
            thread.join(10)
        self._late.clear()
        self._delivery.clear()

    def close_connections(self) -> None:
        """Close every connection, on both sides."""
        with self._lock:
            for end in self._open:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End everything."""
        self.trouble = Trouble.CUT
        self._delivery.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.close_connections()
        for thread in self._threads:
            thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.trouble in {Trouble.CUT, Trouble.LATE} or (
                self.is_quick_to_refuse and self.trouble is not Trouble.NONE
            ):
                client.close()
                continue
            self.connections += 1
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self._server)
            except OSError:  # the server is down
                client.close()
                server.close()
                continue
            thread = threading.Thread(target=self._connect, args=(client, server), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _connect(self, client: socket.socket, server: socket.socket) -> None:
        with self._lock:
            self._open |= {client, server}
        back = threading.Thread(target=self._carry, args=(server, client, Trouble.NOTHING_RETURNS), daemon=True)
        back.start()
        self._carry(client, server, Trouble.NOTHING_ARRIVES)
        back.join()
        with self._lock:
            self._open -= {client, server}
        client.close()
        server.close()

    def _carry(self, source: socket.socket, sink: socket.socket, lost: Trouble) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self.trouble is Trouble.LATE and lost is Trouble.NOTHING_ARRIVES:
                    self._late.append(threading.current_thread())
                    self._delivery.wait()
                if self.trouble is not lost:
                    sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def open_network(server_directory: Path, port: int) -> Iterator[Network]:
    """Open a network to the server whose socket is in that directory."""
    with tempfile.TemporaryDirectory(prefix="runbook-network-") as directory:
        network = Network(Path(directory), str(server_directory / f".s.PGSQL.{port}"), port)
        try:
            yield network
        finally:
            network.close()
