"""The throwaway server's own log, as the platform would show it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from runbook.drill.platform.state import LogRow

__all__ = ["read_server_log"]

_LINE = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) UTC \[\d+\] (?P<database>\S+) "
    r"(?P<level>WARNING|ERROR|FATAL|PANIC): +(?P<message>.*)"
)
"""As `log_line_prefix` in `runbook.drill.cluster` makes it."""


def read_server_log(file: Path, database: str) -> Iterator[LogRow]:
    """Yield warnings and errors of one database, oldest first. A line has the same id whenever it is read."""
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines()):
        found = _LINE.fullmatch(line)
        if found is None or found["database"] != database:
            continue
        moment = datetime.fromisoformat(found["at"]).replace(tzinfo=UTC)
        yield LogRow(
            id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{number} {line}")),
            at=int(moment.timestamp() * 1000),
            source="postgres_logs",
            level=found["level"].lower(),
            message=found["message"],
            attributes={},
        )
