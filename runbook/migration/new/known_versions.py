"""Collect every version that a new file must come after: of the files here, and of the histories that can be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from runbook.errors import ProgramChangedError, RunbookError
from runbook.migration.new.project_cli import Database
from runbook.migration_names import parse_name
from runbook.steps.migration_files import MIGRATIONS

__all__ = ["KnownVersions", "known_versions"]

_IF_LATER = "If the history there has a later version, a push refuses this file. Then delete it and create it again."


class KnownVersions(NamedTuple):
    """The versions, and what somebody must know about those that aren't among them."""

    versions: frozenset[str]
    notes: tuple[str, ...]


def known_versions(project: Path, databases: Sequence[Database], *, offline: bool) -> KnownVersions:
    """Return the versions of the project's files and of the databases' histories.

    A database that doesn't answer becomes a note. Without any, only the files count, and a note says so.
    """
    folder = project / MIGRATIONS
    names = (parse_name(path.name) for path in (folder.iterdir() if folder.is_dir() else ()))
    found = {name.version for name in names if name}
    notes = []
    for database in () if offline else databases:
        try:
            found |= {version for version in database.versions() if version.isdecimal() and version.isascii()}
        except ProgramChangedError:
            raise
        except RunbookError as error:
            notes.append(f"The version is later than every file here, but {error.message}. {_IF_LATER}")
    if offline:
        notes.append(f"The version is later than every file here. No history was compared. {_IF_LATER}")
    elif not databases:
        notes.append("No project is linked here, so the version is compared only with the files.")
    return KnownVersions(frozenset(found), tuple(notes))
