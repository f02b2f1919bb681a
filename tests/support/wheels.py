"""Build the wheel and install it into an empty environment, without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email import message_from_string
from email.message import Message
from pathlib import Path

from support.terminals import ROOT

__all__ = ["TOOLS", "Installed", "build", "install", "metadata"]

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


def install(root: Path) -> Installed:
    """Install the wheel. What it depends on comes from the environment of these tests."""
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
    # What else it depends on is a program beside its Python.
    (environment / "bin" / "shfmt").symlink_to(Path(sys.executable).with_name("shfmt"))
    return found
