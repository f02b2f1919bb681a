"""Where the book is: the one that was named, the team's own, or the packaged one."""

from __future__ import annotations

import os
from pathlib import Path

import runbook
from runbook.errors import UsageError

__all__ = [
    "PACKAGED_BOOK",
    "READINESS",
    "RESULTS",
    "TEAM_FILE",
    "TEAM_FOLDER",
    "book_directory",
    "find_team_book",
    "is_team_book",
    "writable_book",
]

PACKAGED_BOOK = Path(runbook.__file__).parent / "book"
"""The book that ships with the package. A team's book extends it."""

TEAM_FOLDER = "team-runbook"
"""The folder with a team's book, at the top of their project. `runbook` would hide the Python package of that name."""

TEAM_FILE = "team.yaml"
"""The file that makes a book a team's: it extends the packaged one."""

_VARIABLE = "RUNBOOK_BOOK"


RESULTS = "drills.json"
"""The results of unattended drills: in a team's book, beside its files."""

READINESS = "readiness.json"
"""What `runbook readiness` exported for the site: in a team's book, if the team wants it there."""


def book_directory(named: str | None = None, start: Path | str | None = None) -> Path:
    """Return the directory of the book to use: `named`, RUNBOOK_BOOK, the team's of this project, the packaged one.

    `start` is the directory in whose project a team's book is looked for (default: the current one). The directory
    that is returned may not exist if it was named.
    """
    given = named or os.environ.get(_VARIABLE)
    return Path(given) if given else find_team_book(start) or PACKAGED_BOOK


def find_team_book(start: Path | str | None = None) -> Path | None:
    """Return the team's book in the nearest directory from `start` up to the top of the git repository, or None.

    A folder without `team.yaml` is no book. One that belongs to another user is ignored, as git ignores a repository
    of another user: in a shared directory such as /tmp, anybody could have put it there.
    """
    # Strings instead of paths: the guard does this before every command.
    first = here = os.fspath(start) if start is not None else _current_directory()
    while here:
        for folder in (os.path.join(here, TEAM_FOLDER), here):  # noqa: PTH118
            if os.path.basename(folder) == TEAM_FOLDER and _is_ours(os.path.join(folder, TEAM_FILE), first):  # noqa: PTH118, PTH119
                return Path(folder)
        above = os.path.dirname(here)  # noqa: PTH120
        if above == here or os.path.exists(os.path.join(here, ".git")):  # noqa: PTH110, PTH118
            return None
        here = above
    return None


def _is_ours(file: str, start: str) -> bool:
    """Tell whether a file exists and belongs to this user, to root, or to the owner of the directory `start`."""
    try:
        owner = os.stat(file).st_uid  # noqa: PTH116
        return owner in {os.geteuid(), 0} or owner == os.stat(start).st_uid  # noqa: PTH116
    except OSError:
        return False


def is_team_book(directory: Path) -> bool:
    """Tell whether a book is a team's: it extends the packaged one."""
    return (directory / TEAM_FILE).is_file() and directory != PACKAGED_BOOK


def writable_book(named: str | None = None) -> Path:
    """Return the directory of the book that commands may write to. Raises UsageError for an installed book.

    The packaged book of a checkout can be edited. An installed one belongs to the package manager, and the next
    upgrade would overwrite it.
    """
    directory = book_directory(named)
    if directory.resolve() == PACKAGED_BOOK.resolve() and not (PACKAGED_BOOK.parents[1] / "pyproject.toml").is_file():
        raise UsageError(
            "this would write into the installed package, and an upgrade would remove it",
            hint="Start your team's own book in your project: runbook init",
        )
    return directory


def _current_directory() -> str:
    try:
        return os.getcwd()  # noqa: PTH109
    except OSError:  # it has been removed
        return ""
