"""A clock that is set during a run changes no length of time, no order, and no sentence into nonsense."""

from __future__ import annotations

import os
import subprocess
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from support.journals import START, began, holder
from support.screens import plain_text
from support.walks import INTERRUPTED, FakeOperator, Walked, book, confirm, procedure, step, tick

from runbook.engine.ports import Resolve, Screen, Stop, Undecided
from runbook.engine.state import fold
from runbook.journal.events import Outcome, Purpose, RunFinished, StepFinished, StepStarted
from runbook.journal.liveness import birth, is_alive, survivors, this_host
from runbook.journal.sqlite import SqliteJournal
from runbook.reports.json_format import as_json
from runbook.reports.markdown import as_markdown
from runbook.reports.run_history import rows, running
from runbook.reports.run_report import report_of, status_line
from runbook.steps.wait import Wait
from runbook.terminal.error_screens import render_holder

YEARS = timedelta(days=1000)
SETTINGS = {
    "back an hour": timedelta(hours=-1),
    "back for years": -YEARS,
    "forth an hour": timedelta(hours=1),
    "forth for years": YEARS,
}


@dataclass
class SetClock:
    """Tells START and a second more at each look; `set` moves what it tells, and not what it measures."""

    passed: float = 0
    moved: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        """Return the time that the machine tells."""
        self.passed += 1
        return START + timedelta(seconds=self.passed) + self.moved

    def monotonic(self) -> float:
        """Return the time that has really passed."""
        return self.passed

    def wait(self, seconds: float) -> None:
        """Let that time pass."""
        self.passed += seconds


def walk_with(tmp_path: Path, change: timedelta) -> tuple[Walked, SetClock, list[Screen]]:
    """Walk through a wait and a push that breaks off, while the clock is set at each question; return what was seen."""
    clock = SetClock()
    steps = (tick("see"), step("pause", Wait(30, "the lock")), step("push", "change"), tick("tell"))
    operator = FakeOperator()

    def sets_the_clock(screen: Screen) -> object:
        clock.moved += change
        return confirm(screen)

    operator.script = [sets_the_clock] * 4  # type: ignore[list-item]
    walked = Walked(book(procedure(*steps)), tmp_path, operator, journal=SqliteJournal(tmp_path / "state"))
    walked.clock = clock  # type: ignore[assignment]
    walked.begin()
    return walked, clock, operator.screens


@pytest.mark.parametrize("change", SETTINGS.values(), ids=SETTINGS)
def test_no_length_of_time_follows_a_clock_that_is_set(tmp_path: Path, change: timedelta) -> None:
    """On the screens, in the events, in the state, the report, the history and the status: what really passed."""
    walked, clock, screens = walk_with(tmp_path, change)
    events = walked.journal.events(walked.run)
    state = fold(events)

    so_far = [screen.seconds_so_far for screen in screens]
    assert all(0 <= before <= after for before, after in pairwise(so_far))
    assert 30 <= so_far[-1] <= clock.passed
    assert 30 <= state.seconds <= clock.passed
    pause = next(event for event in events if isinstance(event, StepFinished) and event.step == "pause")
    assert 30 <= pause.seconds < 40
    (row,) = rows(walked.journal, 9)
    assert row.seconds == state.seconds
    assert f"| Duration | {round(state.seconds)} s |" in as_markdown(report_of(events))
    assert f'"seconds": {state.seconds}' in as_json(report_of(events))
    later = state.updated + timedelta(seconds=5) if state.updated else START
    assert f"({round(state.seconds + 5)} s)" in status_line(state, None, later)
    assert f"({round(state.seconds)} s)" in status_line(state, None, START - 20 * YEARS)


@pytest.mark.parametrize("change", SETTINGS.values(), ids=SETTINGS)
def test_how_long_ago_an_unknown_step_began_is_not_told_by_a_clock_that_was_set(
    tmp_path: Path, change: timedelta
) -> None:
    """Between the step's start and the question: the seconds that passed, and never a negative number."""
    clock = SetClock()
    journal = SqliteJournal(tmp_path / "state")
    walked = Walked(book(procedure(step("push", "change"))), tmp_path, FakeOperator(), journal=journal)
    walked.clock = clock  # type: ignore[assignment]

    def cut_off(_argv: object) -> object:
        clock.moved += change
        return replace(INTERRUPTED, evidence="ended by SIGINT")

    walked.executor.endings = {"change": cut_off}  # type: ignore[dict-item]
    walked.operator.script = [confirm, Resolve(Undecided.DONE, "seen"), Stop()]
    walked.begin()

    told = next(entry for entry in walked.operator.log if entry[0] == "resolve")[3]
    ago = str(told).rpartition("UTC, ")[2]
    assert 0 <= float(ago.removesuffix(" s ago.")) < 10, told


