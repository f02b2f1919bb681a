"""Find the folder of migrations, and write new files into it: all of them, or none."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from runbook.errors import UsageError
from runbook.steps.migration_files import MIGRATIONS

__all__ = ["project_of", "write_files"]

_LINK = "Start one with `npx supabase init`, or name its directory with --directory."


def project_of(start: Path, *, is_named: bool = False) -> Path:
    """Return the directory of the Supabase project: `start`, or one above it up to the top of the git repository.

    A directory that was named by a person must be the project itself. Raises UsageError if there is none.
    """
    here = start.resolve()
    for directory in (here,) if is_named else (here, *here.parents):
        supabase = directory / "supabase"
        # Further up, a folder of that name may be anything.
        is_project = (supabase / "config.toml").is_file() or (directory / MIGRATIONS).is_dir()
        if is_project or (directory == here and supabase.is_dir()):
            return directory
        if (directory / ".git").exists():
            break
    where = "" if is_named else " or above it"
    raise UsageError(f"there is no supabase folder in '{start}'{where}", hint=_LINK)


def write_files(files: Mapping[Path, str]) -> None:
    """Write new files, and create their folder if it doesn't exist. If one can't be written, none is left.

    Raises UsageError if a file exists, and if the folder can't be written to.
    """
    written: list[Path] = []
    try:
        for folder in dict.fromkeys(path.parent for path in files):
            _make_folder(folder)
        for path, text in files.items():
            with path.open("x", encoding="utf-8", newline="\n") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            with suppress(OSError):
                path.unlink()
        # A full disk shows when text is written, and that error has no name.
        name = error.filename or (written[-1] if written else "")
        what = f"can't write '{name}': {error.strerror}"
        raise UsageError(
            what, hint="Nothing was written. Make room, or change the permissions. Then run it again."
        ) from error


def _make_folder(folder: Path) -> None:
    with suppress(FileExistsError):  # a file of that name shows when something is written below it
        folder.mkdir(parents=True)
