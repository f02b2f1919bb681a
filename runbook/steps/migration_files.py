"""Find the migration files of a project, which of them the Supabase CLI uses, and what identifies the SQL in each."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MIGRATIONS", "MigrationFile", "digest_of", "migration_files"]

MIGRATIONS = "supabase/migrations"
"""The directory in which the CLI looks for them, from the project's directory."""

_KEPT = r"""'[^']*'|"[^"]*"|/\*([^*]|\*+[^*/])*\*+/"""
_COMMENT = re.compile(rf"({_KEPT})|--[^\n]*")
_FILLER = re.compile(rf"({_KEPT})|[ \t\n\r\f\v;]+")


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
