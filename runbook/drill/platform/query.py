"""SQL over the API, and the temporary database role: how the CLI reaches a linked project's database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from runbook.drill.platform.exchange import Reply, Request, answer
from runbook.drill.platform.state import PlatformState
from runbook.errors import RunbookError

__all__ = ["make_login_role", "run_query", "run_read_only"]


def run_query(state: PlatformState, request: Request) -> Reply:
    """Answer `POST database/query`: CLI 3 sends `db query --remote` here, and says whether it only reads."""
    wanted = cast("Mapping[str, object]", request.json())
    return _run(state, str(wanted["query"]), reading=wanted.get("read_only") is True)


def run_read_only(state: PlatformState, request: Request) -> Reply:
    """Answer `POST database/query/read-only`."""
    return _run(state, str(cast("Mapping[str, object]", request.json())["query"]), reading=True)


def make_login_role(_: PlatformState, __: Request) -> Reply:
    """Answer `POST cli/login-role`. The host that comes with it does not exist: drills use a URL."""
    return answer(201, {"role": "postgres", "password": "drill", "ttl_seconds": 300})


def _run(state: PlatformState, statement: str, *, reading: bool) -> Reply:
    try:
        rows = state.query(statement, reading)
    except RunbookError as error:
        return answer(400, {"message": error.message})
    return answer(201, rows)
