"""The shared journal: who may do what in it, and what happens while it can't be reached."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from support.journal_engines import PostgresEngine
from support.journals import START, began, holder
from support.network import Network, Trouble

from runbook.cli import main
from runbook.errors import JournalError, JournalUnreachableError, UsageError
from runbook.journal.address import parse_address
from runbook.journal.chain import problems
from runbook.journal.events import HandedOver, NoteAdded, Outcome, Purpose, RunFinished, StepFinished, StepStarted
from runbook.journal.postgres import PostgresJournal
from runbook.journal.postgres_connection import connect, journal_errors
from runbook.journal.postgres_schema import install, versions

if TYPE_CHECKING:
    from runbook.drill.postgres import Postgres

STARTED = StepStarted(at=START, step="push", purpose=Purpose.RUN)
SEEN = NoteAdded(at=START, step="", note="seen")
FINISHED = StepFinished(at=START, step="push", purpose=Purpose.RUN, outcome=Outcome.PASSED)


# --- the address ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("postgresql://db.example.com/runbook", "postgresql://db.example.com/runbook"),
        (
            "postgres://ada:s3cret@db.example.com:6432/runbook?sslmode=require",
            "postgresql://db.example.com:6432/runbook",
        ),
        ("postgresql:///?service=runbook", "postgresql:///?service=runbook"),
        ("postgresql://ada@/x?host=/run/pg&port=5433&password=s3cret", "postgresql:///run/pg:5433/x"),
        ("postgresql://h/a%20b?dbname=c", "postgresql://h/c"),
    ],
)
def test_an_address_is_shown_without_its_password(text: str, place: str) -> None:
    """Nor does its repr show it, which is in every traceback."""
    address = parse_address(text)
    assert address.place == place
    assert address.password == ("s3cret" if "s3cret" in text else "")
    assert "s3cret" not in repr(address)


@pytest.mark.parametrize("text", ["mysql://h/d", "db.example.com", "postgresql://h:port/d", "postgresql://[::1/d", ""])
def test_another_address_is_refused(text: str) -> None:
    """With an example, and without repeating what may be a secret."""
    with pytest.raises(UsageError, match="the journal's address") as refused:
        parse_address(text)
    assert "postgresql://" in refused.value.hint


# --- roles --------------------------------------------------------------------------------------------------------


def test_an_operator_appends_locks_and_reads(people: dict[str, str], tmp_path: Path) -> None:
    """That is all that a walk needs; the journal knows who it is."""
    with closing(PostgresJournal(parse_address(people["ada"]), tmp_path)) as journal:
        journal.append("r", began())
        assert journal.hold("t", holder("r")) is None
        assert [one.run for one in journal.holders()] == ["r"]
        journal.release("t", "r")
        assert journal.events("r") == (began(),)
        assert journal.role == "ada"
        assert journal.inspect()[1] == []


CHANGES = (
    "update events set body = ''",
    "delete from events",
    "insert into events (run, number, at, body, hash, key) values ('r', 2, '', '', '', 7)",
    "update runs set head = ''",
    "delete from runs",
    "truncate events",
    "update locks set run = 'mine'",
    "update about set runs = 0",
    "drop table events",
    "alter table events disable trigger all",
    "create or replace function chained(text, text, integer, text, text) returns text language sql return ''",
)


@pytest.mark.parametrize("statement", CHANGES)
@pytest.mark.parametrize("name", ["ada", "eve"])
def test_nobody_changes_what_is_there(people: dict[str, str], tmp_path: Path, name: str, statement: str) -> None:
    """An operator and a reader have no right on a table but to read it."""
    with closing(PostgresJournal(parse_address(people["ada"]), tmp_path)) as journal:
        journal.append("r", began())
    with closing(connect(parse_address(people[name]))) as connection:
        connection.execute("set search_path = runbook_journal")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


@pytest.mark.parametrize("statement", ["update events set body = ''", "delete from events", "delete from runs"])
def test_not_even_its_owner_changes_it_by_accident(shared: PostgresEngine, statement: str) -> None:
    """The triggers must be disabled first."""
    shared.open().append("r", began())
    with closing(connect(parse_address(shared.url))) as connection:
        connection.execute("set search_path = runbook_journal")
        with pytest.raises(psycopg.Error, match="append-only"):
            connection.execute(statement.encode())


FORGED = (
    *('"role":"grace"', '"role" : "grace"', '"role":"ada","role":"grace"'),
    *(r'"r\u006Fle":"grace"', r'"\\":1,"role":"grace"'),
)


@pytest.mark.parametrize("member", FORGED)
def test_nobody_claims_to_be_somebody_else(people: dict[str, str], tmp_path: Path, member: str) -> None:
    """However the JSON is written: the server reads it as every other reader does."""
    with closing(PostgresJournal(parse_address(people["ada"]), tmp_path)) as journal:
        journal.append("r", began())
    body = f'{{"event":"ConfirmationGiven",{member}}}'
    with closing(connect(parse_address(people["ada"]))) as connection:
        connection.execute("set search_path = runbook_journal")
        with pytest.raises(psycopg.Error) as refused:
            connection.execute("select append('r', '', %s, 1)", (body,))
    assert refused.value.sqlstate in {"RB002", "RB006"}


@pytest.mark.parametrize("text", ["\0", "\udc80", "é", "\x7f", '"role":"grace"', r"\u0072", "\\", '\\"role":"grace'])
def test_a_value_of_any_kind_is_no_claim(people: dict[str, str], tmp_path: Path, text: str) -> None:
    """Even if its parameter is called role, and if PostgreSQL takes it for no text."""
    start = replace(began("r", role="grace", value=text), role="ada")
    with closing(PostgresJournal(parse_address(people["ada"]), tmp_path)) as journal:
        journal.append("r", start)
        assert journal.events("r") == (start,)


def test_a_reader_reads_and_appends_nothing(people: dict[str, str], tmp_path: Path) -> None:
    """As somebody who only watches."""
    with closing(PostgresJournal(parse_address(people["ada"]), tmp_path)) as journal:
        journal.append("r", began())
    with closing(PostgresJournal(parse_address(people["eve"]), tmp_path)) as journal:
        assert journal.events("r") == (began(),)
        with pytest.raises(JournalError, match="refuses you: permission denied") as refused:
            journal.append("r", STARTED)
        assert "grant runbook_operator" in refused.value.hint


def test_somebody_else_sees_nothing(people: dict[str, str], tmp_path: Path) -> None:
    """Whoever has no role of the journal."""
    address, refusal = (
        parse_address(people["mallory"]),
        pytest.raises(JournalError, match=r"no journal in .* that you may use"),
    )
    with closing(PostgresJournal(address, tmp_path)) as journal, refusal:
        journal.runs()


# --- the schema -----------------------------------------------------------------------------------------------------


def test_a_database_without_a_journal_says_what_creates_it(server: Postgres, shared: PostgresEngine) -> None:
    """Nothing is created by reading or writing."""
    shared.tamper("drop schema runbook_journal cascade")
    with pytest.raises(JournalError, match="there is no journal in") as missing:
        shared.open().append("r", began())
    assert "runbook journal init" in missing.value.hint


def test_installing_twice_changes_nothing(shared: PostgresEngine) -> None:
    """As two administrators do."""
    shared.open().append("r", began())
    with closing(connect(parse_address(shared.url))) as connection:
        assert install(connection) == (1, 1)
    assert shared.open().events("r") == (began(),)


def test_an_older_schema_is_brought_up_to_date_with_all_its_events(shared: PostgresEngine) -> None:
    """Step by step, in one transaction; until then, it says what to do."""
    shared.open().append("r", began())
    newer = (*versions(), "alter table events add column mood text not null default 'good'")
    with closing(connect(parse_address(shared.url))) as connection:
        assert install(connection, newer) == (1, 2)
        assert connection.execute("select mood from runbook_journal.events").fetchall() == [("good",)]


def test_a_step_that_fails_leaves_the_older_schema(shared: PostgresEngine) -> None:
    """All or nothing."""
    newer = (*versions(), "alter table events add column mood text", "alter table nowhere add column mood text")
    with closing(connect(parse_address(shared.url))) as connection:
        with pytest.raises(JournalError), journal_errors(parse_address(shared.url)):
            install(connection, newer)
        assert connection.execute("select version from runbook_journal.about").fetchall() == [(1,)]
    shared.open().append("r", began())


@pytest.mark.parametrize(("version", "says"), [(99, "a newer version of runbook"), (0, "brings it up to date")])
def test_another_version_is_refused(shared: PostgresEngine, version: int, says: str) -> None:
    """A newer one by its reader and by `init`; an older one with the command that helps."""
    shared.tamper(f"update about set version = {version}")
    with pytest.raises(JournalError) as refused:
        shared.open().runs()
    assert says in f"{refused.value.message} {refused.value.hint}"


def test_the_server_waits_for_its_disk(shared: PostgresEngine) -> None:
    """Even if the database's default is not to."""
    shared.tamper("alter database production set synchronous_commit = off")
    try:
        journal = shared.open()
        assert isinstance(journal, PostgresJournal)
        assert journal._shared.ask("show synchronous_commit") == [("on",)]
    finally:
        shared.tamper("alter database production reset synchronous_commit")


