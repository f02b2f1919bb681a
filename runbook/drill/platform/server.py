"""The stand-in as a server on loopback, which handler answers what, and how the real CLI is led to it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from runbook.drill.loopback import LoopbackServer, serve_on_loopback
from runbook.drill.platform import api, functions
from runbook.drill.platform.exchange import Reply, Request, answer
from runbook.drill.platform.functions import CALLS
from runbook.drill.platform.state import PROJECT_REF, PlatformState

__all__ = ["TOKEN", "Platform", "environment", "serve", "write_link", "write_profile"]


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

        # The names that the base class calls, one for each method.
        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_one  # noqa: N815

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
    if not _is_call(request) and request.headers.get("authorization") != f"Bearer {TOKEN}":
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
        reply = _respond(state, request)
    if reply.delay:
        wait(reply.delay)
    return reply


# --- routes ---------------------------------------------------------------------------------------------------------


_HOME = f"/v1/projects/{PROJECT_REF}"
_NAME = "([A-Za-z0-9_-]+)"
_ROUTES: tuple[tuple[str, str, Callable[[PlatformState, Request], Reply]], ...] = (
    ("GET", "/v1/projects", api.list_projects),
    ("GET", "/v1/organizations", api.list_organizations),
    ("GET", _HOME, api.read_project),
    ("GET", f"{_HOME}/api-keys", api.read_api_keys),
    ("GET", f"{_HOME}/config/database/pooler", api.read_pooler),
    ("GET", f"{_HOME}/postgrest", api.read_postgrest),
    ("GET", f"{_HOME}/functions", functions.list_functions),
    ("PUT", f"{_HOME}/functions", functions.activate_all),
    ("POST", f"{_HOME}/functions/deploy", functions.deploy_function),
    ("GET", f"{_HOME}/functions/{_NAME}", functions.read_function),
    ("DELETE", f"{_HOME}/functions/{_NAME}", functions.delete_function),
    ("GET", f"{_HOME}/functions/{_NAME}/body", functions.read_source),
    ("GET", f"{_HOME}/secrets", api.list_secrets),
    ("POST", f"{_HOME}/secrets", api.set_secrets),
    ("DELETE", f"{_HOME}/secrets", api.delete_secrets),
    ("GET", f"{_HOME}/database/backups", api.list_backups),
    ("POST", f"{_HOME}/database/backups/restore-pitr", api.restore),
    ("POST", f"{_HOME}/database/query", api.run_query),
    ("POST", f"{_HOME}/database/query/read-only", api.run_read_only),
    ("POST", f"{_HOME}/cli/login-role", api.make_login_role),
    ("GET", f"{_HOME}/analytics/endpoints/logs", api.read_logs),
)


def _is_call(request: Request) -> bool:
    """Tell whether this calls a function, and not the management API."""
    return f"{request.path}/".startswith(f"{CALLS}/")


def _respond(state: PlatformState, request: Request) -> Reply:
    """Return the reply to one request and keep the request; what has no handler is a 404 that says so."""
    line = f"{request.method} {request.path}"
    state.requests.append(line)
    if _is_call(request):
        return functions.call_function(state, request)
    for method, pattern, handler in _ROUTES:
        place = re.fullmatch(pattern, request.path)
        if place and method == request.method:
            return handler(state, replace(request, place=place.groups()))
    return answer(404, {"message": f"the drill's platform has no {line}"})


# --- the CLI's profile ----------------------------------------------------------------------------------------------


TOKEN = "sbp_" + "d" * 40
"""Of the form that the CLI demands (`sbp_` and 40 hexadecimal digits), known to the stand-in alone."""


def write_profile(file: Path, url: str) -> None:
    """Write the CLI profile that sends every API request to `url`."""
    hosts = {"project_host": "drill.invalid", "pooler_host": "drill.invalid"}
    lines = {"name": "drill", "api_url": url, "dashboard_url": f"{url}/dashboard", **hosts}
    file.write_text("".join(f"{key}: {value}\n" for key, value in lines.items()), encoding="utf-8")


def environment(profile: Path) -> Mapping[str, str]:
    """Return what the CLI needs in its environment to use the profile, without telemetry and without retries."""
    return {
        "SUPABASE_PROFILE": str(profile),
        "SUPABASE_ACCESS_TOKEN": TOKEN,
        "SUPABASE_API_MAX_RETRIES": "0",
        "SUPABASE_TELEMETRY_DISABLED": "1",
    }


def write_link(project: Path) -> None:
    """Leave in a project directory what `link` would have left there."""
    directory = project / "supabase" / ".temp"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "project-ref").write_text(PROJECT_REF, encoding="utf-8")
    linked = {"ref": PROJECT_REF, "name": "drill", "organization_id": "drill", "organization_slug": "drill"}
    (directory / "linked-project.json").write_text(json.dumps(linked), encoding="utf-8")
