"""Choose the files to check: what was named, what a folder has, or what a branch adds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from runbook.errors import UsageError
from runbook.migration.git import git
from runbook.migration.history import Base
from runbook.migration.source import SIZE_LIMIT, MigrationFile
from runbook.paths import relative_path

__all__ = ["DEFAULT_FOLDER", "default_folder", "select_files"]

DEFAULT_FOLDER = Path("supabase/migrations")


def select_files(
    paths: Sequence[Path], *, since: str, ignore: Sequence[str]
) -> tuple[list[MigrationFile], Base | None]:
    """Return the files to read, and what the branch began with if `since` names a revision.

    Raises UsageError if a path doesn't exist, and if git doesn't know the revision.
    """
    places = [_of_version(path) for path in paths] or [default_folder()]
    for place in places:
        if not place.exists():
            raise UsageError(f"'{place}' doesn't exist", hint="Name a migration or a folder of migrations.")
    if since:
        return _files_since(places, since, ignore)
    found: dict[str, MigrationFile] = {}
    for path in _expanded(places):
        shown = relative_path(path)
        if not _is_ignored(shown, ignore):
            found.setdefault(shown, MigrationFile(shown, _read(path)))
    return list(found.values()), None


def _of_version(place: Path) -> Path:
    """Return the migration that a version names, or the path itself. Raises UsageError if no file has the version."""
    if not _VERSION.fullmatch(str(place)) or place.exists():
        return place
    folder = default_folder()
    found = sorted(folder.glob(f"{place}_*.sql"))
    if not found:
        hint = "Name a file, a folder or another version."
        raise UsageError(f"no migration in {relative_path(folder)} has the version {place}", hint=hint)
    return found[0]


_VERSION = re.compile(r"[0-9]{8,14}")


def default_folder() -> Path:
    """Return `supabase/migrations` of this project: here, or above up to the top of the git repository."""
    here = Path.cwd()
    for each in (here, *here.parents):
        if (each / DEFAULT_FOLDER).is_dir():
            return each / DEFAULT_FOLDER
        if (each / ".git").exists():
            break
    raise UsageError(f"there is no {DEFAULT_FOLDER} here", hint="Name a migration or a folder of migrations.")


def _expanded(places: Sequence[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_dir():
            yield from sorted(each for each in place.iterdir() if _is_migration(each))
        else:
            yield place


def _is_migration(path: Path) -> bool:
    """Whether a file in a folder is meant as a migration: its name ends in .sql, however it's written."""
    return path.suffix.lower() == ".sql" and path.is_file()


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise UsageError(f"'{path}' isn't a file", hint="Name a migration or a folder of migrations.")
    try:
        with path.open("rb") as file:
            return file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise UsageError(f"'{path}' can't be read: {error.strerror}") from error


def _is_ignored(shown: str, ignore: Sequence[str]) -> bool:
    return any(fnmatchcase(shown, each) or shown.startswith(f"{each.rstrip('/')}/") for each in ignore)


# --- what a branch adds --------------------------------------------------------------------------------------------


def _files_since(places: Sequence[Path], since: str, ignore: Sequence[str]) -> tuple[list[MigrationFile], Base]:
    """Return the files after a revision, the earlier ones for reference, and the revision's migrations.

    The branch is compared with the commit at which it left the revision, so that what others have added there since
    isn't taken for removed. What was added there since still counts for the order.
    """
    top = Path(git(Path.cwd(), "rev-parse", "--show-toplevel", problem="this isn't a git repository").strip())
    unknown = f"git doesn't know the revision '{since}'"
    commit = git(top, "rev-parse", "--verify", "--end-of-options", f"{since}^{{commit}}", problem=unknown).strip()
    fork = git(top, "merge-base", commit, "HEAD", problem=f"'{since}' has no commit in common with this branch").strip()
    folders = sorted({(place if place.is_dir() else place.parent).resolve() for place in places})
    named = {place.resolve() for place in places if not place.is_dir()}
    at_fork, at_tip = _hashes(top, fork, folders), _hashes(top, commit, folders)
    now = {path: _read(path) for folder in folders for path in sorted(folder.iterdir()) if _is_migration(path)}
    hashes = dict(zip(now, _hashes_of(top, list(now)), strict=True))
    files = []
    for path, data in now.items():
        shown = relative_path(path)
        is_new = path not in at_fork and hashes[path] != at_tip.get(path)
        is_judged = is_new and (not named or path in named or path.parent in {p.resolve() for p in places})
        if not _is_ignored(shown, ignore):
            files.append(MigrationFile(shown, data, judged=is_judged))
    gone = {path: blob for path, blob in at_fork.items() if path not in now}
    texts = {hashes[path]: path for path in now if path not in at_fork}
    base = Base(
        revision=since,
        paths=frozenset(relative_path(path) for path in {**at_fork, **at_tip}),
        edited=frozenset(relative_path(path) for path in now if path in at_fork and at_fork[path] != hashes[path]),
        removed=frozenset(relative_path(path) for path in gone),
        renamed={relative_path(path): relative_path(texts[blob]) for path, blob in gone.items() if blob in texts},
    )
    return files, base


def _hashes(top: Path, commit: str, folders: Sequence[Path]) -> dict[Path, str]:
    """Return git's hash of each migration at a commit."""
    below = [folder.relative_to(top.resolve()).as_posix() for folder in folders]
    listed = git(
        top,
        "ls-tree",
        "-z",
        commit,
        "--",
        *(f"{each}/" if each != "." else "./" for each in below),
        problem="git can't list the migrations",
    )
    found = {}
    for entry in filter(None, listed.split("\0")):
        about, _, name = entry.partition("\t")
        path = top.resolve() / name
        if about.split()[1] == "blob" and path.suffix.lower() == ".sql":
            found[path] = about.split()[2]
    return found


def _hashes_of(top: Path, paths: Sequence[Path]) -> list[str]:
    """Return git's hash of each file as it would be committed."""
    found: list[str] = []
    for start in range(0, len(paths), 500):
        found += git(
            top,
            "hash-object",
            "--",
            *map(str, paths[start : start + 500]),
            problem="git can't read the migrations",
        ).split()
    return found
