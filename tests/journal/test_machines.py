"""Processes of other machines, of containers and from before a restart: a pid alone tells nobody apart."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from support.journal_engines import Engine, PostgresEngine
from support.journals import START, began, holder

from runbook.journal import liveness, postgres
from runbook.journal.address import parse_address
from runbook.journal.events import Purpose, RunStopped, StepStarted
from runbook.journal.heartbeat import Heartbeat
from runbook.journal.interface import Holder
from runbook.journal.liveness import birth, is_alive, survivors, this_host
from runbook.journal.lock_rules import SILENT_SECONDS
from runbook.journal.postgres_connection import connect

MACHINE, CONTAINER = "pid:[4026531836]", "pid:[4026532210]"
Move = Callable[..., None]


@pytest.fixture
def move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Move]:
    """Return a function that makes this process believe that it's on another machine, with the same host name."""
    files = {"_MACHINE_ID": "machine-id", "_BOOT_ID": "boot_id", "_PIDS": "pid"}
    for name, file in files.items():
        monkeypatch.setattr(liveness, name, tmp_path / file)

    def move_to(machine: str, boot: str, pids: str = MACHINE) -> None:
        (tmp_path / "machine-id").write_text(machine)
        (tmp_path / "boot_id").write_text(boot)
        (tmp_path / "pid").unlink(missing_ok=True)
        (tmp_path / "pid").symlink_to(pids)
        liveness._this_machine.cache_clear()

    yield move_to
    liveness._this_machine.cache_clear()


def test_a_pid_of_another_machine_with_the_same_name_is_neither_alive_nor_dead(move: Move) -> None:
    """Even if a process here has the same pid and start time."""
    move("one", "boot 1")
    born = birth(os.getpid())
    assert is_alive(os.getpid(), born, this_host()) is True

    move("two", "boot 2")
    assert is_alive(os.getpid(), born, this_host()) is None
    assert survivors(os.getpid(), born, this_host()) is None


def test_a_machine_that_was_restarted_knows_that_its_processes_are_gone(move: Move) -> None:
    """Whether their pids are free or in use again."""
    move("one", "boot 1")
    before = birth(os.getpid())
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    started, _, machine = before.partition("@")
    earlier = f"{int(started) - 1}@{machine}"

    move("one", "boot 2")
    assert is_alive(os.getpid(), earlier, this_host()) is False
    assert is_alive(gone.pid, before, this_host()) is False
    assert survivors(os.getpid(), earlier, this_host()) == ()


@pytest.mark.parametrize("machine", ["", "baked into the image"])
def test_containers_with_the_same_name_and_image_on_two_machines_are_told_apart(move: Move, machine: str) -> None:
    """The kernel numbers their pids alike, and the image brings its machine id along; only the boot id differs."""
    move(machine, "boot of one host", CONTAINER)
    born = birth(os.getpid())
    assert is_alive(os.getpid(), born, this_host()) is True

    move(machine, "boot of another host", CONTAINER)
    assert is_alive(os.getpid(), born, this_host()) is None


def test_two_containers_on_one_machine_are_told_apart(move: Move) -> None:
    """Their pids are numbered separately."""
    move("one", "boot 1", CONTAINER)
    born = birth(os.getpid())
    move("one", "boot 1", "pid:[4026532999]")
    assert is_alive(os.getpid(), born, this_host()) is None


def test_a_machine_without_any_of_these_files_still_has_an_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS."""
    for name in ("_MACHINE_ID", "_BOOT_ID", "_PIDS"):
        monkeypatch.setattr(liveness, name, tmp_path / "nothing")
    liveness._this_machine.cache_clear()
    try:
        assert is_alive(os.getpid(), birth(os.getpid()), this_host()) is True
    finally:
        liveness._this_machine.cache_clear()


# --- the lock -----------------------------------------------------------------------------------------------------


def test_a_run_in_a_container_of_the_same_name_elsewhere_is_not_taken_for_dead(engine: Engine, move: Move) -> None:
    """Nothing has its pid here, and yet it may be at work: resuming the run must ask."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    move("", "boot of one host", CONTAINER)
    there = engine.open()
    there.append("r", began("r"))
    assert there.hold("t", holder("r", pid=process.pid)) is None
    process.communicate(b"\n")

    move("", "boot of another host", CONTAINER)
    other = engine.open().hold("t", holder("r"))
    assert other is not None
    assert other.alive is not False


