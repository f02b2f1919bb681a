"""Answer requests to the platform's stand-in: the management API as the CLI uses it, and calls of edge functions.

Running Supabase CLI 3.1.0 and 2.122.1 against it showed which requests the CLI makes and which replies it accepts.
Requests and replies are plain values, so handlers don't need a server.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.policy import HTTP
from typing import cast

from runbook.drill.platform_bundling import bundling_problem
from runbook.drill.platform_state import PROJECT_REF, DeployedFunction, PlatformState
from runbook.errors import RunbookError
from runbook.model import FunctionResponse

__all__ = ["CALLS", "ApiReply", "ApiRequest", "answer", "is_call", "respond"]

CALLS = "/functions/v1"
"""The path of calls of functions, as on the hosted platform."""
_DAY = 24 * 60 * 60
_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """A request. `place` has the groups of the route's pattern; names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    place: tuple[str, ...] = ()

    def json(self) -> object:
        """Return the body's JSON, or None if it's empty."""
        return json.loads(self.body or b"null")


@dataclass(frozen=True, slots=True)
class ApiReply:
    """A reply, sent after `delay` seconds."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0


def answer(status: int, document: object) -> ApiReply:
    """Return a JSON reply."""
    return ApiReply(status, json.dumps(document).encode())


def is_call(request: ApiRequest) -> bool:
    """Tell whether this calls a function rather than the management API."""
    return f"{request.path}/".startswith(f"{CALLS}/")


def respond(state: PlatformState, request: ApiRequest) -> ApiReply:
    """Return the reply to one request, and keep the request. Without a handler, reply with a 404 that says so."""
    line = f"{request.method} {request.path}"
    state.requests.append(line)
    if is_call(request):
        return _call_function(state, request)
    if line in _FIXED:
        return answer(200, _FIXED[line])
    for method, pattern, handler in _ROUTES:
        place = re.fullmatch(pattern, request.path)
        if place and method == request.method:
            return handler(state, replace(request, place=place.groups()))
    # A new CLI may make other requests. The drill then shows this answer, and the stand-in doesn't crash.
    return answer(404, {"message": f"the drill's platform has no {line}"})


# --- backups, logs, secrets, SQL ------------------------------------------------------------------------------------


def _reach(state: PlatformState) -> tuple[int, int]:
    """Return the newest and the oldest moment that can be restored."""
    now = time.time()
    return int(now - state.backup_age), int(now - state.backup_reach)


def _list_backups(state: PlatformState, _: ApiRequest) -> ApiReply:
    newest, oldest = _reach(state)
    # The platform lists the backup of last midnight (UTC), however far point-in-time recovery reaches.
    written = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(newest - newest % _DAY))
    reach = {"earliest_physical_backup_date_unix": oldest, "latest_physical_backup_date_unix": newest}
    nightly = {"id": 1, "is_physical_backup": True, "status": "COMPLETED", "inserted_at": written}
    recovery = {"walg_enabled": True, "pitr_enabled": True, "physical_backup_data": reach}
    return answer(200, {"region": "us-east-1", "backups": [nightly], **recovery})


def _restore(state: PlatformState, request: ApiRequest) -> ApiReply:
    # Without `-t` the CLI sends 0, which is 1970: out of reach, and refused.
    moment = int(str(cast("Mapping[str, object]", request.json())["recovery_time_target_unix"]))
    state.restored_to.append(moment)
    newest, oldest = _reach(state)
    if not oldest <= moment <= newest:
        return answer(400, {"message": f"no backup reaches {moment}: choose from {oldest} to {newest}"})
    state.restore(moment)
    return ApiReply(201)


# The CLI sends its log query as SQL. Only the conditions that it writes are understood.
_SOURCE = re.compile(r"source = '(\w+_logs)'")
_FUNCTION = re.compile(r"log_attributes\['function_id'\] = '([^']*)'")
_LEVELS = re.compile(r"\) in \(((?:'\w+'(?:, )?)+)\)")
_LIMIT = re.compile(r"limit\s+(\d+)")


def _read_logs(state: PlatformState, request: ApiRequest) -> ApiReply:
    """Answer with the rows that the query selects, newest first."""
    sql = request.query.get("sql", "")
    where = sql.rpartition(" from logs where ")[2]
    sources = set(_SOURCE.findall(where))
    function, levels, limit = _FUNCTION.search(sql), _LEVELS.search(where), _LIMIT.search(sql)
    rows = [
        row
        for row in (*state.logs, *state.database_log())
        if (not sources or row.source in sources)
        and (not function or row.attributes.get("function_id") == function.group(1))
        and (not levels or row.level in re.findall(r"'(\w+)'", levels.group(1)))
    ]
    newest = sorted(rows, key=lambda row: -row.at)[: int(limit.group(1)) if limit else 100]
    documents = [
        {
            "id": row.id,
            "ts_ms": row.at,
            "source": row.source,
            "severity_text": row.level.upper(),
            "level": row.level,
            "event_message": row.message,
            "log_attributes": dict(row.attributes),
        }
        for row in newest
    ]
    return answer(200, {"result": documents})


def _list_secrets(state: PlatformState, _: ApiRequest) -> ApiReply:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    # The platform never sends a secret back, only its SHA-256 digest.
    digests = {name: hashlib.sha256(value.encode()).hexdigest() for name, value in sorted(state.secrets.items())}
    return answer(200, [{"name": name, "value": value, "updated_at": now} for name, value in digests.items()])


def _set_secrets(state: PlatformState, request: ApiRequest) -> ApiReply:
    for pair in cast("list[Mapping[str, str]]", request.json()):
        state.set_secret(pair["name"], pair["value"])
    return ApiReply(201)


def _delete_secrets(state: PlatformState, request: ApiRequest) -> ApiReply:
    for name in cast("list[str]", request.json()):
        state.secrets.pop(name, None)
    return ApiReply(200)


def _run_query(state: PlatformState, request: ApiRequest) -> ApiReply:
    """Run a statement. CLI 3 sends `db query --remote` here, and says in the body or the path if it only reads."""
    wanted = cast("Mapping[str, object]", request.json())
    reading = wanted.get("read_only") is True or request.path.endswith("/read-only")
    try:
        return answer(201, state.query(str(wanted["query"]), reading))
    except RunbookError as error:
        return answer(400, {"message": error.message})


def _make_login_role(_: PlatformState, __: ApiRequest) -> ApiReply:
    # A role on a host that doesn't exist: drills name their database by URL.
    return answer(201, {"role": "postgres", "password": "drill", "ttl_seconds": 300})


# --- edge functions -------------------------------------------------------------------------------------------------


def _missing() -> ApiReply:
    return answer(404, {"message": "Function not found"})


def _document(function: DeployedFunction) -> Mapping[str, object]:
    content = b"".join(body for _, body in function.files)
    return {
        "id": function.id,
        "slug": function.slug,
        "name": function.slug,
        "status": "ACTIVE",
        "version": function.version,
        "created_at": function.created_at,
        "updated_at": function.updated_at,
        "verify_jwt": function.verify_jwt,
        "import_map": bool(function.import_map),
        **({"import_map_path": function.import_map} if function.import_map else {}),
        "entrypoint_path": function.entrypoint,
        "ezbr_sha256": hashlib.sha256(content).hexdigest(),
    }


def _list_functions(state: PlatformState, _: ApiRequest) -> ApiReply:
    return answer(200, [_document(function) for function in state.functions.values()])


def _deploy_function(state: PlatformState, request: ApiRequest) -> ApiReply:
    """Accept an upload. It's live at once, or staged if several functions are deployed together (`bundleOnly`)."""
    head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n".encode()
    metadata: Mapping[str, object] = {}
    files: list[tuple[str, bytes]] = []
    # A multipart form is a MIME message without its head. The email package can read it, including binary files.
    for part in message_from_bytes(head + request.body, policy=HTTP).iter_parts():
        content = cast("bytes | None", part.get_payload(decode=True)) or b""
        name = part.get_param("name", header="content-disposition")
        if name == "metadata":
            metadata = json.loads(content)
        else:
            files.append((part.get_filename() or str(name), content))
    slug = request.query.get("slug") or str(metadata.get("name"))
    function = state.version_of(slug, tuple(files), metadata)
    if problem := bundling_problem(function):
        return answer(400, {"message": f"Failed to bundle the function (reason: {problem})."})
    if request.query.get("bundleOnly") == "true":
        state.staged[slug] = function
    else:
        state.activate(function)
    return answer(201, _document(function))


