"""Drills from the wheel, in an empty environment outside of a checkout."""

from __future__ import annotations

import json

import pytest
from support.wheels import TOOLS, Installed, install


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Install the wheel."""
    return install(tmp_path_factory.mktemp("installed"))


def test_doctor_calls_ok_only_what_is_there(installed: Installed) -> None:
    """Without tools, drills aren't ok, and the fix is a command that exists here."""
    done = installed.run("doctor", "--format", "json")
    found = {one["name"]: one for one in json.loads(done.stdout)}

    assert [found[name]["found"] for name in ("part drill", "drill CLI 3", "drill CLI 2")] == [
        *("good", "optional", "optional"),
    ]
    assert {found[f"drill CLI {major}"]["fix"] for major in (2, 3)} == {"runbook setup"}
    assert "scripts/setup" not in done.stdout
    with_tools = installed.run("doctor", "--format", "json", RUNBOOK_TOOLS=TOOLS)
    found = {one["name"]: one for one in json.loads(with_tools.stdout)}
    assert [found[name]["found"] for name in ("drill CLI 3", "drill CLI 2", "PostgreSQL")] == ["good"] * 3
    assert "RUNBOOK_TOOLS" in found["drill CLI 3"]["text"]


def test_a_procedure_is_drilled(installed: Installed) -> None:
    """From the first command to the proofs, with the real CLI and a real PostgreSQL."""
    done = installed.run("drill", "emergency-rollback", "--scenario", "broken-function", "--auto", RUNBOOK_TOOLS=TOOLS)
    assert "Drill passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0
