"""The journal is a file at a path: what happens to the file is seen, named, and hides nothing else."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from support.journals import START, began, holder
from support.places import PUSH, Place, make_place

from runbook.errors import JournalError
from runbook.journal.events import Event, Outcome, Purpose, RunFinished, RunStopped, StepFinished, StepStarted
from runbook.journal.inspection import from_lines, to_lines
from runbook.journal.sqlite import SqliteJournal
from runbook.reports.run_history import rows, running

RUN: tuple[Event, ...] = (
    began("r"),
    StepStarted(
        at=START + timedelta(seconds=1), step="push", purpose=Purpose.RUN, argv=("npx", "supabase", "db", "push")
    ),
    StepFinished(at=START + timedelta(seconds=2), step="push", purpose=Purpose.RUN, outcome=Outcome.PASSED, exit=0),
    RunFinished(at=START + timedelta(seconds=3)),
)


def kept(directory: Path, *runs: str) -> Path:
    """Make a journal of finished runs in one file, as it is when nobody has it open; return the file."""
    with closing(SqliteJournal(directory)) as journal:
        for run in runs or ("r",):
            for event in (began(run), *RUN[1:]):
                journal.append(run, event)
        return journal.file


@contextmanager
def tampered(file: Path) -> Iterator[sqlite3.Connection]:
    """Open the file as an attacker does, without the triggers that make it append-only."""
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        for name in ("events_stay", "events_remain", "runs_remain"):
            database.execute(f"drop trigger if exists {name}")
        yield database


def findings(directory: Path) -> list[str]:
    """Return what the check finds, or why it can't even begin."""
    with closing(SqliteJournal(directory)) as journal:
        try:
            return [str(finding) for finding in journal.inspect()[1]]
        except JournalError as error:
            return [error.message]


# --- the file is gone, moved or another one -----------------------------------------------------------------------


def delete(directory: Path) -> None:
    """Remove the file alone."""
    (directory / "journal.sqlite3").unlink()


def delete_all(directory: Path) -> None:
    """Remove the directory with everything in it."""
    shutil.rmtree(directory)


def move(directory: Path) -> None:
    """Give the file another name."""
    (directory / "journal.sqlite3").rename(directory / "old.sqlite3")


def replace_by_copy(directory: Path) -> None:
    """Put an equal copy in its place: what is written to the first one is not in it."""
    shutil.copy(directory / "journal.sqlite3", directory / "copy")
    (directory / "copy").replace(directory / "journal.sqlite3")


def replace_by_link(directory: Path) -> None:
    """Put a link to itself in its place: it can be switched at any time."""
    (directory / "journal.sqlite3").rename(directory / "old.sqlite3")
    (directory / "journal.sqlite3").symlink_to(directory / "old.sqlite3")


def move_directory(directory: Path) -> None:
    """Give the directory another name."""
    directory.rename(directory.with_name("old"))


def replace_directory(directory: Path) -> None:
    """Put a copy of the whole directory in its place."""
    directory.rename(directory.with_name("old"))
    shutil.copytree(directory.with_name("old"), directory)


def replace_directory_by_link(directory: Path) -> None:
    """Put a link to the directory in its place."""
    directory.rename(directory.with_name("old"))
    directory.symlink_to(directory.with_name("old"))


def remove_wal(directory: Path) -> None:
    """Remove what was committed last."""
    (directory / "journal.sqlite3-wal").unlink()


def remove_index(directory: Path) -> None:
    """Remove the index of what was committed last: another process would make its own, and both would write."""
    (directory / "journal.sqlite3-shm").unlink()


