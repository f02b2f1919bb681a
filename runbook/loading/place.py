"""Where the book is: the one that was named, the team's own, or the packaged one."""

from __future__ import annotations

from pathlib import Path

import runbook
from runbook.errors import UsageError
from runbook.loading.book_search import TEAM_FILE, TEAM_FOLDER, book_place, team_book_place

__all__ = [
    "PACKAGED_BOOK",
    "READINESS",
    "RESULTS",
    "TEAM_FILE",
    "TEAM_FOLDER",
    "book_directory",
    "find_team_book",
    "is_team_book",
    "require_book",
    "writable_book",
]

PACKAGED_BOOK = Path(runbook.__file__).parent / "book"
"""The book that ships with the package. A team's book extends it."""

RESULTS = "drills.json"
"""The results of unattended drills: in a team's book, beside its files."""

READINESS = "readiness.json"
"""What `runbook readiness` exported for the site: in a team's book, if the team wants it there."""


def book_directory(named: str | None = None, start: Path | str | None = None) -> Path:
    """Return the directory of the book to use: `named`, RUNBOOK_BOOK, the team's of this project, the packaged one.

    `start` is the directory in whose project a team's book is looked for (default: the current one). The directory
    that is returned may not exist if it was named.
    """
    return Path(book_place(named, start) or PACKAGED_BOOK)


def find_team_book(start: Path | str | None = None) -> Path | None:
    """Return the team's book in the nearest directory from `start` up to the top of the git repository, or None.

    See `book_search.team_book_place`.
    """
    place = team_book_place(start)
    return Path(place) if place else None


def is_team_book(directory: Path) -> bool:
    """Tell whether a book is a team's: it extends the packaged one."""
    return (directory / TEAM_FILE).is_file() and directory != PACKAGED_BOOK


def require_book(directory: Path) -> None:
    """Raise UsageError if there is no book in a directory."""
    if not directory.is_dir():
        raise UsageError(f"there is no book at '{directory}'", hint="Name its directory with --book or RUNBOOK_BOOK.")


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
