"""What a run records of its target before the first write and after the last one, with the real CLI and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from runbook.drill.auto_operator import AutoOperator, answer_cli
from runbook.drill.stage import DrillReport, run_drill, set_stage
from runbook.engine.snapshots import differences
from runbook.engine.state import RunState, fold
from runbook.journal.events import Snapshot, SnapshotStarted, SnapshotTaken, StepStarted
from runbook.loading import PACKAGED_BOOK, read_book
from runbook.model import Book, Drill, Procedure
from runbook.policy.redaction import Redactor
from runbook.runtime.executor import FALLBACK_SIZE, PtyExecutor, SystemClock


@cache
def packaged() -> Book:
    """Read the packaged book once."""
    return read_book(PACKAGED_BOOK)


STEPS = {"push-migration": ("apply",), "deploy-edge-function": ("see-source", "first-time")}
"""The writes, and what they need. What else the procedures read isn't tested here."""


def prepared(name: str) -> tuple[Book, Procedure, Drill]:
    """Return the book, a procedure with only those steps, and its first drill without the proofs of the others."""
    whole = packaged().procedure(name)
    kept = (replace(step, effect_found=None) for step in whole.steps if step.id in STEPS[name])
    short = replace(whole, steps=tuple(kept))
    book = replace(packaged(), procedures={**packaged().procedures, name: short})
    return book, short, replace(whole.drills[0], prove=())


def walk(monkeypatch: pytest.MonkeyPatch, procedure: str, major: int) -> tuple[DrillReport, RunState]:
    """Walk a drill as a person does; return its report and the run's last state."""
    monkeypatch.setattr("runbook.drill.stage.AutoOperator", type("Nobody", (), {}))
    book, chosen, drill = prepared(procedure)
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
    report, state = walk(monkeypatch, "push-migration", major)
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
    report, state = walk(monkeypatch, "deploy-edge-function", major)
    assert report.passed, report
    (functions,) = differences(state)
    assert functions.title == "Versions of the edge functions"
    assert functions.problem == ""
    assert len(functions.new) == 1
    assert "version" in functions.new[0]
    assert "status ACTIVE" in functions.new[0]
