"""Search for the book, with texts instead of paths: the guard and the quick verbs do it before everything else."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["TEAM_FILE", "TEAM_FOLDER", "book_place", "team_book_place"]

TEAM_FOLDER = "team-runbook"
"""The folder with a team's book, at the top of their project. `runbook` would hide the Python package of that name."""

TEAM_FILE = "team.yaml"
"""The file that makes a book a team's: it extends the packaged one."""

_VARIABLE = "RUNBOOK_BOOK"


def book_place(named: str | None = None, start: Path | str | None = None) -> str:
    """Return the directory that was named, also by RUNBOOK_BOOK, or the team's book of a project; "" for neither."""
    return named or os.environ.get(_VARIABLE) or team_book_place(start)


def team_book_place(start: Path | str | None = None) -> str:
    """Return the team's book in the nearest directory from `start` up to the top of the git repository, or "".

    A folder without `team.yaml` is no book. One that belongs to another user is ignored, as git ignores a repository
    of another user: in a shared directory such as /tmp, anybody could have put it there.
    """
    first = here = os.fspath(start) if start is not None else _current_directory()
    while here:
        for folder in (os.path.join(here, TEAM_FOLDER), here):
            if os.path.basename(folder) == TEAM_FOLDER and _is_ours(os.path.join(folder, TEAM_FILE), first):
                return folder
        above = os.path.dirname(here)
        if above == here or os.path.exists(os.path.join(here, ".git")):
            return ""
        here = above
    return ""


def _is_ours(file: str, start: str) -> bool:
    """Tell whether a file exists and belongs to this user, to root, or to the owner of the directory `start`."""
    try:
        owner = os.stat(file).st_uid
        return owner in {os.geteuid(), 0} or owner == os.stat(start).st_uid
    except OSError:
        return False


def _current_directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # it has been removed
        return ""