# --- the line drops -------------------------------------------------------------------------------------------------


@pytest.fixture
def journal(network: Network, tmp_path: Path) -> Iterator[PostgresJournal]:
    """Return a journal with a run, over that network."""
    with closing(PostgresJournal(parse_address(network.url), tmp_path / "state")) as opened:
        opened.append("r", began())
        for _ in range(2):  # now the driver has prepared the statement, and appends in one round trip
            opened.append("r", SEEN)
        yield opened


def kinds(engine: PostgresEngine, run: str = "r") -> Sequence[str]:
    """Return what the server has of a run, after checking its chain."""
    links, head = engine.open().record(run)
    assert list(problems(run, links, head)) == []
    return [type(event).__name__ for event in engine.open().events(run) if event not in (SEEN, began())]


TROUBLES = [Trouble.CUT, Trouble.NOTHING_ARRIVES, Trouble.NOTHING_RETURNS]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_lets_something_begin_is_refused(
    journal: PostgresJournal, network: Network, shared: PostgresEngine, trouble: Trouble
) -> None:
    """The journal comes first: nothing runs that it doesn't know of."""
    network.breaks(trouble)
    with pytest.raises(JournalUnreachableError, match="can't be reached"):
        journal.append("r", STARTED)
    assert journal.waiting == ""

    network.breaks(Trouble.NONE, now=True)
    journal.append("r", NoteAdded(at=START, step="push", note="back"))
    # If only the answer was lost, the server has the event: a step that never ran, whose end nobody saw.
    lost = [] if trouble is not Trouble.NOTHING_RETURNS else ["StepStarted"]
    assert kinds(shared) == [*lost, "NoteAdded"]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_has_happened_waits_and_arrives_once_and_in_order(
    journal: PostgresJournal, network: Network, shared: PostgresEngine, trouble: Trouble
) -> None:
    """Also if the server had the event, and only its answer was lost."""
    journal.append("r", STARTED)
    network.breaks(trouble)
    journal.append("r", FINISHED)
    journal.append("r", NoteAdded(at=START, step="push", note="1"))
    journal.append("r", NoteAdded(at=START, step="push", note="2"))
    assert journal.waiting.startswith("3 events wait in ")

    network.breaks(Trouble.NONE, now=True)
    journal.append("r", RunFinished(at=START))
    assert journal.waiting == ""
    assert kinds(shared) == ["StepStarted", "StepFinished", "NoteAdded", "NoteAdded", "RunFinished"]
    assert [event.note for event in shared.open().events("r") if isinstance(event, NoteAdded)][-2:] == ["1", "2"]


