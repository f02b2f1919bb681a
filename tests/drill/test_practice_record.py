"""A drill that a person walked is kept in the team's journal, whatever state that is in."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.journals import START, began

from runbook.drill.practice_record import Practice, keep_practice, runs_of
from runbook.drill.proofs import ProofResult
from runbook.drill.stage import DrillReport
from runbook.errors import ExitCode, UsageError
from runbook.journal.address import parse_address
from runbook.journal.events import DrillEnded, Event, NoteAdded, RunFinished, RunStopped, TargetSeen
from runbook.journal.facts import Query
from runbook.journal.postgres import PostgresJournal
from runbook.journal.sqlite import SqliteJournal

DRILL = TargetSeen("drill", "lost", "3.1.0")


def practice(*events: Event, failed: str = "", trouble: str = "") -> Practice:
    """Return how somebody's drill went."""
    proofs = (ProofResult("Nothing was lost", held=True), ProofResult("It is back", held=not failed, found=failed))
    report = DrillReport(
        procedure="fix",
        drill="lost",
        cli="3.1.0",
        postgres="17.10.0",
        seconds=60,
        code=ExitCode.DONE,
        ends="done",
        trouble=trouble,
        proofs=proofs,
        events=events,
    )
    return Practice(person="ada", at=START + timedelta(minutes=5), report=report, hints=2)


def began_drill(run: str) -> Event:
    """Return the first event of a drill's run."""
    return replace(began(run), target=DRILL)


def test_the_events_come_as_they_happened_and_then_the_result(tmp_path: Path) -> None:
    """Every proof that failed is named, and the sentence names the report."""
    events = (began_drill("d"), NoteAdded(at=START, step="look", note="three"), RunFinished(at=START))
    with closing(SqliteJournal(tmp_path)) as journal:
        said = keep_practice(practice(*events, failed="12 rows"), journal)

        assert said == "In the journal as run d\nReport: runbook report d"
        ended = DrillEnded(
            at=START + timedelta(minutes=5),
            procedure="fix",
            scenario="lost",
            operator="ada",
            passed=False,
            failed=("It is back",),
            hints=2,
            cli="3.1.0",
        )
        assert journal.events("d") == (*events, ended)


def test_a_walk_that_switches_has_a_run_for_each_procedure(tmp_path: Path) -> None:
    """The result is in the first one, which is the procedure that was drilled."""
    first = (began_drill("d"), RunStopped(at=START, reason="switched"))
    second = (began_drill("e"), RunFinished(at=START))
    with closing(SqliteJournal(tmp_path)) as journal:
        keep_practice(practice(*first, *second), journal)

        assert [run for run, _ in runs_of(practice(*first, *second))] == ["d", "e"]
        assert isinstance(journal.events("d")[-1], DrillEnded)
        assert journal.events("e") == second
        assert journal.runs(Query()) == ()


def test_a_drill_in_which_no_run_began_leaves_nothing(tmp_path: Path) -> None:
    """As when somebody leaves at the first screen."""
    journal = SqliteJournal(tmp_path / "state")
    assert keep_practice(practice(trouble="left"), journal).startswith("No run began")
    assert not journal.exists()


def test_a_journal_out_of_reach_gets_the_drill_later(tmp_path: Path) -> None:
    """The sentence says why, and what sends it."""
    address = parse_address(f"postgresql://nobody@/x?host={tmp_path}")
    with closing(PostgresJournal(address, tmp_path / "state")) as journal:
        said = keep_practice(practice(began_drill("d"), RunFinished(at=START)), journal)

        assert "can't be reached" in said
        assert said.startswith("This drill waits on this machine: the shared journal in ")
        assert "runbook readiness" in said
        assert "3 events wait" in journal.waiting


def test_a_journal_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The drill itself ends as it ended."""
    (tmp_path / "journal.sqlite3").mkdir()
    said = keep_practice(practice(began_drill("d"), RunFinished(at=START)), SqliteJournal(tmp_path))
    assert said.startswith("This drill isn't in the journal: ")
    assert "journal.sqlite3" in said


def test_a_wrong_address_shows_before_the_drill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody drills for half an hour to hear of it then."""
    from runbook.drill import console

    monkeypatch.setenv("RUNBOOK_JOURNAL", "mysql://db.example.com/x")
    with pytest.raises(UsageError, match="the journal's address"), console._kept_in_journal(None):
        pytest.fail("the drill began")
