"""The journal in a file: it is whole, ours alone, and what is wrong with it is said."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.journals import START, began

from runbook.errors import JournalError
from runbook.journal.events import Purpose, RunFinished, StepStarted
from runbook.journal.sqlite import SqliteJournal


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    """Reading an empty history leaves no directory behind."""
    journal = SqliteJournal(tmp_path / "state")

    assert journal.runs() == ()
    assert journal.holders() == ()
    with pytest.raises(JournalError, match="no run called 'x'"):
        journal.events("x")
    assert list(tmp_path.iterdir()) == []


def test_it_is_closed_to_everybody_else(tmp_path: Path) -> None:
    """Directory 0700 and files 0600, whatever the umask; a directory that was open is closed."""
    (tmp_path / "state").mkdir(mode=0o755)
    before = os.umask(0)
    try:
        SqliteJournal(tmp_path / "state").append("r", began())
    finally:
        os.umask(before)

    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "state").iterdir()} == {0o600}


def test_events_can_neither_be_changed_nor_deleted(tmp_path: Path) -> None:
    """Not even by somebody who opens the file."""
    SqliteJournal(tmp_path).append("r", began())
    database = sqlite3.connect(tmp_path / "journal.sqlite3")

    for statement in ("update events set body = ''", "delete from events"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            database.execute(statement)
    database.close()


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    """With a sentence, and without touching it."""
    SqliteJournal(tmp_path).append("r", began())
    database = sqlite3.connect(tmp_path / "journal.sqlite3")
    database.execute("pragma user_version = 99")
    database.close()

    with pytest.raises(JournalError, match="newer version"):
        SqliteJournal(tmp_path).append("r", RunFinished(at=START))


def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    """The message names the file."""
    (tmp_path / "journal.sqlite3").write_bytes(b"this is no database" * 100)

    with pytest.raises(JournalError, match=r"journal\.sqlite3 can't be read"):
        SqliteJournal(tmp_path).runs()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        pytest.param(lambda place: place.write_text(""), "File exists", id="a file in its place"),
        pytest.param(lambda place: place.symlink_to("/nowhere/at/all"), "File exists", id="a dangling link"),
        pytest.param(lambda place: place.symlink_to("/proc/1"), "", id="somebody else's place"),
    ],
)
def test_a_directory_that_can_not_be_used_is_told(tmp_path: Path, spoil: Any, why: str) -> None:
    """Before anything runs, with what to do about it."""
    place = tmp_path / "state"
    spoil(place)

    with pytest.raises(JournalError, match=f"can't be (kept|written).*{why}"):
        SqliteJournal(place).append("r", began())


def test_a_directory_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What others can read or swap is no record."""
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)

    with pytest.raises(JournalError, match="belongs to another user"):
        SqliteJournal(tmp_path).append("r", began())


def fill(journal: SqliteJournal) -> None:
    """Write more than there is room for."""
    for _ in range(100):
        journal.append("r", StepStarted(at=START, step="a" * 4000, purpose=Purpose.RUN))


def test_a_full_disk_stops_the_event_and_keeps_the_rest(tmp_path: Path) -> None:
    """A limit on file sizes acts like a full disk: the write fails, and what was there can be read."""
    journal = SqliteJournal(tmp_path)
    journal.append("r", began())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (128 * 1024, before[1]))
    try:
        with pytest.raises(JournalError, match="can't be written"):
            fill(journal)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)

    written = len(SqliteJournal(tmp_path).events("r"))
    assert 1 < written < 100
    journal.append("r", RunFinished(at=START))
    assert len(journal.events("r")) == written + 1


def test_what_is_committed_is_on_the_disk(tmp_path: Path) -> None:
    """SQLite waits for the disk at each commit: the settings that decide it are those that were asked for."""
    journal = SqliteJournal(tmp_path)
    journal.append("r", began())
    assert journal._connection is not None

    asked = [journal._connection.execute(f"pragma {name}").fetchone()[0] for name in ("synchronous", "journal_mode")]
    assert asked == [2, "wal"]


def test_hundreds_of_events_do_not_wait_for_a_copy_of_the_log(tmp_path: Path) -> None:
    """The log is copied into the file when it's closed. Until then it has the events, and others read them from it."""
    journal = SqliteJournal(tmp_path)
    journal.append("r", began())
    before = journal.file.stat().st_size
    for number in range(400):
        journal.append("r", StepStarted(at=START, step=f"step-{number}", purpose=Purpose.RUN))

    assert journal.file.stat().st_size == before
    with closing(SqliteJournal(tmp_path)) as other:
        assert len(other.events("r")) == 401
    journal.close()
    assert journal.file.stat().st_size > before
    assert [file.name for file in tmp_path.iterdir()] == [journal.file.name]
