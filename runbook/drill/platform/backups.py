"""Backups and point-in-time restore. A restore really restores the drill's database."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import cast

from runbook.drill.platform.exchange import Reply, Request, answer
from runbook.drill.platform.state import PlatformState

__all__ = ["list_backups", "restore"]

_DAY = 24 * 60 * 60


def list_backups(state: PlatformState, _: Request) -> Reply:
    """Answer `GET database/backups` with the last night's backup and the reach of point-in-time recovery."""
    newest, oldest = _reach(state)
    nightly = newest - newest % _DAY
    written = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(nightly))
    return answer(
        200,
        {
            "region": "us-east-1",
            "walg_enabled": True,
            "pitr_enabled": True,
            "backups": [{"id": 1, "is_physical_backup": True, "status": "COMPLETED", "inserted_at": written}],
            "physical_backup_data": {
                "earliest_physical_backup_date_unix": oldest,
                "latest_physical_backup_date_unix": newest,
            },
        },
    )


def restore(state: PlatformState, request: Request) -> Reply:
    """Answer `POST database/backups/restore-pitr`; a moment out of reach (0 is what no time sends) is refused."""
    moment = int(str(cast("Mapping[str, object]", request.json())["recovery_time_target_unix"]))
    state.restored_to.append(moment)
    newest, oldest = _reach(state)
    if not oldest <= moment <= newest:
        return answer(400, {"message": f"no backup reaches {moment}: choose from {oldest} to {newest}"})
    state.restore(moment)
    return Reply(201)


def _reach(state: PlatformState) -> tuple[int, int]:
    now = time.time()
    return int(now - state.backup_age), int(now - state.backup_reach)