def _activate_all(state: PlatformState, request: ApiRequest) -> ApiReply:
    """Accept the last request of a deploy of several functions: all staged versions go live together."""
    slugs = [str(entry["slug"]) for entry in cast("list[Mapping[str, object]]", request.json())]
    live = [state.staged.pop(slug) for slug in slugs if slug in state.staged]
    for function in live:
        state.activate(function)
    return answer(200, {"functions": [_document(function) for function in live]})


def _read_function(state: PlatformState, request: ApiRequest) -> ApiReply:
    function = state.functions.get(request.place[0])
    return answer(200, _document(function)) if function else _missing()


def _read_source(state: PlatformState, request: ApiRequest) -> ApiReply:
    """Answer with metadata and files, each with its path. `functions download` writes these files."""
    function = state.functions.get(request.place[0])
    if function is None:
        return _missing()
    metadata = json.dumps({"deno2_entrypoint_path": "source/index.ts"}).encode()
    parts = [('name="metadata"', "application/json", metadata)]
    for name, content in function.files:
        path = f"source/{name.rsplit('/', maxsplit=1)[-1]}"
        disposition = f'name="file"; filename="{path}"\r\nSupabase-Path: {path}'
        parts.append((disposition, "application/typescript", content))
    boundary = f"drill{uuid.uuid4().hex}"
    body = b""
    for disposition, kind, content in parts:
        head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {kind}\r\n\r\n"
        body += head.encode() + content + b"\r\n"
    return ApiReply(200, body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}")


