"""Statements that read or rewrite a table on PostgreSQL are those that the migration check reports for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.table_locks import TableLocks, open_schema
from support.throwaway import throwaway_postgres

from runbook.migration.check import check_migrations
from runbook.migration.rules import read_setup
from runbook.migration.source import MigrationFile

EARLIER = """
create extension citext;
create domain short as varchar(20);
create domain plain as text;
create domain positive as int check (value > 0);
create type mood as enum ('calm', 'glad');
create table projects (id bigint primary key);
create sequence numbers;
create table tasks (
  id bigint primary key, title varchar(20), free varchar, note text, remark text, code char(10), mail citext,
  brief short, loose plain, state text not null, feeling mood, amount int, small smallint, big bigint, count positive,
  ratio real, price numeric(10, 2), cost numeric, made timestamp, made_3 timestamp(3), made_at timestamptz,
  at_hour time(3), day date, address cidr, flags bit(4), some_flags varbit(4), words text[], titles varchar(20)[],
  data json, is_done boolean, key uuid, project bigint, twice int generated always as (big * 2) stored,
  constraint note_there check (note is not null)
);
create index tasks_remark on tasks (remark);
create index tasks_title on tasks (title);
create index tasks_price on tasks (price);
alter table tasks add constraint amount_there check (amount is not null) not valid;
create function volatile_one() returns int language plpgsql volatile as 'begin return 1; end';
create table events (id bigint, at date not null) partition by range (at);
create table events_new (id bigint, at date not null);
create table events_checked (
  id bigint, at date not null, constraint in_2022 check (at >= '2022-01-01' and at < '2023-01-01')
);
"""
ROWS = """
insert into projects select id from generate_series(1, 500) id;
insert into tasks (id, title, note, remark, state, amount, project, price, made, words, titles)
select id, id, id, id, 'calm', id, id, id, '2026-01-01', '{a}', '{a}' from generate_series(1, 500) id;
insert into events_new select id, '2021-05-05' from generate_series(1, 500) id;
insert into events_checked select id, '2022-05-05' from generate_series(1, 500) id;
"""

CATALOGUE_ONLY = [
    "add column x int",
    "add column x int default 5",
    "add column x int not null default 5",
    "add column x timestamptz not null default now()",
    "add column x timestamptz default current_timestamp",
    "add column x date default current_date",
    "add column x text default lower('A') || 'b'",
    "add column x jsonb not null default '{}'::jsonb",
    "add column x text[] default array['a']",
    "add column x mood default 'calm'",
    "add column x text default current_user",
    "add column x timestamptz default now() + interval '1 day'",
    "add column x date default make_date(2026, 1, 1)",
    "add column x timestamptz default date_trunc('day', now())",
    "add column x jsonb default jsonb_build_object('a', 1)",
    "add column x text default coalesce(current_setting('a.b', true), 'x')",
    "add column x int default abs(-5)",
    "add column x text default md5('a')",
    "add column x bigint references projects (id)",
    "add column x plain",
    "add column x varchar(20)",
    "alter column title type varchar(40)",
    "alter column title type varchar",
    "alter column title type text",
    "alter column title type text using title",
    "alter column title type text using title::text",
    "alter column free type text",
    "alter column remark type varchar",
    "alter column remark type text",
    "alter column price type numeric(12, 2)",
    "alter column price type numeric",
    "alter column made_3 type timestamp(6)",
    "alter column made_3 type timestamp",
    "alter column at_hour type time(6)",
    "alter column some_flags type varbit(8)",
    "alter column some_flags type varbit",
    "alter column titles type varchar[]",
    "alter column note set not null",
    "alter column state set not null",
    "alter column amount set default 5",
    "add constraint x check (amount > 0) not valid",
    "add constraint x foreign key (project) references projects (id) not valid",
]
"""Parts of ALTER TABLE that change the catalogue alone."""
UNSURE = [
    "alter column brief type text",
    "alter column loose type text",
    "alter column address type inet",
    "alter column mail type text",
    "alter column made type timestamptz",
    "alter column made_at type timestamp",
    "set logged",
    "set tablespace pg_default",
    "set access method heap",
]
"""Parts that change the catalogue alone here, and are reported all the same.

