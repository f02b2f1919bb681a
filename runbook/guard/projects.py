"""Tell which hosted project a command would reach, and what a team's file says about writing to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from runbook.loading.files import read_team
from runbook.loading.place import TEAM_FILE, book_directory

if TYPE_CHECKING:
    from runbook.model.team import Team

__all__ = ["LINK", "Objection", "linked_project", "objection_to", "project_in", "team_of"]


class Objection(NamedTuple):
    """Why a write to a project must be stopped. `protects` is the project's name if its team protects it."""

    reason: str
    protects: str = ""


def objection_to(ref: str, team: Team) -> Objection | None:
    """Return what the team's file has against writing to the project with this ref, or None."""
    project = team.project_of(ref)
    if project is None:
        return Objection(f"The project {ref} isn't in {TEAM_FILE}.")
    if project.asks_for_name:
        return Objection(f"{ref} is {project.name}, which {TEAM_FILE} protects.", project.name)
    return None


# --- which project -------------------------------------------------------------------------------------------------


_REF = re.compile(r"[a-z]{20}")
_IN_ADDRESS = re.compile(r"(?:\bdb\.|//|\bpostgres\.|project_ref=)([a-z]{20})(?=[.:@&]|$)")
_FLAGS = ("--project-ref", "--remote")


def project_in(words: Sequence[str]) -> str | None:
    """Return the ref of the hosted project that a command's own words name, or None."""
    for word, following in zip(words, (*words[1:], ""), strict=True):
        flag, equals, value = word.partition("=")
        given = value if equals else following
        if flag in _FLAGS and _REF.fullmatch(given):
            return given
        address = _IN_ADDRESS.search(word)
        if address:
            return address[1]
    return None


LINK = "supabase/.temp/project-ref"
"""Where `supabase link` stores the ref, in the project's directory."""


def linked_project(directories: Iterable[str], read: Callable[[str], str | None]) -> str | None:
    """Return the ref that the nearest of these directories is linked to. A link that holds no ref counts as none."""
    for directory in directories:
        text = read(f"{directory}/{LINK}")
        if text is not None:
            return text.strip() if _REF.fullmatch(text.strip()) else None
    return None


# --- whose project -------------------------------------------------------------------------------------------------


def team_of(book: str | None, directory: str | None) -> Team | None:
    """Return the team of a book, or of the project that the directory is in; None if there is none.

    Raises BookError if the team's file has a problem: then nobody can tell which projects it protects.
    """
    return read_team(book_directory(book, directory))
