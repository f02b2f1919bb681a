"""Two homes, or two users, can't walk the same production unseen on one machine."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest
from support.forked import start
from support.journals import START, began, holder
from support.places import PUSH, Place, make_place

from runbook.errors import JournalError
from runbook.journal.events import RunStopped, TakenOver
from runbook.journal.interface import Holder
from runbook.journal.machine_locks import MachineLocks
from runbook.journal.sqlite import SqliteJournal

TARGET = "production:qwertyuiopasdfghjklz"

OTHER = """
import os, sys
sys.path[:0] = {path!r}
from pathlib import Path
from support.journals import holder
from runbook.journal.machine_locks import MachineLocks
from runbook.journal.sqlite import SqliteJournal
if {uid}:
    os.setgroups([]); os.setgid({uid}); os.setuid({uid})
home = Path({home!r})
journal = SqliteJournal(home, MachineLocks(Path({locks!r}), str(home)))
for line in sys.stdin:
    word, run = line.split()
    if word == "hold":
        other = journal.hold({target!r}, holder(run))
        print("mine" if other is None else f"{{other.run}} of {{other.operator}}", flush=True)
    else:
        journal.release({target!r}, run)
        print("released", flush=True)
"""


class Another:
    """Another process, with a home of its own, that holds targets when it is told to."""

    def __init__(self, home: Path, locks: Path, uid: int = 0) -> None:
        script = OTHER.format(
            path=[str(Path(__file__).parents[1])], home=str(home), locks=str(locks), target=TARGET, uid=uid
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def tell(self, word: str, run: str) -> str:
        """Give an order and return the answer."""
        pipes: list[IO[str] | None] = [self.process.stdin, self.process.stdout]
        assert pipes[0] is not None
        assert pipes[1] is not None
        print(word, run, file=pipes[0], flush=True)
        return pipes[1].readline().strip()

    def kill(self) -> None:
        """Kill it, so that it gives nothing back."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    """Return a directory for locks, open to all as `/tmp` is."""
    place = tmp_path / "locks"
    place.mkdir()
    place.chmod(0o1777)
    return place


@pytest.fixture
def another(tmp_path: Path, locks: Path) -> Iterator[Another]:
    """Return a process of this user with another home."""
    process = Another(tmp_path / "theirs", locks)
    yield process
    process.kill()


def journal_of(home: Path, locks: Path) -> SqliteJournal:
    """Return the journal of a home, with the locks of the machine."""
    return SqliteJournal(home, MachineLocks(locks, str(home)))


def test_another_home_sees_who_holds_the_target(tmp_path: Path, locks: Path, another: Another) -> None:
    """Who, which run, which step, since when, in which process, and where its record is; given back it is free."""
    assert another.tell("hold", "theirs") == "mine"
    with closing(journal_of(tmp_path / "ours", locks)) as journal:
        other = journal.hold(TARGET, holder("ours"))
        assert other is not None
        assert other == replace(
            holder("theirs", pid=another.process.pid), alive=True, elsewhere=str(tmp_path / "theirs")
        )
        assert [one.run for one in journal.holders()] == ["theirs"]
        assert another.tell("release", "theirs") == "released"
        assert journal.hold(TARGET, holder("ours")) is None
        assert another.tell("hold", "theirs") == "ours of ada"
        journal.release(TARGET, "ours")
    assert list(locks.iterdir()) == []


def test_other_targets_are_free(tmp_path: Path, locks: Path, another: Another) -> None:
    """A lock is for one project."""
    another.tell("hold", "theirs")
    with closing(journal_of(tmp_path / "ours", locks)) as journal:
        assert journal.hold("production:another", holder("ours")) is None
        journal.release("production:another", "ours")


def test_a_take_over_is_seen_by_the_one_who_lost_it(tmp_path: Path, locks: Path, another: Another) -> None:
    """Before its next command: it asks for the target again then."""
    another.tell("hold", "theirs")
    with closing(journal_of(tmp_path / "ours", locks)) as journal:
        seen = journal.hold(TARGET, holder("ours"))
        assert seen is not None
        assert journal.hold(TARGET, holder("ours"), over=seen) is None
        assert another.tell("hold", "theirs") == "ours of ada"
        assert journal.hold(TARGET, holder("ours")) is None
        journal.release(TARGET, "ours")


def test_a_take_over_is_from_whom_was_seen(tmp_path: Path, locks: Path, another: Another) -> None:
    """If a third one has it by now, it must be asked about as well."""
    another.tell("hold", "theirs")
    with closing(journal_of(tmp_path / "ours", locks)) as journal:
        seen = journal.hold(TARGET, holder("ours"))
        another.tell("release", "theirs")
        another.tell("hold", "again")
        third = journal.hold(TARGET, holder("ours"), over=seen)
        assert third is not None
        assert third.run == "again"


def test_a_killed_run_of_another_home_is_told(tmp_path: Path, locks: Path, another: Another) -> None:
    """Its last command may still be at work on the server, so a person decides; then it is forgotten."""
    another.tell("hold", "theirs")
    another.kill()
    with closing(journal_of(tmp_path / "ours", locks)) as journal:
        other = journal.hold(TARGET, holder("ours"))
        assert other is not None
        assert (other.run, other.alive) == ("theirs", False)
        assert journal.hold(TARGET, holder("ours"), over=other) is None
        journal.release(TARGET, "ours")
        assert journal.hold(TARGET, holder("ours-2")) is None
        journal.release(TARGET, "ours-2")


def test_a_killed_run_of_the_same_home_is_for_its_journal_to_judge(tmp_path: Path, locks: Path) -> None:
    """It had stopped, as its record says, so nothing waits there."""
    another = Another(tmp_path / "ours", locks)
    another.tell("hold", "r")
    with closing(journal_of(tmp_path / "ours", locks)) as journal:
        journal.append("r", began("r"))
        journal.append("r", RunStopped(at=START, reason="lunch"))
        another.kill()
        assert journal.hold(TARGET, holder("new")) is None
        journal.release(TARGET, "new")
    assert list(locks.iterdir()) == []


def test_a_journal_that_is_begun_anew_doesn_t_hide_a_living_run(tmp_path: Path, locks: Path) -> None:
    """Somebody removed the whole state directory while a run goes on."""
    another = Another(tmp_path / "ours", locks)
    another.tell("hold", "r")
    for file in (tmp_path / "ours").iterdir():
        file.unlink()
    try:
        with closing(journal_of(tmp_path / "ours", locks)) as journal:
            other = journal.hold(TARGET, holder("new"))
            assert other is not None
            assert (other.run, other.alive) == ("r", True)
    finally:
        another.kill()


# --- hostile neighbours -------------------------------------------------------------------------------------------


def lock_name(locks: Path, tmp_path: Path) -> str:
    """Return the name under which this process would lock the target."""
    machine = MachineLocks(locks, str(tmp_path))
    assert machine.hold(TARGET, holder("ours")) is None
    (found,) = locks.iterdir()
    machine.release(TARGET)
    return found.name


@pytest.mark.parametrize(
    "kind", ["link", "dangling", "directory", "fifo", "huge", "binary", "list", "wrong types", "no moment"]
)
def test_what_a_stranger_puts_there_is_no_crash_and_nothing_is_written_through_it(
    tmp_path: Path, locks: Path, kind: str
) -> None:
    """Links, pipes and nonsense: never followed, never waited for, never believed."""
    bait = tmp_path / "bait"
    bait.write_text("precious")
    trap = locks / (lock_name(locks, tmp_path)[:-8] + "deadbeef")
    if kind in {"link", "dangling"}:
        trap.symlink_to(bait if kind == "link" else tmp_path / "nowhere")
    elif kind == "directory":
        trap.mkdir()
    elif kind == "fifo":
        os.mkfifo(trap)
    else:
        wrong = json.dumps({"run": [], "pid": "x", "since": 7, "operator": {}, "state": "held", "journal": 1}).encode()
        moment = json.dumps({"since": "0001-01-01T00:00:00+14:00", "state": "held"}).encode()
        texts = {"huge": b"[" * 10**6, "binary": b"\xff\x00" * 99, "list": b"[]", "no moment": moment}
        trap.write_bytes(texts.get(kind, wrong))

    machine = MachineLocks(locks, str(tmp_path))
    other = machine.hold(TARGET, holder("ours"))
    if other is not None:  # a file that may be somebody's: it is named, and can be taken over
        assert (other.run, other.alive) == (trap.name, False)
        assert machine.hold(TARGET, holder("ours"), over=other) is None
    machine.release(TARGET)
    assert bait.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()


def test_a_stranger_s_words_are_shown_as_text_beside_the_account_that_wrote_them(tmp_path: Path, locks: Path) -> None:
    """They may hold the lock and write what they like; who owns the file can't be forged, nor a screen painted."""
    trap = locks / (lock_name(locks, tmp_path)[:-8] + "deadbeef")
    trap.write_text(json.dumps({"run": "r\x1b[2J\u202e", "operator": "root\nyes", "pid": 1, "state": "held"}))
    with trap.open() as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        if os.geteuid() == 0:
            os.chown(trap, 65534, 65534)
        other = MachineLocks(locks, str(tmp_path)).hold(TARGET, holder("ours"))

    assert other is not None
    assert (other.run, other.alive) == ("r<U+001B>[2J<U+202E>", True)
    assert other.operator.startswith("root yes")
    if os.geteuid() == 0:
        assert "(account " in other.operator


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_lock_that_is_removed_stops_its_run(tmp_path: Path, locks: Path, how: str) -> None:
    """Without it nobody else would see this run."""
    machine = MachineLocks(locks, str(tmp_path))
    assert machine.hold(TARGET, holder("ours")) is None
    (file,) = locks.iterdir()
    text = file.read_text()
    file.unlink()
    if how == "replaced":
        file.write_text(text)

    with pytest.raises(JournalError, match="is gone or was replaced"):
        machine.hold(TARGET, holder("ours"))


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_directory_where_others_may_delete_locks_is_refused(tmp_path: Path, locks: Path, mode: int) -> None:
    """With the mode that it needs."""
    locks.chmod(mode)
    with pytest.raises(JournalError, match="delete other users' files") as raised:
        MachineLocks(locks, str(tmp_path)).hold(TARGET, holder("ours"))
    assert "chmod +t" in raised.value.hint


