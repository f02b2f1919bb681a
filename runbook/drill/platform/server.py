"""The stand-in as a server on loopback, for as long as a `with` block."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from runbook.drill.loopback import LoopbackServer, serve_on_loopback
from runbook.drill.platform.exchange import Reply, Request, answer
from runbook.drill.platform.functions import CALLS
from runbook.drill.platform.profile import TOKEN
from runbook.drill.platform.routes import is_call, respond
from runbook.drill.platform.state import PlatformState

__all__ = ["Platform", "serve"]


@dataclass(frozen=True, slots=True)
class Platform:
    """A running stand-in: where it is and what it knows."""

    url: str
    state: PlatformState
    server: LoopbackServer = field(repr=False, compare=False)

    @property
    def functions_url(self) -> str:
        """Where functions are called: the part of the URL before `/NAME`."""
        return self.url + CALLS


@contextmanager
def serve(state: PlatformState) -> Iterator[Platform]:
    """Serve on a free port of 127.0.0.1 until the block ends; raise RunbookError then if the stand-in failed."""
    ended = threading.Event()
    with serve_on_loopback("the platform's stand-in", _handler(state, ended.wait)) as server:
        try:
            yield Platform(server.url, state, server)
        finally:
            ended.set()


def _handler(state: PlatformState, wait: Callable[[float], object]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            self._write(_play(state, self._read(), wait))

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_one  # noqa: N815 - base's names

        def _read(self) -> Request:
            address = urlsplit(self.path)
            return Request(
                method=self.command,
                path=address.path,
                query=dict(parse_qsl(address.query)),
                body=self.rfile.read(int(self.headers.get("content-length") or 0)),
                headers={name.lower(): value for name, value in self.headers.items()},
            )

        def _write(self, reply: Reply) -> None:
            self.send_response(reply.status)
            self.send_header("content-type", reply.content_type)
            self.send_header("content-length", str(len(reply.body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name for it
            """Stay silent: the terminal belongs to the walk, and `state.requests` has them all."""

    return Handler


def _play(state: PlatformState, request: Request, wait: Callable[[float], object]) -> Reply:
    """Return the reply to a request, or that of a fault that the scenario planted; wait as long as either says."""
    if not is_call(request) and request.headers.get("authorization") != f"Bearer {TOKEN}":
        return answer(401, {"message": "Unauthorized"})
    line = f"{request.method} {request.path}"
    with state.lock:
        fault = state.next_fault(line)
    if fault and fault.delay:
        wait(fault.delay)
    with state.lock:
        if fault and fault.status:
            state.requests.append(line)
            return answer(fault.status, {"message": "the drill's platform fails on purpose"})
        reply = respond(state, request)
    if reply.delay:
        wait(reply.delay)
    return reply
