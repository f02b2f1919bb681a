"""The wheel alone builds the site: in an environment that has no checkout, in a directory that has nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from sysconfig import get_path

import pytest
from support.projects import FOREIGN_NAV, write_project
from support.sites import ROOT, pages_of
from support.wheels import build


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the checkout, without asking a registry."""
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment that finds what it depends on where the tests find it."""
    place = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True, timeout=120)
    packages = next(place.glob("lib/python*/site-packages"))
    zipfile.ZipFile(wheel).extractall(packages)
    # A path of a path file is searched, but its own path files aren't read: this checkout isn't found there.
    (packages / "dependencies.pth").write_text(f"{get_path('purelib')}\n{get_path('platlib')}\n", encoding="utf-8")
    return place / "bin" / "python"


def run(python: Path, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of that environment in a directory."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(python), *arguments],
        cwd=directory,
        env={**kept, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_the_wheel_builds_the_site_of_a_project_far_from_the_checkout(python: Path, tmp_path: Path, site: Path) -> None:
    """Each page of the runbook's own site is there, with its styles and scripts, results of drills and recordings."""
    write_project(tmp_path, "search", "runbook", more=f"use_directory_urls: false\n{FOREIGN_NAV}")
    place = run(python, tmp_path, "-c", "import runbook; print(runbook.__file__)")
    assert str(python.parents[1]) in place.stdout, place.stderr

    built = run(python, tmp_path, "-m", "runbook", "site", "build", "--output", "out")

    assert built.returncode == 0, built.stderr
    below = tmp_path / "out" / "runbook"
    assert pages_of(below) == [name for name in pages_of(site) if name != "404.html"]
    for kind in ("css", "js", "vendor"):
        theirs, ours = ({file.name for file in (each / "assets" / kind).iterdir()} for each in (below, site))
        assert theirs == ours
    assert "Drill passed" in (below / "start" / "recorded-drill.html").read_text(encoding="utf-8")
    assert "PostgreSQL 17" in (below / "procedures" / "emergency-rollback.html").read_text(encoding="utf-8")


def test_the_wheel_has_nothing_for_the_site_but_what_the_checkout_has(wheel: Path) -> None:
    """All data of the site, and no picture of the README."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("runbook/site/")}
    folder = ROOT / "runbook" / "site"
    for part in ("assets", "data", "templates", "theme"):
        wanted = {file.relative_to(ROOT).as_posix() for file in (folder / part).rglob("*") if file.is_file()}
        assert {name for name in names if name.startswith(f"runbook/site/{part}/")} == wanted
    pages = {file.relative_to(ROOT / "docs").as_posix() for file in (ROOT / "docs").rglob("*.md")}
    assert {name for name in names if name.startswith("runbook/site/pages/")} == {
        f"runbook/site/pages/{name}" for name in pages
    }
