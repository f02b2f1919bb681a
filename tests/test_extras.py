"""Each extra is a folder with its tests and its verb: deleting both leaves the rest whole."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from runbook.extras import installed

ROOT = Path(__file__).parents[1]
CORE = (
    *("tests/engine", "tests/loading", "tests/checks", "tests/policy/test_policy.py", "tests/cli/test_help.py"),
    *("-k", "not kill and not invariants and not broken and not hostile"),
)
"""What walks, reads, checks and judges a book, without what plays thousands of other walks and files."""
_FOLDERS = (("runbook/", "/"), ("tests/", "/"), ("tests/security/test_", "_"))
"""What comes before and after an extra's name in the paths of its files."""
IMPORT_ALL = """
import importlib, pkgutil, runbook
for found in pkgutil.walk_packages(runbook.__path__, "runbook."):
    importlib.import_module(found.name)
    print(found.name)
"""


@pytest.fixture(scope="module", params=[*installed()])
def extra(request: pytest.FixtureRequest) -> str:
    """Name the extra that is deleted."""
    return str(request.param)


@pytest.fixture(scope="module")
def copy(extra: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what belongs to the repository, without that extra and its tests."""
    return _copy_without([extra], tmp_path_factory.mktemp(f"without-{extra}"))


def _copy_without(extras: Sequence[str], root: Path) -> Path:
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    own = tuple(f"{folder}{one}{end}" for one in extras for folder, end in _FOLDERS)
    for name in filter(None, listed.split("\0")):
        if not name.startswith(own) and (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    return root


def _run(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python on the copy's package, and not on the one these tests run on."""
    environment = {**os.environ, "PYTHONPATH": str(root), "XDG_CACHE_HOME": str(root / ".cache")}
    for name in [name for name in environment if name.startswith(("PYTEST_", "COV"))]:
        del environment[name]
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=root, env=environment, check=False, capture_output=True, text=True, timeout=900)


def _passes(root: Path, *words: str) -> str:
    done = _run(root, *words)
    assert done.returncode == 0, f"{words}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def test_every_other_module_can_be_imported(copy: Path, extra: str) -> None:
    """No module of the core or of another extra needs it."""
    imported = _passes(copy, "-c", IMPORT_ALL).splitlines()

    assert f"runbook.{extra}" not in imported
    assert {f"runbook.{other}.plug" for other in installed() if other != extra} <= {*imported}


def test_its_verb_is_gone_and_no_other(copy: Path, extra: str) -> None:
    """The help lists the other verbs in their order, and the verb is unknown."""
    whole = _verbs(_passes(ROOT, "-m", "runbook", "--help"))

    assert _verbs(_passes(copy, "-m", "runbook", "--help")) == [verb for verb in whole if verb != extra]
    assert _run(copy, "-m", "runbook", extra, "--help").returncode == 2


def _verbs(page: str) -> Sequence[str]:
    return [line.split()[0] for line in page.partition("Commands:\n")[2].splitlines()]


@pytest.mark.parametrize(
    "words", [("check",), ("show", "emergency-rollback"), ("list",), ("doctor", "--help")], ids=" ".join
)
def test_the_core_works(copy: Path, words: tuple[str, ...]) -> None:
    """A book can still be checked and read."""
    _passes(copy, "-m", "runbook", *words)


def test_the_other_tests_are_found(copy: Path) -> None:
    """No test that stays, and nothing that tests share, imports it."""
    _passes(copy, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")


def test_the_tests_of_the_core_pass_without_any_extra(tmp_path: Path) -> None:
    """The walk, the loading, the checks, the policy and the help are what they were."""
    bare = _copy_without([*installed()], tmp_path)
    _passes(bare, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *CORE)
