"""The management API: the project, its backups, logs, secrets, and SQL. The functions have a module of their own."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from typing import cast

from runbook.drill.platform.exchange import Reply, Request, answer
from runbook.drill.platform.state import PROJECT_REF, LogRow, PlatformState
from runbook.errors import RunbookError

__all__ = [
    "delete_secrets",
    "list_backups",
    "list_organizations",
    "list_projects",
    "list_secrets",
    "make_login_role",
    "read_api_keys",
    "read_logs",
    "read_pooler",
    "read_postgrest",
    "read_project",
    "restore",
    "run_query",
    "run_read_only",
    "set_secrets",
]

# --- the project ----------------------------------------------------------------------------------------------------


_PROJECT = {
    "id": PROJECT_REF,
    "ref": PROJECT_REF,
    "organization_id": "drill",
    "organization_slug": "drill",
    "name": "drill",
    "region": "us-east-1",
    "created_at": "2026-01-01T00:00:00Z",
    "status": "ACTIVE_HEALTHY",
    "database": {
        "host": f"db.{PROJECT_REF}.drill.invalid",
        "version": "17.6.1.001",
        "postgres_engine": "17",
        "release_channel": "ga",
    },
}


def read_project(_: PlatformState, __: Request) -> Reply:
    """Answer `GET projects/REF`."""
    return answer(200, _PROJECT)


def list_projects(_: PlatformState, __: Request) -> Reply:
    """Answer `GET projects`."""
    return answer(200, [_PROJECT])


def list_organizations(_: PlatformState, __: Request) -> Reply:
    """Answer `GET organizations`."""
    return answer(200, [{"id": "drill", "slug": "drill", "name": "drill"}])


def read_api_keys(_: PlatformState, __: Request) -> Reply:
    """Answer `GET api-keys` with keys that open nothing."""
    names = ("anon", "service_role")
    return answer(200, [{"name": name, "api_key": f"drill.{name}", "id": name, "type": "legacy"} for name in names])


def read_pooler(_: PlatformState, __: Request) -> Reply:
    """Answer `GET config/database/pooler` with an address that does not exist: drills name their database by URL."""
    host = "pooler.drill.invalid"
    address = f"postgresql://postgres.{PROJECT_REF}:[YOUR-PASSWORD]@{host}:6543/postgres"
    return answer(
        200,
        [
            {
                "identifier": PROJECT_REF,
                "database_type": "PRIMARY",
                "is_using_scram_auth": True,
                "db_user": "postgres",
                "db_host": host,
                "db_port": 6543,
                "db_name": "postgres",
                "connection_string": address,
                "connectionString": address,
                "default_pool_size": 15,
                "max_client_conn": 200,
                "pool_mode": "transaction",
            }
        ],
    )


def read_postgrest(_: PlatformState, __: Request) -> Reply:
    """Answer `GET postgrest`."""
    return answer(200, {"db_schema": "public", "max_rows": 1000, "db_extra_search_path": "public", "db_pool": None})


# --- backups --------------------------------------------------------------------------------------------------------


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


# --- logs -----------------------------------------------------------------------------------------------------------


_SOURCE = re.compile(r"source = '(\w+_logs)'")
_FUNCTION = re.compile(r"log_attributes\['function_id'\] = '([^']*)'")
_LEVELS = re.compile(r"\) in \(((?:'\w+'(?:, )?)+)\)")
_LIMIT = re.compile(r"limit\s+(\d+)")


def read_logs(state: PlatformState, request: Request) -> Reply:
    """Answer `GET analytics/endpoints/logs?sql=…`, newest first."""
    sql = request.query.get("sql", "")
    where = sql.rpartition(" from logs where ")[2]
    sources = set(_SOURCE.findall(where))
    function = _FUNCTION.search(sql)
    levels = _LEVELS.search(where)
    limit = _LIMIT.search(sql)
    rows = [
        row
        for row in (*state.logs, *state.database_log())
        if (not sources or row.source in sources)
        and (not function or row.attributes.get("function_id") == function.group(1))
        and (not levels or row.level in re.findall(r"'(\w+)'", levels.group(1)))
    ]
    newest = sorted(rows, key=lambda row: -row.at)[: int(limit.group(1)) if limit else 100]
    return answer(200, {"result": [_document(row) for row in newest]})


def _document(row: LogRow) -> dict[str, object]:
    return {
        "id": row.id,
        "ts_ms": row.at,
        "source": row.source,
        "severity_text": row.level.upper(),
        "level": row.level,
        "event_message": row.message,
        "log_attributes": dict(row.attributes),
    }


# --- secrets --------------------------------------------------------------------------------------------------------


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


# --- SQL ------------------------------------------------------------------------------------------------------------


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
