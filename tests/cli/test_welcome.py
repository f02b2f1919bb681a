"""`runbook` without a verb: what to do now."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.books import procedure_text, write_book
from support.walks import FakeOperator, Walked, book, procedure, step

from runbook.cli import main
from runbook.engine.ports import Stop
from runbook.journal.sqlite import SqliteJournal


def said(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """Return what a command line prints."""
    assert main(words) == 0
    return capsys.readouterr().out.splitlines()


def test_no_verb_says_what_to_do_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The emergency comes first, then a run to resume, then the rest. All of it fits the smallest screen."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    lines = said(capsys)
    assert lines[:2] == ["In an emergency:", "  runbook run emergency-rollback"]
    assert not any("resume" in line for line in lines)

    journal = SqliteJournal(tmp_path / "runbook")
    stopped = Walked(book(procedure(step("look", "look"))), tmp_path, FakeOperator([Stop("lunch")]), journal=journal)
    stopped.begin()
    lines = said(capsys)
    at = lines.index("A run is not finished (lunch):")
    assert lines[at + 1] == f"  runbook resume {stopped.run}"
    assert (at < lines.index("Otherwise:"), len(lines) < 20, max(map(len, lines)) <= 60) == (True, True, True)


def test_a_book_without_an_emergency_names_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It's named neither here nor in the help. Both are shown even if the book can't be read."""
    own = write_book(tmp_path / "book", {"fix-it": procedure_text("- {id: look, title: Look, tick: Look at it}\n")})
    for chosen in (own, tmp_path / "nothing"):
        assert not any("runbook run" in line for line in said(capsys, "--book", str(chosen)))
    assert "In an emergency: runbook run emergency-rollback" in "\n".join(said(capsys, "--help"))
