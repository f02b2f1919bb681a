"""Small programs first on PATH that ask the guard and then become the real one; they reach scripts and Makefiles."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from runbook.errors import RunbookError
from runbook.guard.shells import GUARDED
from runbook.runtime.user_directories import data_directory

__all__ = ["SHIM_MARK", "Shims", "default_directory", "find_program", "install_shims", "uninstall_shims"]

SHIM_MARK = "# shim of runbook guard"
"""The second line of each shim, by which the guard knows not to start it again."""

_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Shims:
    """A directory of shims, the names in it, and whether PATH leads there first."""

    directory: Path
    names: tuple[str, ...]
    leads: bool


def default_directory() -> Path:
    """Return where shims go unless another directory is named."""
    return data_directory() / "shims"


def install_shims(directory: Path, program: str) -> Shims:
    """Write a shim for each guarded program. Raises RunbookError where another file has that name.

    `program` is the shell text that starts `runbook`.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        taken = [name for name in GUARDED if (directory / name).exists() and not _is_shim(directory / name)]
        if taken:
            raise RunbookError(
                f"{directory} has other programs: {', '.join(taken)}", hint="Choose an empty directory with --dir."
            )
        for name in GUARDED:
            _write(directory / name, name, program)
    except OSError as error:
        raise RunbookError(f"{directory} can't be written: {error}", hint="Choose another with --dir.") from error
    return Shims(directory, GUARDED, _leads(directory))


def uninstall_shims(directory: Path) -> Shims:
    """Remove the shims, and the directory if nothing else is in it."""
    names = tuple(name for name in GUARDED if _is_shim(directory / name))
    for name in names:
        (directory / name).unlink()
    if directory.is_dir() and not any(directory.iterdir()):
        directory.rmdir()
    return Shims(directory, names, leads=False)


def find_program(name: str) -> str | None:
    """Return the path of a program as a shell would find it, past every shim; None if there is none."""
    if "/" in name:
        return name if os.access(name, os.X_OK) else None
    for directory in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = Path(directory or ".") / name
        if path.is_file() and os.access(path, os.X_OK) and not _is_shim(path):
            return str(path)
    return None


def _write(path: Path, name: str, program: str) -> None:
    temporary = path.with_name(f".{name}.new")
    temporary.write_text(f'#!/bin/sh\n{SHIM_MARK}\nexec {program} guard -- {name} "$@"\n', encoding="utf-8")
    temporary.chmod(0o755)
    temporary.replace(path)


def _is_shim(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return SHIM_MARK.encode() in file.read(_LOOKED_AT)
    except OSError:
        return False


def _leads(directory: Path) -> bool:
    """Whether a shell finds these shims before the real programs."""
    here = directory.resolve()
    for each in os.environ.get("PATH", "").split(os.pathsep):
        if each and Path(each).resolve() == here:
            return True
        if any((Path(each) / name).is_file() for name in GUARDED):
            return False
    return False
