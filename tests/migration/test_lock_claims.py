"""What the migration check says about locks is what PostgreSQL does: modes, whom they block, scans and rewrites."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.table_locks import Observed, TableLocks, open_schema
from support.throwaway import throwaway_postgres

from runbook.migration.lock_kinds import locks_of
from runbook.migration.locks import EXAMPLE_SCHEMA, LOCKS, Duration, Lock, Mode, describe
from runbook.migration.source import Source
from runbook.migration.statements import parse

ROWS = """
insert into projects select id from generate_series(1, 500) id;
insert into tasks (id, title, note, amount, project) select id, id, id, id, id from generate_series(1, 500) id;
insert into steps select id, id from generate_series(1, 500) id;
insert into events select id, '2020-05-05' from generate_series(1, 500) id;
insert into events_new select id, '2021-05-05' from generate_series(1, 500) id;
"""
MORE = """
create domain count_type as int;
create table orders (id bigint, count count_type);
create type shape as (id int);
create table shapes of shape;
create table parents (id int);
create table children () inherits (parents);
create type mood as enum ('calm');
create statistics some_stats on title, note from tasks;
create publication some_tables for table projects;
create index events_at on only events (at);
create index events_old_at on events_old (at);
create extension btree_gist;
"""


@pytest.fixture(scope="module")
def tables() -> Iterator[TableLocks]:
    """Fill the schema of the examples, on a server of its own."""
    script = f"drop publication if exists some_tables; {EXAMPLE_SCHEMA}; {MORE}; {ROWS}"
    with throwaway_postgres() as server, open_schema(server, "example", script) as opened:
        yield opened


HELD = {
    "detach-partition-concurrently": "lock table events_old in row exclusive mode",
    "vacuum": "lock table tasks in share update exclusive mode",
}
"""What makes a statement wait that can't run inside a transaction. Most wait for whoever writes to the table."""


def observe(tables: TableLocks, kind: str, lock: Lock) -> Observed:
    """Run an example and return what it did."""
    if lock.alone:
        return tables.watch_alone(lock.example, hold=HELD.get(kind, "lock table tasks in row exclusive mode"))
    return tables.watch(lock.example)


@pytest.mark.parametrize("kind", LOCKS)
def test_an_example_takes_the_lock_that_its_kind_claims(tables: TableLocks, kind: str) -> None:
    """It takes exactly these modes, on nothing else; they block what is claimed, while it does what is claimed."""
    lock = LOCKS[kind]
    seen = observe(tables, kind, lock)
    claimed = {lock.on: lock.mode, **{other.on: other.mode for other in lock.also}}
    weak = {} if lock.mode is not Mode.ROW_EXCLUSIVE else {lock.on: seen.modes[lock.on]}
    index = {} if lock.on not in seen.index_modes else {lock.on: seen.index_modes[lock.on]}
    assert {**seen.strong(), **weak, **index} == claimed
    assert_blocks(seen, lock)
    assert_lasts(seen, lock)


def assert_blocks(seen: Observed, lock: Lock) -> None:
    """Compare what other sessions can't do with what the modes claim, on the tables that are named and all others."""
    claims = {lock.on: lock.blocks, **{other.on: other.mode.blocks for other in lock.also}}
    no_reads = {name for name, blocks in claims.items() if blocks == "reads and writes"}
    no_writes = no_reads | {name for name, blocks in claims.items() if blocks == "writes"}
    views = {"open_tasks", "task_counts"}
    assert seen.not_readable - (views - {lock.on}) == no_reads
    assert seen.not_writable - views == no_writes - views
    is_strongest = seen.modes.get(lock.on) is Mode.ACCESS_EXCLUSIVE
    assert lock.locks_indexes == (Mode.ACCESS_EXCLUSIVE in seen.index_modes.values() and not is_strongest)


def assert_lasts(seen: Observed, lock: Lock) -> None:
    """Compare what the server read and wrote with what the duration claims."""
    claimed = {lock.on, *(other.on for other in lock.also)}
    assert (lock.on in seen.rewritten) == (lock.duration is Duration.REWRITE)
    assert (lock.on in seen.changed) == (lock.duration is Duration.ROWS)
    match lock.duration:
        case Duration.CATALOGUE:
            assert not seen.touched
        case Duration.SCAN:
            assert claimed & seen.read
        case Duration.BUILD:
            assert lock.on in seen.read
            assert seen.built


def test_a_message_names_every_lock_that_counts() -> None:
    """It names the other table if that is locked as strongly, and the lock on indexes, which blocks reads."""
    row = "which blocks writes while every row is read"
    assert describe("add-foreign-key", "a", other="b") == f"takes SHARE ROW EXCLUSIVE on a and b, {row}"
    assert describe("add-foreign-key", "a") == f"takes SHARE ROW EXCLUSIVE on a and the other table, {row}"
    assert "the other table" not in describe("add-column-foreign-key", "a")
    indexes = "takes SHARE on a and ACCESS EXCLUSIVE on each index that it rebuilds, which blocks reads and writes"
    assert describe("reindex", "a") == f"{indexes} while the index is built"