def test_a_run_from_before_a_restart_is_continued_by_itself(engine: Engine, move: Move) -> None:
    """Nobody is asked to take over from a process that the restart ended."""
    gone = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    move("one", "boot 1")
    before = engine.open()
    before.append("r", began("r"))
    assert before.hold("t", holder("r", pid=gone.pid)) is None
    gone.communicate(b"\n")

    move("one", "boot 2")
    assert engine.open().hold("t", holder("r")) is None


ELSEWHERE = holder("r", pid=4242, host="desktop")


def silent(shared: PostgresEngine, seconds: float) -> None:
    """Let the server's clock say that it has heard nothing of the holder for so long."""
    shared.tamper(f"update locks set beat = clock_timestamp() - interval '{seconds} seconds'")


def refused(shared: PostgresEngine, new: Holder) -> Holder | None:
    """Return who has the target if somebody else asks for it."""
    with closing(shared.open()) as journal:
        return journal.hold("t", new)


@pytest.mark.parametrize("ends", [None, RunStopped(at=START, reason="lunch")])
def test_a_holder_elsewhere_is_replaced_only_once_it_was_silent_for_long(
    shared: PostgresEngine, ends: RunStopped | None
) -> None:
    """And only if its run never began, or had ended."""
    journal = shared.open()
    if ends is not None:
        journal.append("r", began("r"))
        journal.append("r", ends)
    assert journal.hold("t", ELSEWHERE) is None

    silent(shared, SILENT_SECONDS - 2)
    other = refused(shared, holder("new"))
    assert other is not None
    assert other.alive is True
    silent(shared, SILENT_SECONDS)
    assert refused(shared, holder("new")) is None


@pytest.mark.parametrize("run", ["r", "new"])
def test_a_holder_elsewhere_in_the_middle_of_its_run_is_never_replaced_without_a_decision(
    shared: PostgresEngine, run: str
) -> None:
    """However long it was silent, and even to resume that very run: only its own machine knows that it's dead."""
    journal = shared.open()
    journal.append("r", began("r"))
    journal.append("r", StepStarted(at=START, step="push", purpose=Purpose.RUN))
    assert journal.hold("t", ELSEWHERE) is None
    silent(shared, 10 * SILENT_SECONDS)

    other = refused(shared, holder(run))
    assert other is not None
    assert other.alive is None
    assert other.silent >= 10 * SILENT_SECONDS
    with closing(shared.open()) as theirs:
        assert theirs.hold("t", holder(run), over=other) is None


@pytest.mark.parametrize("hours", [-48, 48])
def test_no_clock_but_the_server_s_says_how_long_a_holder_was_silent(shared: PostgresEngine, hours: int) -> None:
    """The holder's machine may be days ahead or behind: what it says about itself doesn't count."""
    journal = shared.open()
    assert journal.hold("t", replace(ELSEWHERE, since=START + timedelta(hours=hours))) is None
    other = refused(shared, replace(holder("new"), since=START - timedelta(hours=hours)))
    assert other is not None
    assert 0 <= other.silent < SILENT_SECONDS


# --- the heartbeat --------------------------------------------------------------------------------------------------


def test_the_server_hears_of_a_holder_until_it_leaves_and_then_of_nobody(
    shared: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A silent holder looks alive again after a beat; the connection for that is closed, not left to the server."""
    ours = holder("r", host="desktop")
    monkeypatch.setattr(postgres, "Heartbeat", partial(Heartbeat, seconds=0.01))
    with closing(shared.open()) as journal, closing(connect(parse_address(shared.admin_url))) as connection:
        assert journal.hold("t", ours) is None
        silent(shared, 2 * SILENT_SECONDS)
        wait_until(lambda: journal.holders()[0].silent < SILENT_SECONDS)
        sessions = "select count(*) from pg_stat_activity where query like '%%beat(%%' and pid <> pg_backend_pid()"
        # The server may still be ending those of an earlier test.
        wait_until(lambda: connection.execute(sessions).fetchone() == (1,))

        journal.release("t", "r")
        wait_until(lambda: connection.execute(sessions).fetchone() == (0,))


def wait_until(is_true: Callable[[], bool]) -> None:
    """Wait for something that nobody announces."""
    until = time.monotonic() + 10
    while not is_true():
        assert time.monotonic() < until
        time.sleep(0.01)
