"""Events that reach the shared journal after their time: once, in no other run's way, and never as a start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from support.journal_engines import PostgresEngine
from support.journals import START, began, holder
from support.network import Network, Trouble

from runbook.engine.state import Status, fold
from runbook.errors import JournalError, JournalUnreachableError
from runbook.journal.address import parse_address
from runbook.journal.events import (
    ChildStarted,
    Event,
    NoteAdded,
    Outcome,
    Purpose,
    RunResumed,
    RunStopped,
    StepFinished,
    StepStarted,
)
from runbook.journal.postgres import PostgresJournal
from runbook.journal.record import findings_in
from runbook.journal.spool import Entry, Spool

STARTED = StepStarted(at=START, step="push", purpose=Purpose.RUN, argv=("change", "it"), effect="writes")
BORN = ChildStarted(at=START, step="push", pid=4242, born="1@here", host="here")
FINISHED = StepFinished(at=START, step="push", purpose=Purpose.RUN, outcome=Outcome.PASSED)
RESUMED = RunResumed(at=START, operator="grace", host="desktop", target=began().target)
SEEN = NoteAdded(at=START, step="", note="seen")
GRACE = replace(holder("r", pid=4243, host="desktop"), operator="grace")


@pytest.fixture
def ada(network: Network, tmp_path: Path) -> Iterator[PostgresJournal]:
    """Return the journal of somebody who has the target of run r, over that network."""
    with closing(PostgresJournal(parse_address(network.url), tmp_path / "ada")) as journal:
        assert journal.hold("t", holder("r")) is None
        journal.append("r", began())
        for _ in range(2):  # now the driver has prepared the statement, and appends in one round trip
            journal.append("r", SEEN)
        yield journal
        network.breaks(Trouble.NONE)


@pytest.fixture
def grace(shared: PostgresEngine, tmp_path: Path) -> Iterator[PostgresJournal]:
    """Return the journal of somebody on another machine, whose line is sound."""
    with closing(PostgresJournal(parse_address(shared.url), tmp_path / "grace")) as journal:
        yield journal


def recorded(journal: PostgresJournal) -> Sequence[Event]:
    """Return what the server has of the run, after its first events and after checking its chain."""
    assert list(findings_in("r", *journal.record("r"))) == []
    return [event for event in journal.events("r")[1:] if event != SEEN]


def take(journal: PostgresJournal) -> None:
    """Take the target over, deliberately."""
    other = journal.hold("t", GRACE)
    assert other is not None
    assert journal.hold("t", GRACE, over=other) is None


# --- what was on its way ------------------------------------------------------------------------------------------


def test_an_event_that_arrives_after_it_was_sent_again_is_recorded_once(
    ada: PostgresJournal, grace: PostgresJournal, network: Network
) -> None:
    """Its process died meanwhile, and another one sent what it had kept."""
    network.breaks(Trouble.LATE)
    ada.append("r", FINISHED)
    network.breaks(Trouble.NONE)
    with closing(PostgresJournal(ada.address, ada._state)) as next_process:
        assert recorded(next_process) == [FINISHED]

    network.deliver()
    assert recorded(grace) == [FINISHED]


def test_a_start_that_was_given_up_does_not_arrive_once_its_process_is_connected_again(
    ada: PostgresJournal, network: Network
) -> None:
    """So what the process reads then stays true: the step has not started."""
    network.breaks(Trouble.LATE)
    with pytest.raises(JournalUnreachableError):
        ada.append("r", STARTED)
    network.breaks(Trouble.NONE)
    assert recorded(ada) == []

    network.deliver()
    assert recorded(ada) == []


def test_a_start_that_arrives_after_somebody_took_the_target_is_refused(
    ada: PostgresJournal, grace: PostgresJournal, network: Network
) -> None:
    """Nobody would know of the end of that step: its process gave up."""
    network.breaks(Trouble.LATE)
    with pytest.raises(JournalUnreachableError):
        ada.append("r", STARTED)
    take(grace)
    grace.append("r", RESUMED)

    network.deliver()
    assert recorded(grace) == [RESUMED]


@pytest.mark.parametrize("event", [STARTED, BORN, RESUMED])
def test_nothing_begins_in_a_process_that_lost_the_target_a_moment_ago(
    ada: PostgresJournal, grace: PostgresJournal, event: Event
) -> None:
    """Between its look at the lock and the start of the step: the server compares both at once."""
    take(grace)
    with pytest.raises(JournalError, match="somebody else has the target of run r by now") as refused:
        ada.append("r", event)
    assert "Nothing ran" in refused.value.hint
    assert recorded(grace) == []


def test_a_target_that_was_taken_and_released_meanwhile_is_not_ours_again(
    ada: PostgresJournal, grace: PostgresJournal, shared: PostgresEngine
) -> None:
    """Whoever noticed nothing of it would repeat what the other one did."""
    take(grace)
    shared.tamper("delete from locks")
    assert ada.hold("t", replace(holder("r"), step="push")) is not None
    with pytest.raises(JournalError, match="somebody else has the target"):
        ada.append("r", STARTED)
    assert ada.holders() == ()


def test_what_a_process_that_lost_the_target_saw_is_recorded(ada: PostgresJournal, grace: PostgresJournal) -> None:
    """Its command ran on: how it ended must not be lost."""
    ada.append("r", STARTED)
    take(grace)
    ada.append("r", FINISHED)
    assert recorded(grace) == [STARTED, FINISHED]


def test_what_such_a_process_saw_is_a_note_once_somebody_else_has_resumed_the_run(
    ada: PostgresJournal, grace: PostgresJournal
) -> None:
    """Its machine slept, and wakes up in the middle of their step: that one must not look as if it had ended."""
    ada.append("r", STARTED)
    take(grace)
    for event in (RESUMED, STARTED):
        grace.append("r", event)
    ada.append("r", FINISHED)
    assert len(ada.events("r")) > 4  # whatever it has read by now
    ada.append("r", RunStopped(at=START, reason="woken up"))

    *known, finished, stopped = recorded(grace)
    assert known == [STARTED, RESUMED, STARTED]
    for note, contains in ((finished, '"event":"StepFinished"'), (stopped, '"reason":"woken up"')):
        assert isinstance(note, NoteAdded)
        assert contains in note.note
    grace.append("r", FINISHED)
    assert recorded(grace)[-1] == FINISHED


# --- what had to wait ---------------------------------------------------------------------------------------------


def test_what_waited_until_somebody_else_had_continued_is_recorded_as_a_note(
    ada: PostgresJournal, grace: PostgresJournal, network: Network
) -> None:
    """It must not end a step that is under way again, nor stop a run that goes on; and nothing of it is lost."""
    ada.append("r", STARTED)
    network.breaks(Trouble.CUT)
    ada.append("r", FINISHED)
    ada.append("r", RunStopped(at=START, reason="no network"))
    take(grace)
    for event in (RESUMED, STARTED):
        grace.append("r", event)

    network.breaks(Trouble.NONE)
    assert ada.runs() == ("r",)
    assert ada.waiting == ""
    *known, finished, stopped = recorded(grace)
    assert known == [STARTED, RESUMED, STARTED]
    for note, contains in ((finished, '"event":"StepFinished"'), (stopped, '"reason":"no network"')):
        assert isinstance(note, NoteAdded)
        assert note.note.startswith("Recorded only now, after somebody else had continued this run: ")
        assert contains in note.note
    assert fold(grace.events("r")).step("push").status is Status.RUNNING
    assert fold(grace.events("r")).paused == ""


def test_what_waited_while_nobody_continued_is_recorded_as_it_is(
    ada: PostgresJournal, grace: PostgresJournal, network: Network
) -> None:
    """Even if the target was taken over for another run, and after an earlier resumption."""
    ada.append("r", RESUMED)
    network.breaks(Trouble.CUT)
    ada.append("r", FINISHED)
    take(grace)
    network.breaks(Trouble.NONE)
    assert recorded(ada) == [RESUMED, FINISHED]


# --- the spool ----------------------------------------------------------------------------------------------------


def test_an_event_after_half_a_one_is_whole(tmp_path: Path) -> None:
    """The machine lost its power in the middle of a line; the next event must not become part of that line."""
    spool = Spool(tmp_path)
    whole, next_one = Entry("1", "{}", 1, None), Entry("2", "{}", 2, 7)
    spool.keep("r", whole)
    (file,) = tmp_path.iterdir()
    with file.open("a") as stream:
        stream.write('{"at": "2026')
    spool.keep("r", next_one)

    sent: list[Entry] = []
    spool.send(lambda _run, entry: sent.append(entry))
    assert sent == [whole, next_one]


def test_a_server_that_has_become_read_only_is_as_good_as_out_of_reach(
    ada: PostgresJournal, grace: PostgresJournal, shared: PostgresEngine
) -> None:
    """As after a failover, or when the host's disk is almost full: what has happened waits, and nothing starts."""
    shared.tamper("alter database production set default_transaction_read_only = on")
    try:
        ada.close()
        with pytest.raises(JournalUnreachableError, match="read-only"):
            ada.append("r", STARTED)
        ada.append("r", FINISHED)
        assert ada.waiting.startswith("1 event waits")
    finally:
        shared.tamper("set transaction_read_only = off; alter database production reset default_transaction_read_only")
    ada.close()
    assert recorded(ada) == [FINISHED]
