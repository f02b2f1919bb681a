"""Check what the quick verbs import to answer for the first time; `test_quick_answers.py` is about later answers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    *(
        "asyncio",
        "difflib",
        "http.client",
        "jinja2",
        "pickle",
        "platformdirs",
        "rich",
        "sqlite3",
        "subprocess",
        "tempfile",
        "tomllib",
    ),
    *("unittest", "yaml", "runbook.checks", "runbook.engine", "runbook.journal", "runbook.site", "runbook.terminal"),
    *("runbook.loading.reader", "runbook.loading.scalars", "runbook.loading.structure", "runbook.loading.yaml_nodes"),
)
"""Modules that are slow to import, or that only a file that is read for the first time needs."""


def imported(cache: Path, *words: str) -> set[str]:
    """Return the names of all modules that are loaded after a command whose files were read before."""
    code = "import sys; from runbook.cli import main; main(sys.argv[1:]); print(*sys.modules)"
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    for _ in range(2):
        ran = subprocess.run(
            [sys.executable, "-c", code, *words], env=environment, capture_output=True, text=True, check=True
        )
    return set(ran.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "words", [("list",), ("show", "emergency-rollback"), ("find", "rows", "missing")], ids=" ".join
)
def test_a_quick_verb_imports_nothing_heavy(words: tuple[str, ...], tmp_path: Path) -> None:
    """The first command in an emergency must answer at once."""
    assert not imported(tmp_path, *words) & set(HEAVY)


def test_the_list_imports_no_model(tmp_path: Path) -> None:
    """It shows the heads of procedures, which need no tables."""
    own = {name for name in imported(tmp_path, "list") if name.startswith("runbook.")}
    assert own <= {
        *("runbook.cli", "runbook.cli.contents", "runbook.cli.error_handler", "runbook.cli.group", "runbook.cli.list"),
        *("runbook.cli.platform_check", "runbook.cli.verbs"),
        *("runbook.cache", "runbook.errors", "runbook.extras", "runbook.printable", "runbook.secret_file"),
        *("runbook.loading", "runbook.loading.book_search", "runbook.loading.place", "runbook.posix"),
        "runbook.quick_answers",
        *("runbook.streams", "runbook.user_directories"),
    }


def test_finding_imports_no_model(tmp_path: Path) -> None:
    """The index comes from the cache, so not even the book's model is loaded."""
    own = {name.split(".")[1] for name in imported(tmp_path, "find", "57014") if name.startswith("runbook.")}
    assert own == {
        *("cache", "cli", "errors", "extras", "linear_regex", "loading", "posix", "printable", "search", "secret_file"),
        "streams",
        "user_directories",
    }


def test_showing_imports_what_shows_and_no_more(tmp_path: Path) -> None:
    """Steps and policy are loaded, but not what runs them."""
    own = {
        name.split(".")[1] for name in imported(tmp_path, "show", "emergency-rollback") if name.startswith("runbook.")
    }
    assert own == {
        *("cache", "cli", "definitions", "errors", "expansion", "extras", "filling", "linear_regex", "loading"),
        *(
            "markup",
            "model",
            "policy",
            "printable",
            "posix",
            "quick_answers",
            "rendering",
            "runtime",
            "secret_file",
            "steps",
            "streams",
            "user_directories",
        ),
    }


def test_the_journal_is_found_without_the_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A team's file alone names it: a mistake in another file hides no run, and no procedure is read for it."""
    book = tmp_path / "team-runbook"
    (book / "procedures").mkdir(parents=True)
    team = "name: Ledger\nprojects: {production: {ref: abcdefghijklmnopqrst}}\n"
    (book / "team.yaml").write_text(team, encoding="utf-8")
    (book / "procedures/broken.yaml").write_text("title: [", encoding="utf-8")
    monkeypatch.setenv("RUNBOOK_BOOK", str(book))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    names = imported(tmp_path, "history")
    assert "runbook.journal.sqlite" in names
    assert "runbook.loading.book" not in names
