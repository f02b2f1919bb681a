"""Each extra is a folder with its tests and its verb: deleting both leaves the rest whole."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from runbook.extras import installed

ROOT = Path(__file__).parents[1]
CORE = (
    *("tests/engine", "tests/loading/test_loading_books.py", "tests/loading/test_loading_templates.py"),
    *("tests/checks/test_checks_sound_books.py", "tests/policy/test_policy.py", "tests/cli/test_help.py"),
    *("-k", "not kill and not invariants and not faults and not cut"),
)
"""What walks, reads, checks and judges a sound book, without what plays thousands of other walks."""
_FOLDERS = (("runbook/", "/"), ("tests/", "/"), ("tests/security/test_", "_"))
"""What comes before and after an extra's name in the paths of its files."""
IMPORT_ALL = """
import importlib, pkgutil, runbook
for found in pkgutil.walk_packages(runbook.__path__, "runbook."):
    importlib.import_module(found.name)
    print(found.name)
"""
IMPORT_TESTS = """
import contextlib, importlib.util, pathlib, pytest, sys
tests = pathlib.Path("tests").resolve()
sys.path.insert(0, str(tests))
files = sorted([*tests.rglob("conftest.py"), *tests.rglob("test_*.py")])
sys.path += [str(folder) for folder in dict.fromkeys(file.parent for file in files)]
for file in files:
    name = f"conftest_of_{file.parent.name}" if file.stem == "conftest" else file.stem
    found = importlib.util.spec_from_file_location(name, file)
    sys.modules[name] = importlib.util.module_from_spec(found)
    with contextlib.suppress(pytest.skip.Exception):  # some tests skip themselves without the extra that they use
        found.loader.exec_module(sys.modules[name])
    print(name)
"""
"""Imports every test as pytest does, without making an item of each of its cases."""
WORKS = (["check"], ["show", "emergency-rollback"], ["list"], ["doctor", "--help"])
RUN = """
import contextlib, io, json, sys
from runbook.cli import main
for words in json.loads(sys.argv[1]):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main(words)
    print(words, code, len(said.getvalue()) > 20)
"""
"""Calls the command line once for each list of words, in one process."""


@pytest.fixture(scope="module", params=[*installed()])
def extra(request: pytest.FixtureRequest) -> str:
    """Name the extra that is deleted."""
    return str(request.param)


@pytest.fixture(scope="module")
def copy(extra: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what belongs to the repository, without that extra and its tests."""
    return _copy_without([extra], tmp_path_factory.mktemp(f"without-{extra}"))


@pytest.fixture(scope="module")
def whole() -> Sequence[str]:
    """List the verbs with all extras."""
    return _verbs(_passes(ROOT, "-m", "runbook", "--help"))


def _copy_without(extras: Sequence[str], root: Path) -> Path:
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    own = tuple(f"{folder}{one}{end}" for one in extras for folder, end in _FOLDERS)
    for name in filter(None, listed.split("\0")):
        if not name.startswith(own) and (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
            if name.endswith(".py"):
                _bring_compiled(ROOT / name, root / name)
    return root


def _bring_compiled(source: Path, copy: Path) -> None:
    """Copy what this Python has compiled of a module. It holds for a copy with the same time and size."""
    compiled = Path(cache_from_source(str(source)))
    if compiled.is_file():
        (copy.parent / "__pycache__").mkdir(exist_ok=True)
        shutil.copy2(compiled, copy.parent / "__pycache__")


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


def test_its_verb_is_gone_and_no_other(copy: Path, extra: str, whole: Sequence[str]) -> None:
    """The help lists the other verbs in their order, and the verb is unknown."""
    assert _verbs(_passes(copy, "-m", "runbook", "--help")) == [verb for verb in whole if verb != extra]
    assert _run(copy, "-m", "runbook", extra, "--help").returncode == 2


def _verbs(page: str) -> Sequence[str]:
    return [line.split()[0] for line in page.partition("Commands:\n")[2].splitlines()]


def test_the_core_works(copy: Path) -> None:
    """A book can still be checked and read."""
    ran = _passes(copy, "-c", RUN, json.dumps(WORKS)).splitlines()

    assert ran == [f"{words} 0 True" for words in WORKS]


def test_the_other_tests_are_found(copy: Path) -> None:
    """No test that stays, and nothing that tests share, imports it."""
    found = _passes(copy, "-c", IMPORT_TESTS).splitlines()

    assert len(found) == len({*found}) > 100


def test_the_tests_of_the_core_pass_without_any_extra(tmp_path: Path) -> None:
    """The walk, the loading, the checks, the policy and the help are what they were."""
    bare = _copy_without([*installed()], tmp_path)
    _passes(bare, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *CORE)
