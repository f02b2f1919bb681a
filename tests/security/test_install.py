"""The locked install works on every promised Python, and if it fails, setup names the real cause."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MINIMUM = PROJECT["requires-python"].removeprefix(">=")

LOCKS = {"runbook": ("site", "drill", "check"), "tests": ("site", "drill", "check", "test", "lint")}
PYTHONS = (f"{MINIMUM}.0", f"{MINIMUM}.2", f"{MINIMUM}.4", f"{MINIMUM}.5", "3.12.0", "3.13.0", "3.14.0")
"""The oldest promised Python, Debian 12's, two around a version that packages often name, and the newer ones."""
SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}


# --- The lock is whole ------------------------------------------------------------------------------------------------


def pins_of(lock: str) -> Iterator[tuple[Requirement, int]]:
    """Yield each pin of a lock with the number of its hashes."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line and not line.lstrip().startswith("#"):
            yield Requirement(line.split(" --hash=")[0]), line.count("--hash=sha256:")


def environment(python: str, system: str) -> dict[str, str]:
    """Return the variables of markers on that Python."""
    here = {name: str(value) for name, value in default_environment().items()}
    return here | {
        "python_version": python.rpartition(".")[0],
        "python_full_version": python,
        "implementation_version": python,
        "platform_system": system,
        "sys_platform": SYSTEMS[system],
    }


def holds(requirement: Requirement, seen: dict[str, str], extras: frozenset[str] = frozenset()) -> bool:
    """Return whether a requirement applies in that environment."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**seen, "extra": extra}) for extra in (extras or {""}))


