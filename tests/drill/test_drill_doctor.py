"""What drills add to `runbook doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runbook.cli import main


def _found(capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[str, str]]:
    main(["doctor", "--format", "json"])
    return {one["name"]: (one["found"], one["fix"]) for one in json.loads(capsys.readouterr().out)}


def test_doctor_starts_what_drills_need(capsys: pytest.CaptureFixture[str]) -> None:
    """Here all of it is installed: the driver, both CLIs, and a PostgreSQL. Each one answers with its version."""
    found = _found(capsys)

    assert found["part drill"] == ("good", "")
    assert [found[f"drill CLI {major}"] for major in (2, 3)] == [("good", ""), ("good", "")]
    assert found["PostgreSQL"] == ("good", "")


def test_a_cli_that_is_there_but_does_not_start_is_not_called_ok(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A download that was cut off leaves files, too."""
    package = tmp_path / "supabase"
    (package / "dist").mkdir(parents=True)
    (package / "package.json").write_text('{"version": "3.1.0"}')
    (package / "dist" / "supabase.js").write_text("throw new Error('half a file')")
    monkeypatch.setenv("RUNBOOK_TOOLS", str(tmp_path))

    assert main(["doctor", "--format", "json"]) in {0, 1}
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert found["drill CLI 3"]["found"] == "optional"
    assert "half a file" in found["drill CLI 3"]["text"]


def test_doctor_says_how_to_get_a_postgres(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A machine without one can still run procedures."""
    monkeypatch.setenv("RUNBOOK_TOOLS", str(tmp_path))
    monkeypatch.setattr("runbook.drill.machine.system_postgres", lambda: None)

    fix = "scripts/setup tools (or: runbook drill --postgres URL)"
    assert _found(capsys)["PostgreSQL"] == ("optional", fix)