def test_another_process_sends_what_a_dead_one_left(
    journal: PostgresJournal, network: Network, shared: PostgresEngine, tmp_path: Path
) -> None:
    """Reading is enough, so `resume` sees the whole run."""
    network.breaks(Trouble.CUT)
    journal.append("r", NoteAdded(at=START, step="push", note="last words"))
    network.breaks(Trouble.NONE)

    assert kinds(shared) == ["NoteAdded"]
    assert journal.waiting == ""


def test_a_connection_that_was_lost_in_silence_is_opened_again(
    journal: PostgresJournal, network: Network, shared: PostgresEngine
) -> None:
    """As after an hour at lunch: the next event and the next question just work."""
    for number in range(3):
        network.close_connections()
        journal.append("r", NoteAdded(at=START, step="push", note=str(number)))
        network.close_connections()
        assert len(journal.events("r")) == number + 4
    assert kinds(shared) == ["NoteAdded"] * 3
    assert network.connections > 5


def test_events_that_the_journal_refuses_stay_and_stop_their_run(
    journal: PostgresJournal, network: Network, shared: PostgresEngine
) -> None:
    """As after an old backup was restored: nothing is lost, later events don't overtake, other runs go on."""
    network.breaks(Trouble.CUT)
    journal.append("r", FINISHED)
    network.breaks(Trouble.NONE)
    shared.tamper("delete from events where run = 'r'; delete from runs where id = 'r'")

    other = began("other")
    journal.append("other", other)
    assert "refuses those of run r, because the journal has no run called 'r'" in journal.waiting
    with pytest.raises(JournalUnreachableError, match="earlier events of run r wait"):
        journal.append("r", STARTED)
    journal.append("r", HandedOver(at=START, note="I give up"))
    assert journal.waiting.startswith("2 events wait in")
    assert shared.open().events("other") == (other,)


