"""The lock that each kind of statement takes on PostgreSQL 15 to 17: its mode, on what, what it blocks, and how long.

Messages take these facts from here alone. The modes are those of PostgreSQL's documentation ("Explicit Locking" and
each statement's page); the durations say what happens while the lock lasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

__all__ = ["EXAMPLE_SCHEMA", "LOCKS", "Duration", "Lock", "Mode", "OtherLock", "describe"]


class Mode(StrEnum):
    """A table's lock mode, as `pg_locks` names it."""

    ACCESS_EXCLUSIVE = "AccessExclusiveLock"
    EXCLUSIVE = "ExclusiveLock"
    SHARE_ROW_EXCLUSIVE = "ShareRowExclusiveLock"
    SHARE = "ShareLock"
    SHARE_UPDATE_EXCLUSIVE = "ShareUpdateExclusiveLock"
    ROW_EXCLUSIVE = "RowExclusiveLock"

    @property
    def words(self) -> str:
        """The mode as SQL writes it."""
        return _WORDS[self]

    @property
    def blocks(self) -> str:
        """What other sessions can't do meanwhile."""
        return _BLOCKS[self]

    @property
    def is_exclusive(self) -> bool:
        """Whether it blocks anybody's reads or writes."""
        return self not in {Mode.SHARE_UPDATE_EXCLUSIVE, Mode.ROW_EXCLUSIVE}


_WORDS = {
    Mode.ACCESS_EXCLUSIVE: "ACCESS EXCLUSIVE",
    Mode.EXCLUSIVE: "EXCLUSIVE",
    Mode.SHARE_ROW_EXCLUSIVE: "SHARE ROW EXCLUSIVE",
    Mode.SHARE: "SHARE",
    Mode.SHARE_UPDATE_EXCLUSIVE: "SHARE UPDATE EXCLUSIVE",
    Mode.ROW_EXCLUSIVE: "ROW EXCLUSIVE",
}
_BLOCKS = {
    Mode.ACCESS_EXCLUSIVE: "reads and writes",
    Mode.EXCLUSIVE: "writes",
    Mode.SHARE_ROW_EXCLUSIVE: "writes",
    Mode.SHARE: "writes",
    Mode.SHARE_UPDATE_EXCLUSIVE: "neither reads nor writes, only other schema changes",
    Mode.ROW_EXCLUSIVE: "no reads and no writes of other rows",
}


class Duration(StrEnum):
    """How long the lock lasts, at least: what the statement does while it holds it."""

    CATALOGUE = "catalogue"
    SCAN = "scan"
    REWRITE = "rewrite"
    BUILD = "index build"
    ROWS = "rows"


_LASTS = {
    Duration.CATALOGUE: "for a moment: only the catalogue changes",
    Duration.SCAN: "while every row is read",
    Duration.REWRITE: "while the whole table and its indexes are rewritten",
    Duration.BUILD: "while the index is built",
    Duration.ROWS: "while the rows are changed",
}


class OtherLock(NamedTuple):
    """A lock that the same statement takes on another relation, and how messages name that relation."""

    on: str
    mode: Mode
    words: str = "the other table"


class Lock(NamedTuple):
    """One kind of statement. `example` runs on EXAMPLE_SCHEMA; `on` is the relation that it locks there."""

    mode: Mode
    duration: Duration
    example: str
    on: str = "tasks"
    also: tuple[OtherLock, ...] = ()
    """Other tables and views that the example locks. Indexes and sequences that belong to a table go without saying."""
    alone: bool = False
    """It can't run inside a transaction."""
    locks_indexes: bool = False
    """It takes ACCESS EXCLUSIVE on an index, which every query on the table needs while it's planned."""

    @property
    def blocks(self) -> str:
        """What other sessions can't do meanwhile."""
        return Mode.ACCESS_EXCLUSIVE.blocks if self.locks_indexes else self.mode.blocks


EXAMPLE_SCHEMA = """\
create table projects (id bigint primary key, name text);
create table tasks (
  id bigint primary key, title varchar(20), note text, status text default 'open', amount int, project bigint,
  kind bigint generated always as identity, twice int generated always as (amount * 2) stored
);
create unique index tasks_title_key on tasks (title);
create index tasks_note on tasks (note);
alter table tasks add constraint tasks_amount_positive check (amount > 0) not valid;
alter table tasks add constraint tasks_known foreign key (project) references projects (id) not valid;
create table steps (id bigint primary key, project bigint references projects (id));
create function touch() returns trigger language plpgsql as 'begin return new; end';
create trigger touch before update on tasks for each row execute function touch();
create policy everyone on tasks using (true);
create rule quiet as on insert to steps do also nothing;
create view open_tasks as select id, status from tasks;
create materialized view task_counts as select status, count(*) from tasks group by status;
create unique index task_counts_key on task_counts (status);
create table events (id bigint, at date not null) partition by range (at);
create table events_old partition of events for values from ('2020-01-01') to ('2021-01-01');
create table events_new (id bigint, at date not null);
create table notes (id bigint);
create table all_notes (id bigint);
create sequence numbers;
create schema archive;
"""
"""What the examples of LOCKS run on."""

