"""What both engines promise: what is appended stays, in order and once, and every change is found."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.journal_engines import Engine
from support.journal_files import RUN
from support.journals import START, began

from runbook.errors import JournalError
from runbook.journal.chain import hash_of, start_of
from runbook.journal.codec import to_json
from runbook.journal.events import (
    NoteAdded,
    Outcome,
    Purpose,
    RunFinished,
    RunResumed,
    StepFinished,
    StepStarted,
    TargetSeen,
    ValueGiven,
)
from runbook.journal.facts import Query
from runbook.journal.interface import StoredJournal, events_of, proof_of
from runbook.journal.record import from_lines, to_lines


def test_runs_and_their_events_are_kept_in_order(engine: Engine) -> None:
    """Another process reads what this one wrote; the newest run is first."""
    journal = engine.open()
    journal.append("old", began("old"))
    journal.append("new", began("new", START + timedelta(hours=1)))
    journal.append("old", RunFinished(at=START + timedelta(hours=2)))

    other = engine.open()
    assert other.runs() == ("new", "old")
    assert other.runs(limit=1) == ("new",)
    assert other.events("old") == (began("old"), RunFinished(at=START + timedelta(hours=2)))


def test_a_run_that_nobody_began_has_no_events(engine: Engine) -> None:
    """It can neither be read nor written."""
    journal = engine.open()
    with pytest.raises(JournalError, match="no run called 'x'"):
        journal.events("x")
    with pytest.raises(JournalError, match="no run called 'x'"):
        journal.append("x", RunFinished(at=START))
    assert journal.runs() == ()


def test_a_second_run_of_the_same_id_does_not_begin(engine: Engine) -> None:
    """Two that start in the same moment never mix their events."""
    journal = engine.open()
    journal.append("r", began())

    with pytest.raises(JournalError, match="began at the same moment"):
        journal.append("r", began())
    assert len(journal.events("r")) == 1


def test_every_event_can_be_proven_by_its_hash(engine: Engine) -> None:
    """The hash is the same in both engines, so an export from one proves the other."""
    journal = engine.open()
    for event in RUN:
        journal.append("r", event)

    expected = start_of("r")
    for number, event in enumerate(RUN, 1):
        expected = hash_of(expected, "r", number, event.at.isoformat(), to_json(event))
        assert proof_of(journal, "r", number) == expected
    assert proof_of(journal, "r", 5) == ""


def test_texts_of_any_kind_come_back(engine: Engine) -> None:
    """Quotes, line breaks, NUL, emoji and bytes that aren't UTF-8."""
    journal = engine.open()
    said = NoteAdded(at=START, step="a'b\"c", note="one\ntwo\x00three 🚨 \udcff {}")
    journal.append("r", began(text="100 % of 'it'; drop table events"))
    journal.append("r", said)

    assert engine.open().events("r")[1] == said


