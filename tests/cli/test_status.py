"""Which run a bare resume picks, which runs wait, and how wide the lists are."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from support.terminals import terminal
from support.walks import ME, START, FakeOperator, Walked, book, procedure, step

from runbook.cli.run_argument import find_run
from runbook.engine.ports import HandOver, Stop
from runbook.errors import UsageError
from runbook.journal.events import Event, Outcome, Purpose, RunFinished, StepFinished, StepStarted
from runbook.journal.facts import Query
from runbook.journal.interface import Holder, MemoryJournal
from runbook.reports.run_history import stopped

FIX = procedure(step("apply", "change it"), step("more", "change more"))
LONG = "a reason that is as long as people write them when they are called in the middle of the night and have to stop"


@pytest.fixture(autouse=True)
def _last_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a journal in memory say what only a stored one is asked for."""

    def last_events(journal: MemoryJournal, _query: Query) -> list[tuple[str, Event]]:
        return [(run, journal.events(run)[-1]) for run in journal.runs()]

    monkeypatch.setattr(MemoryJournal, "last_events", last_events, raising=False)


@pytest.fixture
def journal(tmp_path: Path) -> MemoryJournal:
    """Return a journal with a run cut off during a write, one handed over, one that is running, and a finished one."""
    walked = Walked(book(FIX), tmp_path)
    for answer in (Stop(LONG), HandOver("two rows", "bo"), Stop("lunch"), None):
        replace(walked, operator=FakeOperator([answer] if answer else [])).begin()
    runs = list(reversed(walked.journal.runs()))
    started = StepStarted(at=START, step="apply", purpose=Purpose.RUN, argv=("change",), effect="writes")
    walked.journal.append(runs[0], started)
    at_work = Holder(run=runs[2], procedure="fix", operator="bo", host="here", pid=ME.pid, since=START, alive=True)
    walked.journal.hold("production:other", at_work)
    assert isinstance(walked.journal, MemoryJournal)
    return walked.journal


def test_a_bare_resume_takes_the_run_that_needs_it(journal: MemoryJournal) -> None:
    """A step that may be half done comes first, then the run that stopped last. A running one is left alone."""
    cut, handed_over, at_work, _ = reversed(journal.runs())
    assert find_run(journal, None, unfinished=True) == cut  # type: ignore[arg-type]
    ended = StepFinished(at=START, step="apply", purpose=Purpose.RUN, outcome=Outcome.FAILED)
    journal.append(cut, ended)
    assert find_run(journal, None, unfinished=True) == handed_over  # type: ignore[arg-type]
    assert find_run(journal, at_work) == at_work  # type: ignore[arg-type]


def test_a_bare_resume_reads_no_run_that_has_finished(journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A team's journal has thousands, and reading all of them would take a minute."""
    finished, *others = journal.runs()
    assert isinstance(journal.events(finished)[-1], RunFinished)
    read, events = list[str](), journal.events
    last = [(run, events(run)[-1]) for run in journal.runs()]

    def read_run(run: str) -> Sequence[Event]:
        read.append(run)
        return events(run)

    monkeypatch.setattr(journal, "last_events", lambda _: last, raising=False)
    monkeypatch.setattr(journal, "events", read_run)
    find_run(journal, None, unfinished=True)  # type: ignore[arg-type]
    assert read == others


def test_only_a_run_at_work_leaves_nothing_to_resume(tmp_path: Path) -> None:
    """The message says how to see that run."""
    walked = Walked(book(FIX), tmp_path, FakeOperator([Stop()]))
    walked.begin()
    holder = Holder(run=walked.run, procedure="fix", operator="bo", host="h", pid=9, since=START, alive=True)
    walked.journal.hold("x", holder)
    with pytest.raises(UsageError, match="every unfinished run is still running") as told:
        find_run(walked.journal, None, unfinished=True)  # type: ignore[arg-type]
    assert "runbook status" in told.value.hint


def test_runs_that_wait_are_listed_newest_first(journal: MemoryJournal) -> None:
    """Finished and running ones aren't listed, and no line is wider than requested."""
    waiting = stopped(journal)
    assert [row.run for row in waiting] == [journal.runs()[2], journal.runs()[3]]
    assert ["handed over" in waiting[0].outcome, "apply is unknown" in waiting[1].outcome] == [True, True]
    lines = [line for row in waiting for line in row.as_text(60).splitlines()]
    assert max(map(len, lines)) <= 60


@pytest.mark.parametrize("words", [("status",), ("run", "x" * 90), ("resume",)])
def test_what_a_narrow_terminal_shows_fits_it(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Errors and their hints fit too, and lines break at spaces."""
    state = {"XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": os.environ.get("PYTHONPATH", ".")}
    child = terminal(sys.executable, "-m", "runbook", *words, environment=state, columns=60, rows=20)
    shown = child.read()
    child.close()
    assert shown.strip()
    whole = [line for line in shown.splitlines() if " " in line.strip()]
    assert max(map(len, whole)) <= 60, shown
