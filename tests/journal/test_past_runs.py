"""Runs that are recorded once they are over, as drills are: all or nothing, kept while the journal is out of reach."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.journal_engines import Engine
from support.journals import START, began
from support.network import Network, Trouble

from runbook.errors import JournalError
from runbook.journal.address import parse_address
from runbook.journal.events import DrillEnded, Event, NoteAdded, RunFinished, TargetSeen
from runbook.journal.facts import Query
from runbook.journal.postgres import PostgresJournal

DRILLS = Query(kind="drill")


def ended(scenario: str = "lost") -> DrillEnded:
    """Return how a drill ended."""
    return DrillEnded(at=START + timedelta(minutes=1), procedure="fix", scenario=scenario, operator="ada", passed=True)


def drilled(run: str, scenario: str = "lost") -> tuple[Event, ...]:
    """Return the events of a drill."""
    target = TargetSeen("drill", "lost", "3.1.0")
    note = NoteAdded(at=START, step="look", note="three rows")
    return (replace(began(run), target=target), note, RunFinished(at=START), ended(scenario))


def test_a_run_that_is_over_is_appended_as_a_whole(engine: Engine) -> None:
    """With the same chain as one that was appended event by event."""
    journal = engine.open()

    assert journal.add("d", drilled("d")) == ""

    other = engine.open()
    assert other.events("d") == drilled("d")
    assert other.inspect()[1] == []
    assert journal.waiting == ""


def test_a_run_that_exists_gets_no_events_of_another(engine: Engine) -> None:
    """Its record stays as it is; a file keeps nothing of the other one, and a shared journal says why it waits."""
    journal = engine.open()
    journal.append("d", began("d"))

    try:
        said = journal.add("d", drilled("d"))
    except JournalError as error:
        said = error.message

    assert "began at the same moment" in said
    assert engine.open().events("d") == (began("d"),)


# --- the last events ------------------------------------------------------------------------------------------------


def test_the_last_events_are_read_in_one_question(engine: Engine) -> None:
    """Of the runs that match, the newest first."""
    journal = engine.open()
    journal.append("real", began("real"))
    for run in ("one", "two"):
        journal.add(run, drilled(run, run))
    journal.append("begun", replace(began("begun"), target=TargetSeen("drill", "lost", "3.1.0")))

    found = journal.last_events(DRILLS)

    assert found[0][0] == "begun"
    assert found[1:] == (("two", ended("two")), ("one", ended("one")))
    assert journal.last_events(Query()) == (("real", began("real")),)


DAMAGE = {
    "the result": "update events set body = replace(body, 'true', 'null') where run = 'one' and number = 4",
    "another result": "update events set body = replace(body, '\"passed\":true', '\"passed\":false') "
    "where run = 'one' and number = 4",
    "its end is gone": "delete from events where run = 'one' and number = 4",
    "its end is gone, and the entry says so": "delete from events where run = 'one' and number = 4;"
    "update runs set events = 3 where id = 'one'",
    "the hash before it": "update events set hash = replace(hash, '1', '2') where run = 'one' and number = 3",
    "all of it": "delete from events where run = 'one'",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_last_event_that_was_changed_is_none(engine: Engine, damage: str) -> None:
    """It must not count for what it isn't, and it must not hide the others."""
    journal = engine.open()
    for run in ("one", "two"):
        journal.add(run, drilled(run))
    journal.close()
    for statement in DAMAGE[damage].split(";"):
        engine.tamper(statement)

    assert engine.open().last_events(DRILLS) == (("two", ended()), ("one", None))


# --- out of reach ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False], ids=["the journal was reached before", "never reached"])
def test_a_run_that_is_over_waits_for_the_journal(network: Network, tmp_path: Path, known: bool) -> None:
    """Whoever reads the journal next sends it; nothing is lost, and nothing arrives twice."""
    address = parse_address(network.url)
    with closing(PostgresJournal(address, tmp_path / "state")) as journal:
        if known:
            assert journal.runs() == ()
        network.breaks(Trouble.CUT)

        why = journal.add("d", drilled("d"))

        assert "can't be reached" in why
        assert "4 events wait in" in journal.waiting
    network.breaks(Trouble.NONE)
    for _ in range(2):
        with closing(PostgresJournal(address, tmp_path / "state")) as later:
            assert later.events("d") == drilled("d")
            assert later.waiting == ""


def test_a_run_whose_answer_is_lost_arrives_once(network: Network, tmp_path: Path) -> None:
    """The server took an event, and nobody heard of it: the next attempt recognises it."""
    address = parse_address(network.url)
    with closing(PostgresJournal(address, tmp_path / "state")) as journal:
        assert journal.runs() == ()
        network.breaks(Trouble.NOTHING_RETURNS)
        assert journal.add("d", drilled("d"))
        network.breaks(Trouble.NONE, now=True)

        assert journal.events("d") == drilled("d")
        assert journal.inspect()[1] == []


def test_a_run_that_the_journal_refuses_waits_with_the_reason(people: dict[str, str], tmp_path: Path) -> None:
    """A reader may not append; once an administrator lets them in, it arrives."""
    with closing(PostgresJournal(parse_address(people["eve"]), tmp_path)) as journal:
        why = journal.add("d", drilled("d"))

        assert "refuses those of run d" in why
        assert "permission denied" in why
        assert "4 events wait in" in journal.waiting
