"""A run that gets SIGTERM or SIGHUP at a prompt records why it stops, and gives its target back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pexpect
import pytest
from support.places import PUSH, Place, make_place
from support.terminals import hang_up, pid_of, terminal, type_keys
from support.walks import FakeExecutor, FakeOperator, Walked, book, procedure, step

from runbook.errors import Terminated
from runbook.journal.events import Outcome, Purpose, RunStopped, StepFinished, StepStarted
from runbook.journal.sqlite import SqliteJournal
from runbook.runtime.termination import ends_cleanly
from runbook.steps.wait import Wait

ROOT = Path(__file__).parents[2]
MODES = termios.ICANON | termios.ECHO | termios.ISIG


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return a project, a book and a stand-in CLI."""
    return make_place(tmp_path)


def begin(place: Place, *words: str) -> pexpect.spawn[str]:
    """Start the program as a person does."""
    environment = {**place.environment, "PYTHONPATH": str(ROOT)}
    verb = words or ("run", "fix")
    argv = ("-m", "runbook", "--book", str(place.root / "book"), *verb, "--workdir", str(place.root / "project"))
    return terminal(sys.executable, *argv, environment=environment, directory=place.root)


def answer_until(child: pexpect.spawn[str], place: Place, wanted: str) -> None:
    """Answer every prompt until its screen has that text."""
    while True:
        child.expect(r"(?:why|value|reason)?> $")
        screen = str(child.before)
        if wanted in screen:
            return
        type_keys(child, place.answer(screen))


def holders(place: Place) -> int:
    """Return how many locks there are, in the journal and among all users of the machine."""
    with closing(SqliteJournal(place.root / "state" / "runbook")) as journal:
        locks = [file for file in place.root.iterdir() if "runbook-lock-" in file.name]
        return len(journal.holders()) + len(locks)


REASONS = {signal.SIGTERM: "told to end (SIGTERM)", signal.SIGHUP: "(SIGHUP)"}


@pytest.mark.parametrize("number", REASONS)
@pytest.mark.parametrize("wanted", ["Tell the others", "Type yes to run"])
def test_a_signal_at_a_prompt_is_recorded_and_gives_the_target_back(
    place: Place, number: signal.Signals, wanted: str
) -> None:
    """The stop is on record, the target is free, the terminal is as it was, and the exit code is 1."""
    child = begin(place)
    before = termios.tcgetattr(child.child_fd)[3] & MODES
    answer_until(child, place, wanted)
    assert holders(place) == 2

    os.kill(pid_of(child), number)
    child.expect(pexpect.EOF)
    after = termios.tcgetattr(child.child_fd)[3] & MODES
    child.close()

    assert (child.exitstatus, child.signalstatus) == (1, None)
    assert "runbook resume" in str(child.before)
    assert "Traceback" not in str(child.before)
    last = place.events[-1]
    assert isinstance(last, RunStopped)
    assert REASONS[number] in last.reason
    assert after == before
    assert holders(place) == 0
    assert place.session() == 0, place.screens


@pytest.mark.parametrize("number", REASONS)
def test_a_signal_before_the_run_began_leaves_nothing(place: Place, number: signal.Signals) -> None:
    """At the first screen."""
    child = begin(place)
    child.expect("> $")
    os.kill(pid_of(child), number)
    child.expect(pexpect.EOF)
    child.close()

    assert (child.exitstatus, child.signalstatus) == (1, None)
    assert place.events == ()
    assert holders(place) == 0


def test_a_lost_connection_at_a_prompt_is_recorded(place: Place) -> None:
    """The terminal is gone, so the run can show nothing, but it still records everything."""
    child = begin(place)
    answer_until(child, place, "Type yes to run")
    pid = pid_of(child)
    hang_up(child)
    os.waitpid(pid, 0)

    assert isinstance(place.events[-1], RunStopped)
    assert holders(place) == 0
    assert PUSH not in place.effects


def wait_for(what: Callable[[], bool]) -> None:
    """Return once that is true."""
    until = time.monotonic() + 20
    while not what():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_lost_connection_while_a_command_runs_lets_it_end_and_records_how(place: Place) -> None:
    """The push continues without a terminal, its result is recorded, and then the run stops."""
    (place.root / "linger").touch()
    child = begin(place)
    answer_until(child, place, "Type yes to run")
    type_keys(child, "yes")
    wait_for((place.root / "linger.pid").exists)
    pid = pid_of(child)
    hang_up(child)
    time.sleep(0.3)
    assert [event for event in place.events if isinstance(event, StepStarted)][-1].step == "push"
    (place.root / "linger").unlink()
    os.waitpid(pid, 0)

    events = place.events
    ended = next(event for event in events if isinstance(event, StepFinished) and event.step == "push")
    assert (ended.purpose, ended.outcome) == (Purpose.RUN, Outcome.PASSED)
    assert isinstance(events[-1], RunStopped)
    assert holders(place) == 0


def test_under_nohup_a_hang_up_is_ignored_as_before(place: Place) -> None:
    """Whoever starts it like that wants it."""
    program = """
import signal
from runbook.runtime.termination import ends_cleanly
signal.signal(signal.SIGHUP, signal.SIG_IGN)
with ends_cleanly():
    signal.raise_signal(signal.SIGHUP)
    print("still there")
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, env=place.environment
    )

    assert ended.stdout == "still there\n"


def test_a_second_signal_does_not_cut_off_the_record_of_the_first() -> None:
    """A system that shuts down sends several. Afterwards the previous handlers are back."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP)
    recorded = []
    with pytest.raises(Terminated, match="SIGTERM"), ends_cleanly():  # noqa: PT012 - what happens on the way out
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGTERM)
            recorded.append("stopped")

    assert recorded == ["stopped"]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP)) == before


def test_a_signal_during_a_wait_records_the_end_of_the_step(tmp_path: Path) -> None:
    """The step is interrupted and the run stopped: it doesn't go on to the next question."""
    walked = Walked(book(procedure(step("pause", Wait(30, "the lock")))), tmp_path, FakeOperator(), FakeExecutor())

    def told(seconds: float) -> None:
        raise Terminated(f"told to end (SIGTERM) with {seconds:g} s to go")

    walked.clock.wait = told  # type: ignore[method-assign]
    with pytest.raises(Terminated):
        walked.begin()

    assert walked.events[-2:] == [
        ("StepFinished", "pause", "run", "interrupted"),
        ("RunStopped", "told to end (SIGTERM) with 30 s to go"),
    ]
