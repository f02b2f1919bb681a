"""Observe what a statement does on a real server: its locks, whom they block, and what it reads and writes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg

from runbook.migration.locks import Mode
from support.throwaway import Postgres, connect

__all__ = ["Observed", "TableLocks", "open_schema"]

_Connection = psycopg.Connection[tuple[Any, ...]]

_STRENGTH = {mode: rank for rank, mode in enumerate(reversed(Mode))}
_PAGE = 8192


class Observed(NamedTuple):
    """What a statement did. Names are those before the statement."""

    modes: Mapping[str, Mode]
    """The strongest lock on each table, view and sequence of its own; locks weaker than ROW EXCLUSIVE left out."""
    index_modes: Mapping[str, Mode]
    """The same for indexes."""
    rewritten: frozenset[str]
    """Tables whose rows are in another file afterwards."""
    built: bool
    """Whether an index has a new file."""
    touched: frozenset[str]
    """Tables of which any page was read."""
    read: frozenset[str]
    """Tables of which every page was read."""
    changed: frozenset[str]
    """Tables in which rows were inserted, updated or deleted."""
    not_readable: frozenset[str]
    """What nobody else could read meanwhile."""
    not_writable: frozenset[str]
    """What nobody else could write meanwhile."""

    def strong(self) -> dict[str, Mode]:
        """Return the locks from SHARE UPDATE EXCLUSIVE up, which block more than the same rows."""
        return {name: mode for name, mode in self.modes.items() if mode is not Mode.ROW_EXCLUSIVE}


class _Relation(NamedTuple):
    """A relation at one moment. The last two count what the server did with it until then."""

    name: str
    kind: str
    is_part: bool
    file: int
    size: int
    pages: int
    changes: int


class TableLocks:
    """A schema with four sessions: one runs statements, the others watch it, hold it up, or are blocked by it."""

    def __init__(self, server: Postgres, schema: str, script: str) -> None:
        self._session, self._watcher, self._other, self._holder = (connect(server.admin_url) for _ in range(4))
        self._schema, self._script = schema, script
        for each in self._sessions:
            each.execute(f"set search_path = {schema}")
        self._other.execute("set lock_timeout = '1ms'")  # without a lock in its way, it doesn't wait at all
        self._make()

    @property
    def _sessions(self) -> tuple[_Connection, ...]:
        return self._session, self._watcher, self._other, self._holder

    def _make(self) -> None:
        self._session.execute(f"drop schema if exists {self._schema}, archive cascade; create schema {self._schema}")
        self._session.execute(self._script)
        self._flush_counts()

    def close(self) -> None:
        """Close all sessions."""
        for each in self._sessions:
            each.close()

    def index_owners(self) -> dict[str, str]:
        """Return the table of each index."""
        rows = self._watcher.execute(
            "select i.relname, t.relname from pg_index x join pg_class i on i.oid = x.indexrelid"
            " join pg_class t on t.oid = x.indrelid where t.relnamespace = %s::regnamespace",
            (self._schema,),
        )
        return {str(index): str(table) for index, table in rows}

    def watch(self, statement: str, *, first: str = "") -> Observed:
        """Run a statement in a transaction that is rolled back. What has to come first runs before, and is undone."""
        if first:
            self._session.execute(first)
            self._flush_counts()
        before = self._relations(self._watcher)
        with self._session.transaction(force_rollback=True):
            self._session.execute(statement)
            after = self._relations(self._session)
            modes, blocked = self._modes(before), self._blocked(before)
        observed = self._compare(before, after, modes, blocked)
        if first:
            self._make()
        return observed

    def watch_alone(self, statement: str, *, hold: str) -> Observed:
        """Run a statement outside a transaction, and look at it while it waits for what another session holds."""
        before = self._relations(self._watcher)
        with ThreadPoolExecutor(1) as pool:
            with self._holder.transaction():
                self._holder.execute(hold)
                running = pool.submit(self._session.execute, statement)
                self._await_wait(running)
                modes, blocked = self._modes(before), self._blocked(before)
            running.result()
        observed = self._compare(before, self._relations(self._session), modes, blocked)
        self._make()
        return observed

    def _await_wait(self, running: Future[Any]) -> None:
        """Return as soon as the statement waits for a lock."""
        deadline = time.monotonic() + 10
        waits = f"select from pg_locks where pid = {self._session.info.backend_pid} and not granted"
        while self._watcher.execute(waits).fetchone() is None:
            assert not running.done(), "the statement ended without waiting"
            assert time.monotonic() < deadline, "the statement doesn't wait"

    def _relations(self, session: _Connection) -> dict[int, _Relation]:
        rows = session.execute(
            "select oid::int, relname, relkind, relkind in ('i', 'I') or exists (select from pg_depend"
            " where classid = 'pg_class'::regclass and objid = c.oid and refobjsubid > 0 and deptype in ('a', 'i')),"
            " pg_relation_filenode(oid)::int, case when relkind in ('r', 'm') then pg_relation_size(oid) else 0 end,"
            " pg_stat_get_blocks_fetched(oid),"
            " pg_stat_get_tuples_inserted(oid) + pg_stat_get_tuples_updated(oid) + pg_stat_get_tuples_deleted(oid)"
            " from pg_class c where relnamespace = %s::regnamespace and relkind <> 'c'",
            (self._schema,),
        )
        return {oid: _Relation(*values) for oid, *values in rows}

    def _modes(self, relations: Mapping[int, _Relation]) -> dict[int, Mode]:
        """Return the strongest lock that the session has on each relation, or waits for."""
        rows = self._watcher.execute(
            "select relation::int, mode from pg_locks where pid = %s and locktype = 'relation' and mode = any(%s)",
            (self._session.info.backend_pid, list(Mode)),
        )
        found: dict[int, Mode] = {}
        for row in rows:
            oid, mode = int(str(row[0])), Mode(str(row[1]))
            if oid in relations:
                found[oid] = max(mode, found.get(oid, mode), key=_STRENGTH.__getitem__)
        return found

    def _blocked(self, relations: Mapping[int, _Relation]) -> tuple[set[str], set[str]]:
        """Return what another session can't read, and what it can't write."""
        no_read, no_write = set(), set()
        for each in relations.values():
            if each.is_part:
                continue
            if not self._other_can(f"select from {each.name} limit 0"):
                no_read.add(each.name)
            write = (
                f"select nextval('{each.name}')" if each.kind == "S" else f"update {each.name} set id = id where false"
            )
            if each.kind in "rpS" and not self._other_can(write):
                no_write.add(each.name)
        return no_read, no_write

    def _other_can(self, statement: str) -> bool:
        try:
            with self._other.transaction(force_rollback=True):
                self._other.execute(statement)
        except psycopg.errors.LockNotAvailable:
            return False
        return True

    def _flush_counts(self) -> None:
        """Make the server add what the sessions have done to its counts. It would wait for a second to do so."""
        for each in (self._session, self._other):
            each.execute("select pg_stat_force_next_flush()")

    def _compare(
        self,
        before: Mapping[int, _Relation],
        after: Mapping[int, _Relation],
        modes: Mapping[int, Mode],
        blocked: tuple[set[str], set[str]],
    ) -> Observed:
        self._flush_counts()
        counted = self._relations(self._watcher)
        tables = {oid: each for oid, each in before.items() if each.kind in "rm"}
        pages = {each.name: counted[oid].pages - each.pages for oid, each in tables.items() if oid in counted}
        sizes = {each.name: each.size // _PAGE for each in tables.values()}
        files = {each.file for each in before.values()}
        return Observed(
            modes={before[oid].name: mode for oid, mode in modes.items() if not before[oid].is_part},
            index_modes={before[oid].name: mode for oid, mode in modes.items() if before[oid].kind in "iI"},
            rewritten=frozenset(
                each.name
                for oid, each in tables.items()
                if oid in after and after[oid].file != each.file and after[oid].size
            ),
            built=any(each.kind == "i" and each.file not in files for each in after.values()),
            touched=frozenset(name for name, count in pages.items() if count),
            read=frozenset(name for name, count in pages.items() if count >= sizes[name] > 0),
            changed=frozenset(
                each.name for oid, each in tables.items() if oid in counted and counted[oid].changes > each.changes
            ),
            not_readable=frozenset(blocked[0]),
            not_writable=frozenset(blocked[1]),
        )


@contextmanager
def open_schema(server: Postgres, schema: str, script: str) -> Iterator[TableLocks]:
    """Open sessions on a server with a fresh schema that a script fills."""
    sessions = TableLocks(server, schema, script)
    try:
        yield sessions
    finally:
        sessions.close()
