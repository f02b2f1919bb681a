"""`runbook readiness` and the lists that drills stay out of, from a journal with drills and real runs."""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.books import FIX_HEAD, write_book
from support.journals import began
from support.terminals import terminal

from runbook.cli import main
from runbook.journal.events import DrillEnded, RunFinished, RunStopped, TargetSeen
from runbook.journal.sqlite import SqliteJournal
from runbook.reports.readiness_export import from_json

NOW = datetime.now(UTC)
STEPS = "steps: [{id: look, title: Look, tick: Look at it}]\n"
DRILLS = """\
drills:
  - {name: lost, briefing: Rows are lost., scenario: {}, prove: [{text: It is back, sql: select 1, equals: "1"}]}
  - {name: alone, briefing: x, practice: false, scenario: {}, prove: [{text: It is back, sql: select 1, equals: "1"}]}
"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Return a book with two procedures that a person can drill, and one that nobody can."""
    head = FIX_HEAD + STEPS
    procedures = {"fix": head + DRILLS, "add": head + DRILLS + "drill_every: 5d\n", "read": head}
    return write_book(tmp_path / "book", procedures)


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the state directory of a journal with one real run that stopped, then three drills."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    directory = tmp_path / "state" / "runbook"
    with closing(SqliteJournal(directory)) as opened:
        opened.append("real", began("real"))
        opened.append("real", RunStopped(at=NOW, reason="lunch"))
        for run, procedure, days, operator, passed in (
            ("one", "fix", 30, "ada", True),
            ("two", "add", 5, "ada", True),
            ("three", "fix", 2, "bo", False),
        ):
            at = NOW - timedelta(days=days)
            target = TargetSeen("drill", "lost", "3.1.0")
            how = DrillEnded(at=at, procedure=procedure, scenario="lost", operator=operator, passed=passed)
            begun = replace(began(run, at), target=target, operator=operator, procedure=procedure)
            opened.add(run, (begun, RunStopped(at=at, reason="enough"), how))
    return directory


def said(capsys: pytest.CaptureFixture[str], book: Path, *words: str) -> str:
    """Run a command that ends well; return what it printed."""
    capsys.readouterr()
    assert main(["--book", str(book), *words]) == 0
    return capsys.readouterr().out