ATTACKS = [
    delete, delete_all, move, replace_by_copy, replace_by_link, move_directory, replace_directory,
    replace_directory_by_link, remove_wal, remove_index,
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_event_is_said_to_be_recorded_in_a_file_that_is_not_there(
    tmp_path: Path, attack: Callable[[Path], None]
) -> None:
    """The append raises, names the file, and says what to do; so does every question to the journal."""
    with closing(SqliteJournal(tmp_path / "state")) as journal:
        journal.append("r", RUN[0])
        attack(tmp_path / "state")

        for use in (lambda: journal.append("r", RUN[1]), journal.holders, lambda: journal.hold("t", holder("r"))):
            with pytest.raises(JournalError, match=r"the journal .*state.*(gone|replaced)") as raised:
                use()
            assert "runbook resume" in raised.value.hint


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_swapped_journal_held_is_saved(tmp_path: Path, attack: Callable[[Path], None]) -> None:
    """Before it is gone with the process: once, privately, and fit to be put back."""
    kept(tmp_path / "state", "before")
    with closing(SqliteJournal(tmp_path / "state")) as journal:
        journal.append("r", RUN[0])
        attack(tmp_path / "state")
        for _ in range(2):
            with pytest.raises(JournalError) as raised:
                journal.append("r", RUN[1])
    (saved,) = (tmp_path / "state").glob("saved-*.sqlite3")
    assert str(saved) in raised.value.hint
    assert saved.stat().st_mode & 0o777 == 0o600

    (tmp_path / "again").mkdir(mode=0o700)
    saved.rename(tmp_path / "again" / "journal.sqlite3")
    with closing(SqliteJournal(tmp_path / "again")) as journal:
        assert journal.runs() == ("r", "before")
        assert journal.events("before") == (began("before"), *RUN[1:])
        assert journal.events("r") == RUN[:1]
    assert findings(tmp_path / "again") == []


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_happens_to_the_file_during_an_append_is_seen_before_it_returns(
    tmp_path: Path, attack: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the first look and the end of the transaction: the event is committed, and not where it belongs."""
    from runbook.journal import sqlite
    from runbook.journal.chain import hash_of

    with closing(SqliteJournal(tmp_path / "state")) as journal:
        journal.append("r", RUN[0])

        def attacked(*given: object) -> str:
            attack(tmp_path / "state")
            return hash_of(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(sqlite, "hash_of", attacked)
        with pytest.raises(JournalError, match=r"the journal .*(gone|replaced)"):
            journal.append("r", RUN[1])


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_walk_stops_before_its_next_command_when_the_journal_is_swapped(
    tmp_path: Path, attack: Callable[[Path], None]
) -> None:
    """In a real terminal, while the push is being confirmed: the push never starts."""
    place = make_place(tmp_path)
    answer = place.answer

    def attacking(screen: str) -> str:
        if "Type yes to run" in screen:
            attack(place.root / "state" / "runbook")
        return answer(screen)

    place.answer = attacking  # type: ignore[method-assign]
    assert place.session() == 1
    assert PUSH not in place.effects
    assert "Nothing more runs, because nothing could be recorded." in " ".join("".join(place.screens).split())


def test_a_look_from_another_process_takes_no_event_with_it(tmp_path: Path) -> None:
    """A process that opens the journal twice, as `resume` does, keeps what it writes after another one has left."""
    look = f"""
from pathlib import Path
from runbook.journal.sqlite import SqliteJournal
journal = SqliteJournal(Path({str(tmp_path)!r}))
print(len(journal.events("r")))
journal.close()
"""
    with closing(SqliteJournal(tmp_path)) as first, closing(SqliteJournal(tmp_path)) as second:
        first.append("r", RUN[0])
        second.runs()
        for number, event in enumerate(RUN[1:], 2):
            subprocess.run([sys.executable, "-c", look], check=True, capture_output=True)
            second.append("r", event)
            seen = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True)
            assert int(seen.stdout) == number


def test_a_journal_that_can_only_be_read_stops_the_run(tmp_path: Path) -> None:
    """As another user than root, whom no mode stops: nothing begins, and the message says why."""
    directory = tmp_path / "state"
    file = kept(directory)
    script = f"""
import os
from pathlib import Path
from runbook.journal.sqlite import SqliteJournal
from support.journals import began
if os.geteuid() == 0:
    os.setegid(65534)
    os.seteuid(65534)
SqliteJournal(Path({str(directory)!r})).append("new", began("new"))
"""
    for place in (tmp_path, *tmp_path.parents[:3]):
        if place.stat().st_uid == os.geteuid():
            place.chmod(place.stat().st_mode | 0o011)
    if os.geteuid() == 0:
        os.chown(directory, 65534, 65534)
        os.chown(file, 65534, 65534)
    file.chmod(0o400)
    places = os.pathsep.join((*sys.path, str(Path(__file__).parents[1])))
    environment = {**os.environ, "PYTHONPATH": places}
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment)

    assert "JournalError" in ended.stderr, ended.stderr
    assert "readonly database" in ended.stderr


# --- damage -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["body", "at", "hash", "run"])
def test_every_flipped_bit_of_an_event_is_found_and_named(tmp_path: Path, column: str) -> None:
    """One bit of every byte of every event of a finished run, one after the other: each is found in its run."""
    file = kept(tmp_path)
    tried = 0
    with tampered(file) as database:
        database.execute("pragma foreign_keys = off")
        stored = database.execute(f"select sequence, number, cast({column} as blob) from events").fetchall()
        for sequence, number, value in stored:
            for position in range(len(value)):
                tried += 1
                flipped = bytearray(value)
                flipped[position] ^= 1 << position % 8
                change = f"update events set {column} = cast(? as text) where sequence = ?"
                database.execute(change, (bytes(flipped), sequence))
                found = findings(tmp_path)
                assert any(line.startswith(f"run r, event {number}: ") for line in found), (number, position, found)
                with pytest.raises(JournalError, match="run r is damaged"), closing(SqliteJournal(tmp_path)) as journal:
                    journal.events("r")
                database.execute(change, (value, sequence))
    assert tried == sum(len(value) for _, _, value in stored) > 0
    assert findings(tmp_path) == []


def test_a_flipped_bit_anywhere_in_the_file_is_found_or_changes_nothing(tmp_path: Path) -> None:
    """Pages, indexes, headers, free space: what is read is never other than what was written without a finding."""
    file = kept(tmp_path / "state", "r", "s")
    with closing(sqlite3.connect(file)) as database:
        database.execute("pragma journal_mode = delete")
    whole = file.read_bytes()
    missed, found = [], 0
    for position in range(0, len(whole), 23):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << position % 8
        file.write_bytes(flipped)
        if findings(tmp_path / "state"):
            found += 1
        else:
            with closing(SqliteJournal(tmp_path / "state")) as journal:
                if (journal.runs(), journal.events("r"), journal.events("s")) != (
                    ("s", "r"),
                    RUN,
                    (began("s"), *RUN[1:]),
                ):
                    missed.append(position)
        for name in ("journal.sqlite3-wal", "journal.sqlite3-shm"):
            (tmp_path / "state" / name).unlink(missing_ok=True)

    assert missed == []
    assert found > 100


SWAP_NUMBERS = """
update events set number = case number when 2 then 9 else 2 end where number in (2, 3);
update events set number = 3 where number = 9
"""
SWAP_BODIES = """
update events set body = (select body from events other where other.number = 5 - events.number) where number in (2, 3)
"""
INSERT = """
update events set number = number + 10 where number > 1;
update events set number = number - 9 where number > 9;
insert into events select null, run, 2, at, body, hash from events where number = 1
"""
CUT_OFF = """
delete from events where number = 4;
update runs set events = 3, head = (select hash from events where number = 3)
"""
REPEAT = "insert into events select null, run, 5, at, body, hash from events where number = 4"
TAMPERING = {
    "an event is removed": ("delete from events where number = 2", "event 2"),
    "the last event is removed": ("delete from events where number = 4", "event 4"),
    "the last two are removed": ("delete from events where number > 2", "event 3"),
    "all events are removed": ("delete from events", "event 1"),
    "two events change places": (SWAP_NUMBERS, "event 2"),
    "two bodies change places": (SWAP_BODIES, "event 2"),
    "an event is repeated": (REPEAT, "event 5"),
    "an event is added": ("insert into events values (null, 'r', 5, '2026', '{}', 'abc')", "event 5"),
    "an event is put in between": (INSERT, "event 2"),
    "the end is removed from the list, too": (CUT_OFF, "the journal has lost 1 event"),
    "the run's entry is removed": ("delete from runs", "its entry in the list of runs is missing"),
    "the run is removed whole": ("delete from events; delete from runs", "the journal has lost 4 events"),
    "the run gets another name": ("update runs set id = 'x'", "run r: its entry in the list of runs is missing"),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_with_the_order_or_the_number_of_events_is_found(tmp_path: Path, name: str) -> None:
    """By someone who can write the file and does not compute the hashes anew."""
    statements, expected = TAMPERING[name]
    with tampered(kept(tmp_path)) as database:
        database.execute("pragma foreign_keys = off")
        for statement in statements.split(";"):
            database.execute(statement)

    found = findings(tmp_path)
    assert any(expected in line for line in found), found


def test_runs_in_another_order_are_found(tmp_path: Path) -> None:
    """The newest run is the one that a bare `resume` goes on with."""
    with tampered(kept(tmp_path, "a", "b")) as database:
        database.execute("pragma foreign_keys = off")
        database.execute("update runs set number = 3 - number + 10")
        database.execute("update runs set number = number - 10")

    assert "the list of runs is not in the order in which they began" in findings(tmp_path)


def damage(file: Path, run: str) -> None:
    """Change a letter in the second event of a run."""
    with tampered(file) as database:
        database.execute(
            "update events set body = replace(body, 'push', 'pull') where run = ? and number = 2", (run,)
        )  # fmt: skip


def test_a_damaged_run_hides_no_other(tmp_path: Path) -> None:
    """History lists all, and says of the damaged one which event is wrong; the others are read as before."""
    damage(kept(tmp_path, "a", "b", "c"), "b")
    with closing(SqliteJournal(tmp_path)) as journal:
        listed = {row.run: row.outcome for row in rows(journal, 10)}
        assert list(listed) == ["c", "b", "a"]
        assert (listed["a"], listed["c"]) == ("finished", "finished")
        assert listed["b"].startswith("the record of run b is damaged: run b, event 2: ")

        journal.hold("t", holder("b"))
        assert "the record of run b is damaged" in running(journal, {}, START)[0].as_text()


def test_a_damaged_page_costs_its_own_rows_alone(tmp_path: Path) -> None:
    """SQLite calls the whole file malformed; check names what can't be read, and export prints all the rest."""
    file = kept(tmp_path / "state", *(f"run-{number}" for number in range(40)))
    with closing(sqlite3.connect(file)) as database:
        database.execute("pragma journal_mode = delete")
        size = database.execute("pragma page_size").fetchone()[0]
        (root,) = database.execute("select rootpage from sqlite_master where name = 'events'").fetchone()
    whole = file.read_bytes()
    leaf = next(
        page
        for page in range(root, len(whole) // size)
        if whole[page * size] == 0x0D and b"run-20" in whole[page * size : (page + 1) * size]
    )
    file.write_bytes(whole[: leaf * size] + b"\xff" * size + whole[(leaf + 1) * size :])

    with closing(SqliteJournal(tmp_path / "state")) as journal:
        record, found = journal.inspect()
        assert any("events can't be read" in str(finding) for finding in found)
        assert len(record.runs) == 40
        assert 100 < len(record.links) < 160
        assert len(list(to_lines(record, record.runs))) == len(record.links) + 40
        listed = [row.outcome for row in rows(journal, 100)]
        assert len(listed) == 40
        assert 1 <= sum(outcome != "finished" for outcome in listed) < 20
        copy, copied = journal.backup(tmp_path / "copy")
        assert (copy.links, len(copied) > 0) == (record.links, True)


def test_a_damaged_run_is_not_resumed_and_does_not_block_the_check(tmp_path: Path) -> None:
    """`resume` refuses, with and without its name; a run that is sound is gone on with by its name."""
    place = make_place(tmp_path)
    answer = place.answer
    place.answer = lambda screen: "q" if "Type yes to run" in screen else answer(screen)  # type: ignore[method-assign]
    assert place.session() == 1
    with closing(SqliteJournal(place.root / "state" / "runbook")) as journal:
        (run,) = journal.runs()
        file = journal.file
    with tampered(file) as database:
        database.execute("update events set body = replace(body, 'see', 'sea') where number = 4")

    for words in ((), (run,)):
        ended = walk(place, "resume", *words)
        assert f"the record of run {run} is damaged: run {run}, event 4: " in ended
        assert "runbook journal check" in ended
    assert PUSH not in place.effects


def walk(place: Place, *words: str) -> str:
    """Run a verb at a terminal and return what it printed."""
    from support.forked import start

    child = start(["--book", str(place.root / "book"), *words], environment=place.environment, directory=place.root)
    child.converse(lambda _screen: "q")
    return " ".join("".join(child.screens).split())


def test_a_damaged_lock_is_no_crash(tmp_path: Path) -> None:
    """In doubt somebody is at work: it must be taken over, and check names it."""
    with closing(SqliteJournal(tmp_path)) as journal:
        journal.hold("t", holder("a", pid=1))
        with tampered(journal.file) as database:
            database.execute("update locks set since = 'soon', pid = 'x'")
        other = journal.hold("t", holder("b"))
        assert other is not None
        assert (other.run, other.alive) == ("a", None)
        assert journal.hold("t", holder("b"), over=other) is None
    with tampered(tmp_path / "journal.sqlite3") as database:
        database.execute("update locks set since = 'soon'")
    assert findings(tmp_path) == ["the lock of t is damaged"]


# --- check, backup, export ----------------------------------------------------------------------------------------


def verb(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `runbook journal` on the journal of that state directory."""
    return subprocess.run(
        [sys.executable, "-m", "runbook", "journal", *words],
        env={**os.environ, "XDG_STATE_HOME": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_check_ends_with_0_if_all_is_sound_and_1_if_not(tmp_path: Path) -> None:
    """It names the run, the event and what is wrong."""
    assert (verb(tmp_path, "check").returncode, list(tmp_path.iterdir())) == (0, [])
    file = kept(tmp_path / "runbook", "a", "b")
    sound = verb(tmp_path, "check")
    assert (sound.returncode, sound.stdout) == (0, "2 runs, 8 events: sound.\n")

    damage(file, "b")
    broken = verb(tmp_path, "check")
    assert broken.returncode == 1
    assert broken.stdout.startswith("run b, event 2: ")
    assert broken.stdout.endswith("2 runs, 8 events: damaged.\n")

    file.write_bytes(b"no journal at all" * 999)
    unreadable = verb(tmp_path, "check")
    assert (unreadable.returncode, "Traceback" in unreadable.stderr) == (1, False)
    assert "file is not a database" in unreadable.stdout


def test_a_backup_is_whole_private_and_never_over_another_file(tmp_path: Path) -> None:
    """While the journal is open in another process; put in the journal's place it is the journal."""
    directory = tmp_path / "runbook"
    with closing(SqliteJournal(directory)) as journal:
        for event in RUN[:3]:
            journal.append("r", event)
        made = verb(tmp_path, "backup", str(tmp_path / "copy"))
        assert (made.returncode, made.stdout.endswith("1 run, 3 events: sound.\n")) == (0, True)
        assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
        again = verb(tmp_path, "backup", str(tmp_path / "copy"))
        assert (again.returncode, "already exists" in again.stderr) == (1, True)
        (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
        assert verb(tmp_path, "backup", str(tmp_path / "link")).returncode == 1
        assert not (tmp_path / "elsewhere").exists()

    shutil.rmtree(directory)
    directory.mkdir(mode=0o700)
    (tmp_path / "copy").rename(directory / "journal.sqlite3")
    with closing(SqliteJournal(directory)) as restored:
        assert restored.events("r") == RUN[:3]
        restored.append("r", RUN[3])
    assert findings(directory) == []


def test_an_export_proves_itself_and_a_report_s_hash_proves_the_journal(tmp_path: Path) -> None:
    """Each line can be checked offline; a head kept elsewhere is found as long as nothing before it was changed."""
    kept(tmp_path / "runbook", "a", "b")
    made = verb(tmp_path, "export", "--output", str(tmp_path / "all.jsonl"))
    assert (made.returncode, (tmp_path / "all.jsonl").stat().st_mode & 0o777) == (0, 0o600)
    assert verb(tmp_path, "check", "--export", str(tmp_path / "all.jsonl")).stdout == "2 runs, 8 events: sound.\n"
    lines = verb(tmp_path, "export", "a").stdout.splitlines()
    assert [json.loads(line).get("number") for line in lines] == [1, 2, 3, 4, None]

    head = json.loads(lines[-1])["head"]
    report = verb_report(tmp_path, "a")
    assert f"4 events, the last with the hash `{head}`" in report
    assert verb(tmp_path, "check", "--head", head).returncode == 0
    assert verb(tmp_path, "check", "--head", "0" * 64).returncode == 1

    changed = [line.replace("push", "pull") for line in lines]
    for spoiled in (changed, lines[1:], lines[:2] + lines[3:], [*lines[:3], lines[4]], [*lines, "{"]):
        (tmp_path / "spoiled").write_text("\n".join(spoiled))
        assert verb(tmp_path, "check", "--export", str(tmp_path / "spoiled")).returncode == 1


def verb_report(directory: Path, run: str) -> str:
    """Return the report of a run."""
    return subprocess.run(
        [sys.executable, "-m", "runbook", "report", run],
        env={**os.environ, "XDG_STATE_HOME": str(directory)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


NO_EVENTS = ["", "[]", "null", "7", '{"body": 1}', '{"run": [], "events": 1}', '{"body": "", "run": "r"}', "[" * 9999]
NO_EVENTS += [json.dumps({"run": "r", "events": value, "head": "h", "unproven": 0}) for value in ("1", None, True)]


@pytest.mark.parametrize("line", NO_EVENTS)
def test_a_line_that_is_no_event_is_named(line: str) -> None:
    """Whatever stands in the file."""
    assert list(from_lines([line]).findings()) != []


# --- version 1 ----------------------------------------------------------------------------------------------------

VERSION_1 = """
pragma journal_mode = wal;
create table runs (id text primary key, procedure text not null, started text not null) without rowid;
create index runs_by_age on runs (started);
create table events (
    run text not null references runs (id),
    number integer not null,
    at text not null,
    body text not null,
    primary key (run, number)
) without rowid;
create trigger events_stay before update on events begin select raise(abort, 'the journal is append-only'); end;
create trigger events_remain before delete on events begin select raise(abort, 'the journal is append-only'); end;
create table locks (
    target text primary key, run text not null, procedure text not null, operator text not null, host text not null,
    pid integer not null, born text not null, since text not null, step text not null
) without rowid;
insert into locks values ('production:x', 'new', 'fix', 'ada', 'laptop', 7, '', '2026-11-23T01:20:00+00:00', 'push');
pragma user_version = 1;
"""


def version_1(directory: Path) -> Path:
    """Write a journal as the first version did."""
    from runbook.journal.codec import to_json

    directory.mkdir(mode=0o700)
    file = directory / "journal.sqlite3"
    with closing(sqlite3.connect(file)) as database:
        database.executescript(VERSION_1)
        for run, at in (("new", START + timedelta(days=1)), ("old", START)):
            database.execute("insert into runs values (?, 'fix', ?)", (run, at.isoformat()))
            for number, event in enumerate((began(run, at), RunStopped(at=at, reason="lunch")), 1):
                row = (run, number, event.at.isoformat(), to_json(event))
                database.execute("insert into events values (?, ?, ?, ?)", row)
        database.commit()
    return file


def test_a_journal_of_version_1_is_upgraded_in_place(tmp_path: Path) -> None:
    """Its runs, their order, events and locks stay; check says what its hashes don't prove."""
    version_1(tmp_path / "runbook")
    with closing(SqliteJournal(tmp_path / "runbook")) as journal:
        assert journal.runs() == ("new", "old")
        assert journal.events("old") == (began("old"), RunStopped(at=START, reason="lunch"))
        assert [one.run for one in journal.holders()] == ["new"]
        journal.append("old", RunFinished(at=START))
        assert len(journal.events("old")) == 3

    checked = verb(tmp_path, "check")
    assert checked.returncode == 0, checked.stdout
    assert "A version without hashes recorded 4 events." in checked.stdout
    assert "2 runs, 5 events: sound." in checked.stdout


def test_what_happens_to_old_events_after_the_upgrade_is_found(tmp_path: Path) -> None:
    """From then on they are chained as all others."""
    file = version_1(tmp_path / "state")
    assert findings(tmp_path / "state") == []
    with tampered(file) as database:
        database.execute("update events set body = replace(body, 'lunch', 'munch') where run = 'old'")

    assert [line[:21] for line in findings(tmp_path / "state")] == ["run old, event 2: it "]


def test_an_upgrade_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """In one transaction: an older version of the program can still read it."""
    file = version_1(tmp_path / "state")
    with closing(sqlite3.connect(file)) as database:
        database.execute("create view events_1 as select 1")

    with pytest.raises(JournalError, match="events_1"), closing(SqliteJournal(tmp_path / "state")) as journal:
        journal.runs()
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("pragma user_version").fetchone() == (1,)
        assert database.execute("select count(*) from events").fetchone() == (4,)
