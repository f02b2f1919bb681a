"""A team: its projects, the people to reach, its links, and the version of the CLI that it uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runbook.model.fields import (
    KEBAB,
    LINE,
    LINES,
    Duration,
    ListOf,
    MapOf,
    Shaped,
    Text,
    Truth,
    in_days,
    key,
    shape,
)
from runbook.model.migration_settings import MigrationSettings
from runbook.model.notification import Notification
from runbook.model.terms import Position

__all__ = ["ANY_PROJECT", "DASHBOARD", "DRILL_DAYS", "REF", "SHAPES", "Contact", "Project", "Team"]

REF = r"[a-z]{20}"
"""The form of a project's ref, as a regular expression."""

_REF = Text(REF, "a project's ref: the 20 lower-case letters in its address")
_ADDRESS = Text(r"(?:https?://|mailto:)[^\s<>\"'`]+", "an address that begins with https:// or mailto:")
_JOURNAL = Text(
    r"postgres(?:ql)?://(?!\S*password=)(?:[^\s:@/?#]+@)?[^\s@]+",
    "an address that begins with postgresql:// and has no password: keep that in a service file, or in the environment",
)
_VERSION = Text(r"\d+\.\d+\.\d+", "an exact version such as 3.1.0")

DRILL_DAYS = 90
"""How many days a drill counts if neither the procedure nor the team says."""

DASHBOARD = "https://supabase.com/dashboard/project/"
"""Where the pages of a project's dashboard are, by its ref."""

ANY_PROJECT = f"{DASHBOARD}_/"
"""In place of a project's: here the dashboard asks which one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A hosted project that the team's runs may reach."""

    name: str
    ref: str = key(_REF, "Its ref.")
    region: str = key(LINE, "Where it runs, such as eu-central-1.", default="")
    writers: tuple[str, ...] = key(LINES, "The people or teams that may write to it.", default=())
    is_protected: bool | None = key(
        Truth(),
        "Whether a run asks for the project's name before step 1.",
        name="protected",
        default=None,
        said="true for `production`",
    )
    at: Position

    @property
    def asks_for_name(self) -> bool:
        """Whether somebody has to type its name before a run begins."""
        return self.name == "production" if self.is_protected is None else self.is_protected

    @property
    def dashboard(self) -> str:
        """The address of its dashboard."""
        return DASHBOARD + self.ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How to reach the owner of a procedure."""

    owner: str
    name: str = key(LINE, "The person or the rota.")
    channel: str = key(LINE, "Where to write to them, such as #database.", default="")
    page: str = key(_ADDRESS, "The link by which to page them.", default="")
    hours: str = key(LINE, "When they answer, with the time zone.", default="")
    at: Position

    @property
    def reached(self) -> str:
        """Return who it is and how to reach them, in one line."""
        parts = (self.name, self.channel, self.hours, f"page: {self.page}" if self.page else "")
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Whose book this is. It makes a book extend the packaged one."""

    name: str = key(LINE, "The team's name.")
    channel: str = key(LINE, "Where the team hears of an incident, such as #incidents.", default="")
    projects: Mapping[str, Project] = key(
        MapOf(KEBAB, Shaped("project"), 1), "The hosted projects, by name: production, staging and any others."
    )
    contacts: Mapping[str, Contact] = key(
        MapOf(LINE, Shaped("contact")), "Who is behind each owner that procedures name.", default=dict
    )
    links: Mapping[str, str] = key(
        MapOf(LINE, _ADDRESS), "Pages that people need in an incident, by what they are.", default=dict
    )
    cli: str = key(_VERSION, "The version of the Supabase CLI that the team pins.", default="")
    drill_days: int = key(
        Duration("d"),
        "How long a drill that somebody passed counts, unless the procedure says otherwise.",
        name="drill_every",
        default=DRILL_DAYS,
        said=f"{DRILL_DAYS}d",
        read=in_days,
    )
    journal: str = key(
        _JOURNAL,
        "Where the team's shared journal is, such as postgresql://db.example.com/runbook.",
        default="",
        said="a journal on each machine",
    )
    notify: tuple[Notification, ...] = key(
        ListOf(Shaped("notification")), "Who gets a message when something happens in a run.", default=(), read=tuple
    )
    migrations: MigrationSettings | None = key(
        Shaped("migration-settings"), "How `runbook migration check` judges migrations.", default=None
    )
    at: Position

    def project_of(self, ref: str) -> Project | None:
        """Return the project with that ref."""
        return next((each for each in self.projects.values() if each.ref == ref), None)


SHAPES = (
    shape(Team, "team", "a team's file", "Whose book this is, their projects, and how to reach them."),
    shape(Project, "project", "a project", "A hosted project that the team's runs may reach.", keyed_by="name"),
    shape(Contact, "contact", "a contact", "How to reach the owner of a procedure.", keyed_by="owner"),
)
"""The team's file."""