def test_a_directory_that_is_not_there_stops_the_run(tmp_path: Path) -> None:
    """In doubt nothing runs."""
    with pytest.raises(JournalError, match="can't be kept in"):
        MachineLocks(tmp_path / "none", str(tmp_path)).hold(TARGET, holder("ours"))


def test_of_many_that_begin_at_once_one_at_most_gets_the_target(tmp_path: Path, locks: Path) -> None:
    """Each with a home of its own; whoever doesn't get it is told who has it."""
    racers = [Another(tmp_path / str(number), locks) for number in range(6)]
    try:
        for racer in racers:
            assert racer.process.stdin is not None
            racer.process.stdin.write("hold r\n")
        for racer in racers:
            assert racer.process.stdin is not None
            racer.process.stdin.flush()
        answers = [racer.process.stdout.readline().strip() for racer in racers if racer.process.stdout]
    finally:
        for racer in racers:
            racer.kill()

    assert answers.count("mine") <= 1
    assert set(answers) <= {"mine", "r of ada"}


def test_another_user_is_seen_by_account_and_can_t_be_pushed_aside(tmp_path: Path, locks: Path) -> None:
    """Real accounts, where this is root; elsewhere the same between two homes."""
    uid = 65534 if os.geteuid() == 0 else 0
    home = tmp_path / "theirs"
    home.mkdir()
    with suppress(PermissionError):
        os.chown(home, uid or -1, uid or -1)
    for path in (tmp_path, *tmp_path.parents[:3]):
        with suppress(PermissionError):
            path.chmod(path.stat().st_mode | 0o011)
    another = Another(home, locks, uid)
    try:
        assert another.tell("hold", "theirs") == "mine"
        other = MachineLocks(locks, str(tmp_path)).hold(TARGET, holder("ours"))
        assert other is not None
        assert other.operator == ("ada (account nobody)" if uid else "ada")
        (file,) = locks.iterdir()
        assert file.stat().st_mode & 0o777 == 0o644
    finally:
        another.kill()


