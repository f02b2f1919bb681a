"""The user's directories: the XDG variables, their defaults."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.errors import RunbookError
from runbook.user_directories import cache_directory, data_directory, state_directory

HOME = Path("/home/ada")
linux = pytest.mark.parametrize(
    ("variable", "directory", "usual"),
    [
        ("XDG_STATE_HOME", state_directory, ".local/state"),
        ("XDG_CACHE_HOME", cache_directory, ".cache"),
        ("XDG_DATA_HOME", data_directory, ".local/share"),
    ],
)


@linux
def test_on_linux_the_xdg_defaults_hold(
    variable: str, directory: Callable[[], Path], usual: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the variable, or with a relative path in it, the default stands; an absolute path is used."""
    monkeypatch.setenv("HOME", str(HOME))
    monkeypatch.delenv(variable, raising=False)
    assert directory() == HOME / usual / "runbook"
    for ignored in ("", "relative", "./here", "~/there"):
        monkeypatch.setenv(variable, ignored)
        assert directory() == HOME / usual / "runbook"
    monkeypatch.setenv(variable, "/elsewhere")
    assert directory() == Path("/elsewhere/runbook")


TEXTS = st.none() | st.sampled_from(["", ".", "a/b", "~", "~/x", "/", "/a", "/a/../b", "/a b", "//a", " /a"])


@given(home=TEXTS, given_place=TEXTS)
def test_the_short_cut_agrees_with_platformdirs(home: str | None, given_place: str | None) -> None:
    """Cache and state are where platformdirs puts them, whatever HOME and the XDG variables hold."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("HOME", home), ("XDG_CACHE_HOME", given_place), ("XDG_STATE_HOME", given_place)):
            patch.delenv(name, raising=False) if value is None else patch.setenv(name, value)
        expected = platformdirs.PlatformDirs("runbook")

        assert cache_directory() == expected.user_cache_path
        assert state_directory() == expected.user_state_path


@linux
def test_a_user_without_a_home_is_told_what_to_set(
    variable: str, directory: Callable[[], Path], usual: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No HOME and no entry among the users, as in a container with a foreign user id: a sentence, not a traceback."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)

    with pytest.raises(RunbookError, match="no home directory") as caught:
        directory()
    assert variable in caught.value.hint
