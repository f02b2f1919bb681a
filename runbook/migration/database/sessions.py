"""Rules: who would make a migration's locks wait now. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from runbook.migration.context import Migration
from runbook.migration.database.facts import Facts, Session, TableLock
from runbook.migration.database.note import Note, duration, listed
from runbook.migration.lock_kinds import locks_of
from runbook.migration.locks import Mode
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name
from runbook.printable import counted, shortened

__all__ = ["general_notes", "session_notes"]


_OPEN_SECONDS = 5
"""A transaction that was open for less is about to end."""
_LONG_SECONDS = 300
_MOST_QUERY = 60

_CONFLICTS: Mapping[Mode, str] = {
    Mode.ACCESS_EXCLUSIVE: (
        "AccessShare RowShare RowExclusive ShareUpdateExclusive Share ShareRowExclusive Exclusive AccessExclusive"
    ),
    Mode.EXCLUSIVE: "RowShare RowExclusive ShareUpdateExclusive Share ShareRowExclusive Exclusive AccessExclusive",
    Mode.SHARE_ROW_EXCLUSIVE: "RowExclusive ShareUpdateExclusive Share ShareRowExclusive Exclusive AccessExclusive",
    Mode.SHARE: "RowExclusive ShareUpdateExclusive ShareRowExclusive Exclusive AccessExclusive",
    Mode.SHARE_UPDATE_EXCLUSIVE: "ShareUpdateExclusive Share ShareRowExclusive Exclusive AccessExclusive",
    Mode.ROW_EXCLUSIVE: "Share ShareRowExclusive Exclusive AccessExclusive",
}
"""The modes that each mode waits for, from the table in PostgreSQL's "Explicit Locking"."""


class _Wanted(NamedTuple):
    """The strongest lock that a migration takes on a table, and the statement that takes it."""

    mode: Mode
    table: Name
    statement: Statement


def session_notes(migration: Migration, facts: Facts) -> Iterator[Note]:
    """Yield what makes the locks of one migration wait."""
    for wanted in _wanted(migration):
        held = [each for each in facts.locks if each.table == wanted.table]
        waiting = sorted((each for each in held if not each.granted), key=lambda each: -each.waits)
        if waiting:
            message = f"{_waits(waiting[0], facts)}; {counted(len(waiting), 'session')} in the queue"
            yield _note("waiting-lock", message, wanted)
            continue
        blockers = [facts.sessions[pid] for pid in dict.fromkeys(_blockers(held, wanted.mode)) if pid in facts.sessions]
        blockers = [each for each in blockers if each.open >= _OPEN_SECONDS and not _yields(each)]
        if blockers:
            message = (
                f"{wanted.mode.words} on {wanted.table} waits for "
                f"{listed([_described(each) for each in sorted(blockers, key=lambda each: -each.open)])}"
            )
            yield _note("blocking-transaction", message, wanted)
    yield from _concurrent(migration, facts)
    yield from _prepared_on(migration, facts)


def general_notes(facts: Facts, path: str) -> Iterator[Note]:
    """Yield what is wrong in the database as a whole, whatever the migrations change."""
    for each in facts.prepared:
        tables = f", with locks on {listed(sorted(map(str, each.tables)))}" if each.tables else ""
        message = f"the prepared transaction '{each.gid}' of {each.owner} is open for {duration(each.open)}{tables}"
        yield Note("prepared-transaction", message, path=path)
    for session in sorted(facts.sessions.values(), key=lambda each: -each.open):
        if session.open >= _LONG_SECONDS and session.type == "client backend":
            yield Note("long-transaction", f"{_described(session)} keeps its transaction open", path=path)


def _wanted(migration: Migration) -> Iterable[_Wanted]:
    found: dict[Name, _Wanted] = {}
    strength = list(_CONFLICTS)
    for statement in migration.statements:
        for taken in locks_of(statement):
            table = migration.resolve(taken.on, statement)
            mode = taken.lock.mode
            if table not in found or strength.index(mode) < strength.index(found[table].mode):
                found[table] = _Wanted(mode, table, statement)
    return found.values()


def _blockers(held: Iterable[TableLock], mode: Mode) -> Iterator[int]:
    names = {f"{each}Lock" for each in _CONFLICTS[mode].split()}
    return (each.pid for each in held if each.granted and each.mode in names)


def _yields(session: Session) -> bool:
    """Whether it gives way by itself: PostgreSQL cancels an autovacuum, unless it prevents wraparound."""
    return session.type == "autovacuum worker" and "wraparound" not in session.query


def _concurrent(migration: Migration, facts: Facts) -> Iterator[Note]:
    """Yield what a build without a lock waits for: every older transaction, whatever tables it uses."""
    for statement in migration.statements:
        if statement.kind in {"IndexStmt", "DropStmt"} and statement.node.get("concurrent"):
            old = [each for each in facts.sessions.values() if each.open >= 60 and each.type == "client backend"]
            if old:
                first = max(old, key=lambda each: each.open)
                message = f"CONCURRENTLY waits for all older transactions, first of all {_described(first)}"
                yield Note("blocking-transaction", message, statement.start, statement.index)


def _prepared_on(migration: Migration, facts: Facts) -> Iterator[Note]:
    for wanted in _wanted(migration):
        for each in facts.prepared:
            if wanted.table in each.tables:
                message = f"{wanted.mode.words} on {wanted.table} waits for the prepared transaction '{each.gid}'"
                yield _note("blocking-transaction", message, wanted)


def _note(rule: str, message: str, wanted: _Wanted) -> Note:
    return Note(rule, message, wanted.statement.start, wanted.statement.index)


def _waits(lock: TableLock, facts: Facts) -> str:
    waiting = facts.sessions.get(lock.pid)
    who = f"session {lock.pid}{f' ({waiting.application})' if waiting and waiting.application else ''}"
    blockers = [facts.sessions[pid] for pid in (waiting.blocked_by if waiting else ()) if pid in facts.sessions]
    behind = f" behind {listed([_described(each) for each in blockers])}" if blockers else ""
    return f"{who} waits {duration(lock.waits)} for {lock.mode} on {lock.table}{behind}"


def _described(session: Session) -> str:
    name = f" ({session.application})" if session.application else ""
    state = session.state or session.type
    query = f": {shortened(session.query, _MOST_QUERY)}" if session.query else ""
    return f"session {session.pid}{name} [{state}, open for {duration(session.open)}{query}]"
