"""The tables of the journal's SQLite file, and the upgrade from an older version."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress

from runbook.errors import JournalError
from runbook.journal.chain import hash_of, start_of
from runbook.journal.codec import from_json
from runbook.journal.facts import facts_of
from runbook.journal.sqlite_rows import DAMAGE, text_of

__all__ = ["set_up"]

_VERSION = 3
_FACTS = f"""
create table facts (
    run text not null, kind text not null, name text not null, value text not null, primary key (run, kind, name, value)
) without rowid;
pragma user_version = {_VERSION};
"""
# The triggers are part of the file, so other programs can't change an event by accident either. `autoincrement` never
# reuses a number, so even the loss of the newest events shows.
_SCHEMA = f"""
create table runs (
    number integer primary key autoincrement,
    id text not null unique,
    events integer not null,
    head text not null,
    unproven integer not null default 0
);
create table events (
    sequence integer primary key autoincrement,
    run text not null references runs (id),
    number integer not null,
    at text not null,
    body text not null,
    hash text not null,
    unique (run, number)
);
create trigger events_stay before update on events begin select raise(abort, 'the journal is append-only'); end;
create trigger events_remain before delete on events begin select raise(abort, 'the journal is append-only'); end;
create trigger runs_remain before delete on runs begin select raise(abort, 'the journal is append-only'); end;
create table if not exists locks (
    target text primary key, run text not null, procedure text not null, operator text not null, host text not null,
    pid integer not null, born text not null, since text not null, step text not null
) without rowid;
{_FACTS}
"""
_PUT_ASIDE = """
drop trigger events_stay;
drop trigger events_remain;
alter table runs rename to runs_1;
alter table events rename to events_1;
"""
_CLEAN_UP = """
drop table events_1;
drop table runs_1;
"""


def set_up(database: sqlite3.Connection) -> None:
    """Create the tables of a new file, or upgrade those of an older version, all or nothing.

    Raises JournalError if a newer version wrote it, and sqlite3.Error.
    """
    database.execute("begin immediate")
    try:
        (version,) = database.execute("pragma user_version").fetchone()
        _bring_up_to_date(database, version)
        database.execute("commit")
    except BaseException:
        if database.in_transaction:
            database.execute("rollback")
        raise


def _bring_up_to_date(database: sqlite3.Connection, version: int) -> None:
    if version > _VERSION:
        raise JournalError(
            f"the journal was written by a newer version of runbook (format {version})",
            hint="Use that version, or set XDG_STATE_HOME to another place.",
        )
    if version == 0:
        _run(database, _SCHEMA)
    elif version == 1:
        _run(database, _PUT_ASIDE)
        _run(database, _SCHEMA)
        _copy_events_of_version_1(database)
        _run(database, _CLEAN_UP)
        _collect_facts(database)
    elif version == 2:
        _run(database, _FACTS)
        _collect_facts(database)


def _copy_events_of_version_1(database: sqlite3.Connection) -> None:
    """Compute the hashes of events recorded without them; they only prove that nothing changes from now on."""
    for (run,) in database.execute("select id from runs_1 order by started, id").fetchall():
        rows: Sequence[tuple[int, str, bytes]] = database.execute(
            "select number, at, cast(body as blob) from events_1 where run = ? order by number", (run,)
        ).fetchall()
        head, chained = start_of(run), []
        for number, (_, at, body) in enumerate(rows, 1):
            head = hash_of(head, run, number, at, body)
            chained.append((run, number, at, body, head))
        database.execute(
            "insert into runs (id, events, head, unproven) values (?, ?, ?, ?)", (run, len(rows), head, len(rows))
        )
        database.executemany(
            "insert into events (run, number, at, body, hash) values (?, ?, ?, cast(? as text), ?)", chained
        )


def _collect_facts(database: sqlite3.Connection) -> None:
    """Make runs of an older version searchable. A run whose events can't be read isn't found by them."""
    try:
        rows = database.execute("select run, cast(body as blob) from events").fetchall()
    except DAMAGE:
        return
    for run, body in rows:
        with suppress(JournalError):
            facts = [(run, fact.kind, fact.name, fact.value) for fact in facts_of(from_json(text_of(body)))]
            database.executemany("insert or ignore into facts values (?, ?, ?, ?)", facts)


def _run(database: sqlite3.Connection, script: str) -> None:
    """Execute statement by statement: `executescript` would commit first, and two processes may get here at once."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            database.execute(statement)
            statement = ""