def _delete_function(state: PlatformState, request: ApiRequest) -> ApiReply:
    return ApiReply(200) if state.functions.pop(request.place[0], None) else _missing()


def _call_function(state: PlatformState, request: ApiRequest) -> ApiReply:
    """Answer `/functions/v1/NAME/…` with the live version's answer or the gateway's refusal, and log it."""
    slug = request.path.removeprefix(CALLS).strip("/").partition("/")[0]
    function = state.functions.get(slug)
    if function is None:
        reply = _gateway_error(404, "NOT_FOUND", "Requested function was not found")
    else:
        reply = _refusal(request, function) or _rendered(state.response_of(function))
    state.log_call(request.method, slug, reply.status, function)
    return reply


def _refusal(request: ApiRequest, function: DeployedFunction) -> ApiReply | None:
    """Return what the gateway answers instead of the function. It checks that there is a token, not whose it is."""
    # Codes and bodies are the hosted platform's: https://supabase.com/docs/guides/functions/error-codes
    if request.method not in _METHODS:
        return ApiReply(405)
    # A browser's preflight request has no key, so the gateway lets it through.
    if not function.verify_jwt or request.method == "OPTIONS":
        return None
    authorization = request.headers.get("authorization", "")
    if not authorization:
        return _gateway_error(401, "UNAUTHORIZED_NO_AUTH_HEADER", "Missing authorization header")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return _gateway_error(401, "UNAUTHORIZED_INVALID_JWT_FORMAT", "Auth header is not 'Bearer {token}'")
    # API keys (sb_…) aren't tokens and belong in another header: https://supabase.com/docs/guides/functions/auth-headers
    if not token.startswith("eyJ"):
        return _gateway_error(401, "UNAUTHORIZED_INVALID_JWT_FORMAT", "Invalid JWT format")
    return None


def _gateway_error(status: int, code: str, message: str) -> ApiReply:
    return replace(answer(status, {"code": code, "message": message}), headers={"sb-error-code": code})


def _rendered(response: FunctionResponse) -> ApiReply:
    is_text = isinstance(response.body, str)
    body = str(response.body) if is_text else json.dumps(response.body)
    headers = {name.lower(): value for name, value in response.headers.items()}
    if response.status >= 500:
        headers.setdefault("sb-error-code", "EDGE_FUNCTION_ERROR")
    content_type = headers.pop("content-type", "text/plain;charset=UTF-8" if is_text else "application/json")
    return ApiReply(response.status, body.encode(), content_type, headers, response.delay)


# --- the project and who may connect ---------------------------------------------------------------------------------


def _list_projects(state: PlatformState, _: ApiRequest) -> ApiReply:
    status = state.project_status.pop(0) if len(state.project_status) > 1 else state.project_status[0]
    return answer(200, [{**_PROJECT, "status": status}])


def _list_bans(state: PlatformState, _: ApiRequest) -> ApiReply:
    return answer(201, {"banned_ipv4_addresses": list(state.banned)})


