"""Secrets of the edge functions. The platform never tells a value, only its digest."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import cast

from runbook.drill.platform.exchange import Reply, Request, answer
from runbook.drill.platform.state import PlatformState

__all__ = ["delete_secrets", "list_secrets", "set_secrets"]


def list_secrets(state: PlatformState, _: Request) -> Reply:
    """Answer `GET secrets` with names and SHA-256 digests."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return answer(
        200,
        [
            {"name": name, "value": hashlib.sha256(value.encode()).hexdigest(), "updated_at": now}
            for name, value in sorted(state.secrets.items())
        ],
    )


def set_secrets(state: PlatformState, request: Request) -> Reply:
    """Answer `POST secrets`."""
    for pair in cast("list[Mapping[str, str]]", request.json()):
        state.secrets[pair["name"]] = pair["value"]
    return Reply(201)


def delete_secrets(state: PlatformState, request: Request) -> Reply:
    """Answer `DELETE secrets`."""
    for name in cast("list[str]", request.json()):
        state.secrets.pop(name, None)
    return Reply(200)
