"""The command that adds a part fits this installation: pipx, uv, uvx, a venv, the system, a checkout."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from runbook import installation
from runbook.installation import checkout, command_that_adds, command_that_adds_tools

ROOT = Path(__file__).parents[1]


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an environment outside of a checkout, installed from a package index."""
    monkeypatch.setattr(installation, "checkout", lambda: None)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setattr("importlib.metadata.distribution", lambda _name: SimpleNamespace(read_text=lambda _file: None))
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\n")
    return tmp_path


def test_a_checkout_is_told_by_its_scripts() -> None:
    """These tests run in one."""
    assert checkout() == ROOT
    assert (command_that_adds("drill"), command_that_adds_tools()) == ("scripts/setup python", "scripts/setup tools")
    assert (ROOT / "scripts" / "setup").is_file()


def test_elsewhere_the_tools_come_from_the_command_itself(prefix: Path) -> None:
    """There are no scripts."""
    assert command_that_adds_tools() == "runbook setup"


def test_a_venv_uses_its_own_pip(prefix: Path) -> None:
    """The pip on PATH may belong to another Python."""
    assert command_that_adds("site") == f"{prefix}/bin/python -m pip install 'migration-runbook[site]'"


def test_pipx_installs_into_its_environment_and_keeps_what_is_there(prefix: Path) -> None:
    """A second `pipx install` would do nothing, and with --force drop other parts."""
    (prefix / "pipx_metadata.json").touch()
    assert command_that_adds("site") == "pipx runpip migration-runbook install 'migration-runbook[site]'"


def test_an_environment_of_uv_has_no_pip(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool's environment stays; one of uvx is made anew for each set of requirements."""
    (prefix / "pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.9.0\n")
    assert command_that_adds("site") == f"uv pip install --python {prefix}/bin/python 'migration-runbook[site]'"

    kept = prefix / "uv" / "archive-v0" / "x"
    kept.mkdir(parents=True)
    (kept / "pyvenv.cfg").write_text("uv = 0.9.0\n")
    monkeypatch.setattr(sys, "prefix", str(kept))
    assert command_that_adds("site") == "uvx --from 'migration-runbook[site]' runbook"


def test_the_systems_own_python_is_left_alone(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian and Homebrew refuse pip there."""
    monkeypatch.setattr(sys, "base_prefix", str(prefix))
    assert command_that_adds("site").startswith("pipx install ")


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ({"url": "file:///tmp/a b.whl", "archive_info": {}}, "migration-runbook[drill] @ file:///tmp/a b.whl"),
        (
            {"url": "https://host/x.git", "vcs_info": {"vcs": "git", "commit_id": "0123"}},
            "migration-runbook[drill] @ git+https://host/x.git@0123",
        ),
        ({"url": 3, "vcs_info": {"vcs": "git"}}, "migration-runbook[drill]"),
        ([], "migration-runbook[drill]"),
    ],
)
def test_what_was_installed_from_a_file_or_a_repository_comes_from_there_again(
    written: object, named: str, prefix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No index may have the package, or it may have another version."""
    found = SimpleNamespace(read_text=lambda _file: json.dumps(written))
    monkeypatch.setattr("importlib.metadata.distribution", lambda _name: found)
    assert shlex.split(command_that_adds("drill"))[-1] == named
