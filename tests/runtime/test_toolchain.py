"""Where the pinned tools are looked for, and which place counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.tool_registry import Npm, write_tools

from runbook.checks import open_book
from runbook.errors import MissingPartError
from runbook.runtime import toolchain
from runbook.runtime.tool_install import install_tools
from runbook.runtime.toolchain import cli_package, installation_directory, lock_digest, pinned_cli, postgres_package

PINNED = pinned_cli()


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Npm:
    """Return a machine without tools, whose npm is a stand-in."""
    return Npm(tmp_path, monkeypatch)


def _project(root: Path, version: str) -> Path:
    package = root / "project" / "node_modules" / "supabase"
    package.mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"version": version}))
    return root / "project"


def test_what_is_pinned_is_what_the_book_was_proven_with() -> None:
    """A drill on another version would prove nothing about the book's commands."""
    assert {major: one.proven for major, one in open_book(None).policy.majors.items()} == PINNED


def test_without_any_tools_the_command_that_adds_them_is_named(npm: Npm) -> None:
    """It is the one that works outside of a checkout."""
    with pytest.raises(MissingPartError) as caught:
        cli_package(3)
    assert "runbook setup" in caught.value.hint
    assert "scripts/setup" not in caught.value.hint
    assert postgres_package() is None


def test_the_variable_excludes_every_other_place(npm: Npm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names a place means that one: an empty directory isn't filled up from elsewhere."""
    install_tools()
    monkeypatch.chdir(_project(npm.root, PINNED[3]))
    named = npm.root / "named"
    named.mkdir()
    monkeypatch.setenv("RUNBOOK_TOOLS", str(named))

    with pytest.raises(MissingPartError, match="isn't installed") as caught:
        cli_package(3)
    assert "Unset RUNBOOK_TOOLS" in caught.value.hint
    assert postgres_package() is None

    write_tools(named / "more")
    monkeypatch.setenv("RUNBOOK_TOOLS", str(named / "more"))
    assert cli_package(3).origin == "RUNBOOK_TOOLS"


def test_a_checkout_comes_before_the_cache_and_the_cache_before_the_project(
    npm: Npm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each place is used once the ones before it have no tools."""
    checkout = npm.root / "checkout"
    write_tools(checkout / "node_modules")
    install_tools()
    monkeypatch.chdir(_project(npm.root, PINNED[3]))
    monkeypatch.setattr(toolchain, "checkout", lambda: checkout)

    assert cli_package(3).directory == checkout / "node_modules" / "supabase"
    (checkout / "node_modules" / "supabase" / "package.json").unlink()
    assert cli_package(3).origin == "runbook setup"
    (installation_directory() / "installed.json").unlink()
    assert cli_package(3).is_of_project


@pytest.mark.parametrize(("version", "is_used"), [(PINNED[3], True), ("3.99.0", False), (PINNED[2], False)])
def test_the_projects_own_cli_is_used_if_it_is_the_pinned_one(
    version: str, is_used: bool, npm: Npm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found from a directory below, and another version or another major isn't used."""
    below = _project(npm.root, version) / "supabase"
    below.mkdir()
    monkeypatch.chdir(below)

    if is_used:
        assert cli_package(3).is_of_project
    else:
        with pytest.raises(MissingPartError):
            cli_package(3)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda place: (place / "installed.json").unlink(), id="no-stamp"),
        pytest.param(lambda place: (place / "installed.json").write_text("{"), id="half-a-stamp"),
        pytest.param(lambda place: (place / "installed.json").write_text('{"lock": "other"}'), id="of-another-lock"),
        pytest.param(lambda place: place.chmod(0o777), id="others-can-write"),
        pytest.param(lambda place: place.parent.chmod(0o777), id="others-can-replace"),
    ],
)
def test_an_installation_that_is_not_whole_or_not_ours_is_none(
    broken: object, npm: Npm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What runs are its programs, so it must be the locked ones, all of them, and nobody else's."""
    install_tools()
    assert cli_package(3).version == PINNED[3]
    assert callable(broken)
    broken(installation_directory())

    with pytest.raises(MissingPartError):
        cli_package(3)


def test_an_upgrade_that_pins_other_tools_does_not_use_the_old_ones(npm: Npm, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place's name contains the digest of the lock."""
    install_tools()
    old = installation_directory()
    lock_digest.cache_clear()
    other = npm.root / "other-lock.json"
    other.write_text("{}")
    monkeypatch.setattr(toolchain, "LOCK", other)

    assert installation_directory() != old
    with pytest.raises(MissingPartError):
        cli_package(3)
    lock_digest.cache_clear()
