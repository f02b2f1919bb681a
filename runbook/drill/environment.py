"""The environment of a drill's commands: its own home, nothing inherited that names a target, no way outside."""

from __future__ import annotations

import os
import shlex
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from runbook.drill.toolchain import node_directory

__all__ = ["command_environment", "only_harmless", "own_programs", "write_entrance"]

_HARMLESS = {
    "TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "LANG", "LANGUAGE", "TZ", "EDITOR", "VISUAL",
    "TMPDIR", "USER", "LOGNAME", "SHELL", "PYTHONPATH", "PYTHONWARNINGS", "COVERAGE_PROCESS_START", "TMUX",
}  # fmt: skip
_PREFIXES = ("LC_", "RUNBOOK_", "XDG_", "PYTEST_")


def command_environment(home: Path, *, proxy: str) -> Mapping[str, str]:
    """Return what every command of a drill gets. `proxy` is where anything but loopback ends."""
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_STATE_HOME": str(home / ".state"),
        "XDG_DATA_HOME": str(home / ".data"),
        "PATH": os.pathsep.join([str(own_programs(home)), _path()]),
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
        "DOCKER_HOST": "tcp://127.0.0.1:9",  # closed everywhere: a drill is the same with and without Docker
        "DO_NOT_TRACK": "1",
        "SUPABASE_TELEMETRY_DISABLED": "1",
        "SUPABASE_NO_UPDATE_NOTIFIER": "1",  # else every call looks for the newest release
    }


def own_programs(home: Path) -> Path:
    """Return where a sandbox's own programs are: first on its PATH, and empty unless something is put there."""
    return home / "bin"


def write_entrance(file: Path, project: Path, environment: Mapping[str, str]) -> Path:
    """Write a script that runs a command, or a shell, in the project with exactly that environment; return its path."""
    settings = " ".join(shlex.quote(f"{name}={value}") for name, value in environment.items())
    file.write_text(
        f"#!/bin/sh\ncd {shlex.quote(str(project))} || exit\n"
        f'[ $# -gt 0 ] || set -- sh\nexec env -i TERM="$TERM" {settings} "$@"\n',
        encoding="utf-8",
    )
    file.chmod(stat.S_IRWXU)
    return file


@contextmanager
def only_harmless() -> Iterator[None]:
    """Take everything but terminal and language settings out of this process's environment for the block.

    Commands inherit this process's environment, so a `SUPABASE_PROJECT_ID`, a token or a `PGHOST` must not be in it.
    """
    before = dict(os.environ)
    for name in before:
        if name not in _HARMLESS and not name.startswith(_PREFIXES) and name not in {"HOME", "PATH"}:
            del os.environ[name]
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _path() -> str:
    """Return a short PATH: Node.js, the programs beside this Python (squawk), the system's own."""
    places = [str(node_directory()), str(Path(sys.executable).absolute().parent), "/usr/local/bin", "/usr/bin", "/bin"]
    return os.pathsep.join(dict.fromkeys(places))