def test_writers_at_the_same_time_share_one_chain(engine: Engine) -> None:
    """As when somebody takes a run over while its process still writes: no event is lost, and none is doubled."""
    engine.open().append("r", began())
    journals = [engine.open() for _ in range(4)]

    def write(journal: StoredJournal, name: int) -> None:
        for number in range(10):
            journal.append("r", NoteAdded(at=START, step=str(name), note=str(number)))
        journal.close()  # SQLite's connections belong to their thread

    threads = [threading.Thread(target=write, args=(journal, name)) for name, journal in enumerate(journals)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    notes = [event for event in engine.open().events("r") if isinstance(event, NoteAdded)]
    assert sorted((note.step, note.note) for note in notes) == sorted(
        (str(a), str(b)) for a in range(4) for b in range(10)
    )
    for name in range(4):
        assert [note.note for note in notes if note.step == str(name)] == [str(number) for number in range(10)]


# --- finding runs -----------------------------------------------------------------------------------------------


@pytest.fixture
def searched(engine: Engine) -> StoredJournal:
    """Return a journal with three runs that differ in everything that can be searched for, and a drill."""
    journal = engine.open()
    journal.append("a", began("a", function_name="complete-order", names=("one", "two")))
    journal.append("b", began("b", START + timedelta(days=1)))
    journal.append("b", ValueGiven(at=START, step="find", name="version", value="20261101120000"))
    journal.append("c", began("c", START + timedelta(days=2)))
    local = TargetSeen("local", "laptop", "3.1.0")
    journal.append("c", RunResumed(at=START, operator="Grace", host="h", target=local))
    captured = {"status": "100 %_done"}
    journal.append(
        "c", StepFinished(at=START, step="x", purpose=Purpose.RUN, outcome=Outcome.PASSED, captured=captured)
    )
    drill = TargetSeen("drill", "push-lost", "3.1.0")
    journal.append("d", replace(began("d", START + timedelta(days=3)), target=drill))
    return journal


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(), "cba"),
        (Query(value="COMPLETE"), "a"),
        (Query(value="two"), "a"),
        (Query(value="20261101"), "b"),
        (Query(value="%_d"), "c"),
        (Query(value="%"), "c"),
        (Query(value="nothing"), ""),
        (Query(operator="grace"), "c"),
        (Query(operator="ada"), "cba"),
        (Query(target="qwertyuiop"), "cba"),
        (Query(target="laptop"), "c"),
        (Query(kind="local"), "c"),
        (Query(kind="drill"), "d"),
        (Query(kind="dri"), ""),
        (Query(target="push-lost"), ""),
        (Query(target="push-lost", kind="drill"), "d"),
        (None, "dcba"),
        (Query(procedure="fix"), "cba"),
        (Query(since=START + timedelta(days=1)), "cb"),
        (Query(since=START + timedelta(days=1), operator="Grace"), "c"),
        (Query(operator="Grace", value="two"), ""),
    ],
    ids=repr,
)
def test_runs_are_found_by_what_was_recorded(searched: StoredJournal, query: Query | None, found: str) -> None:
    """By any part of a value, in any case; signs that SQL would interpret are only signs.

    A drill is found only by a search for drills.
    """
    assert "".join(searched.runs(query)) == found


# --- a changed record ---------------------------------------------------------------------------------------------

