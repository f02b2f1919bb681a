"""Damage to a journal, by accident or on purpose, is found and named, and hides nothing else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.forked import start
from support.journal_files import RUN, change_letter, findings, kept, tampered
from support.journals import START, began, holder
from support.places import PUSH, Place, make_place

from runbook.errors import JournalError
from runbook.journal.record import to_lines
from runbook.journal.sqlite import SqliteJournal
from runbook.reports.run_history import rows, running


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


def test_a_damaged_run_hides_no_other(tmp_path: Path) -> None:
    """History lists all, and says of the damaged one which event is wrong; the others are read as before."""
    change_letter(kept(tmp_path, "a", "b", "c"), "b")
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