# --- the whole program, twice -------------------------------------------------------------------------------------


def colleague(place: Place, tmp_path: Path, *reasons: str) -> tuple[int, str, Place]:
    """Walk the same procedure on the same project from another home; return its code, its screens, and the home."""
    other = make_place(tmp_path / "colleague")
    environment = {**other.environment, "RUNBOOK_LOCKS": str(place.root)}
    words = ["--book", str(other.root / "book"), "run", "fix", "--workdir", str(other.root / "project")]
    child = start(words, environment=environment, directory=other.root)
    left = iter(reasons)

    def answer(screen: str) -> str:
        if screen.endswith("reason> "):
            return next(left, "")
        return "q" if "q stop" in screen else ""

    code = child.converse(answer)
    return code, " ".join("".join(child.screens).split()), other


def test_a_second_home_is_told_who_runs_what_and_a_take_over_stops_the_first(tmp_path: Path) -> None:
    """Two real processes: without a reason the second ends with 5; with one it is recorded and the first one stops."""
    place = make_place(tmp_path / "first")
    answer = place.answer
    codes: list[int] = []
    screens: list[str] = []

    def look_around(screen: str) -> str:
        if "Type yes to run" in screen and not codes:
            refused, shown, _ = colleague(place, tmp_path / "a")
            taken, _, home = colleague(place, tmp_path / "b", "their line is dead")
            codes.extend((refused, taken))
            screens.append(shown)
            reasons.extend(event.reason for event in home.events if isinstance(event, TakenOver))
        return answer(screen)

    reasons: list[str] = []
    place.answer = look_around  # type: ignore[method-assign]
    ended = place.session()

    assert codes == [5, 1], screens
    assert f"its record is in another journal, {place.root}/state/runbook".lower() in screens[0].lower()
    assert "now at step" in screens[0]
    assert reasons == ["their line is dead"]
    # The colleague has left again by then, and nobody but them knows what they did.
    assert ended == 5
    assert PUSH not in place.effects
    assert "took over the target during this run" in " ".join("".join(place.screens).split())
    left = [file for file in place.root.iterdir() if file.name.startswith("runbook-lock-")]
    assert len(left) == 1
    place.decisions.clear()
    assert place.session() == 0, place.screens
    assert [file for file in place.root.iterdir() if file.name.startswith("runbook-lock-")] == []


