"""The journal on disk: what is written stays, is whole, and is ours alone."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.journals import START, began

from runbook.errors import JournalError
from runbook.journal import codec
from runbook.journal import events as known
from runbook.journal.events import Event, Purpose, RunFinished, StepStarted
from runbook.journal.sqlite import SqliteJournal

KINDS = [
    kind
    for name in known.__all__
    if isinstance(kind := getattr(known, name), type) and issubclass(kind, Event) and kind is not Event
]


# --- events as JSON ---------------------------------------------------------------------------------------------

BROKEN = st.integers(0xDC80, 0xDCFF).map(chr)  # what Python makes of a byte that is not UTF-8
TEXT = st.text(st.characters(exclude_categories=["Cs"]) | BROKEN, max_size=20)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    datetime: st.datetimes(timezones=st.just(UTC)),
    int: st.integers(),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
}


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Return any value of that type."""
    if hint in VALUES:
        return VALUES[hint]
    if is_dataclass(hint):
        return instances_of(hint)
    if isinstance(hint, type):
        return st.sampled_from(list(hint))  # type: ignore[call-overload]  # an enum
    text = str(hint)
    if "Mapping" in text:
        if is_dataclass(get_args(hint)[1]):
            return st.dictionaries(TEXT, instances_of(get_args(hint)[1]), max_size=3)
        return st.dictionaries(TEXT, TEXT | st.lists(TEXT).map(tuple) if "tuple" in text else TEXT, max_size=3)
    return st.none() | st.integers() if "None" in text else st.lists(TEXT, max_size=3).map(tuple)


def instances_of(kind: Any) -> st.SearchStrategy[Any]:
    """Return any instance of a dataclass."""
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: values_of(hints[field.name]) for field in fields(kind)})


@given(event=st.one_of([instances_of(kind) for kind in KINDS]))
@settings(max_examples=300, deadline=None)
def test_every_event_survives_the_journal_s_form(event: Event) -> None:
    """What is read back is equal, whatever the values hold; the form is plain ASCII."""
    text = codec.to_json(event)

    assert text.isascii()
    assert "\n" not in text
    assert codec.from_json(text) == event


def test_fields_of_a_newer_version_are_left_out_and_new_fields_have_defaults() -> None:
    """A journal of last year, or of next year, can be read."""
    document = codec.encode(StepStarted(at=START, step="a", purpose=Purpose.RUN))
    del document["argv"]
    document["mood"] = "good"

    assert codec.decode(document) == StepStarted(at=START, step="a", purpose=Purpose.RUN)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"event": "Unheard"}', '{"event": "StepStarted", "at": "soon"}'])
def test_a_damaged_event_is_one_sentence(text: str) -> None:
    """Never a traceback."""
    with pytest.raises(JournalError, match="the journal contains"):
        codec.from_json(text)


# --- the file ---------------------------------------------------------------------------------------------------


def test_runs_and_their_events_are_kept_in_order(tmp_path: Path) -> None:
    """Another process reads what this one wrote; the newest run is first."""
    journal = SqliteJournal(tmp_path / "state")
    journal.append("old", began("old"))
    journal.append("new", began("new", START + timedelta(hours=1)))
    journal.append("old", RunFinished(at=START + timedelta(hours=2)))

    other = SqliteJournal(tmp_path / "state")
    assert other.runs() == ("new", "old")
    assert other.events("old") == (began("old"), RunFinished(at=START + timedelta(hours=2)))


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


def test_a_second_run_of_the_same_id_does_not_begin(tmp_path: Path) -> None:
    """Two that start in the same moment never mix their events."""
    journal = SqliteJournal(tmp_path)
    journal.append("r", began())

    with pytest.raises(JournalError, match="began at the same moment"):
        journal.append("r", began())
    assert len(journal.events("r")) == 1


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
    """The limit on file sizes stands for the end of the disk: the write fails, what was there can be read."""
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


# --- kill -9 ----------------------------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
sys.path[:0] = {path!r}
from support.journals import began, START
from runbook.journal.sqlite import SqliteJournal
from runbook.journal.events import StepStarted, Purpose
journal = SqliteJournal(Path({directory!r}))
journal.append("r", began())
print(1, flush=True)
for number in range(2, 100000):
    journal.append("r", StepStarted(at=START, step=str(number), purpose=Purpose.RUN))
    print(number, flush=True)
"""


def test_kill_9_loses_no_event_that_was_said_to_be_written(tmp_path: Path) -> None:
    """The writer says what is on disk; killed at any point, that and no gap is there."""
    here = [str(Path(__file__).parents[1])]
    for round_number in range(15):
        directory = tmp_path / str(round_number)
        script = WRITER.format(path=here, directory=str(directory))
        writer = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(1 + 7 * round_number)]
        writer.kill()
        said += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
        writer.wait()
        writer.stdout.close()

        kept = SqliteJournal(directory).events("r")
        numbers = [int(event.step) for event in kept if isinstance(event, StepStarted)]
        assert numbers == list(range(2, len(kept) + 1))
        assert said[-1] <= len(kept) <= said[-1] + 1


def test_what_is_committed_is_on_the_disk(tmp_path: Path) -> None:
    """SQLite waits for the disk at each commit: the settings that decide it are those that were asked for."""
    journal = SqliteJournal(tmp_path)
    journal.append("r", began())
    assert journal._connection is not None

    asked = [journal._connection.execute(f"pragma {name}").fetchone()[0] for name in ("synchronous", "journal_mode")]
    assert asked == [2, "wal"]
