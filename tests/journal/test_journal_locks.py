"""One run per target: the lock among processes, the living and the dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from support.journal_engines import Engine
from support.journals import START, began, holder

from runbook.journal.events import RunStopped
from runbook.journal.liveness import birth, is_alive, survivors, this_host

RACER = """
import os, sys
sys.path[:0] = {path!r}
from support.journal_engines import Engine
from support.journals import holder
{source}
journal.runs()
print("ready", flush=True)
sys.stdin.readline()
print("mine" if journal.hold("production:x", holder(f"run-{{os.getpid()}}")) is None else "theirs", flush=True)
sys.stdin.readline()
"""


def racer(engine: Engine) -> subprocess.Popen[str]:
    """Start a process that waits for the signal and then tries to take the target."""
    here = [str(Path(__file__).parents[1])]
    script = RACER.format(path=here, source=engine.source)
    return subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_of_processes_that_race_for_a_target_exactly_one_gets_it(engine: Engine) -> None:
    """All others are told who has it; the journal's first creation is part of the race."""
    racers = [racer(engine) for _ in range(5)]
    try:
        for one in racers:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in racers:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        answers = [one.stdout.readline().strip() for one in racers if one.stdout]
        holders = engine.open().holders()
    finally:
        for one in racers:
            one.communicate("end\n")

    assert sorted(answers) == ["mine", "theirs", "theirs", "theirs", "theirs"]
    assert [(one.pid, one.alive) for one in holders] == [(racers[answers.index("mine")].pid, True)]


def dead_pid() -> int:
    """Return the pid of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_a_target_is_given_back_by_its_owner_alone(engine: Engine) -> None:
    """Another run's release changes nothing."""
    journal = engine.open()
    assert journal.hold("t", holder("mine")) is None

    journal.release("t", "other")
    assert [one.run for one in journal.holders()] == ["mine"]
    journal.release("t", "mine")
    assert journal.holders() == ()


def test_holding_again_notes_the_step(engine: Engine) -> None:
    """The same run in the same process may ask as often as it likes."""
    journal = engine.open()
    journal.hold("t", holder("r"))
    journal.hold("t", holder("r"))

    assert len(journal.holders()) == 1


def test_a_dead_owner_s_run_is_gone_on_with_by_itself_and_not_by_others(engine: Engine) -> None:
    """`resume` gets the target; a new run must be told that the other one broke off in the middle."""
    journal = engine.open()
    journal.append("r", began("r"))
    journal.hold("t", holder("r", pid=dead_pid()))

    other = journal.hold("t", holder("new"))
    assert other is not None
    assert (other.run, other.alive) == ("r", False)
    assert journal.hold("t", holder("r")) is None


def test_an_owner_that_died_before_its_run_began_holds_nothing(engine: Engine) -> None:
    """There is nothing to go on with."""
    journal = engine.open()
    journal.hold("t", holder("never-begun", pid=dead_pid()))

    assert journal.hold("t", holder("new")) is None


def test_an_owner_that_died_on_its_way_out_holds_nothing(engine: Engine) -> None:
    """Its run had stopped; only giving the target back was left to do."""
    journal = engine.open()
    journal.append("r", began("r"))
    journal.append("r", RunStopped(at=START, reason="lunch"))
    journal.hold("t", holder("r", pid=dead_pid()))

    assert journal.hold("t", holder("new")) is None


def test_a_take_over_is_from_whom_was_seen_and_from_nobody_else(engine: Engine) -> None:
    """If a third one was quicker, it is told instead."""
    journal = engine.open()
    journal.append("a", began("a"))
    journal.hold("t", holder("a", pid=1))
    seen = journal.hold("t", holder("b"))
    assert seen is not None

    assert journal.hold("t", holder("c", pid=os.getppid()), over=seen) is None
    quicker = journal.hold("t", holder("b"), over=seen)
    assert quicker is not None
    assert quicker.run == "c"


def test_a_reused_pid_is_not_taken_for_its_first_owner() -> None:
    """The kernel's start time tells them apart; on another machine nobody can tell."""
    assert is_alive(os.getpid(), birth(os.getpid()), this_host()) is True
    assert is_alive(os.getpid(), "another start_time", this_host()) is False
    assert is_alive(os.getpid(), "", this_host()) is False
    assert is_alive(os.getpid(), birth(os.getpid()), "another host") is None


def test_what_a_command_left_running_is_found() -> None:
    """The command itself has ended; what it started in its session has not."""
    script = "read go\nsleep 60 </dev/null >/dev/null 2>&1 & echo $!"
    pipe = subprocess.PIPE
    leader = subprocess.Popen(["/bin/sh", "-c", script], stdin=pipe, stdout=pipe, start_new_session=True)
    born = birth(leader.pid)
    assert survivors(leader.pid, born, this_host()) == (leader.pid,)
    left = int(leader.communicate(b"go\n")[0])

    try:
        assert survivors(leader.pid, born, this_host()) == (left,)
        assert survivors(leader.pid, born, "another host") is None
        assert survivors(os.getpid(), "another start_time", this_host()) == ()
    finally:
        os.kill(left, signal.SIGKILL)