_AE, _SRE, _SUE = Mode.ACCESS_EXCLUSIVE, Mode.SHARE_ROW_EXCLUSIVE, Mode.SHARE_UPDATE_EXCLUSIVE
_CATALOGUE, _SCAN, _REWRITE, _BUILD = Duration.CATALOGUE, Duration.SCAN, Duration.REWRITE, Duration.BUILD
_REFERENCED = (OtherLock("projects", _SRE),)
_ATTACH = "alter table events attach partition events_new for values from ('2021-01-01') to ('2022-01-01')"

LOCKS: Mapping[str, Lock] = {
    # Columns
    "add-column": Lock(_AE, _CATALOGUE, "alter table tasks add column color text"),
    "add-column-constant-default": Lock(_AE, _CATALOGUE, "alter table tasks add column color text default 'red'"),
    "add-column-rewrite": Lock(_AE, _REWRITE, "alter table tasks add column key uuid default gen_random_uuid()"),
    "add-column-serial": Lock(_AE, _REWRITE, "alter table tasks add column number bigserial"),
    "add-column-generated": Lock(
        _AE, _REWRITE, "alter table tasks add column double int generated always as (amount * 2) stored"
    ),
    "add-column-checked": Lock(_AE, _SCAN, "alter table tasks add column age int check (age > 0)"),
    "add-column-unique": Lock(_AE, _BUILD, "alter table tasks add column slug text unique"),
    "add-column-foreign-key": Lock(
        _AE, _CATALOGUE, "alter table tasks add column parent bigint references projects (id)", also=_REFERENCED
    ),
    "drop-column": Lock(_AE, _CATALOGUE, "alter table tasks drop column note"),
    "change-type": Lock(_AE, _REWRITE, "alter table tasks alter column note type varchar(500)"),
    "widen-type": Lock(_AE, _CATALOGUE, "alter table tasks alter column title type text"),
    "change-collation": Lock(_AE, _BUILD, 'alter table tasks alter column note type text collate "C"'),
    "change-generated": Lock(_AE, _REWRITE, "alter table tasks alter column twice set expression as (amount * 3)"),
    "set-not-null": Lock(_AE, _SCAN, "alter table tasks alter column amount set not null"),
    "alter-column": Lock(_AE, _CATALOGUE, "alter table tasks alter column status drop default"),
    "set-statistics": Lock(_SUE, _CATALOGUE, "alter table tasks alter column status set statistics 200"),
    # Constraints
    "add-check": Lock(_AE, _SCAN, "alter table tasks add constraint amount_small check (amount < 1000)"),
    "add-check-not-valid": Lock(
        _AE, _CATALOGUE, "alter table tasks add constraint amount_small check (amount < 1000) not valid"
    ),
    "add-foreign-key": Lock(
        _SRE,
        _SCAN,
        "alter table tasks add constraint in_project foreign key (project) references projects (id)",
        also=_REFERENCED,
    ),
    "add-foreign-key-not-valid": Lock(
        _SRE,
        _CATALOGUE,
        "alter table tasks add constraint in_project foreign key (project) references projects (id) not valid",
        also=_REFERENCED,
    ),
    "validate-constraint": Lock(_SUE, _SCAN, "alter table tasks validate constraint tasks_amount_positive"),
    "validate-foreign-key": Lock(_SUE, _SCAN, "alter table tasks validate constraint tasks_known"),
    "add-unique": Lock(_AE, _BUILD, "alter table tasks add constraint one_note unique (note)"),
    "add-unique-using-index": Lock(
        _AE, _CATALOGUE, "alter table tasks add constraint tasks_title_key unique using index tasks_title_key"
    ),
    "drop-constraint": Lock(_AE, _CATALOGUE, "alter table tasks drop constraint tasks_amount_positive"),
    # Tables
    "create-table-foreign-key": Lock(
        _SRE, _CATALOGUE, "create table plans (id bigint, project bigint references projects (id))", on="projects"
    ),
    "create-partition": Lock(
        _AE,
        _CATALOGUE,
        "create table events_next partition of events for values from ('2022-01-01') to ('2023-01-01')",
        on="events",
    ),
    "create-child": Lock(_SUE, _CATALOGUE, "create table old_notes () inherits (all_notes)", on="all_notes"),
    "inherit": Lock(
        _AE,
        _CATALOGUE,
        "alter table notes inherit all_notes",
        on="notes",
        also=(OtherLock("all_notes", _SUE, "the parent"),),
    ),
    "attach-partition": Lock(_SUE, _SCAN, _ATTACH, on="events", also=(OtherLock("events_new", _AE, "the partition"),)),
    "detach-partition": Lock(
        _AE,
        _CATALOGUE,
        "alter table events detach partition events_old",
        on="events",
        also=(OtherLock("events_old", _AE, "the partition"),),
    ),
    "detach-partition-concurrently": Lock(
        _SUE,
        _CATALOGUE,
        "alter table events detach partition events_old concurrently",
        on="events",
        also=(OtherLock("events_old", _AE, "the partition"),),
        alone=True,
    ),
    "row-security": Lock(_AE, _CATALOGUE, "alter table tasks enable row level security"),
    "set-options": Lock(_SUE, _CATALOGUE, "alter table tasks set (fillfactor = 90)"),
    "set-storage-rewrite": Lock(_AE, _REWRITE, "alter table tasks set unlogged"),
    "rename": Lock(_AE, _CATALOGUE, "alter table tasks rename column note to remark"),
    "set-schema": Lock(_AE, _CATALOGUE, "alter table tasks set schema archive"),
    "alter-table": Lock(_AE, _CATALOGUE, "alter table tasks replica identity full"),
    "drop-table": Lock(
        _AE,
        _CATALOGUE,
        "drop table steps",
        on="steps",
        also=(OtherLock("projects", _AE, "each table that its foreign keys refer to"),),
    ),
    "truncate": Lock(_AE, _CATALOGUE, "truncate tasks"),
    "cluster": Lock(_AE, _REWRITE, "cluster tasks using tasks_pkey"),
    "vacuum": Lock(_SUE, _SCAN, "vacuum tasks", alone=True),
    "vacuum-full": Lock(_AE, _REWRITE, "vacuum full tasks", alone=True),
    "analyze": Lock(_SUE, _SCAN, "analyze tasks"),
    "lock-table": Lock(_AE, _CATALOGUE, "lock table tasks"),
    "change-rows": Lock(Mode.ROW_EXCLUSIVE, Duration.ROWS, "update tasks set note = 'x' where id = 1"),
    # Indexes
    "create-index": Lock(Mode.SHARE, _BUILD, "create index tasks_status on tasks (status)"),
    "create-index-concurrently": Lock(
        _SUE, _BUILD, "create index concurrently tasks_status on tasks (status)", alone=True
    ),
    "drop-index": Lock(_AE, _CATALOGUE, "drop index tasks_note"),
    "drop-index-concurrently": Lock(_SUE, _CATALOGUE, "drop index concurrently tasks_note", alone=True),
    "alter-index": Lock(_SUE, _CATALOGUE, "alter index tasks_note rename to tasks_by_note", on="tasks_note"),
    "reindex": Lock(Mode.SHARE, _BUILD, "reindex table tasks", locks_indexes=True),
    "reindex-concurrently": Lock(_SUE, _BUILD, "reindex table concurrently tasks", alone=True),
    # Parts of a table
    "disable-trigger": Lock(_SRE, _CATALOGUE, "alter table tasks disable trigger touch"),
    "create-trigger": Lock(
        _SRE, _CATALOGUE, "create trigger again before insert on tasks for each row execute function touch()"
    ),
    "drop-trigger": Lock(_AE, _CATALOGUE, "drop trigger touch on tasks"),
    "create-policy": Lock(_AE, _CATALOGUE, "create policy nobody on tasks using (false)"),
    "drop-policy": Lock(_AE, _CATALOGUE, "drop policy everyone on tasks"),
    "create-rule": Lock(_AE, _CATALOGUE, "create rule silent as on update to steps do also nothing", on="steps"),
    "drop-rule": Lock(_AE, _CATALOGUE, "drop rule quiet on steps", on="steps"),
    "create-statistics": Lock(_SUE, _CATALOGUE, "create statistics tasks_stats on title, note from tasks"),
    "publish": Lock(_SUE, _CATALOGUE, "create publication everything for table tasks"),
    "comment": Lock(_SUE, _CATALOGUE, "comment on column tasks.note is 'what people write'"),
    # Views and sequences
    "replace-view": Lock(
        _AE, _CATALOGUE, "create or replace view open_tasks as select id, status from tasks", on="open_tasks"
    ),
    "alter-view": Lock(_AE, _CATALOGUE, "alter view open_tasks set (security_invoker = true)", on="open_tasks"),
    "drop-view": Lock(_AE, _CATALOGUE, "drop view open_tasks", on="open_tasks"),
    "refresh": Lock(_AE, _REWRITE, "refresh materialized view task_counts", on="task_counts"),
    "refresh-concurrently": Lock(
        Mode.EXCLUSIVE, Duration.ROWS, "refresh materialized view concurrently task_counts", on="task_counts"
    ),
    "alter-sequence": Lock(_SRE, _CATALOGUE, "alter sequence numbers restart with 100", on="numbers"),
    "drop-sequence": Lock(_AE, _CATALOGUE, "drop sequence numbers", on="numbers"),
}
"""Each kind of statement with the lock that it takes. The duration is what it does while it has the lock."""


def describe(kind: str, table: object, *, other: object = None) -> str:
    """Return the end of a message: which lock a kind of statement takes on a table, what it blocks and how long.

    `other` is the other table that it locks as strongly, if the statement names it.
    """
    lock = LOCKS[kind]
    also = "".join(f" and {other or each.words}" for each in lock.also if each.mode is lock.mode)
    indexes = f" and {Mode.ACCESS_EXCLUSIVE.words} on each index that it rebuilds" if lock.locks_indexes else ""
    return f"takes {lock.mode.words} on {table}{also}{indexes}, which blocks {lock.blocks} {_LASTS[lock.duration]}"
