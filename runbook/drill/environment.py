"""The environment of a drill's commands: its own home, nothing inherited that names a target, no way outside."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

__all__ = ["only_harmless", "write_entrance"]

_HARMLESS = {
    "TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "LANG", "LANGUAGE", "TZ", "EDITOR", "VISUAL",
    "TMPDIR", "USER", "LOGNAME", "SHELL", "PYTHONPATH", "PYTHONWARNINGS", "COVERAGE_PROCESS_START", "TMUX",
}  # fmt: skip
_PREFIXES = ("LC_", "RUNBOOK_", "XDG_", "PYTEST_")


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
