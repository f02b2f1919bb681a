"""What a run records of its target before the first write and after the last one, with the real CLI and PostgreSQL."""

from __future__ import annotations

import pytest

from runbook.checks import open_book
from runbook.drill.auto_operator import AutoOperator, answer_cli
from runbook.drill.stage import DrillReport, choose_drill, run_drill, set_stage
from runbook.engine.snapshots import differences
from runbook.engine.state import RunState, fold
from runbook.journal.events import Snapshot, SnapshotStarted, SnapshotTaken, StepStarted
from runbook.policy.redaction import Redactor
from runbook.runtime.executor import FALLBACK_SIZE, PtyExecutor, SystemClock


def walk(monkeypatch: pytest.MonkeyPatch, procedure: str, scenario: str, major: int) -> tuple[DrillReport, RunState]:
    """Walk a drill as a person does; return its report and the run's last state."""
    monkeypatch.setattr("runbook.drill.stage.AutoOperator", type("Nobody", (), {}))
    book = open_book()
    chosen = book.procedure(procedure)
    drill = choose_drill(chosen, scenario)
    with set_stage(book, chosen, drill, major=major) as stage:
        report = run_drill(
            stage,
            operator=AutoOperator(drill.answers, drill.reactions, say=lambda _text: None),
            executor=PtyExecutor(Redactor, lambda _text: None, lambda: FALLBACK_SIZE, answerer=answer_cli),
            clock=SystemClock(),
            person="ada",
        )
    return report, fold(report.events)


@pytest.mark.parametrize("major", [3, 2])
def test_a_push_shows_the_new_migration_and_is_recorded_around_the_write(
    monkeypatch: pytest.MonkeyPatch, major: int
) -> None:
    """The reading commands are recorded before they run; the first snapshot is complete before the write begins."""
    report, state = walk(monkeypatch, "push-migration", "one-file", major)
    assert report.passed, report
    before = state.snapshots[Snapshot.BEFORE].found
    changed = {one.title: (one.gone, one.new, one.problem) for one in differences(state)}
    assert changed["Applied migrations"] == ((), ("20260110000000 add_priority",), "")
    assert changed["Sessions that wait for a lock"] == ((), (), "")
    assert changed["Rows of each table"][2] == ""
    assert any(line.startswith("public.") for line in before["Rows of each table"].split("\n"))
    kinds = [
        event
        for event in report.events
        if isinstance(event, SnapshotStarted | SnapshotTaken)
        or (isinstance(event, StepStarted) and event.effect != "reads")
    ]
    assert [type(event).__name__ for event in kinds] == [
        *("SnapshotStarted", "SnapshotTaken", "StepStarted", "SnapshotStarted", "SnapshotTaken")
    ]
    assert "Versions of the edge functions" not in before, "a push doesn't touch the functions"


@pytest.mark.parametrize("major", [3, 2])
def test_a_deploy_shows_the_new_version(monkeypatch: pytest.MonkeyPatch, major: int) -> None:
    """Nothing else of the project is different, and the database isn't asked."""
    scenario = open_book().procedure("deploy-edge-function").drills[0].name
    report, state = walk(monkeypatch, "deploy-edge-function", scenario, major)
    assert report.passed, report
    (functions,) = differences(state)
    assert functions.title == "Versions of the edge functions"
    assert functions.problem == ""
    assert len(functions.new) == 1
    assert "version" in functions.new[0]
    assert "status ACTIVE" in functions.new[0]
