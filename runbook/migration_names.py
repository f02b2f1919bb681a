"""Know which files of a migrations folder the Supabase CLI applies, by their names alone."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["MigrationName", "parse_name"]

_APPLIED = re.compile(r"([0-9]+)_(.*)\.sql", re.DOTALL)
"""What the CLI applies (`MigrateFilePattern` in its source). It skips every other file."""


class MigrationName(NamedTuple):
    """The two parts of a name that the CLI applies."""

    version: str
    name: str


def parse_name(path: str) -> MigrationName | None:
    """Return the version and the name of a file, or None if the CLI skips it. A path may have `/`."""
    found = _APPLIED.fullmatch(path.rpartition("/")[2])
    return MigrationName(found[1], found[2]) if found else None
