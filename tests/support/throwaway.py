"""The drills' throwaway PostgreSQL, for tests of other parts. A copy of the project without drills skips them."""

from __future__ import annotations

import pytest

pytest.importorskip("runbook.drill", reason="it takes the PostgreSQL of the drills")

from runbook.drill.database import connect, execute, query, split_statements
from runbook.drill.machine import Account, Process, process_of, server_account, temporary_base
from runbook.drill.postgres import Postgres, start_postgres, throwaway_postgres
from runbook.drill.sandbox import BASE_MIGRATION, PLATFORM_SQL, ROWS_SQL, project_sql
from runbook.drill.watcher import Watcher, watch

__all__ = [
    "BASE_MIGRATION",
    "PLATFORM_SQL",
    "ROWS_SQL",
    "Account",
    "Postgres",
    "Process",
    "Watcher",
    "connect",
    "execute",
    "process_of",
    "project_sql",
    "query",
    "server_account",
    "split_statements",
    "start_postgres",
    "temporary_base",
    "throwaway_postgres",
    "watch",
]
