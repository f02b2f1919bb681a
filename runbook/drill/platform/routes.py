"""Which handler answers which request."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from runbook.drill.platform import backups, functions, logs, project, query, secrets
from runbook.drill.platform.exchange import Reply, Request, answer
from runbook.drill.platform.state import PROJECT_REF, PlatformState

__all__ = ["is_call", "respond"]

Handler = Callable[[PlatformState, Request], Reply]

_HOME = f"/v1/projects/{PROJECT_REF}"
_NAME = "([A-Za-z0-9_-]+)"
_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/v1/projects", project.list_projects),
    ("GET", "/v1/organizations", project.list_organizations),
    ("GET", _HOME, project.read_project),
    ("GET", f"{_HOME}/api-keys", project.read_api_keys),
    ("GET", f"{_HOME}/config/database/pooler", project.read_pooler),
    ("GET", f"{_HOME}/postgrest", project.read_postgrest),
    ("GET", f"{_HOME}/functions", functions.list_functions),
    ("PUT", f"{_HOME}/functions", functions.activate_all),
    ("POST", f"{_HOME}/functions/deploy", functions.deploy_function),
    ("GET", f"{_HOME}/functions/{_NAME}", functions.read_function),
    ("DELETE", f"{_HOME}/functions/{_NAME}", functions.delete_function),
    ("GET", f"{_HOME}/functions/{_NAME}/body", functions.read_source),
    ("GET", f"{_HOME}/secrets", secrets.list_secrets),
    ("POST", f"{_HOME}/secrets", secrets.set_secrets),
    ("DELETE", f"{_HOME}/secrets", secrets.delete_secrets),
    ("GET", f"{_HOME}/database/backups", backups.list_backups),
    ("POST", f"{_HOME}/database/backups/restore-pitr", backups.restore),
    ("POST", f"{_HOME}/database/query", query.run_query),
    ("POST", f"{_HOME}/database/query/read-only", query.run_read_only),
    ("POST", f"{_HOME}/cli/login-role", query.make_login_role),
    ("GET", f"{_HOME}/analytics/endpoints/logs", logs.read_logs),
)


def is_call(request: Request) -> bool:
    """Tell whether this calls a function, and not the management API."""
    return f"{request.path}/".startswith(f"{functions.CALLS}/")


def respond(state: PlatformState, request: Request) -> Reply:
    """Return the reply to one request and keep the request; what has no handler is a 404 that says so."""
    line = f"{request.method} {request.path}"
    state.requests.append(line)
    if is_call(request):
        return functions.call_function(state, request)
    for method, pattern, handler in _ROUTES:
        place = re.fullmatch(pattern, request.path)
        if place and method == request.method:
            return handler(state, replace(request, place=place.groups()))
    return answer(404, {"message": f"the drill's platform has no {line}"})
