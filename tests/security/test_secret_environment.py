"""A value that came as RUNBOOK_<NAME> stays with the walk: nothing that it starts inherits it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.terminals import python_program

from runbook.cli.run_options import settings_for
from runbook.drill.isolation import harmless_environment
from runbook.engine.session import Settings
from runbook.journal.sqlite import SqliteJournal
from runbook.model import Book
from runbook.runtime.cli_target import CliTarget
from runbook.runtime.environment import child_environment
from runbook.runtime.executor import FALLBACK_SIZE, PtyExecutor
from runbook.runtime.subprocesses import ask, open_editor
from runbook.policy.redaction import Redactor
from runbook.steps.request import send
from runbook.variables import OWN_VARIABLES, take_values
from support.walks import book

SECRET = "hunter2-zebra"
PRINT = [sys.executable, "-c", "import os; print(sorted(os.environ.items()))"]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Begin a walk as `runbook run` does, with a secret in the environment."""
    monkeypatch.setattr(os, "environ", os.environ.copy())
    os.environ["RUNBOOK_SECRET_VALUE"] = SECRET
    return settings_for(SqliteJournal(tmp_path / "state"), book())
