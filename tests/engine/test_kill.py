"""`kill -9` of a real walk on a real terminal: at every event, in the middle of commands, again and again."""

from __future__ import annotations

import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pexpect
import pytest
from support.forked import KillAt
from support.places import DEPLOY, PUSH, Place, make_place
from support.terminals import terminal, type_keys

from runbook.engine.state import Status, fold
from runbook.journal.events import ChildStarted, Event, Purpose, RunFinished, RunStarted, StepStarted
from runbook.journal.interface import Holder
from runbook.journal.liveness import this_host
from runbook.journal.sqlite import SqliteJournal


def assert_nothing_was_lost(before: Sequence[Event], after: Sequence[Event]) -> None:
    """Check that what was on disk still is, and that a step that had passed still has and did not run again."""
    assert list(after[: len(before)]) == list(before)
    old, new = fold(before), fold(after)
    for path, record in old.steps.items():
        if record.status is Status.PASSED:
            assert new.steps[path].status is Status.PASSED, path
            assert runs_of(after, path) == runs_of(before, path), path


def runs_of(events: Sequence[Event], path: str) -> int:
    """Return how often a step was started."""
    return sum(
        isinstance(event, StepStarted) and event.step == path and event.purpose is Purpose.RUN for event in events
    )


def assert_all_is_well(place: Place) -> None:
    """Check that each write arrived once and was confirmed as often as it was started, and the target is free."""
    events = place.events
    assert place.effects == [PUSH, DEPLOY], place.screens
    assert isinstance(events[-1], RunFinished)
    assert sum(isinstance(event, RunStarted) for event in events) == 1
    assert runs_of(events, "push") + runs_of(events, "what/deploy") <= place.typed
    journal = SqliteJournal(place.root / "state" / "runbook")
    holder = Holder(run="next", procedure="fix", operator="me", host=this_host(), pid=1, since=events[-1].at)
    key = "production:qwertyuiopasdfghjklz"
    assert journal.hold(key, holder) is None
    journal.close()


def assert_only_recorded_processes_wrote(place: Place) -> None:
    """Check that no write happened whose process is not in the journal."""
    births = [event.step for event in place.events if isinstance(event, ChildStarted)]
    assert place.effects.count(PUSH) <= births.count("push")
    assert place.effects.count(DEPLOY) <= births.count("what/deploy")


def test_a_walk_without_a_kill_ends_well(tmp_path: Path) -> None:
    """The stage itself is sound: each write arrives once."""
    place = make_place(tmp_path)

    assert place.session() == 0, place.screens
    assert_all_is_well(place)


def test_killed_at_every_event_and_just_before_it(tmp_path: Path) -> None:
    """One kill at each boundary of a run, then gone on with to its end."""
    whole = make_place(tmp_path / "whole")
    whole.session()
    boundaries = [KillAt(number, before) for number in range(1, len(whole.events) + 1) for before in (True, False)]
    assert len(boundaries) == 38

    for kill in boundaries:
        place = make_place(tmp_path / f"{kill.number}-{kill.before}")
        assert place.session(kill) == -signal.SIGKILL, kill
        assert_only_recorded_processes_wrote(place)
        before = place.events
        if not place.is_finished:
            assert place.session() == 0, (kill, place.screens)
            assert_nothing_was_lost(before, place.events)
        assert_all_is_well(place)


def test_killed_again_and_again_at_any_event_and_in_the_middle_of_commands(tmp_path: Path) -> None:
    """Every session of a run is killed, until one gets through. At least 160 kills, a third of them in commands."""
    chance, kills, number = random.Random(20261123), 0, 0
    while kills < 160:
        number += 1
        place = make_place(tmp_path / str(number))
        while not place.is_finished:
            if chance.random() < 0.35:
                (place.root / "kill").touch()
            before = place.events
            place.session(KillAt(chance.randint(1, 8), chance.random() < 0.5))
            assert_nothing_was_lost(before, place.events)
            assert_only_recorded_processes_wrote(place)
        kills += place.kills
        (place.root / "kill").unlink(missing_ok=True)
        assert_all_is_well(place)


def test_a_command_that_outlives_the_walk_is_seen(tmp_path: Path) -> None:
    """Its process is named, and it can't be started a second time beside itself."""
    place = make_place(tmp_path)
    (tmp_path / "kill").touch()
    (tmp_path / "linger").touch()
    assert place.session() == -signal.SIGKILL
    pid = int(until_there(tmp_path / "linger.pid"))
    place.decisions = ["redo", "done"]
    place.screens.clear()
    assert place.session() == 0, place.screens

    unknown = [screen for screen in place.screens if "Nobody saw how this step ended" in screen]
    assert f"still running as process {pid} " in " ".join(unknown[0].split())
    assert_all_is_well(place)


def until_there(file: Path) -> str:
    """Return a file's text once there is one."""
    until = time.monotonic() + 10
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < until
        time.sleep(0.01)
    return file.read_text()


@pytest.mark.parametrize("delay", [0.35, 0.7, 1.0])
def test_the_installed_program_survives_a_kill_at_any_moment(tmp_path: Path, delay: float) -> None:
    """The whole program, started as a person starts it, killed from outside."""
    place = make_place(tmp_path)
    walk = ("-m", "runbook", "--book", str(tmp_path / "book"), "run", "fix", "--workdir", str(tmp_path / "project"))
    child = terminal(sys.executable, *walk, environment=place.environment, directory=tmp_path)
    child.delaybeforesend = None
    until = time.monotonic() + delay
    text = ""
    while time.monotonic() < until:
        try:
            text += child.read_nonblocking(4096, timeout=max(0.01, until - time.monotonic()))
        except (pexpect.TIMEOUT, pexpect.EOF):
            break
        if text.rstrip(" ").endswith(">"):
            type_keys(child, place.answer(text.replace("\x1b[0m", "")))
            text = ""
    child.kill(signal.SIGKILL)
    child.close()

    before = place.events
    if not place.is_finished:
        assert place.session() == 0, place.screens
        assert_nothing_was_lost(before, place.events)
    assert place.effects == [PUSH, DEPLOY]
