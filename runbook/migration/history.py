"""Compare a branch's migrations with those that it began with: an applied file must stay as it is. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from runbook.migration.file_names import NameProblem
from runbook.migration.source import MigrationFile
from runbook.migration_names import parse_name

__all__ = ["Base", "check_history"]


@dataclass(frozen=True)
class Base:
    """The migrations at the revision that a branch is compared with."""

    revision: str
    paths: frozenset[str]
    """Every migration there."""
    edited: frozenset[str] = frozenset()
    """Those whose text is different now."""
    removed: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Removed ones whose text is in another file now, with that file."""


def check_history(files: Sequence[MigrationFile], base: Base) -> Iterator[tuple[str, NameProblem]]:
    """Yield each problem with the path that it concerns."""
    for path in sorted(base.edited):
        message = f"it is already on {base.revision}: where it was applied, this change is never run"
        yield path, NameProblem("edited-migration", message)
    for path in sorted(base.removed):
        name = PurePath(base.renamed[path]).name if path in base.renamed else ""
        change = f"it was renamed to {name}" if name else "it was removed"
        message = f"{change}, but it is on {base.revision}: a push refuses while its version is in the history"
        yield path, NameProblem("removed-migration", message)
    newest = _newest(base.paths)
    for file in files:
        parts = parse_name(file.path)
        folder = str(PurePath(file.path).parent)
        if not file.judged or parts is None or file.path in base.paths or folder not in newest:
            continue
        if parts.version < newest[folder]:
            message = f"the version {parts.version} is older than {newest[folder]}, which is on {base.revision}"
            yield file.path, NameProblem("out-of-order", message)


def _newest(paths: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in paths:
        parts = parse_name(path)
        if parts:
            folder = str(PurePath(path).parent)
            found[folder] = max(found.get(folder, ""), parts.version)
    return found
