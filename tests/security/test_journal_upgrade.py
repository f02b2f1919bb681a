"""A journal of the first version is upgraded in place, in one transaction, and chained from then on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from support.journal_files import findings, tampered, verb
from support.journals import START, began

from runbook.errors import JournalError
from runbook.journal.codec import to_json
from runbook.journal.events import RunFinished, RunStopped
from runbook.journal.sqlite import SqliteJournal

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

    checked = verb(tmp_path, "journal", "check")
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
