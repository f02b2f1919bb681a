"""Serve a stand-in for the hosted platform's API on loopback, which the real CLI accepts.

It is for drills only and keeps its state in memory. `state` has what a scenario sets (a failing function, an old
backup, a fault), and `state.requests` what the walk asked for.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl, urlsplit

from runbook.drill.loopback import LoopbackServer, serve_on_loopback
from runbook.drill.platform_access import Keys, refusal
from runbook.drill.platform_api import CALLS, ApiReply, ApiRequest, answer, respond
from runbook.drill.platform_state import PROJECT_REF, PlatformState
from runbook.steps.request import TARGET_HEADERS

__all__ = ["Platform", "environment", "serve", "write_link", "write_profile"]

_PATIENCE = 30
"""How many seconds a silent client may keep its connection."""


@dataclass(frozen=True, slots=True)
class Platform:
    """A running stand-in: its address, its keys and its state."""

    url: str
    state: PlatformState
    keys: Keys
    server: LoopbackServer = field(repr=False, compare=False)

    @property
    def functions_url(self) -> str:
        """The URL of functions, up to `/NAME`."""
        return self.url + CALLS


@contextmanager
def serve(state: PlatformState) -> Iterator[Platform]:
    """Serve on a free port of 127.0.0.1 until the block ends. Then raise RunbookError if the stand-in failed."""
    # Delays wait for this event instead of sleeping, so that a slow answer ends with its server.
    ended, keys = threading.Event(), Keys()
    with serve_on_loopback("the platform's stand-in", _handler(state, keys, ended.wait)) as server:
        try:
            yield Platform(server.url, state, keys, server)
        finally:
            ended.set()


class _Handler(BaseHTTPRequestHandler):
    """One connection to the stand-in."""

    protocol_version = "HTTP/1.1"
    timeout = _PATIENCE
    keys: Keys
    play: Callable[[ApiRequest], ApiReply]

    def handle_one(self) -> None:
        """Answer one request, or refuse it and hang up."""
        refused = self._refused()
        if refused is None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            self._reply(type(self).play(replace(self._head(), body=body)))
            return
        self.close_connection = True
        self._reply(replace(refused, headers={"connection": "close"}))
        # Closing with unread input resets the connection, and the caller could lose the answer.
        with suppress(OSError):
            self.connection.settimeout(1)
            self.rfile.read1()

    # The base class calls these names, one for each method.
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_one  # noqa: N815

    def handle_expect_100(self) -> bool:
        """Ask only for the body of an admitted request. A refused request gets its answer at once."""
        return self._refused() is not None or super().handle_expect_100()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name for it
        """Print nothing: the terminal belongs to the walk, and `state.requests` has all requests."""

    def _refused(self) -> ApiReply | None:
        try:
            head = self._head()
        except ValueError:  # an address that can't be read, such as `http://[`
            return answer(400, {"message": "Bad Request"})
        address = cast("tuple[str, int]", self.server.server_address)
        return refusal(head, self.keys, hosts=self.headers.get_all("host", []), port=address[1])

    def _head(self) -> ApiRequest:
        """Return the request without its body."""
        address = urlsplit(self.path)
        return ApiRequest(
            method=self.command,
            path=address.path,
            query=dict(parse_qsl(address.query)),
            headers={name.lower(): value for name, value in self.headers.items()},
        )

    def _reply(self, reply: ApiReply) -> None:
        self.send_response(reply.status)
        self.send_header("content-type", reply.content_type)
        self.send_header("content-length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)


def _handler(state: PlatformState, keys: Keys, wait: Callable[[float], object]) -> type[_Handler]:
    class Handler(_Handler):
        play = staticmethod(lambda request: _play(state, request, wait))

    Handler.keys = keys
    return Handler


def _play(state: PlatformState, request: ApiRequest, wait: Callable[[float], object]) -> ApiReply:
    """Return the reply to a request, or that of a fault from the scenario. Wait as long as either says."""
    line = f"{request.method} {request.path}"
    # Don't keep the lock during a delay: a slow answer must not block the others.
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


# --- how the CLI finds the stand-in ----------------------------------------------------------------------------------


def write_profile(file: Path, url: str) -> None:
    """Write the CLI profile that sends every API request to `url`."""
    # The CLI rejects a profile with unknown keys. Names in `.invalid` never resolve.
    hosts = {"project_host": "drill.invalid", "pooler_host": "drill.invalid"}
    lines = {"name": "drill", "api_url": url, "dashboard_url": f"{url}/dashboard", **hosts}
    file.write_text("".join(f"{key}: {value}\n" for key, value in lines.items()), encoding="utf-8")


def environment(profile: Path, platform: Platform) -> Mapping[str, str]:
    """Return the variables that make the CLI use the profile and that let requests call functions."""
    return {
        "SUPABASE_PROFILE": str(profile),
        "SUPABASE_ACCESS_TOKEN": platform.keys.token,
        TARGET_HEADERS: json.dumps(platform.keys.call_headers),
        # A fault makes one request fail, and a retry would hide it. CLI 2 still retries after a 5xx or a 429.
        "SUPABASE_API_MAX_RETRIES": "0",
        "SUPABASE_TELEMETRY_DISABLED": "1",
    }


def write_link(project: Path) -> None:
    """Write to a project directory what `link` would have written."""
    directory = project / "supabase" / ".temp"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "project-ref").write_text(PROJECT_REF, encoding="utf-8")
    linked = {"ref": PROJECT_REF, "name": "drill", "organization_id": "drill", "organization_slug": "drill"}
    (directory / "linked-project.json").write_text(json.dumps(linked), encoding="utf-8")