@pytest.mark.usefixtures("journal")
def test_a_team_sees_who_drilled_what_and_what_is_due(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A procedure's own time decides when it's due."""
    text = said(capsys, book, "readiness")
    assert "1 due, 1 not due." in text.splitlines()[0]
    assert "  add  due today, after 5 days" in text
    assert "  fix  until" in text
    assert "    bo   FAILED" in text
    assert "runbook drill add --scenario lost" in text
    assert "read" not in text


@pytest.mark.usefixtures("journal")
def test_a_person_sees_what_is_due_for_them(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What they failed last, and what they have never drilled."""
    text = said(capsys, book, "readiness", "--operator", "bo")
    assert text.startswith("Readiness of bo on ")
    assert "  fix  never passed" in text
    assert "ada" not in text
    assert "  runbook drill add --scenario lost" in text


@pytest.mark.usefixtures("journal")
def test_only_what_is_due_can_be_listed(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In every form."""
    assert "fix" not in said(capsys, book, "readiness", "--due")
    listed = json.loads(said(capsys, book, "readiness", "--due", "--format", "json"))
    assert [one["procedure"] for one in listed["procedures"]] == ["add"]
    assert said(capsys, book, "readiness", "--due", "--format", "csv").count("\n") == 2


@pytest.mark.usefixtures("journal")
def test_a_file_gets_the_export_and_is_replaced_by_the_next(
    book: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It reads back as the site reads it; nothing is printed."""
    file = tmp_path / "site" / "readiness.json"
    for _ in range(2):
        assert said(capsys, book, "readiness", "--format", "json", "--output", str(file)) == ""
    assert [one.procedure for one in from_json(file.read_text(encoding="utf-8")).procedures] == ["add", "fix"]

    assert main(["--book", str(book), "readiness", "--output", str(file / "below-a-file")]) == 1
    assert "the readiness can't be written to" in capsys.readouterr().err


@pytest.mark.usefixtures("journal")
def test_a_damaged_drill_is_named(book: Path, journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It doesn't count, and the others do."""
    from support.journal_files import tampered

    with tampered(journal / "journal.sqlite3") as database:
        database.execute(
            "update events set body = replace(body, '\"passed\":true', '\"passed\":null') where run = 'two'"
        )
    text = said(capsys, book, "readiness")
    assert text.splitlines()[0].endswith("1 never drilled, 1 not due.")
    assert "see `runbook verify RUN`\n  two\n" in text


def test_without_a_journal_everything_is_to_be_drilled(
    book: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And reading creates none."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "none"))
    assert "2 never drilled." in said(capsys, book, "readiness").splitlines()[0]
    assert not list(tmp_path.glob("none/**/journal.sqlite3"))


@pytest.mark.usefixtures("journal")
def test_a_terminal_is_not_wider_than_it_is(book: Path, tmp_path: Path) -> None:
    """Nothing is cut at 60 columns."""
    state = {"XDG_STATE_HOME": str(tmp_path / "state"), "PYTHONPATH": os.environ.get("PYTHONPATH", ".")}
    words = ("-m", "runbook", "--book", str(book), "readiness")
    child = terminal(sys.executable, *words, environment=state, columns=60)
    shown = child.read()
    child.close()
    assert "Next: runbook drill add --scenario lost" in shown
    assert max(map(len, shown.splitlines())) <= 60


# --- the other lists ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("journal")
def test_history_lists_drills_only_if_it_is_asked_to(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The other kinds can be asked for, too."""

    def runs(*words: str) -> list[str]:
        return [row["run"] for row in json.loads(said(capsys, book, "history", "--format", "json", *words))]

    assert runs() == ["real"]
    assert runs("--operator", "ada") == ["real"]
    assert runs("--kind", "drill") == ["three", "two", "one"]
    assert runs("--kind", "drill", "--operator", "bo") == ["three"]
    assert runs("--kind", "production") == ["real"]
    assert runs("--kind", "machine") == []
    shown = said(capsys, book, "history", "--kind", "drill")
    assert "three  drill failed\n" in shown
    assert "two  drill passed\n" in shown


def test_a_drill_is_nothing_to_resume(book: Path, journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither listed as stopped nor offered by a bare `runbook`; nobody can hand it over and so add to its end."""
    status = said(capsys, book, "status")
    assert "real" in status
    assert "three" not in status
    with closing(SqliteJournal(journal)) as opened:
        opened.append("real", RunFinished(at=NOW))
    assert "can be resumed" not in said(capsys, book)
    assert "real" not in said(capsys, book, "status")

    assert main(["--book", str(book), "handover", "three", "--to", "cy", "--note", "go on"]) == 2
    assert "run three has finished" in capsys.readouterr().err


@pytest.mark.usefixtures("journal")
def test_a_drill_is_reported_verified_and_exported_as_any_run(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By its name; without one, a report is of the newest real run."""
    report = said(capsys, book, "report", "three")
    assert "| Outcome | drill failed |" in report
    assert "| bo | failed the drill |" in report
    assert "as recorded" in said(capsys, book, "verify", "three")
    assert said(capsys, book, "journal", "export", "three").count("\n") == 4
    assert "sound" in said(capsys, book, "journal", "check")
    assert said(capsys, book, "report").startswith("# Fix it: real")
    read = json.loads(said(capsys, book, "report", "three", "--format", "json"))
    assert read["drill"] == {"scenario": "lost", "passed": False, "failed": [], "trouble": "", "hints": 0}
    assert json.loads(said(capsys, book, "report", "real", "--format", "json"))["drill"] is None


@pytest.mark.usefixtures("journal")
def test_a_drill_that_is_over_is_watched_to_its_end(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It ends there: nothing more happens in it."""
    assert "failed the drill" in said(capsys, book, "watch", "three")