def _remove_bans(state: PlatformState, request: ApiRequest) -> ApiReply:
    wanted = cast("Mapping[str, list[str]]", request.json())["ipv4_addresses"]
    state.banned[:] = [address for address in state.banned if address not in wanted]
    return ApiReply(200)


def _read_restrictions(state: PlatformState, _: ApiRequest) -> ApiReply:
    config = {"dbAllowedCidrs": list(state.allowed), "dbAllowedCidrsV6": []}
    return answer(200, {"entitlement": "allowed", "config": config, "status": "applied"})


# --- routes ---------------------------------------------------------------------------------------------------------


_HOME = f"/v1/projects/{PROJECT_REF}"
_NAME = "([A-Za-z0-9_-]+)"
_ROUTES: tuple[tuple[str, str, Callable[[PlatformState, ApiRequest], ApiReply]], ...] = (
    ("GET", f"{_HOME}/functions", _list_functions),
    ("PUT", f"{_HOME}/functions", _activate_all),
    ("POST", f"{_HOME}/functions/deploy", _deploy_function),
    ("GET", f"{_HOME}/functions/{_NAME}", _read_function),
    ("DELETE", f"{_HOME}/functions/{_NAME}", _delete_function),
    ("GET", f"{_HOME}/functions/{_NAME}/body", _read_source),
    ("GET", f"{_HOME}/secrets", _list_secrets),
    ("POST", f"{_HOME}/secrets", _set_secrets),
    ("DELETE", f"{_HOME}/secrets", _delete_secrets),
    ("GET", f"{_HOME}/database/backups", _list_backups),
    ("POST", f"{_HOME}/database/backups/restore-pitr", _restore),
    ("POST", f"{_HOME}/database/query(?:/read-only)?", _run_query),
    ("POST", f"{_HOME}/cli/login-role", _make_login_role),
    ("GET", "/v1/projects", _list_projects),
    ("POST", f"{_HOME}/network-bans/retrieve", _list_bans),
    ("DELETE", f"{_HOME}/network-bans", _remove_bans),
    ("GET", f"{_HOME}/network-restrictions", _read_restrictions),
    ("GET", f"{_HOME}/analytics/endpoints/logs", _read_logs),
)

# The hosts end in `.invalid`, which never resolves, so requests to anything but the drill's URLs go nowhere.
_VERSION = {"version": "17.6.1.001", "postgres_engine": "17", "release_channel": "ga"}
_PROJECT = {
    "id": PROJECT_REF,
    "ref": PROJECT_REF,
    "organization_id": "drill",
    "organization_slug": "drill",
    "name": "drill",
    "region": "us-east-1",
    "created_at": "2026-01-01T00:00:00Z",
    "status": "ACTIVE_HEALTHY",
    "database": {"host": f"db.{PROJECT_REF}.drill.invalid", **_VERSION},
}
_POOLER_URL = f"postgresql://postgres.{PROJECT_REF}:[YOUR-PASSWORD]@pooler.drill.invalid:6543/postgres"
_POOLER = {
    "identifier": PROJECT_REF,
    "database_type": "PRIMARY",
    "is_using_scram_auth": True,
    "db_user": "postgres",
    "db_host": "pooler.drill.invalid",
    "db_port": 6543,
    "db_name": "postgres",
    "connection_string": _POOLER_URL,
    "connectionString": _POOLER_URL,
    "default_pool_size": 15,
    "max_client_conn": 200,
    "pool_mode": "transaction",
}
_FIXED: Mapping[str, object] = {
    "GET /v1/organizations": [{"id": "drill", "slug": "drill", "name": "drill"}],
    f"GET {_HOME}": _PROJECT,
    f"GET {_HOME}/api-keys": [
        {"name": name, "api_key": f"drill.{name}", "id": name, "type": "legacy"} for name in ("anon", "service_role")
    ],
    f"GET {_HOME}/config/database/pooler": [_POOLER],
    f"GET {_HOME}/ssl-enforcement": {"currentConfig": {"database": True}, "appliedSuccessfully": True},
    f"GET {_HOME}/postgrest": {
        "db_schema": "public", "max_rows": 1000, "db_extra_search_path": "public", "db_pool": None,
    },
}  # fmt: skip
"""Answers that never change. The keys among them open nothing."""
