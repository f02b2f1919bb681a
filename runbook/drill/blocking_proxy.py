"""The way outside, walled up: a proxy on loopback that lets nothing through and remembers who tried."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler

from runbook.drill.loopback import serve_on_loopback

__all__ = ["Outside", "watch_outside"]


@dataclass(slots=True)
class Outside:
    """Where commands think the internet is; `attempts` are the hosts and URLs they asked for."""

    url: str
    attempts: list[str] = field(default_factory=list)


@contextmanager
def watch_outside() -> Iterator[Outside]:
    """Listen as an HTTP proxy on a free port of 127.0.0.1 until the block ends; every request gets a 403."""
    outside = Outside("")
    with serve_on_loopback("the proxy that lets nothing out", _handler(outside)) as server:
        outside.url = server.url
        yield outside


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
