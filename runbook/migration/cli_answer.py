"""Read what the Supabase CLI answers to a query: the rows, or why there are none. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from runbook.diagnosis import error_in
from runbook.printable import lines_of

__all__ = ["Row", "is_without_history", "reason_in", "rows_in"]

Row = Mapping[str, Any]


def rows_in(document: str) -> Sequence[Row] | None:
    """Return the rows in an answer, None if it isn't one."""
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, dict):  # the CLI adds remarks if it takes its user for an agent
        found = found.get("rows")
    return found if isinstance(found, list) else None


def reason_in(stdout: str, stderr: str) -> str:
    """Return why the CLI failed: the error that it names, or else the last line that it printed."""
    error = error_in(stdout) or error_in(stderr)
    if error is not None:
        return error.text
    lines = [line.strip() for line in lines_of(stderr or stdout) if line.strip()]
    return lines[-1] if lines else "it printed nothing"


def is_without_history(message: str) -> bool:
    """Whether PostgreSQL says that nothing was ever pushed. The platform's API passes it on as JSON within JSON."""
    return _NO_HISTORY.search(message) is not None


_NO_HISTORY = re.compile(r'supabase_migrations\.schema_migrations\\?" does not exist')
