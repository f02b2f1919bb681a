"""Tell what a team's file says about the project that a command or a tool would write to."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from runbook.loading.place import TEAM_FILE, book_directory, is_team_book
from runbook.model import Team, Verdict

__all__ = ["ProjectVerdict", "team_of", "verdict_on_write"]


class ProjectVerdict(NamedTuple):
    """Whether something may write to a project, and the reason in a sentence ("" if there is no objection)."""

    verdict: Verdict
    reason: str


def verdict_on_write(ref: str, team: Team) -> ProjectVerdict:
    """Return what the team's file says about writing to the project with this ref.

    A protected project is refused, and one that isn't in the file needs a person.
    """
    project = team.project_of(ref)
    if project is None:
        return ProjectVerdict(Verdict.CONFIRM, f"The project {ref} isn't in {TEAM_FILE}.")
    if project.asks_for_name:
        return ProjectVerdict(Verdict.REFUSE, f"{ref} is {project.name}, which {TEAM_FILE} protects.")
    return ProjectVerdict(Verdict.ALLOW, "")


def team_of(book: str | None, directory: str | None) -> Team | None:
    """Return the team of a book, or of the project that the directory is in; None if there is none.

    Raises BookError if the team's file has a problem: then nobody can tell which projects it protects.
    """
    found = book_directory(book, directory)
    return _read_team(found) if is_team_book(found) else None


def _read_team(directory: Path) -> Team:
    from runbook.errors import BookError
    from runbook.loading.files import read_file, shown_name
    from runbook.loading.records import build
    from runbook.model.team import SHAPES

    file = read_file(
        directory / TEAM_FILE, f"{shown_name(directory)}/{TEAM_FILE}", "team", {shape.name: shape for shape in SHAPES}
    )
    if file.record is None:
        raise BookError(file.findings)
    team: Team = build(file.record)
    return team