The check doesn't follow domains, indexes and what a table is already; between timestamp and timestamptz, the session's
time zone decides.
"""
WORK = [
    "add column x uuid default gen_random_uuid()",
    "add column x timestamptz default clock_timestamp()",
    "add column x float default random()",
    "add column x int default volatile_one()",
    "add column x timestamptz default timeofday()::timestamptz",
    "add column x text default 'n' || nextval('numbers')",
    "add column x serial",
    "add column x bigint generated always as identity",
    "add column x bigint generated by default as identity",
    "add column x int generated always as (amount * 2) stored",
    "add column x int check (x > 0)",
    "add column x int unique",
    "add column x positive",
    "add column x positive default 1",
    "add column x bigint default 1 references projects (id)",
    "alter column twice set expression as (big * 3)",
    "alter column title type varchar(10)",
    "alter column free type varchar(20)",
    "alter column note type varchar",
    "alter column remark type varchar(500)",
    "alter column remark type citext",
    'alter column remark type text collate "C"',
    "alter column remark type short",
    "alter column remark type text using lower(remark)",
    "alter column code type text",
    "alter column code type char(20)",
    "alter column brief type varchar(20)",
    "alter column state type mood using state::mood",
    "alter column feeling type text",
    "alter column amount type bigint",
    "alter column amount type positive",
    "alter column amount type numeric",
    "alter column amount type text using amount::text",
    "alter column small type int",
    "alter column ratio type double precision",
    "alter column price type numeric(8, 2)",
    "alter column price type numeric(12, 4)",
    "alter column cost type numeric(10, 2)",
    "alter column made type timestamp(3)",
    "alter column made_3 type timestamp(1)",
    "alter column made type date",
    "alter column day type timestamp",
    "alter column flags type bit(8)",
    "alter column some_flags type varbit(2)",
    "alter column titles type varchar(40)[]",
    "alter column titles type text[]",
    "alter column data type jsonb",
    "alter column is_done type text",
    "alter column key type text",
    "alter column project set not null",
    "alter column amount set not null",
    "add constraint x check (amount > 0)",
    "add constraint x foreign key (project) references projects (id)",
    "add constraint x unique (amount)",
    "set unlogged",
]
"""Parts that read or rewrite the table, or build an index."""
PARTITIONS = {
    "alter table events attach partition events_new for values from ('2021-01-01') to ('2022-01-01')": True,
    "alter table events attach partition events_checked for values from ('2022-01-01') to ('2023-01-01')": False,
    "create table events_later partition of events for values from ('2030-01-01') to ('2031-01-01')": False,
}
"""Whether each statement reads a table."""
CASES = [
    *((f"alter table tasks {part}", False, False) for part in CATALOGUE_ONLY),
    *((f"alter table tasks {part}", False, True) for part in UNSURE),
    *((f"alter table tasks {part}", True, True) for part in WORK),
    *((statement, works, works) for statement, works in PARTITIONS.items()),
]
SAID = ("every row is read", "are rewritten", "the index is built", "every row is compared")
"""How messages say that a lock lasts while a table is worked on."""


@pytest.fixture(scope="module")
def tables() -> Iterator[TableLocks]:
    """Fill the tables of the earlier migration, on a server of its own."""
    with throwaway_postgres() as server, open_schema(server, "example", EARLIER + ROWS) as opened:
        yield opened


def is_reported(statement: str) -> bool:
    """Whether the check says of a statement that it works on a table, in the light of the earlier migration."""
    earlier = MigrationFile("migrations/20260101000000_earlier.sql", EARLIER.encode(), judged=False)
    file = MigrationFile("migrations/20260102000000_change.sql", statement.encode())
    report = check_migrations([earlier, file], read_setup())
    return any(words in finding.message for finding in report.findings for words in SAID)


@pytest.mark.parametrize(("statement", "works", "reported"), CASES, ids=[case[0] for case in CASES])
def test_what_works_on_a_table_is_reported(tables: TableLocks, statement: str, works: bool, reported: bool) -> None:
    """The server's counts and files say whether a statement did more than change the catalogue."""
    seen = tables.watch(statement)
    assert bool(seen.rewritten or seen.touched or seen.built) == works
    assert is_reported(statement) == reported


@pytest.mark.parametrize("part", ["alter column made type timestamptz", "alter column made_at type timestamp"])
def test_the_time_zone_decides_whether_times_are_rewritten(tables: TableLocks, part: str) -> None:
    """In another zone than UTC, the stored values change."""
    assert tables.watch(f"set local timezone = 'Europe/Berlin'; alter table tasks {part}").rewritten == {"tasks"}
