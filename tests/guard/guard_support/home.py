"""Provide a scratch home for the guard, with its own settings, cache and log, and the installed `runbook`."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "RUNBOOK", "TOOLS", "Home"]

ROOT = Path(__file__).parents[3]
RUNBOOK = Path(sys.executable).with_name("runbook")
TOOLS = Path(os.environ.get("RUNBOOK_TOOLS") or ROOT / "node_modules")
"""The real Node tools."""

_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH")  # the last one: to test this checkout


@dataclass(frozen=True)
class Home:
    """A directory that is HOME and contains a project to run commands in."""

    root: Path

    @property
    def project(self) -> Path:
        """Return the project's directory. Create it if it doesn't exist."""
        path = self.root / "project"
        path.mkdir(exist_ok=True)
        return path

    @property
    def log(self) -> Path:
        """Return the path of the guard's log."""
        return self.root / ".local/state/runbook/guard.jsonl"

    def environment(self, **more: str) -> dict[str, str]:
        """Return an environment with this home and nothing from the caller."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        quiet = {"SUPABASE_TELEMETRY_DISABLED": "1", "NO_UPDATE_NOTIFIER": "1", "npm_config_update_notifier": "false"}
        return {**kept, **quiet, "HOME": str(self.root), **more}

    def run(self, *argv: str, stdin: bytes = b"", timeout: float = 60, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the project, without a terminal."""
        finished = subprocess.run(
            argv,
            input=stdin,
            capture_output=True,
            cwd=self.project,
            env=self.environment(**more),
            timeout=timeout,
            check=False,
            start_new_session=True,  # no terminal to ask at
        )
        texts = (finished.stdout.decode(errors="replace"), finished.stderr.decode(errors="replace"))
        return subprocess.CompletedProcess(argv, finished.returncode, *texts)

    def guard(self, *words: str, stdin: bytes = b"", **more: str) -> subprocess.CompletedProcess[str]:
        """Run `runbook guard`."""
        return self.run(str(RUNBOOK), "guard", *words, stdin=stdin, timeout=60, **more)
