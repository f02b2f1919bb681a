"""Fixtures: a scratch home in which the guard has read its policy, which takes a second."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from guard_support.home import Home

_KEPT = (".cache", ".local/state/runbook/cache.key")
"""What the guard keeps of its policy, and the key of its seal."""


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return a home in which the guard has read its policy."""
    home = Home(tmp_path_factory.mktemp("warm"))
    assert home.guard("--line", "ls").returncode == 0
    return home


@pytest.fixture
def home(warm: Home, tmp_path: Path) -> Home:
    """Return a scratch home, with what the guard keeps of its policy."""
    cache, key = (tmp_path / name for name in _KEPT)
    shutil.copytree(warm.root / _KEPT[0], cache)
    key.parent.mkdir(parents=True, mode=0o700)
    shutil.copy(warm.root / _KEPT[1], key)
    return Home(tmp_path)