@cache
def installed(name: str) -> Distribution | None:
    """Return the metadata of a package, if it is installed here."""
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def problems(lock: str, python: str, system: str) -> list[str]:
    """Return what the lock lacks on that Python, of all that the project needs, directly or not."""
    seen = environment(python, system)
    pins = {canonicalize_name(pin.name): pin for pin, _ in pins_of(lock) if holds(pin, seen)}
    optional = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *(each for extra in LOCKS[lock] for each in optional[extra])]
    open_ones = [("migration-runbook", Requirement(text), frozenset[str]()) for text in wanted]
    found, done = list[str](), set[tuple[str, str]]()
    while open_ones:
        whose, requirement, extras = open_ones.pop()
        name = canonicalize_name(requirement.name)
        if not holds(requirement, seen, extras) or (whose, str(requirement)) in done:
            continue
        done.add((whose, str(requirement)))
        version = next((each.version for each in pins[name].specifier), "") if name in pins else ""
        if not requirement.specifier.contains(version or "0", prereleases=True) or not version:
            found.append(f"{whose} needs {requirement}, the lock has {version or 'none'}")
            continue
        metadata = installed(name)
        if metadata is None:
            continue
        # The metadata of a version that isn't the locked one says nothing of the locked one.
        if metadata.version == version and python not in SpecifierSet(metadata.metadata["Requires-Python"] or ""):
            found.append(f"{name} {version} needs Python {metadata.metadata['Requires-Python']}")
        inner = (Requirement(text) for text in metadata.requires or ())
        open_ones += [(name, each, frozenset(requirement.extras)) for each in inner]
    return found


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_is_whole_for_every_promised_python(lock: str, python: str, system: str) -> None:
    """It has every package of the tree, in a version that fits all its requirers and runs on that Python."""
    assert problems(lock, python, system) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_by_version_and_hash_and_names_no_host(lock: str) -> None:
    """Setup installs exactly the locked files, whichever registry sends them."""
    pins = list(pins_of(lock))
    assert len(pins) > 30
    assert [str(pin) for pin, hashes in pins if not hashes or not re.fullmatch(r"==[\w.+]+", str(pin.specifier))] == []
    assert "://" not in (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")


def test_the_readme_and_the_classifiers_name_the_oldest_promised_python() -> None:
    """It is the one of `requires-python`."""
    assert f"Python {MINIMUM} or newer" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"Programming Language :: Python :: {MINIMUM}" in PROJECT["classifiers"]


# --- What setup says --------------------------------------------------------------------------------------------------


def checkout_with(directory: Path, lock: str = "") -> Path:
    """Lay out the parts of a checkout that `scripts/setup` needs, with that text as each lock."""
    (directory / "requirements").mkdir(parents=True)
    shutil.copytree(ROOT / "scripts", directory / "scripts")
    shutil.copy(ROOT / "pyproject.toml", directory)
    for name in LOCKS:
        (directory / "requirements" / f"{name}.txt").write_text(lock, encoding="utf-8")
    return directory


def set_up(checkout: Path, *parts: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `scripts/setup` with only the given pip configuration."""
    plain = {name: value for name, value in os.environ.items() if not re.match(r"(?i)pip_|.*_proxy$|virtual_env", name)}
    return subprocess.run(
        ["/usr/bin/env", "bash", str(checkout / "scripts" / "setup"), *parts],
        env={**plain, "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "1", **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout with an empty environment, for installs that fail."""
    place = checkout_with(tmp_path_factory.mktemp("checkout"))
    subprocess.run([sys.executable, "-m", "venv", str(place / ".venv")], check=True, timeout=120)
    return place


class Registry:
    """A package registry in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.address = directory.as_uri()

    def add(self, name: str, version: str, *, python: str = ">=3.11", needs: str = "") -> str:
        """Publish a package and return its pin."""
        page = self.directory / name / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        wheel = page.parent / f"{name}-{version}-py3-none-any.whl"
        info = f"{name}-{version}.dist-info"
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", f"Requires-Python: {python}"]
        lines += [f"Requires-Dist: {needs}"] if needs else []
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"{info}/METADATA", "\n".join(lines) + "\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
        demanded = python.replace(">", "&gt;")
        link = f'<a href="{wheel.name}" data-requires-python="{demanded}">{wheel.name}</a>\n'
        page.write_text((page.read_text(encoding="utf-8") if page.exists() else "") + link, encoding="utf-8")
        return f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return an empty registry."""
    return Registry(tmp_path / "registry")


HERE = ".".join(map(str, sys.version_info[:3]))


def failed(checkout: Path, lock: str, index: str, **more: str) -> str:
    """Install a lock that can't be installed, and return what setup prints."""
    (checkout / "requirements" / "tests.txt").write_text(lock, encoding="utf-8")
    done = set_up(checkout, "tests", PIP_INDEX_URL=index, **more)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "Couldn't install requirements/tests.txt into .venv." in done.stderr
    return done.stderr


def test_a_package_that_needs_a_newer_python_is_named_with_what_it_needs(checkout: Path, registry: Registry) -> None:
    """Setup doesn't blame the network, which was fine."""
    pin = registry.add("thing", "2.0", python=">=3.99,<4")
    registry.add("thing", "1.0")

    said = failed(checkout, pin, registry.address)

    assert f"thing==2.0 in requirements/tests.txt needs Python >=3.99,<4, but this is Python {HERE}" in said
    assert "ERROR: No matching distribution found for thing==2.0" in said
    assert "couldn't reach" not in said


def test_a_package_with_another_hash_is_reported_as_not_the_locked_one(checkout: Path, registry: Registry) -> None:
    """Setup doesn't suggest to retry a package that somebody may have tampered with."""
    pin = registry.add("thing", "1.0")

    said = failed(checkout, re.sub("[0-9a-f]{64}", "0" * 64, pin), registry.address)

    assert "a downloaded package isn't the one that requirements/tests.txt names" in said
    assert "thing" in said
    assert "couldn't reach" not in said


def test_a_package_that_the_lock_lacks_is_reported(checkout: Path, registry: Registry) -> None:
    """Another package requires it on this Python only."""
    pin = registry.add("thing", "1.0", needs="other>=1")
    registry.add("other", "1.0")

    said = failed(checkout, pin, registry.address)

    assert "requirements/tests.txt lacks a package that another one requires on Python" in said
    assert "other" in said
    assert "couldn't reach" not in said


def test_a_version_that_no_registry_has_is_reported(checkout: Path, registry: Registry) -> None:
    """The registry answers, and has only another version."""
    pin = registry.add("thing", "1.0").replace("==1.0", "==1.1")

    said = failed(checkout, pin, registry.address)

    assert "no package registry that pip could reach has thing==1.1 for Python" in said
    assert "couldn't reach" not in said


def test_a_registry_that_cannot_be_reached_is_reported_as_such(checkout: Path, registry: Registry) -> None:
    """It refuses connections."""
    pin = registry.add("thing", "1.0")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: nothing answers

        said = failed(checkout, pin, f"http://127.0.0.1:{taken.getsockname()[1]}/simple")

    assert "pip couldn't reach the package registry" in said


# --- A Python that is too old -----------------------------------------------------------------------------------------


def stand_in(file: Path, version: str) -> Path:
    """Write a program that answers like a Python of that version."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\necho {version}\nexit 1\n", encoding="utf-8")
    file.chmod(0o755)
    return file


def tools_without_python(directory: Path) -> Mapping[str, str]:
    """Return a PATH with the programs that the script calls, and no Python."""
    directory.mkdir()
    for name in ("bash", "dirname", "sed", "cmp", "mktemp", "tail", "rm", "env", "grep", "sort", "uname", "cp", "sh"):
        (directory / name).symlink_to(str(shutil.which(name)))
    return {"PATH": str(directory)}


def test_a_named_python_that_is_too_old_is_refused_with_its_version(tmp_path: Path) -> None:
    """Setup makes no environment."""
    place = checkout_with(tmp_path / "checkout")
    old = stand_in(tmp_path / "old", "3.9.18")

    done = set_up(place, "tests", PYTHON=str(old))

    assert done.returncode == 1
    assert f"PYTHON={old} is Python 3.9.18. You need Python {MINIMUM} or newer." in done.stderr
    assert not (place / ".venv").exists()


def test_a_named_program_that_is_no_python_is_refused(tmp_path: Path) -> None:
    """The path doesn't exist."""
    done = set_up(checkout_with(tmp_path / "checkout"), "tests", PYTHON="/nowhere/python3")

    assert done.returncode == 1
    assert "PYTHON=/nowhere/python3 is not a Python." in done.stderr


def test_an_old_python_on_the_path_is_named_with_its_version(tmp_path: Path) -> None:
    """So the reader sees why setup doesn't use it."""
    path = tools_without_python(tmp_path / "tools")
    stand_in(tmp_path / "tools" / "python3", "3.10.13")

    done = set_up(checkout_with(tmp_path / "checkout"), "tests", **path)

    assert done.returncode == 1
    assert f"No Python {MINIMUM} or newer on PATH. python3 is Python 3.10.13." in done.stderr


def test_an_environment_of_an_old_python_is_refused_with_its_version(tmp_path: Path) -> None:
    """An earlier system may have left one."""
    place = checkout_with(tmp_path / "checkout")
    stand_in(place / ".venv" / "bin" / "python", "3.9.18")

    done = set_up(place, "tests")

    assert done.returncode == 1
    assert ".venv has Python 3.9.18. Remove it and run this again" in done.stderr


def test_an_environment_whose_python_is_gone_is_not_reused(tmp_path: Path) -> None:
    """A system upgrade removes the Python that an environment points to, and leaves the note of what was installed."""
    place = checkout_with(tmp_path / "checkout", "thing==1.0\n")
    (place / ".venv" / "bin").mkdir(parents=True)
    (place / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")
    shutil.copy(place / "requirements" / "tests.txt", place / ".venv" / "installed-tests.txt")

    done = set_up(place, "tests", PYTHON="/nowhere/python3")

    assert done.returncode == 1
    assert "PYTHON=/nowhere/python3 is not a Python." in done.stderr