STATEMENTS = {
    # CREATE TABLE
    "create table plans (id bigint)": "",
    "create table plans (id bigint, project bigint, foreign key (project) references projects (id))": "",
    "create table plans partition of events default": "",
    "create table plans (like tasks including all)": "",
    "create table plans as select * from tasks": "",
    "select * into plans from tasks": "",
    # ALTER TABLE, column by column
    "alter table tasks add column if not exists other int": "",
    "alter table tasks add column other int not null default 1 references projects (id)": "",
    "alter table tasks add column other int generated always as identity": "",
    "alter table tasks add column other count_type": "",
    "alter table tasks add column other int, add foreign key (project) references steps (id)": "",
    "alter table parents add column other int": "children",
    "alter table events add column other int": "events_old",
    "alter table tasks drop column if exists note cascade": "",
    "alter table tasks drop column project": "projects",
    "alter table tasks drop column status cascade": "open_tasks, task_counts",
    "alter table tasks alter column note set default 'x'": "",
    "alter table tasks alter column note set not null": "",
    "alter table tasks alter column amount drop not null": "",
    "alter table tasks alter column kind drop identity": "",
    "alter table tasks alter column kind set generated by default": "",
    "alter table tasks alter column id add generated always as identity": "",
    "alter table tasks alter column twice drop expression": "",
    "alter table tasks alter column note set storage external": "",
    "alter table tasks alter column note set compression pglz": "",
    "alter table tasks alter column note set (n_distinct = 5)": "",
    "alter table tasks alter column note reset (n_distinct)": "",
    # ALTER TABLE, constraints
    "alter table tasks add constraint no_overlap exclude using gist (id with =)": "",
    "alter table tasks add constraint one_note unique (note) deferrable, alter column note set statistics 5": "",
    "alter table if exists tasks add check (amount < 100) not valid": "",
    "alter table events add constraint at_set check (at is not null)": "events_old",
    "alter table steps add foreign key (project) references tasks (id) not valid": "",
    "alter table tasks alter constraint tasks_known deferrable": "",
    "alter table tasks drop constraint if exists nothing_there": "",
    "alter table tasks drop constraint tasks_known": "projects",
    "alter table tasks rename constraint tasks_known to known": "",
    # ALTER TABLE, the rest
    "alter table tasks cluster on tasks_title_key": "",
    "alter table tasks set without cluster": "",
    "alter table tasks set (autovacuum_enabled = off, toast.autovacuum_enabled = off)": "",
    "alter table tasks set (user_catalog_table = true)": "",
    "alter table tasks reset (fillfactor)": "",
    "alter table tasks set tablespace pg_default": "",
    "alter table tasks set access method heap": "",
    "alter table tasks set logged": "",
    "alter table children no inherit parents": "",
    "alter table shapes not of": "",
    "alter table tasks owner to postgres": "",
    "alter table tasks replica identity using index tasks_pkey": "",
    "alter table tasks disable row level security": "",
    "alter table tasks force row level security": "",
    "alter table tasks no force row level security": "",
    "alter table tasks enable trigger touch": "",
    "alter table tasks enable always trigger touch": "",
    "alter table tasks enable replica trigger touch": "",
    "alter table tasks disable trigger all": "",
    "alter table tasks disable trigger user": "",
    "alter table steps disable rule quiet": "",
    "alter table steps enable always rule quiet": "",
    "alter table tasks rename to jobs": "",
    "alter table tasks_note rename to tasks_by_note": "",
    "alter table events attach partition events_new default": "",
    # Dropping
    "drop table tasks cascade": "projects, open_tasks, task_counts",
    "drop table events": "events_old",
    "drop table events_old": "events",
    "drop table if exists notes, all_notes": "",
    "drop materialized view task_counts": "",
    "drop index if exists tasks_note, tasks_title_key": "",
    "drop function touch() cascade": "tasks",
    "drop type count_type cascade": "orders",
    "drop schema archive": "",
    "drop statistics some_stats": "tasks",
    "drop publication some_tables": "",
    # Indexes
    "create index again on events (id)": "events_old",
    "create index again on only events (at)": "",
    "create index if not exists tasks_note on tasks (note)": "",
    "reindex index tasks_note": "",
    "reindex table events_old": "",
    "alter index tasks_note set (fillfactor = 50)": "",
    "alter index tasks_note set tablespace pg_default": "",
    "alter index events_at attach partition events_old_at": "",
    # Triggers, policies, rules, comments, grants
    "create or replace trigger touch before update on tasks for each row execute function touch()": "",
    "create constraint trigger t after insert on tasks from projects for each row execute function touch()": "",
    "create trigger t instead of insert on open_tasks for each row execute function touch()": "",
    "alter trigger touch on tasks rename to touched": "",
    "create policy joined on tasks using (exists (select from projects))": "",
    "alter policy everyone on tasks using (false)": "",
    "alter policy everyone on tasks rename to everybody": "",
    "alter rule quiet on steps rename to silent": "",
    "comment on table tasks is 'x'": "",
    "comment on view open_tasks is 'x'": "",
    "comment on materialized view task_counts is 'x'": "",
    "comment on index tasks_note is 'x'": "",
    "comment on sequence numbers is 'x'": "",
    "comment on constraint tasks_known on tasks is 'x'": "",
    "comment on trigger touch on tasks is 'x'": "",
    "comment on policy everyone on tasks is 'x'": "",
    "comment on function touch is 'x'": "",
    "grant select on tasks to postgres": "",
    "revoke all on all tables in schema example from postgres": "",
    "alter default privileges in schema example grant select on tables to postgres": "",
    "alter publication some_tables add table tasks": "",
    "alter publication some_tables drop table projects": "",
    "alter publication some_tables set table tasks": "projects",
    "create publication everything for all tables": "",
    "alter statistics some_stats set statistics 5": "",
    # Views and sequences
    "create view more as select * from tasks": "",
    "create materialized view more as select * from tasks": "",
    "alter view open_tasks rename to more": "",
    "alter view open_tasks rename column status to state": "",
    "alter view open_tasks alter column status set default 'x'": "",
    "alter view open_tasks owner to postgres": "",
    "alter view open_tasks set schema archive": "",
    "alter materialized view task_counts rename to more": "",
    "alter materialized view task_counts set schema archive": "",
    "alter materialized view task_counts set (fillfactor = 90)": "",
    "alter materialized view task_counts owner to postgres": "",
    "alter materialized view task_counts cluster on task_counts_key": "",
    "refresh materialized view task_counts with no data": "",
    "alter sequence numbers rename to more": "",
    "alter sequence numbers set schema archive": "",
    "alter sequence numbers owned by tasks.id": "",
    "alter sequence numbers as int": "",
    "alter sequence numbers owner to postgres": "",
    "create sequence more owned by tasks.id": "",
    # Types, functions
    "alter domain count_type add check (value > 0)": "orders",
    "alter domain count_type add constraint positive check (value > 0) not valid": "",
    "alter domain count_type set not null": "orders",
    "alter domain count_type set default 5": "",
    "alter type mood add value 'glad'": "",
    "alter type mood rename value 'calm' to 'quiet'": "",
    "alter type shape add attribute size int cascade": "shapes",
    "alter type shape rename attribute id to number cascade": "shapes",
    "create or replace function touch() returns trigger language plpgsql as 'begin return old; end'": "",
    "alter function touch() set search_path = ''": "",
    "create extension citext": "",
    # Rows and whole tables
    "insert into notes values (1)": "",
    "delete from tasks": "",
    "merge into tasks using projects on false when matched then delete": "",
    "select * from tasks for update": "",
    "truncate projects cascade": "tasks, steps",
    "truncate tasks, notes restart identity": "",
    "truncate events": "events_old",
    "lock table tasks in access share mode": "",
    "lock table tasks in row exclusive mode": "",
    "lock table tasks in share update exclusive mode": "",
    "lock table tasks in share mode": "",
    "lock table tasks in share row exclusive mode": "",
    "lock table projects, tasks in exclusive mode": "",
    "lock table open_tasks": "tasks",
}
"""Statements, each with the tables that it locks without naming them."""


