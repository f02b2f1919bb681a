"""Find the migration files of a project, which of them the Supabase CLI uses, and what identifies the SQL in each."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import NamedTuple

__all__ = ["MIGRATIONS", "MigrationFile", "MigrationName", "digest_of", "migration_files", "parse_name"]

MIGRATIONS = "supabase/migrations"
"""The directory in which the CLI looks for them, from the project's directory."""

_APPLIED = re.compile(r"([0-9]+)_(.*)\.sql", re.DOTALL)
"""What the CLI applies (`MigrateFilePattern` in its source). It skips every other file."""
_KEPT = r"""'[^']*'|"[^"]*"|/\*([^*]|\*+[^*/])*\*+/"""
_COMMENT = re.compile(rf"({_KEPT})|--[^\n]*")
_FILLER = re.compile(rf"({_KEPT})|[ \t\n\r\f\v;]+")


class MigrationName(NamedTuple):
    """The two parts of a name that the CLI applies."""

    version: str
    name: str


def parse_name(path: str) -> MigrationName | None:
    """Return the version and the name of a file, or None if the CLI skips it."""
    found = _APPLIED.fullmatch(PurePath(path).name)
    return MigrationName(found[1], found[2]) if found else None


@dataclass(frozen=True, slots=True)
class MigrationFile:
    """A file whose name ends in `.sql`, and its text."""

    name: str
    text: str

    @property
    def is_hollow(self) -> bool:
        """True if it has nothing in it, not even a comment. A fetch writes that if the history has no statements."""
        return not self.text.strip("; \t\n\r\f\v")


def migration_files(project: Path) -> tuple[MigrationFile, ...]:
    """Return the project's migration files by name, including those whose names the CLI skips. Raises OSError."""
    found = sorted(file for file in (project / MIGRATIONS).glob("*.sql") if file.is_file())
    return tuple(MigrationFile(file.name, file.read_bytes().decode("utf-8", errors="replace")) for file in found)


def digest_of(sql: str) -> str:
    """Return the MD5 of the SQL without comments, and without white space and semicolons outside of quotes.

    A push and a fetch change these. PostgreSQL computes the same digest in `history_sql/ran.sql`.
    """
    plain = _FILLER.sub(r"\1 ", _COMMENT.sub(r"\1", sql)).strip(" ")
    return hashlib.md5(plain.encode(), usedforsecurity=False).hexdigest()
