"""The wheel in an empty environment outside of a checkout, and what a package index shows of it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from support.terminals import ROOT
from support.wheels import TOOLS, Installed, build, install, metadata


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Install the wheel."""
    return install(tmp_path_factory.mktemp("installed"))


def test_it_is_the_installed_package_that_runs(installed: Installed) -> None:
    """Otherwise the other tests here would prove nothing."""
    found = installed.run("doctor", "--format", "json")
    book = next(one for one in json.loads(found.stdout) if one["name"] == "book")
    assert str(installed.packages) in book["text"]


def test_setup_checks_what_is_there(installed: Installed) -> None:
    """What is pinned travels in the package."""
    without = installed.run("setup", "--check")
    assert (without.returncode, without.stdout) == (1, "")
    assert "runbook setup" in without.stderr
    done = installed.run("setup", "--check", RUNBOOK_TOOLS=TOOLS)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 3


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
    assert [file for file in files if not (ROOT / file.partition("#")[0]).exists()] == []


def test_every_python_that_the_package_promises_is_named() -> None:
    """From the oldest one to the newest one that the locks are checked for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [one.rpartition(" ")[2] for one in project["classifiers"] if ":: Python :: 3." in one]
    assert named == [f"3.{minor}" for minor in range(11, 15)]
