"""A drill doesn't pass on a secret that came as RUNBOOK_<NAME> either."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.terminals import program

from runbook.drill.isolation import harmless_environment
from runbook.runtime.executor import PtyExecutor


def test_a_drills_commands_inherit_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its commands get an environment of its own."""
    monkeypatch.setenv("RUNBOOK_SECRET_VALUE", "hunter2-zebra")
    program(tmp_path, "tell", f"env >> '{tmp_path}/told'")
    with harmless_environment():
        PtyExecutor.here(unattended=True).execute(
            [str(tmp_path / "tell")], environment={}, directory=str(tmp_path), timeout=20, born=lambda *_: None
        )
    told = (tmp_path / "told").read_text(encoding="utf-8")
    assert "PATH=" in told
    assert "hunter2" not in told