CHANGES = {
    "a letter of an event": "update events set body = replace(body, 'push', 'pull') where run = 'r' and number = 2",
    "the time of an event": "update events set at = '2026-11-23T01:21:00+00:00' where run = 'r' and number = 2",
    "the hash of an event": "update events set hash = replace(hash, '1', '2') where run = 'r' and number = 2",
    "an event is missing": "delete from events where run = 'r' and number = 2",
    "the first is missing": "delete from events where run = 'r' and number = 1",
    "the end is missing": "delete from events where run = 'r' and number = 4",
    "the end, and the entry says so": "delete from events where run = 'r' and number = 4;"
    "update runs set events = 3 where id = 'r'",
    "two have changed places": "update events set number = -number where run = 'r' and number in (2, 3);"
    "update events set number = 5 + number where run = 'r' and number < 0",
    "an event is added": "insert into events {columns} select {next}, 'r', 5, at, body, hash{key} from events "
    "where run = 'r' and number = 4",
    "the head": "update runs set head = replace(head, '1', '2') where id = 'r'",
    "the run's entry is gone": "delete from runs where id = 'r'",
    "a whole run is gone": "delete from events where run = 'r'; delete from runs where id = 'r'",
    "an event of another run": "update events set run = 'r', number = 5 where run = 'other' and number = 4",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_any_kind_is_found(engine: Engine, change: str) -> None:
    """By whoever checks the whole journal, and by whoever reads that run; the other run stays readable."""
    journal = engine.open()
    for run in ("r", "other"):
        for event in (began(run), *RUN[1:]):
            journal.append(run, event)
    assert journal.inspect()[1] == []
    journal.close()

    is_sqlite = type(journal).__name__ == "SqliteJournal"
    shape = {
        "columns": "" if is_sqlite else "(sequence, run, number, at, body, hash, key) overriding system value",
        "next": "null" if is_sqlite else "99",
        "key": "" if is_sqlite else ", 17",
    }
    for statement in CHANGES[change].format(**shape).split(";"):
        engine.tamper(statement)

    changed = engine.open()
    assert changed.inspect()[1] != []
    with pytest.raises(JournalError, match=r"damaged|no run called"):
        changed.events("r")
    if change != "an event of another run":
        assert len(changed.events("other")) == 4


def test_every_byte_of_a_run_counts(engine: Engine) -> None:
    """Whichever byte of an event's text changes, its run is damaged."""
    journal = engine.open()
    for event in RUN:
        journal.append("r", event)
    body = journal.record("r")[0][1].body.decode()
    journal.close()

    unnoticed = []
    for place in range(0, len(body), 7):
        other = "x" if body[place] != "x" else "y"
        changed = f"{body[:place]}{other}{body[place + 1 :]}"
        engine.tamper(f"update events set body = $${changed}$$ where number = 2".replace("$$", "'"))
        if not list(engine.open().inspect()[1]):
            unnoticed.append(place)
    engine.tamper(f"update events set body = '{body}' where number = 2")

    assert unnoticed == []
    assert engine.open().inspect()[1] == []


def test_every_byte_of_an_export_counts(engine: Engine) -> None:
    """Whichever byte of its lines changes, they no longer say the same, or the damage is found."""
    journal = engine.open()
    for event in RUN:
        journal.append("r", event)
    record, _ = journal.inspect()
    text = "\n".join(to_lines(record, ["r"]))
    said = from_lines(text.splitlines())
    assert list(said.findings()) == []

    unnoticed = []
    for place in range(len(text)):
        for other in {"x", "7", " ", "\n"} - {text[place]}:
            changed = from_lines(f"{text[:place]}{other}{text[place + 1 :]}".splitlines())
            is_same = (changed.links, changed.heads, changed.unreadable) == (said.links, said.heads, said.unreadable)
            if not is_same and not list(changed.findings()):
                unnoticed.append((place, other))
    assert unnoticed == []


# --- kill -9 ----------------------------------------------------------------------------------------------------

WRITER = """
import sys
sys.path[:0] = {path!r}
from support.journals import began, START
{source}
from runbook.journal.events import StepStarted, Purpose
journal.append("r{round}", began("r{round}"))
print(1, flush=True)
for number in range(2, 100000):
    journal.append("r{round}", StepStarted(at=START, step=str(number), purpose=Purpose.RUN))
    print(number, flush=True)
"""


def test_kill_9_loses_no_event_that_was_said_to_be_written(engine: Engine) -> None:
    """The writer says what is on disk; killed at any point, that and no gap is there."""
    here = [str(Path(__file__).parents[1])]
    for round_number in range(15):
        script = WRITER.format(path=here, source=engine.source, round=round_number)
        writer = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(1 + 7 * round_number)]
        writer.kill()
        said += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
        writer.wait()
        writer.stdout.close()

        kept = engine.open().events(f"r{round_number}")
        numbers = [int(event.step) for event in kept if isinstance(event, StepStarted)]
        assert numbers == list(range(2, len(kept) + 1))
        assert said[-1] <= len(kept) <= said[-1] + 1


def test_the_events_of_many_runs_are_read_at_once(engine: Engine) -> None:
    """They come in the order that was asked for; a damaged one gives its error and hides no other."""
    journal = engine.open()
    for run in ("a", "b", "c"):
        journal.append(run, began(run))
        journal.append(run, NoteAdded(at=START, step="", note=run))
    engine.tamper("delete from events where run = 'b' and number = 2")

    read = dict(events_of(engine.open(), ["c", "b", "a"]))
    assert list(read) == ["c", "b", "a"]
    assert read["a"] == journal.events("a")
    assert read["c"] == journal.events("c")
    assert isinstance(read["b"], JournalError)
    assert "the record of run b is damaged" in read["b"].message
