"""The project itself: what `link` and `projects list` ask for."""

from __future__ import annotations

from runbook.drill.platform.exchange import Reply, Request, answer
from runbook.drill.platform.state import PROJECT_REF, PlatformState

__all__ = ["list_organizations", "list_projects", "read_api_keys", "read_pooler", "read_postgrest", "read_project"]

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
