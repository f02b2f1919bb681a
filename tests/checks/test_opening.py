"""Opening a book for a walk: one that passed isn't checked again, and one that changed is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.books import PROCEDURE, write_book

from runbook.checks import open_book
from runbook.errors import BookError

BROKEN = PROCEDURE.replace("list {{target}}", "list {{target}} {{nowhere}}")
TEAM = "name: Shop\nprojects: {production: {ref: abcdefghijklmnopqrst}}\n"
CHECKED = """
import sys
from runbook.checks import open_book
open_book(sys.argv[1])
print("runbook.checks.book" in sys.modules)
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a cache of its own, and a key for it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "cache/runbook"


def is_checked(book: Path) -> bool:
    """Tell whether a new process that opens the book checks it."""
    ran = subprocess.run([sys.executable, "-c", CHECKED, str(book)], capture_output=True, text=True, check=True)
    return ran.stdout == "True\n"


def test_a_book_that_passed_is_not_checked_again(tmp_path: Path) -> None:
    """Each start of a walk opens the book, and checks take a second. Without the user's key, nothing counts."""
    book = write_book(tmp_path / "book")

    assert [is_checked(book), is_checked(book)] == [True, False]
    (tmp_path / "state/runbook/cache.key").unlink()
    assert is_checked(book)


@pytest.mark.parametrize("change", ["procedures/add-thing.yaml", "policy.yaml"])
def test_a_book_that_changed_is_checked_again(change: str, tmp_path: Path) -> None:
    """Each of its files counts."""
    book = write_book(tmp_path / "book")
    open_book(str(book))
    with (book / change).open("a", encoding="utf-8") as text:
        text.write("# changed\n")

    assert is_checked(book)


def test_a_book_that_passed_and_has_a_mistake_now_is_refused(tmp_path: Path) -> None:
    """A name that nothing gives a value is found at the next start."""
    book = write_book(tmp_path / "book")
    open_book(str(book))
    file = book / "procedures/add-thing.yaml"
    file.write_text(BROKEN, encoding="utf-8")

    with pytest.raises(BookError, match="nowhere"):
        open_book(str(book))


def test_a_book_with_a_problem_is_refused_each_time(tmp_path: Path) -> None:
    """Only that a book passed is kept."""
    book = write_book(tmp_path / "book", {"add-thing": BROKEN})
    for _ in range(2):
        with pytest.raises(BookError, match="nowhere"):
            open_book(str(book))


def test_a_book_that_could_not_be_read_whole_has_not_passed(tmp_path: Path) -> None:
    """Without the team's pins, a packaged procedure can stand in for the team's own, which the checks then miss."""
    team = tmp_path / "team-runbook"
    (team / "changes").mkdir(parents=True)
    (team / "team.yaml").write_text(TEAM, encoding="utf-8")
    pins = team / "changes/pins.json"
    pins.write_text("{", encoding="utf-8")
    with pytest.raises(BookError, match="pins"):
        open_book(str(team))
    pins.unlink()

    assert is_checked(team)
