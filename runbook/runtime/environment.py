"""The environment that commands get: this process's own without its traps, or an isolated one.

A trap is a variable, or a line of a `.env` file, that makes the Supabase CLI do something else than what is shown.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from runbook.runtime.toolchain import node_directory

__all__ = ["REMOVED", "Remedy", "Trap", "child_environment", "find_traps", "isolated_environment", "programs_directory"]


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

# By these the CLI (2.122 and 3.1, from its source) tells that it is run by a program.
_AGENTS = """
AI_AGENT ANTIGRAVITY_AGENT AUGMENT_AGENT CLAUDECODE CLAUDE_CODE CODEX_CI CODEX_SANDBOX CODEX_THREAD_ID COPILOT_ALLOW_ALL
COPILOT_GITHUB_TOKEN COPILOT_MODEL CURSOR_AGENT CURSOR_EXTENSION_HOST_ROLE CURSOR_TRACE_ID GEMINI_CLI OPENCODE_CLIENT
REPL_ID
"""

_FILE_TRAPS = frozenset({"SUPABASE_YES", "SUPABASE_PROJECT_ID", "SUPABASE_WORKDIR", "SUPABASE_PROFILE", "PGOPTIONS"})
"""What counts when a `.env` file sets it; the CLI reads such files itself."""

_WHY: dict[str, str] = {
    "SUPABASE_YES": "it answers yes to the CLI's own questions",
    "SUPABASE_PROJECT_ID": "it names another project than the linked one",
    "SUPABASE_WORKDIR": "it makes the CLI work in another directory",
    "SUPABASE_PROFILE": "it sends the CLI to another service than supabase.com",
    "SUPABASE_CLI_BINARY_OVERRIDE": "it replaces the CLI by another program",
    **dict.fromkeys(
        ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE", "PGSERVICEFILE"), _ENDPOINT
    ),
    "PGOPTIONS": "it changes settings of every database session, such as lock_timeout",
    **dict.fromkeys(_AGENTS.split(), _AGENT),
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
    found = []
    for path, text in dotenvs.items():
        for setting in _SETTING.finditer(text):
            name, value = setting["name"], setting["value"].strip("\"'")
            if value and name in _FILE_TRAPS and not (name == "SUPABASE_PROJECT_ID" and value == linked):
                found.append(Trap(name=name, where=path, why=_WHY[name], remedy=Remedy.REFUSE))
    for name, why in _WHY.items():
        if environ.get(name) and not (name == "SUPABASE_PROJECT_ID" and environ[name] == linked):
            found.append(Trap(name=name, where="the environment", why=why, remedy=Remedy.REMOVE))
    return tuple(found)


def child_environment(own: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a command: this process's own without its traps, then what is given.

    This Python's directory comes first on PATH, so that `squawk` and `runbook` are those of this installation.
    """
    # COLUMNS and LINES are of another terminal; programs believe them more than the child's own.
    kept = {name: value for name, value in own.items() if name not in REMOVED | {"COLUMNS", "LINES"}}
    whole = {"TERM": "xterm-256color", **kept, **given}
    whole["PATH"] = os.pathsep.join(part for part in (str(Path(sys.executable).parent), whole.get("PATH")) if part)
    return whole


def isolated_environment(home: Path, *, proxy: str) -> Mapping[str, str]:
    """Return an environment that inherits nothing and can only reach loopback: for throwaway homes.

    `proxy` is the URL where every request to another host ends. Raises MissingPartError without Node.js.
    """
    system = [str(Path(sys.executable).absolute().parent), "/usr/local/bin", "/usr/bin", "/bin"]
    # Node.js, the programs beside this Python (squawk) and the system's own: nothing else that a person installed.
    places = [str(programs_directory(home)), *dict.fromkeys([str(node_directory()), *system])]
    return {
        "HOME": str(home),
        **{f"XDG_{name}_HOME": str(home / f".{name.lower()}") for name in ("CACHE", "CONFIG", "DATA", "STATE")},
        "PATH": os.pathsep.join(places),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        # Programs differ in which spelling they read; curl takes only the small `http_proxy`.
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost,::1"),
        "npm_config_offline": "true",
        "npm_config_update_notifier": "false",
        "npm_config_cache": str(home / ".npm"),
        "DOCKER_HOST": "tcp://127.0.0.1:9",  # closed everywhere: the same with and without Docker
        "DO_NOT_TRACK": "1",
        "SUPABASE_TELEMETRY_DISABLED": "1",
        "SUPABASE_NO_UPDATE_NOTIFIER": "1",  # else every call looks for the newest release
    }


def programs_directory(home: Path) -> Path:
    """Return where a throwaway home's own programs are: first on its PATH, and empty unless something is put there."""
    return home / "bin"
