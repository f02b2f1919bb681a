"""Environment variables and `.env` files that would make the Supabase CLI do something else than what is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["REMOVED", "Remedy", "Trap", "find_traps"]


class Remedy(StrEnum):
    """What the walkthrough does about a trap."""

    REMOVE = "remove"
    """It is left out of the environment that commands get."""
    REFUSE = "refuse"
    """Only a person can take it away: nothing runs before that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """One setting, where it was found (`the environment` or a file's path), why it matters, and what follows."""

    name: str
    where: str
    why: str
    remedy: Remedy


_AGENT = "it makes the CLI think that a program runs it: CLI 2 then confirms by itself, CLI 3 refuses to ask"
_ENDPOINT = "it sends database connections somewhere else than the project"

_AGENTS = (
    "AI_AGENT",
    "ANTIGRAVITY_AGENT",
    "AUGMENT_AGENT",
    "CLAUDECODE",
    "CLAUDE_CODE",
    "CODEX_CI",
    "CODEX_SANDBOX",
    "CODEX_THREAD_ID",
    "COPILOT_ALLOW_ALL",
    "COPILOT_GITHUB_TOKEN",
    "COPILOT_MODEL",
    "CURSOR_AGENT",
    "CURSOR_EXTENSION_HOST_ROLE",
    "CURSOR_TRACE_ID",
    "GEMINI_CLI",
    "OPENCODE_CLIENT",
    "REPL_ID",
)
"""By which the CLI (2.122 and 3.1, from its source) tells that it is run by a program."""

_FILE_TRAPS = frozenset({"SUPABASE_YES", "SUPABASE_PROJECT_ID", "SUPABASE_WORKDIR", "SUPABASE_PROFILE", "PGOPTIONS"})
"""What counts when a `.env` file sets it; the CLI reads such files itself."""

_WHY: dict[str, str] = {
    "SUPABASE_YES": "it answers yes to the CLI's own questions",
    "SUPABASE_PROJECT_ID": "it names another project than the linked one",
    "SUPABASE_WORKDIR": "it makes the CLI work in another directory",
    "SUPABASE_PROFILE": "it sends the CLI to another service than supabase.com",
    "SUPABASE_CLI_BINARY_OVERRIDE": "it replaces the CLI by another program",
    "PGHOST": _ENDPOINT,
    "PGHOSTADDR": _ENDPOINT,
    "PGPORT": _ENDPOINT,
    "PGDATABASE": _ENDPOINT,
    "PGUSER": _ENDPOINT,
    "PGSERVICE": _ENDPOINT,
    "PGSERVICEFILE": _ENDPOINT,
    "PGOPTIONS": "it changes settings of every database session, such as lock_timeout",
    **dict.fromkeys(_AGENTS, _AGENT),
}

REMOVED: frozenset[str] = frozenset(_WHY)
"""Names that commands never inherit from the environment."""

_SETTING = re.compile(
    r"^[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*[=:][ \t]*(?P<value>.*?)[ \t]*$", re.MULTILINE
)


def find_traps(environ: Mapping[str, str], dotenvs: Mapping[str, str], *, linked: str = "") -> tuple[Trap, ...]:
    """Return the traps of an environment and of `.env` files (text by path), those that refuse first.

    What stands in a file the CLI reads by itself, so it can't be taken out of its way: with CLI 2 a
    `SUPABASE_YES=true` in `supabase/.env` confirms everything without a word. A `SUPABASE_PROJECT_ID` that names
    the `linked` project does no harm.
    """
    found = [
        Trap(name=name, where=path, why=_WHY[name], remedy=Remedy.REFUSE)
        for path, text in dotenvs.items()
        for name, value in _settings(text)
        if name in _FILE_TRAPS and not (name == "SUPABASE_PROJECT_ID" and value == linked)
    ]
    found += [
        Trap(name=name, where="the environment", why=_WHY[name], remedy=Remedy.REMOVE)
        for name in _WHY
        if environ.get(name) and not (name == "SUPABASE_PROJECT_ID" and environ[name] == linked)
    ]
    return tuple(found)


def _settings(text: str) -> list[tuple[str, str]]:
    pairs = ((match["name"], match["value"].strip("\"'")) for match in _SETTING.finditer(text))
    return [(name, value) for name, value in pairs if value]
