"""The way outside, walled up: a proxy on loopback that lets nothing through and remembers who tried."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer

__all__ = ["Outside", "watch_outside"]


@dataclass(slots=True)
class Outside:
    """Where commands think the internet is; `attempts` are the hosts and URLs they asked for."""

    url: str
    attempts: list[str] = field(default_factory=list)


@contextmanager
def watch_outside() -> Iterator[Outside]:
    """Listen as an HTTP proxy on a free port of 127.0.0.1 until the block ends; every request gets a 403."""
    server = ThreadingTCPServer(("127.0.0.1", 0), _handler(outside := Outside("")))
    server.daemon_threads = True
    outside.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield outside
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(outside: Outside) -> type[StreamRequestHandler]:
    class Handler(StreamRequestHandler):
        timeout = 5

        def handle(self) -> None:
            """Note `CONNECT host:port` or `GET http://host/…`, and refuse."""
            line = self.rfile.readline(8192).decode("latin-1").strip()
            outside.attempts.append(" ".join(line.split()[:2]) or "an empty request")
            self.wfile.write(
                b"HTTP/1.1 403 A drill stays on this machine\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )

    return Handler