def test_the_first_home_s_next_command_does_not_run_while_the_second_has_the_target(tmp_path: Path) -> None:
    """It ends with 5 and names who took the target over."""
    place = make_place(tmp_path)
    answer = place.answer
    theirs = MachineLocks(place.root, str(tmp_path / "elsewhere"))

    def lose(screen: str) -> str:
        if "Type yes to run" in screen:
            who = replace(holder("theirs"), operator="bob")
            seen = theirs.hold(TARGET, who)
            assert isinstance(seen, Holder)
            assert theirs.hold(TARGET, who, over=seen) is None
        return answer(screen)

    place.answer = lose  # type: ignore[method-assign]
    assert place.session() == 5, place.screens
    assert PUSH not in place.effects
    assert "bob took over the target during this run" in " ".join("".join(place.screens).split())


def test_status_shows_a_run_of_another_home(tmp_path: Path) -> None:
    """With where its record is."""
    place = make_place(tmp_path)
    theirs = MachineLocks(place.root, str(tmp_path / "elsewhere"))
    assert theirs.hold(TARGET, replace(holder("theirs"), operator="bob", step="push")) is None
    shown = subprocess.run(
        [sys.executable, "-m", "runbook", "status"], env=place.environment, capture_output=True, text=True, check=True
    ).stdout

    assert "fix on this machine, by bob since 2026-11-23 01:20 UTC, at step push. Run theirs" in shown
    assert str(tmp_path / "elsewhere") in shown
