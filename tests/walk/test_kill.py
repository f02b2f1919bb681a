"""`kill -9` of a real walk on a real terminal: at every event, in the middle of commands, again and again."""

from __future__ import annotations

import random
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pexpect
import pytest
from support.books import write_book
from support.forked import KillAt, Terminal, start
from support.terminals import program, terminal

from runbook.walk.events import ChildStarted, Event, Purpose, RunFinished, RunStarted, StepStarted
from runbook.walk.journal import SqliteJournal
from runbook.walk.journal.liveness import this_host
from runbook.walk.ports import Holder
from runbook.walk.records import Status
from runbook.walk.state import fold

PROCEDURE = """\
title: Fix it
summary: Something is broken.
section: wrong
use_when: [It is broken]
owner: database
reviewed: 2026-11-23
review_every: 3650d
minutes: 5
before:
  - {id: warn, tick: Tell the others}
steps:
  - id: see
    title: See
    run: npx supabase migration list {{target}} --output-format json
    capture: {last: {json: migrations.-1.remote}}
  - id: push
    title: Push
    run: npx supabase db push {{target}}
    verify:
      run: npx supabase migration list {{target}} --output-format json
      expect: {json: {migrations.0.local: "{{last}}"}}
    undo: {none: It can't be undone}
  - id: what
    title: What is it?
    choose:
      - when: A function
        steps:
          - {id: deploy, title: Deploy, run: "npx supabase functions deploy fn {{target}}", undo: {none: "No"}}
      - {when: Nothing, steps: []}
  - {id: tell, tick: Tell them that it is over}
"""

NPX = """\
words="$*"
case "$words" in
  *--version*) echo 3.1.0; exit;;
  *"migration list"*)
    echo '{"target":{"project_ref":"qwertyuiopasdfghjklz","environment":"production"},'
    echo '"migrations":[{"local":"7","remote":"7"}]}'; exit;;
esac
echo "$words" >> "$LOG"
if [ -e "$KILL" ]; then rm "$KILL"; kill -9 $PPID; fi
if [ -e "$LINGER" ]; then trap '' HUP; echo $$ > "$LINGER.pid"; while [ -e "$LINGER" ]; do sleep 0.02; done; fi
echo done
"""
"""The CLI's stand-in: it notes each write before it does anything else, and can kill the walk that called it."""

PUSH, DEPLOY = "supabase db push --remote", "supabase functions deploy fn --remote"


@dataclass
class Place:
    """A project, a book and a stand-in CLI in a directory of their own."""

    root: Path
    screens: list[str] = field(default_factory=list)
    kills: int = 0
    typed: int = 0
    decisions: list[str] = field(default_factory=list)
    """Said first, whatever has arrived; before `done` the command that lingers may end."""

    @property
    def environment(self) -> dict[str, str]:
        """Return what the walk's process gets."""
        return {
            "PATH": f"{self.root / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.root),
            "XDG_STATE_HOME": str(self.root / "state"),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "LOG": str(self.root / "log"),
            "KILL": str(self.root / "kill"),
            "LINGER": str(self.root / "linger"),
        }

    @property
    def effects(self) -> list[str]:
        """Return the writes that were begun, in order."""
        log = self.root / "log"
        return log.read_text().splitlines() if log.exists() else []

    @property
    def events(self) -> Sequence[Event]:
        """Return the events that are on disk."""
        journal = SqliteJournal(self.root / "state" / "runbook")
        try:
            runs = journal.runs()
            return journal.events(runs[0]) if runs else ()
        finally:
            journal.close()

    def session(self, kill: KillAt | None = None) -> int:
        """Begin the run, or go on with it where there is one; a wise person is at the terminal."""
        verb = ["resume"] if self.events else ["run", "fix"]
        argv = ["--book", str(self.root / "book"), *verb, "--workdir", str(self.root / "project")]
        child = start(argv, environment=self.environment, directory=self.root, kill=kill)
        code = self.converse(child)
        self.kills += code == -signal.SIGKILL
        return code

    def converse(self, child: Terminal) -> int:
        """Answer until the child has ended, and keep its screens."""
        try:
            return child.converse(self.answer)
        finally:
            self.screens += child.screens

    def answer(self, screen: str) -> str:
        """Return what a person types who looks at what was really done before deciding."""
        if "Nobody saw how this step ended" in screen:
            return self.decide(screen)
        if screen.endswith("why> "):
            return "I looked at the server"
        if "Type yes to run" in screen:
            self.typed += 1
            return "yes"
        return "1" if "What is it?" in screen and "Nothing" in screen else ""

    def decide(self, screen: str) -> str:
        """Say done for a write that has arrived, redo for one that has not, and for what only reads."""
        if self.decisions:
            answer = self.decisions.pop(0)
            if answer == "done":
                (self.root / "linger").unlink()
            return answer
        arrived = any(line in screen and line in self.effects for line in (PUSH, DEPLOY))
        return "done" if arrived else "redo"

    @property
    def is_finished(self) -> bool:
        """Return True if the run's last event is on disk."""
        return any(isinstance(event, RunFinished) for event in self.events)


def make_place(root: Path) -> Place:
    """Return a fresh place."""
    write_book(root / "book", {"fix": PROCEDURE})
    project = root / "project"
    (project / "supabase" / ".temp").mkdir(parents=True)
    (project / "supabase" / "config.toml").touch()
    (project / "supabase" / ".temp" / "project-ref").write_text("qwertyuiopasdfghjklz\n")
    (project / "node_modules" / "supabase").mkdir(parents=True)
    (project / "node_modules" / "supabase" / "package.json").write_text('{"version": "3.1.0"}')
    program(root / "bin", "npx", NPX)
    return Place(root)


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
    assert f"still running as process {pid} since" in " ".join(unknown[0].split())
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
        except pexpect.TIMEOUT:
            break
        if text.rstrip(" ").endswith(">"):
            child.send(place.answer(text.replace("\x1b[0m", "")) + "\r")
            text = ""
    child.kill(signal.SIGKILL)
    child.close()

    before = place.events
    if not place.is_finished:
        assert place.session() == 0, place.screens
        assert_nothing_was_lost(before, place.events)
    assert place.effects == [PUSH, DEPLOY]