def test_a_run_that_is_resumed_after_the_clock_was_set_back_takes_no_negative_time(tmp_path: Path) -> None:
    """Between two processes only the machine's clock can tell: what it can't tell counts as nothing."""
    journal = SqliteJournal(tmp_path / "state")
    first = Walked(book(procedure(tick("a"), tick("b"))), tmp_path, FakeOperator([confirm, Stop()]), journal=journal)
    first.clock = SetClock()  # type: ignore[assignment]
    first.begin()
    before = fold(journal.events(first.run)).seconds
    second = first.again()
    second.clock = SetClock(moved=-YEARS)  # type: ignore[assignment]
    second.resume()

    state = fold(journal.events(first.run))
    assert state.ended
    assert before <= state.seconds < before + 20


def test_the_newest_run_is_the_one_that_began_last_whatever_the_clock_said(tmp_path: Path) -> None:
    """A run of a machine whose clock stood in the future doesn't stay the newest for years."""
    with closing(SqliteJournal(tmp_path)) as journal:
        journal.append("future", began("future", START + YEARS))
        journal.append("future", RunFinished(at=START + YEARS))
        journal.append("now", began("now", START))
        assert journal.runs() == ("now", "future")
        assert [row.run for row in rows(journal, 9)] == ["now", "future"]
        assert [row.run for row in rows(journal, 1)] == ["now"]


def test_status_shows_the_step_that_began_last_whatever_the_clock_said(tmp_path: Path) -> None:
    """And its output: not that of a step from before the clock was set back."""
    with closing(SqliteJournal(tmp_path)) as journal:
        journal.append("r", began("r", START + YEARS))
        for name, at in (("first", START + YEARS), ("second", START)):
            journal.append("r", StepStarted(at=at, step=name, purpose=Purpose.RUN, argv=("npx", name)))
            journal.append(
                "r", StepFinished(at=at, step=name, purpose=Purpose.RUN, outcome=Outcome.PASSED, output=name)
            )
        journal.hold("t", holder("r"))
        (shown,) = running(journal, {}, START)

    assert (shown.step, shown.output) == ("second", ("second",))


def test_a_lock_from_the_future_is_not_negative_minutes_old() -> None:
    """The holder's clock, or ours, was set."""
    shown = plain_text(render_holder(holder("r"), START - timedelta(hours=5)))

    assert "for 0 min" in shown


# --- processes that the system hides ------------------------------------------------------------------------------


@pytest.fixture
def hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return the pid of a process of which this one may see nothing, as with `hidepid`."""
    pid = os.getppid()
    real = Path.read_text

    def refusing(self: Path, *given: object, **more: object) -> str:
        if str(self) == f"/proc/{pid}/stat":
            raise PermissionError(13, "Permission denied", str(self))
        return real(self, *given, **more)  # type: ignore[arg-type]

    def kill(other: int, number: int) -> None:
        if other == pid:
            raise PermissionError
        raise AssertionError((other, number))

    monkeypatch.setattr(Path, "read_text", refusing)
    monkeypatch.setattr(os, "kill", kill)
    return pid


def test_a_process_that_the_system_hides_counts_as_alive_in_doubt(hidden: int, tmp_path: Path) -> None:
    """Not as dead: its target is not given away, and its command is not called ended."""
    assert birth(hidden) == ""
    assert is_alive(hidden, "123", this_host()) is None
    assert survivors(hidden, "123", this_host()) is None
    with closing(SqliteJournal(tmp_path)) as journal:
        journal.hold("t", holder("theirs", pid=hidden))
        other = journal.hold("t", holder("ours"))
        assert other is not None
        assert other.alive is None


def test_a_process_that_has_ended_is_still_told_from_a_hidden_one() -> None:
    """By asking the kernel whether there is one."""
    ended = subprocess.Popen(["/bin/true"])
    ended.wait()

    assert is_alive(ended.pid, "123", this_host()) is False