UNNAMED = {lock.example: ", ".join(other.on for other in lock.also) for lock in LOCKS.values() if not lock.alone}
"""The examples of the kinds with the other tables that they lock. Some of them are named."""


@pytest.mark.parametrize("statement", [*UNNAMED, *STATEMENTS])
def test_the_locks_of_a_statement_are_predicted(tables: TableLocks, statement: str) -> None:
    """The strongest lock on each table and index that a statement names is the one that the server shows."""
    unnamed = {name for name in (UNNAMED | STATEMENTS)[statement].split(", ") if name and name not in statement.split()}
    seen = tables.watch(statement)
    indexes, tables_named = predicted(statement, tables)
    assert tables_named == {name: mode for name, mode in seen.strong().items() if name not in unnamed}
    assert indexes.items() <= seen.index_modes.items()
    assert unnamed <= set(seen.strong())


def predicted(statement: str, tables: TableLocks) -> tuple[dict[str, Mode], dict[str, Mode]]:
    """Return the strongest lock that the check expects on each index, and on each table."""
    owners, order = tables.index_owners(), list(Mode)
    indexes, named = dict[str, Mode](), dict[str, Mode]()
    for each in parse(Source("example.sql", statement)).statements:
        for kind, on, mode in ((one.kind, one.on.name, one.lock.mode) for one in locks_of(each)):
            if on in owners and kind not in {"drop-index", "reindex"}:
                indexes[on] = mode
            else:
                table = owners.get(on, on)
                named[table] = min(mode, named.get(table, Mode.ROW_EXCLUSIVE), key=order.index)
    return indexes, named
