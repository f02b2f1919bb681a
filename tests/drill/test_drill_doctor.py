"""What drills add to `runbook doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runbook.cli import main


def _found(capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[str, str]]:
    main(["doctor", "--format", "json"])
    return {one["name"]: (one["found"], one["fix"]) for one in json.loads(capsys.readouterr().out)}


def test_doctor_names_what_drills_need(capsys: pytest.CaptureFixture[str]) -> None:
    """Here both are installed: the driver, and a PostgreSQL to start."""
    found = _found(capsys)

    assert found["part drill"] == ("good", "")
    assert found["PostgreSQL"] == ("good", "")


def test_doctor_says_how_to_get_a_postgres(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A machine without one can still run procedures."""
    monkeypatch.setenv("RUNBOOK_TOOLS", str(tmp_path))
    monkeypatch.setattr("runbook.runtime.toolchain.system_postgres", lambda: None)

    assert _found(capsys)["PostgreSQL"] == ("optional", "npm ci, or runbook drill --postgres URL")
