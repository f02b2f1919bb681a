"""The environment that commands get: built from a list of what they need, or isolated.

A trap is a variable, or a line of a `.env` file, that makes a command do something other than what is shown.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from runbook.runtime.toolchain import node_directory

__all__ = ["REMOVED", "Remedy", "Trap", "child_environment", "editor_environment", "find_traps", "safe_path"]
__all__ += ["isolated_environment", "left_out_of_path", "settled_environment"]


class Remedy(StrEnum):
    """What the walk does about a trap."""

    REMOVE = "remove"
    """Commands don't get it, and a note says so."""
    REFUSE = "refuse"
    """Only a person can remove it; nothing runs until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """One setting, where it was found (`the environment` or a file's path), why it matters, and what to do about it."""

    name: str
    where: str
    why: str
    remedy: Remedy


_AGENT = "it makes the CLI think that a program runs it: CLI 2 then confirms by itself, CLI 3 refuses to ask"
_ENDPOINT = "it sends database connections somewhere else than the project"

# By these the CLI (2.122 and 3.1, from its source) recognizes that a program runs it.
_AGENTS = """
AI_AGENT ANTIGRAVITY_AGENT AUGMENT_AGENT CLAUDECODE CLAUDE_CODE CODEX_CI CODEX_SANDBOX CODEX_THREAD_ID COPILOT_ALLOW_ALL
COPILOT_GITHUB_TOKEN COPILOT_MODEL CURSOR_AGENT CURSOR_EXTENSION_HOST_ROLE CURSOR_TRACE_ID GEMINI_CLI OPENCODE_CLIENT
REPL_ID
"""

_CODE = "it loads code into the programs that commands start"
_GIT = "it makes git work elsewhere or start another program"
_NPM = "it makes npm start another program or read other settings"

_LOADERS = """
LD_PRELOAD LD_AUDIT LD_LIBRARY_PATH DYLD_INSERT_LIBRARIES DYLD_LIBRARY_PATH NODE_OPTIONS NODE_PATH BASH_ENV
PYTHONHOME PYTHONSTARTUP PERL5OPT RUBYOPT
"""
_GIT_SETTINGS = """
GIT_CONFIG_COUNT GIT_CONFIG_PARAMETERS GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
GIT_OBJECT_DIRECTORY GIT_EXEC_PATH GIT_SSH GIT_SSH_COMMAND GIT_PROXY_COMMAND GIT_EXTERNAL_DIFF GIT_TEMPLATE_DIR
"""
_NPM_SETTINGS = "npm_config_script_shell npm_config_node_options npm_config_userconfig npm_config_prefix"

_FILE_TRAPS = frozenset({"SUPABASE_YES", "SUPABASE_PROJECT_ID", "SUPABASE_WORKDIR", "SUPABASE_PROFILE", "PGOPTIONS"})
"""Traps even if a `.env` file sets them, because the CLI reads such files itself."""

_WHY: dict[str, str] = {
    "SUPABASE_YES": "it answers yes to the CLI's own questions",
    "SUPABASE_PROJECT_ID": "it names a project other than the linked one",
    "SUPABASE_WORKDIR": "it makes the CLI work in another directory",
    "SUPABASE_PROFILE": "it sends the CLI to a service other than supabase.com",
    "SUPABASE_CLI_BINARY_OVERRIDE": "it replaces the CLI with another program",
    **dict.fromkeys(
        ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE", "PGSERVICEFILE"), _ENDPOINT
    ),
    "PGOPTIONS": "it changes settings of every database session, such as lock_timeout",
    **dict.fromkeys(_AGENTS.split(), _AGENT),
    **dict.fromkeys(_LOADERS.split(), _CODE),
    **dict.fromkeys(_GIT_SETTINGS.split(), _GIT),
    **dict.fromkeys((each for name in _NPM_SETTINGS.split() for each in (name, name.upper())), _NPM),
    "DOCKER_HOST": "it sends the local stack's commands to another machine",
}

REMOVED: frozenset[str] = frozenset(_WHY)
"""Variables that would change what a command does. Commands don't inherit them, and a note names those that are set."""

_INHERITED = """
HOME USER LOGNAME TERM COLORTERM NO_COLOR FORCE_COLOR LANG LANGUAGE TZ TMPDIR SSH_AUTH_SOCK GPG_TTY
DBUS_SESSION_BUS_ADDRESS SSL_CERT_FILE SSL_CERT_DIR NODE_EXTRA_CA_CERTS CURL_CA_BUNDLE HTTP_PROXY HTTPS_PROXY
ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy DO_NOT_TRACK SUPABASE_TELEMETRY_DISABLED
SUPABASE_NO_UPDATE_NOTIFIER RUNBOOK_BOOK
"""
_INHERITED_PREFIXES = ("LC_", "XDG_")
"""Variables that commands inherit: the person, their terminal and language, the network, the keyring."""
_LOGIN = ("SUPABASE_ACCESS_TOKEN", "SUPABASE_DB_PASSWORD", "SUPABASE_HOME")
"""Variables that only the Supabase CLI inherits."""
_FOR_EDITORS = """
SHELL EDITOR VISUAL DISPLAY WAYLAND_DISPLAY XAUTHORITY TERM_PROGRAM TMUX VSCODE_IPC_HOOK_CLI WSL_INTEROP
WSL_DISTRO_NAME
"""
"""More variables that the operator's editor inherits: they lead to its window or its server."""

_SETTING = re.compile(
    r"^[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*[=:][ \t]*(?P<value>.*?)[ \t]*$", re.MULTILINE
)


def find_traps(environ: Mapping[str, str], dotenvs: Mapping[str, str], *, linked: str = "") -> tuple[Trap, ...]:
    """Return the traps of an environment and of `.env` files (text by path), those that refuse first.

    The CLI reads the files by itself, so nothing can keep a line in them from it: with CLI 2, `SUPABASE_YES=true` in
    `supabase/.env` silently confirms everything. A `SUPABASE_PROJECT_ID` that names the `linked` project does no harm.
    """
    found = []
    for path, text in dotenvs.items():
        for setting in _SETTING.finditer(text):
            name, value = setting["name"], setting["value"].strip("\"'")
            if value and name in _FILE_TRAPS and not (name == "SUPABASE_PROJECT_ID" and value == linked):
                found.append(Trap(name=name, where=path, why=_WHY[name], remedy=Remedy.REFUSE))
    for name, why in _WHY.items():
        is_harmless = name == "SUPABASE_PROJECT_ID" and environ.get(name) == linked
        if environ.get(name) and not is_harmless and not _is_inherited(name, environ[name]):
            found.append(Trap(name=name, where="the environment", why=why, remedy=Remedy.REMOVE))
    return tuple(found)


def child_environment(own: Mapping[str, str], given: Mapping[str, str], *, is_cli: bool = False) -> dict[str, str]:
    """Return the environment for a command: the variables it needs from this process's own, then those given.

    Only the Supabase CLI (`is_cli`) gets its login. This Python's directory is first on PATH, so that `runbook`
    comes from this installation.
    """
    login = _LOGIN if is_cli else ()
    kept = {name: value for name, value in own.items() if name in login or _is_inherited(name, value)}
    path = safe_path(given.get("PATH", own.get("PATH", "")))
    return {"TERM": "xterm-256color", **kept, **given, "PATH": path}


def editor_environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for the operator's editor: a command's, plus the variables that lead to its window."""
    return child_environment(own, {name: own[name] for name in _FOR_EDITORS.split() if name in own})


def safe_path(path: str) -> str:
    """Return a safe PATH: this Python's directory, then the absolute entries that not every user can write to."""
    kept = [part for part in path.split(os.pathsep) if _is_safe_place(part)]
    return os.pathsep.join(dict.fromkeys([str(Path(sys.executable).parent), *kept]))


def left_out_of_path(path: str) -> list[str]:
    """Return the existing directories of a PATH that `safe_path` leaves out."""
    parts = dict.fromkeys(path.split(os.pathsep))
    return [part or "(the current directory)" for part in parts if not _is_safe_place(part) and Path(part).is_dir()]


def _is_safe_place(part: str) -> bool:
    try:
        return part.startswith("/") and not Path(part).stat().st_mode & stat.S_IWOTH
    except OSError:
        return False


def _is_inherited(name: str, value: str) -> bool:
    # Colima and Podman set a socket on this machine; any other address may belong to another machine.
    if name == "DOCKER_HOST":
        return value.startswith("unix://")
    return name in _INHERITED.split() or name.startswith(_INHERITED_PREFIXES)


def settled_environment(directory: str) -> dict[str, str]:
    """Return variables that keep the CLI from reading its settings elsewhere: a `.env` file doesn't override them.

    CLI 2.122 and 3.1 read `.env` and `supabase/.env` by themselves. If the environment sets an answer, a directory and
    a profile, they ignore the ones in such a file, and the profile that `~/.supabase/profile` names.
    """
    return {"SUPABASE_YES": "false", "SUPABASE_WORKDIR": directory, "SUPABASE_PROFILE": "supabase"}


def isolated_environment(home: Path, *, proxy: str) -> Mapping[str, str]:
    """Return an environment that inherits nothing and can only reach loopback: for throwaway homes.

    `proxy` is the URL that gets every request to another host. Raises MissingPartError without Node.js.
    """
    system = [str(Path(sys.executable).absolute().parent), "/usr/local/bin", "/usr/bin", "/bin"]
    # Node.js, the programs beside this Python and the system's own, but nothing else that a person installed.
    places = dict.fromkeys([str(node_directory()), *system])
    return {
        "HOME": str(home),
        **{f"XDG_{name}_HOME": str(home / f".{name.lower()}") for name in ("CACHE", "CONFIG", "DATA", "STATE")},
        "PATH": os.pathsep.join(places),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        # Programs differ in which spelling they read; curl only takes lowercase `http_proxy`.
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost,::1"),
        "npm_config_offline": "true",
        "npm_config_update_notifier": "false",
        "npm_config_cache": str(home / ".npm"),
        "DOCKER_HOST": "tcp://127.0.0.1:9",  # closed everywhere: the same with and without Docker
        "DO_NOT_TRACK": "1",
        "SUPABASE_TELEMETRY_DISABLED": "1",
        "SUPABASE_NO_UPDATE_NOTIFIER": "1",  # otherwise every call looks for the newest release
        # The CLI's JavaScript engine compiles and collects garbage as if for minutes of work, which costs a call of a
        # second a third of its processor time. Without that, the largest call of a drill takes 182 MB instead of 152.
        "BUN_JSC_useDFGJIT": "0",
        "BUN_JSC_useGC": "0",
    }
