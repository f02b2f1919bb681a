"""Edge functions: list, deploy one, deploy several at once, read the source, delete, and answer calls."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from runbook.drill.platform.exchange import Reply, Request, answer, parts_of
from runbook.drill.platform.state import DeployedFunction, PlatformState
from runbook.model import FunctionResponse

__all__ = [
    "CALLS",
    "activate_all",
    "call_function",
    "delete_function",
    "deploy_function",
    "list_functions",
    "read_function",
    "read_source",
]

CALLS = "/functions/v1"
"""The path below which functions are called, as on the hosted platform."""
_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def list_functions(state: PlatformState, _: Request) -> Reply:
    """Answer `GET functions`."""
    return answer(200, [_document(function) for function in state.functions.values()])


def deploy_function(state: PlatformState, request: Request) -> Reply:
    """Answer `POST functions/deploy`: live at once, or staged when several go together (`bundleOnly`)."""
    metadata, files = parts_of(request)
    slug = request.query.get("slug") or str(metadata.get("name"))
    function = state.version_of(slug, files, metadata)
    if request.query.get("bundleOnly") == "true":
        state.staged[slug] = function
    else:
        state.activate(function)
    return answer(201, _document(function))


def activate_all(state: PlatformState, request: Request) -> Reply:
    """Answer `PUT functions`, the last request of a deploy of several: all staged versions go live together."""
    slugs = [str(entry["slug"]) for entry in cast("list[Mapping[str, object]]", request.json())]
    live = [state.staged.pop(slug) for slug in slugs if slug in state.staged]
    for function in live:
        state.activate(function)
    return answer(200, {"functions": [_document(function) for function in live]})


def read_function(state: PlatformState, request: Request) -> Reply:
    """Answer `GET functions/NAME`."""
    function = state.functions.get(request.place[0])
    return answer(200, _document(function)) if function else _missing()


def read_source(state: PlatformState, request: Request) -> Reply:
    """Answer `GET functions/NAME/body` with metadata and files, each with the path it belongs to."""
    function = state.functions.get(request.place[0])
    if function is None:
        return _missing()
    boundary = f"drill{uuid.uuid4().hex}"
    metadata = json.dumps({"deno2_entrypoint_path": "source/index.ts"}).encode()
    parts = [_part(boundary, 'name="metadata"', "application/json", metadata)]
    for name, content in function.files:
        path = f"source/{name.rsplit('/', maxsplit=1)[-1]}"
        disposition = f'name="file"; filename="{path}"\r\nSupabase-Path: {path}'
        parts.append(_part(boundary, disposition, "application/typescript", content))
    return Reply(200, b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}")


def delete_function(state: PlatformState, request: Request) -> Reply:
    """Answer `DELETE functions/NAME`."""
    return Reply(200) if state.functions.pop(request.place[0], None) else _missing()


def call_function(state: PlatformState, request: Request) -> Reply:
    """Answer `/functions/v1/NAME/…`: what the live version answers, or the gateway's refusal; log it either way.

    Codes and bodies are the hosted platform's (https://supabase.com/docs/guides/functions/error-codes).
    """
    slug = request.path.removeprefix(CALLS).strip("/").partition("/")[0]
    function = state.functions.get(slug)
    reply = _refusal(request, function)
    if reply is None and function is not None:
        reply = _answer(state.response_of(function))
    assert reply is not None
    state.log_call(request.method, slug, reply.status, function)
    return reply


def _refusal(request: Request, function: DeployedFunction | None) -> Reply | None:
    """Return what the gateway answers in the function's place. A key is only looked for, never checked."""
    if function is None:
        return _error(404, "NOT_FOUND", "Requested function was not found")
    if request.method not in _METHODS:
        return Reply(405)
    # A browser's preflight carries no key, so the gateway lets it through.
    if not function.verify_jwt or request.method == "OPTIONS" or request.headers.get("apikey"):
        return None
    authorization = request.headers.get("authorization", "")
    if not authorization:
        return _error(401, "UNAUTHORIZED_NO_AUTH_HEADER", "Missing authorization header")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return _error(401, "UNAUTHORIZED_INVALID_JWT_FORMAT", "Auth header is not 'Bearer {token}'")
    return None


def _answer(response: FunctionResponse) -> Reply:
    is_text = isinstance(response.body, str)
    body = str(response.body) if is_text else json.dumps(response.body)
    headers = {name.lower(): value for name, value in response.headers.items()}
    if response.status >= 500:
        headers.setdefault("sb-error-code", "EDGE_FUNCTION_ERROR")
    content_type = headers.pop("content-type", "text/plain;charset=UTF-8" if is_text else "application/json")
    return Reply(response.status, body.encode(), content_type, headers, response.delay)


def _error(status: int, code: str, message: str) -> Reply:
    return replace(answer(status, {"code": code, "message": message}), headers={"sb-error-code": code})


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
        "import_map": False,
        "entrypoint_path": function.entrypoint,
        "ezbr_sha256": hashlib.sha256(content).hexdigest(),
    }


def _part(boundary: str, disposition: str, content_type: str, content: bytes) -> bytes:
    head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {content_type}\r\n\r\n"
    return head.encode() + content + b"\r\n"


def _missing() -> Reply:
    return answer(404, {"message": "Function not found"})
