"""Which book a command uses: the one that was named, the team's of this project, or the packaged one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runbook.errors import UsageError
from runbook.loading import place
from runbook.loading.place import PACKAGED_BOOK, book_directory, find_team_book, writable_book


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a git repository with a team's book."""
    monkeypatch.delenv("RUNBOOK_BOOK", raising=False)
    root = tmp_path / "shop"
    (root / ".git").mkdir(parents=True)
    (root / "supabase/migrations").mkdir(parents=True)
    (root / "team-runbook").mkdir()
    (root / "team-runbook/team.yaml").touch()
    return root


@pytest.mark.parametrize("below", [".", "supabase/migrations", "team-runbook"])
def test_the_book_of_a_project_is_found_from_anywhere_in_it(project: Path, below: str) -> None:
    """Nobody has to give a flag, or to be in the right directory in an emergency."""
    assert book_directory(None, project / below) == project / "team-runbook"


def test_the_current_directory_counts_if_no_other_is_given(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for every command at a terminal."""
    monkeypatch.chdir(project / "supabase")
    assert book_directory() == project / "team-runbook"


def test_a_book_that_was_named_comes_first(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flag before the variable, and the variable before the project's."""
    monkeypatch.setenv("RUNBOOK_BOOK", "/from/variable")
    assert book_directory("/from/flag", project) == Path("/from/flag")
    assert book_directory(None, project) == Path("/from/variable")


def test_without_a_book_of_the_project_it_is_the_packaged_one(project: Path) -> None:
    """A folder of that name without `team.yaml` is no book, nor is one above the repository."""
    (project / "nested/.git").mkdir(parents=True)
    assert find_team_book(project / "nested") is None
    (project / "team-runbook/team.yaml").unlink()
    assert book_directory(None, project) == PACKAGED_BOOK


def test_a_workspace_inside_a_repository_has_its_own_book_first(project: Path) -> None:
    """The nearest one counts."""
    inner = project / "apps/db"
    (inner / "team-runbook").mkdir(parents=True)
    (inner / "team-runbook/team.yaml").touch()
    assert find_team_book(inner) == inner / "team-runbook"
    assert find_team_book(project / "apps") == project / "team-runbook"


def test_a_book_that_another_user_put_there_is_ignored(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a shared directory such as /tmp, anybody could."""
    (project / ".git").rmdir()
    real = os.stat
    monkeypatch.setattr(os, "geteuid", lambda: 4242)

    def owned_by(file: object, owner: int) -> os.stat_result:
        seen = real(file)  # type: ignore[arg-type]
        return os.stat_result((*seen[:4], owner, *seen[5:]))

    monkeypatch.setattr(os, "stat", lambda file: owned_by(file, 666 if str(file).endswith("yaml") else 4242))
    assert find_team_book(project) is None
    monkeypatch.setattr(os, "stat", lambda file: owned_by(file, 666))
    assert find_team_book(project) == project / "team-runbook"


def test_nothing_is_written_into_an_installed_package(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next upgrade would remove it. A checkout's own book can be edited."""
    assert writable_book(str(PACKAGED_BOOK)) == PACKAGED_BOOK
    monkeypatch.setattr(place, "PACKAGED_BOOK", project / "site-packages/runbook/book")
    with pytest.raises(UsageError, match="an upgrade would remove it") as caught:
        writable_book(str(project / "site-packages/runbook/book"))
    assert "runbook init" in (caught.value.hint or "")
