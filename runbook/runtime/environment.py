"""The environment that commands get: this process's own without its hazards, or an isolated one."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from runbook.runtime.environment_hazards import REMOVED
from runbook.runtime.toolchain import node_directory

__all__ = ["child_environment", "isolated_environment", "programs_directory"]


def child_environment(own: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a command: this process's own without traps, then what is given.

    This Python's directory comes first on PATH, so that `squawk` and `runbook` are those of this installation.
    """
    kept = {name: value for name, value in own.items() if name not in REMOVED and name not in {"COLUMNS", "LINES"}}
    whole = {"TERM": "xterm-256color", **kept, **given}
    whole["PATH"] = os.pathsep.join(part for part in (str(Path(sys.executable).parent), whole.get("PATH")) if part)
    return whole


def isolated_environment(home: Path, *, proxy: str) -> Mapping[str, str]:
    """Return an environment that inherits nothing and can only reach loopback: for throwaway homes.

    `proxy` is the URL where every request to another host ends. Raises MissingPartError without Node.js.
    """
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_STATE_HOME": str(home / ".state"),
        "XDG_DATA_HOME": str(home / ".data"),
        "PATH": os.pathsep.join([str(programs_directory(home)), _path()]),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "HTTP_PROXY": proxy,
        "HTTPS_PROXY": proxy,
        "http_proxy": proxy,
        "https_proxy": proxy,
        "NO_PROXY": "127.0.0.1,localhost,::1",
        "no_proxy": "127.0.0.1,localhost,::1",
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


def _path() -> str:
    """Return a short PATH: Node.js, the programs beside this Python (squawk), the system's own."""
    places = [str(node_directory()), str(Path(sys.executable).absolute().parent), "/usr/local/bin", "/usr/bin", "/bin"]
    return os.pathsep.join(dict.fromkeys(places))
