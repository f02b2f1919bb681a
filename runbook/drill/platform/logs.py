"""Logs, read by the SQL that CLI 3 sends: it filters by source, function and level."""

from __future__ import annotations

import re

from runbook.drill.platform.exchange import Reply, Request, answer
from runbook.drill.platform.state import LogRow, PlatformState

__all__ = ["read_logs"]

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
