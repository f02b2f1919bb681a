"""The wheel in an empty environment outside of a checkout: it has all that drills need, except Node.js and tools."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest
from support.terminals import ROOT

TOOLS = os.environ.get("RUNBOOK_TOOLS") or str(ROOT / "node_modules")
PARTS = ("runbook", "pyproject.toml", "setup.py", "README.md", "LICENSE")
"""What the package is built from."""


def build(directory: Path, **variables: str) -> Path:
    """Build the wheel from a copy, with what is installed here and without a network."""
    source = directory / "source"
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            source.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    words = ["wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "-w", str(directory), str(source)]
    pip(words, directory, **variables)
    (wheel,) = directory.glob("*.whl")
    return wheel


def pip(words: Sequence[str], directory: Path, **variables: str) -> None:
    """Run pip, without what this process knows of this checkout: it would count as installed."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("RUNBOOK_", "PYTHONPATH"))}
    command = [sys.executable, "-m", "pip", *words]
    subprocess.run(command, cwd=directory, env={**plain, **variables}, check=True, timeout=300)


def metadata(wheel: Path) -> Message:
    """Return what a package index shows."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_string(archive.read(name).decode())


@dataclass(frozen=True)
class Installed:
    """The wheel in an environment of its own, a home and a directory to work in."""

    wheel: Path
    environment: Path
    home: Path
    work: Path

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `runbook` there, with nothing of this process's environment but PATH."""
        return subprocess.run(
            [self.environment / "bin" / "runbook", *words],
            cwd=self.work,
            env={**self._settings(), **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def _settings(self) -> Mapping[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8", "COLUMNS": "200"}

    @property
    def packages(self) -> Path:
        """The directory of the installed package's files."""
        (found,) = self.environment.glob("lib/python*/site-packages")
        return found


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Install the wheel. What it depends on comes from the environment of these tests."""
    root = tmp_path_factory.mktemp("installed")
    wheel = build(root)
    environment = root / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True, timeout=120)
    words = ["--python", str(environment / "bin" / "python"), "install", "--quiet", "--no-deps", "--no-index"]
    pip([*words, str(wheel)], root)
    for name in ("home", "work"):
        (root / name).mkdir()
    found = Installed(wheel, environment, root / "home", root / "work")
    # A line of a .pth file adds a directory, and doesn't read the .pth files in it: this checkout stays out.
    (found.packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    # Commands find it beside their Python.
    squawk = Path(sys.executable).with_name("squawk")
    (environment / "bin" / "squawk").symlink_to(squawk)
    return found


def test_it_is_the_installed_package_that_runs(installed: Installed) -> None:
    """Otherwise the other tests here would prove nothing."""
    found = installed.run("doctor", "--format", "json")
    book = next(one for one in json.loads(found.stdout) if one["name"] == "book")
    assert str(installed.packages) in book["text"]


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


def test_setup_checks_what_is_there(installed: Installed) -> None:
    """What is pinned travels in the package."""
    without = installed.run("setup", "--check")
    assert (without.returncode, without.stdout) == (1, "")
    assert "runbook setup" in without.stderr
    done = installed.run("setup", "--check", RUNBOOK_TOOLS=TOOLS)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 3


def test_a_procedure_is_drilled(installed: Installed) -> None:
    """From the first command to the proofs, with the real CLI and a real PostgreSQL."""
    done = installed.run("drill", "emergency-rollback", "--scenario", "broken-function", "--auto", RUNBOOK_TOOLS=TOOLS)
    assert "Drill passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


def test_new_and_schema_leave_the_installation_alone(installed: Installed) -> None:
    """It isn't the place for a team's procedures."""
    before = sorted(installed.packages.rglob("*.yaml"))
    for words in (("new", "procedure", "rotate-keys"), ("schema", "--write")):
        done = installed.run(*words)
        assert (done.returncode, "runbook init" in done.stderr) == (2, True), done.stderr
    assert sorted(installed.packages.rglob("*.yaml")) == before


# --- what a package index shows ---------------------------------------------------------------------------------------


def test_the_description_has_no_link_that_an_index_cannot_follow(installed: Installed) -> None:
    """The project has no address yet, so its files have none."""
    shown = metadata(installed.wheel)
    text = str(shown.get_payload())

    assert re.findall(r"\]\((?!https?://)[^)]*\)", text) == []
    assert "guide to the terminal" in text
    assert shown.get_all("Project-URL") is None
    assert shown["Author"] == "The runbook maintainers"
    assert shown["Description-Content-Type"] == "text/markdown"


def test_a_release_names_its_address_in_the_variables_of_the_site(tmp_path: Path) -> None:
    """Then links and pictures lead there, to files that exist."""
    edit = "https://git.example.com/team/runbook/edit/main/docs/"
    shown = metadata(build(tmp_path, RUNBOOK_EDIT_URI=edit, RUNBOOK_SITE_URL="https://docs.example.com/"))
    text = str(shown.get_payload())

    named = dict(str(each).split(", ") for each in shown.get_all("Project-URL") or ())
    assert {*named} == {"Documentation", "Source", "Issues", "Changelog"}
    assert named["Source"] == "https://git.example.com/team/runbook"
    files = re.findall(r"\]\(https://git\.example\.com/team/runbook/(?:blob|raw)/main/([^)]+)\)", text)
    assert len(files) > 4
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_every_python_that_the_package_promises_is_named() -> None:
    """From the oldest one to the newest one that the locks are checked for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [one.rpartition(" ")[2] for one in project["classifiers"] if ":: Python :: 3." in one]
    assert named == [f"3.{minor}" for minor in range(11, 15)]
