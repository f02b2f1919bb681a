"""The stand-in as a server on loopback, for as long as a `with` block."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from runbook.drill.platform.exchange import Reply, Request, answer
from runbook.drill.platform.profile import TOKEN
from runbook.drill.platform.routes import respond
from runbook.drill.platform.state import PlatformState

__all__ = ["Platform", "serve"]


@dataclass(frozen=True, slots=True)
class Platform:
    """A running stand-in: where it is and what it knows."""

    url: str
    state: PlatformState
    server: ThreadingHTTPServer = field(repr=False, compare=False)


@contextmanager
def serve(state: PlatformState) -> Iterator[Platform]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Platform(f"http://127.0.0.1:{server.server_port}", state, server)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(state: PlatformState) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            request = self._read()
            self._write(_play(state, request, self.headers.get("authorization") or ""))

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one  # noqa: N815 - the names the base class calls

        def _read(self) -> Request:
            address = urlsplit(self.path)
            return Request(
                method=self.command,
                path=address.path,
                query=dict(parse_qsl(address.query)),
                body=self.rfile.read(int(self.headers.get("content-length") or 0)),
                content_type=self.headers.get("content-type") or "",
            )

        def _write(self, reply: Reply) -> None:
            self.send_response(reply.status)
            self.send_header("content-type", reply.content_type)
            self.send_header("content-length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name for it
            """Stay silent: the terminal belongs to the walk, and `state.requests` has them all."""

    return Handler


def _play(state: PlatformState, request: Request, authorization: str) -> Reply:
    if authorization != f"Bearer {TOKEN}":
        return answer(401, {"message": "Unauthorized"})
    with state.lock:
        fault = state.next_fault(f"{request.method} {request.path}")
    if fault and fault.delay:
        time.sleep(fault.delay)  # the fault is the delay
    if fault and fault.status:
        with state.lock:
            state.requests.append(f"{request.method} {request.path}")
        return answer(fault.status, {"message": "the drill's platform fails on purpose"})
    with state.lock:
        return respond(state, request)
