"""The environment that commands get: this process's own, without what would make them do something else."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from runbook.runtime.environment_hazards import REMOVED

__all__ = ["child_environment"]


def child_environment(own: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a command: this process's own without traps, then what is given.

    This Python's directory comes first on PATH, so that `squawk` and `runbook` are those of this installation.
    """
    kept = {name: value for name, value in own.items() if name not in REMOVED and name not in {"COLUMNS", "LINES"}}
    whole = {"TERM": "xterm-256color", **kept, **given}
    whole["PATH"] = os.pathsep.join(part for part in (str(Path(sys.executable).parent), whole.get("PATH")) if part)
    return whole
