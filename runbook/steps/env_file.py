"""Write the lines of a file of variables so that every reader of such files takes a secret literally."""

from __future__ import annotations

import re

from runbook.errors import UsageError

__all__ = ["env_line"]

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")
_SPECIAL = frozenset('"\\$\n\r')


def env_line(key: str, value: str) -> str:
    """Return the line that sets a variable. Raises UsageError for a value that readers read differently."""
    return f"{key}={_quoted(value)}\n"


def _quoted(value: str) -> str:
    """Return a value in a form that each known reader of such files takes literally. Raises UsageError if none is."""
    if _PLAIN.fullmatch(value):
        return value
    # Nothing is special in single quotes. In double quotes, readers differ on backslashes, dollars and line endings.
    if "'" not in value and not value.endswith("\\"):
        return f"'{value}'"
    if not set(value) & _SPECIAL:
        return f'"{value}"'
    raise UsageError(
        "a secret contains a single quote together with a double quote, backslash, dollar or line end,"
        " or ends in a backslash",
        hint="The versions of the CLI read such a value differently. Set this secret in the dashboard.",
    )