def test_what_waits_is_for_this_user_alone(journal: PostgresJournal, network: Network, tmp_path: Path) -> None:
    """Directories 0700 and files 0600, whatever the umask."""
    network.breaks(Trouble.CUT)
    before = os.umask(0)
    try:
        journal.append("r", NoteAdded(at=START, step="push", note="x"))
    finally:
        os.umask(before)

    made = list((tmp_path / "state").rglob("*"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in made if path.is_dir()} == {0o700}
    assert [stat.S_IMODE(path.stat().st_mode) for path in made if path.is_file()] == [0o600]


def test_half_an_event_is_none(journal: PostgresJournal, network: Network, tmp_path: Path) -> None:
    """A line without its end was never promised; the whole ones before it arrive."""
    network.breaks(Trouble.CUT)
    journal.append("r", NoteAdded(at=START, step="push", note="whole"))
    (file,) = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    with file.open("a") as stream:
        stream.write('{"at": "2026')
    network.breaks(Trouble.NONE)

    notes = [event.note for event in journal.events("r") if isinstance(event, NoteAdded)]
    assert notes[-1] == "whole"


def test_a_disk_without_room_is_told(journal: PostgresJournal, network: Network, tmp_path: Path) -> None:
    """Then nothing is left to keep the event in."""
    network.breaks(Trouble.CUT)
    (tmp_path / "state").mkdir(exist_ok=True)
    (tmp_path / "state" / "spool").write_text("")
    with pytest.raises(JournalError, match="can't be kept"):
        journal.append("r", NoteAdded(at=START, step="push", note="x"))


def test_the_server_is_out_of_reach_without_repeating_the_password(tmp_path: Path) -> None:
    """The message names the place alone."""
    address = parse_address("postgresql://ada:s3cret@127.0.0.1:1/runbook")
    with closing(PostgresJournal(address, tmp_path)) as nowhere, pytest.raises(JournalUnreachableError) as lost:
        nowhere.runs()
    said = f"{lost.value.message} {lost.value.hint} {lost.value!r} {lost.value.__cause__!r}"
    assert "postgresql://127.0.0.1:1/runbook" in said
    assert "s3cret" not in said


def test_doctor_says_as_whom_the_shared_journal_knows_you(
    shared: PostgresEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What waits for it is a note."""
    monkeypatch.setenv("RUNBOOK_JOURNAL", shared.url)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    main(["doctor", "--format", "json"])
    (found,) = [one for one in json.loads(capsys.readouterr().out) if one["name"] == "shared journal"]
    assert found["found"] == "good"
    assert found["text"].endswith(", as postgres")
