from __future__ import annotations

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from support.sqltree import NotSql, effect_by_tree

from runbook.model import Effect
from runbook.policy.sql_effect import effect_of, only_saves

READS = """
select 1
select 'drop table users'
select $$drop table users$$, $a$delete from t$a$
select E'it\\'s; drop table users'
select "drop table users" from t
select 1 -- ; drop table users
select /* ; drop /* table */ users; */ 1
select count(*) from public.tasks where note = 'a;b'
SELECT Count(*) FROM tasks
table tasks
values (1), (2)
(select 1)
select * from a union all (select * from b) order by 1 limit 3
with x as (select 1) select * from x
with a(x) as (select 1), b(y) as (values (2)) select * from a, b
with recursive t(n) as (values (1) union all select n + 1 from t where n < 5) select sum(n) from t
with x as not materialized (select 1) select * from x
select id, row_number() over (partition by a order by b) from t
select count(*) filter (where a > 1) from t
select * from json_to_recordset('[]') as t(a int, b text)
select a, b from (select 1, 2) as t(a, b)
select a, b from (select 1, 2) t(a, b)
select x::numeric(10, 2), cast(y as varchar(3)), interval '1 day', date '2026-01-01' from t
select relname, pg_size_pretty(pg_total_relation_size(oid)) from pg_class
select pg_get_functiondef('public.f()'::regprocedure), md5(prosrc) from pg_proc where proname = 'f'
select pid, state, age(now(), query_start) from pg_stat_activity where wait_event_type = 'Lock'
select coalesce(a, b), greatest(1, 2), extract(epoch from now()), current_setting('lock_timeout') from t
select exists (select 1 from t), a in (1, 2), a = any (array[1, 2]) from t
select case when a then count(*) else sum(b) end from t group by a having count(*) > 1
select distinct on (a) a, lower(b) from t
select auth.uid(), pg_catalog.now(), extensions.gen_random_uuid()
select "update" from "delete" where "drop" = 'x'
select t.delete, t.update from t
select * from t where truncate > 1
select position('a' in 'b'), substring('abc' from 1 for 2), trim(both 'x' from 'y'), overlay('a' placing 'b' from 1)
explain select * from t
explain delete from t
explain (verbose, costs off) update t set a = 1
explain (format json) truncate_log
show lock_timeout
begin
begin read only
start transaction read only
commit
rollback
set lock_timeout = '5s'
set local statement_timeout to '10s'
set search_path to public; select 1
set session characteristics as transaction read only
reset all
copy tasks to stdout
copy (select * from tasks) to stdout with csv
prepare p as select 1
declare c cursor for select 1
fetch 10 from c
select 1;;
"""

WRITES = """
insert into t values (1)
insert into t (a, b) select 1, 2
insert into t values (1) on conflict (a) do update set b = 2
update t set a = 1 where id = 1
delete from t where id in (select id from u)
delete from t using u where t.id = u.id
delete from t where exists (select 1 from u where u.id = t.id)
delete from t where "id" = 1
delete from t where lower(name) = 'x'
delete from t where (id = 1)
delete from t where not deleted
with d as (delete from t where id = 1 returning *) select * from d
with i as (insert into t values (1) returning id) select id from i
with x as (select 1) update t set a = 1 where id = 2
with x as (select 1) insert into t select * from x
merge into t using u on t.id = u.id when matched then update set a = u.a
select * into n from t
select * from t for update
select * from t for no key update skip locked
select my_function(1)
select public.count(*) from t
select distinct on (a) my_function(b) from t
select * from t, dblink('x', 'y') as (a int)
with a as (select 1) select * from a, dblink('x', 'y') as (a int)
select pg_terminate_backend(pid) from pg_stat_activity
select "pg_terminate_backend"(1)
select pg_cancel_backend(1)
select set_config('a', 'b', false)
select nextval('s'), setval('s', 1)
select query_to_xml('delete from t', true, true, '')
select lo_unlink(1)
select cron.schedule('a', 'b', 'c')
select a at time zone my_zone(b) from t
explain analyze insert into t values (1)
explain (analyze, buffers) update t set a = 1 where id = 1
explain analyze verbose select my_function(1)
create table t (a int)
create table t as select 1
create or replace function f() returns int language sql as $$ delete from t; select 1 $$
create function f() returns int begin atomic delete from t; select case when true then 1 else 2 end; end
create index concurrently i on t (a)
create view v as select 1
create policy p on t for delete using (true)
create rule r as on delete to t do instead nothing
create trigger g before delete on t for each row execute function f()
alter table t add column b int
alter table t alter column a drop not null
alter table t alter column a drop default
alter table t drop constraint c
alter table t disable row level security
alter function f() owner to x
drop index concurrently if exists i
drop function f(int)
drop policy p on t
drop trigger g on t
drop view v
grant select on t to anon
revoke all on t from anon
comment on table t is 'x'
vacuum full t
analyze t
reindex index concurrently i
refresh materialized view v
lock table t
call p()
execute q
notify n
do $$ begin perform 1; end $$
do $$ begin insert into t values (1); end $$
do $$ begin delete from t where id = 1; end $$
set role postgres
set session_replication_role = replica
set default_transaction_read_only = off
set session characteristics as transaction read write
begin read write
start transaction read write
copy t from stdin
copy t to '/tmp/x'
prepare p as insert into t values (1)
declare c cursor for select my_function(1)
select 1; update t set a = 1 where id = 2
"""

DESTROYS = """
drop table users
DROP TABLE IF EXISTS users
drop schema public cascade
drop database d
drop role r
drop type t
drop extension e
drop sequence s
drop materialized view v
drop function f() cascade
drop view v cascade
drop owned by r
truncate users
truncate table only a, b cascade
delete from users
delete from users where true
delete from users where 1 = 1
delete from users returning id
delete from users where random() < 2
delete from users where exists (select 1 from other)
delete from users where 1::boolean
delete from users where current_date > date '2026-01-01'
delete from users where pg_catalog.now() is not null
update users set a = 1
update users set a = (select 1 from t where t.id = 2)
with d as (delete from users returning *) select * from d
with u as (update users set a = 1 returning *) select count(*) from u
with x as (select 1) delete from users
insert into a with d as (delete from users returning *) select * from d
create table a as with d as (delete from users returning *) select * from d
merge into t using u on t.id = u.id when matched then delete
alter table t drop column c
alter table t drop c
alter table t drop if exists c
alter table t add column a int, drop column b cascade
alter table t drop "default"
alter type t drop attribute a
explain analyze delete from users
explain (analyze) truncate_me; delete from users
explain (analyze true, buffers) update users set a = 1
select 1; drop table users
select 1; select 2; truncate users; select 3
begin; delete from users; commit
select ';'; drop table users
select 'it''s'; drop table users
select E'\\''; drop table users --'
select $a$ $b$ $a$; drop table users
select 1 /* /* */ */; drop table users
/* x */ drop /* y */ table users
copy t from program 'curl x'
copy t to program 'sh'
prepare p as delete from users
do $$ begin execute 'drop table users'; end $$
do $$ begin if true then delete from users; end if; end $$
do $$ begin for i in 1..2 loop truncate users; end loop; end $$
do $x$ begin execute format('truncate %I', 'users'); end $x$
do language plpgsql 'begin delete from users; end'
"""

_CODE = ("do ", "call", "execute q", "explain (analyze) truncate_me", "explain (format json)")


def _lines(*blocks: str) -> list[str]:
    return [line for block in blocks for line in block.strip().splitlines()]


@pytest.mark.parametrize("sql", _lines(READS))
def test_what_only_looks_is_read(sql: str) -> None:
    """Words in strings, names and comments do nothing."""
    assert effect_of(sql) is Effect.READS


@pytest.mark.parametrize("sql", _lines(WRITES))
def test_what_changes_something_is_written(sql: str) -> None:
    """A change that is narrowed, or that can be made again, is no destruction."""
    assert effect_of(sql) is Effect.WRITES


@pytest.mark.parametrize("sql", _lines(DESTROYS))
def test_what_takes_data_away_is_destroyed(sql: str) -> None:
    """Wherever it hides: in a second statement, a CTE, an explain, a code block."""
    assert effect_of(sql) is Effect.DESTROYS


@pytest.mark.parametrize("sql", [sql for sql in _lines(READS, WRITES, DESTROYS) if not sql.startswith(_CODE)])
def test_postgresqls_own_parser_agrees(sql: str) -> None:
    """The tokenizer's verdict is that of the parse tree, on every statement without procedural code."""
    assert effect_by_tree(sql) is effect_of(sql)


_VALUES = st.sampled_from(
    ["1", "a", "f(1)", "count(*)", "'drop table t'", "$$;$$", "E'\\''", '"delete"', "now()", "s.f(a)"]
)
_WHERE = st.sampled_from(["", " where a = 1", " where true", " where f(1)", " where exists (select 1)", " returning *"])
_GAPS = st.sampled_from([" ", "\n", " /* ; */ ", " -- drop\n", " /* /* */ ' */ "])


def _changes(queries: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return statements that change rows, with a query inside some of them."""
    merge = "merge into t using u on t.a = u.a when matched then "
    return st.one_of(
        st.builds("delete from t{}".format, _WHERE),
        st.builds("update t set a = ({}){}".format, queries, _WHERE),
        st.builds("insert into t {} returning *".format, queries),
        st.sampled_from([merge + "delete", merge + "update set a = 1"]),
    )


def _deeper(queries: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return queries around queries and changes."""
    return st.one_of(
        st.builds("({})".format, queries),
        st.builds("select * from ({}) as y(b), t, f(2)".format, queries),
        st.builds("{} union all {}".format, queries, queries),
        st.builds("with x as ({}), y(b) as materialized ({}) {}".format, queries | _changes(queries), queries, queries),
        st.builds("select exists ({}), distinct_on from t for update".format, queries),
        st.builds("select distinct on (a) {} from t".format, _VALUES),
    )


_QUERIES = st.recursive(st.builds("select {}, {} from t".format, _VALUES, _VALUES) | st.just("values (1)"), _deeper)
_STATEMENTS = st.one_of(
    _QUERIES,
    _changes(_QUERIES),
    st.builds("with x as ({}) {}".format, _changes(_QUERIES), _changes(_QUERIES)),
    st.builds("explain {}".format, _changes(_QUERIES)),
    st.builds("explain (analyze, costs off) {}".format, _QUERIES | _changes(_QUERIES)),
    st.builds("copy ({}) to stdout".format, _QUERIES),
    st.builds("create table n as {}".format, _QUERIES),
    st.builds("prepare p as {}".format, _changes(_QUERIES)),
    st.sampled_from(["drop table t", "truncate t", "show a", "begin", "alter table t drop a"]),
)


@settings(deadline=None)
@given(st.lists(_STATEMENTS, min_size=1, max_size=3), _GAPS, st.booleans())
def test_random_statements_are_judged_as_by_postgresqls_parser(parts: list[str], gap: str, loud: bool) -> None:
    """Whatever is nested in whatever: never milder than the parse tree."""
    sql = f"{gap};{gap}".join(part.replace(" ", gap) for part in parts)
    sql = sql.upper().replace('"DELETE"', '"delete"') if loud and "$" not in sql else sql
    try:
        tree = effect_by_tree(sql)
    except NotSql:
        assume(False)
    event(f"{effect_of(sql)} by words, {tree} by tree")
    assert effect_of(sql).rank >= tree.rank


@settings(deadline=None)
@given(st.text(st.sampled_from(" ;'\"$\\/*-()a_1Edrop\n"), max_size=60))
def test_any_text_has_an_effect(text: str) -> None:
    """Nothing crashes the tokenizer, and what follows a well-formed statement is not lost."""
    effect_of(text)
    assert effect_of("drop table t;" + text) is Effect.DESTROYS


@pytest.mark.parametrize("sql", ["select 'a", 'select "a', "select $$a", "select /* a"])
def test_what_is_not_closed_is_not_harmless(sql: str) -> None:
    """PostgreSQL would refuse it; a guard does not rely on that."""
    assert effect_of(sql) is Effect.WRITES
    assert effect_of(sql + " drop table t") is Effect.DESTROYS


def test_a_read_only_transaction_lets_unknown_functions_read() -> None:
    """The server stops their writes, but not what ends sessions or leaves the transaction."""
    assert effect_of("select my_function(1)", read_only=True) is Effect.READS
    for call in (
        "pg_terminate_backend(1)",
        "dblink_exec('x', 'y')",
        "set_config('a', 'b', false)",
        "net.http_post('x')",
    ):
        assert effect_of(f"select {call}", read_only=True) is Effect.WRITES
    assert effect_of("drop table t", read_only=True) is Effect.DESTROYS


@pytest.mark.parametrize(
    ("command", "effect"),
    [
        (r"\dt public.*", Effect.READS),
        (r"\d+ tasks", Effect.READS),
        (r"\l", Effect.READS),
        (r"\! rm -rf x", Effect.WRITES),
        (r"\dt \! rm -rf x", Effect.WRITES),
        (r"\i file.sql", Effect.WRITES),
        (r"\copy t from 'x'", Effect.WRITES),
        (r"\copy t to 'x'", Effect.WRITES),
        (r"\copy (delete from t) to 'x'", Effect.DESTROYS),
        (r"\copy (delete from t) to program 'sh'", Effect.DESTROYS),
        ("select 1 \\g", Effect.READS),
        ("select 1 \\g | sh", Effect.WRITES),
        ("select 1 \\gexec", Effect.WRITES),
        ("\\dt\ndrop table t;", Effect.DESTROYS),
    ],
)
def test_psqls_own_commands_are_told_apart(command: str, effect: Effect) -> None:
    """Describing reads; running a shell, a file or a result does not."""
    assert effect_of(command) is effect


@pytest.mark.parametrize(
    ("sql", "saves"),
    [
        (r"\copy t to t.csv csv", True),
        (r"\COPY (select 1) to 'x'", True),
        ("select 1;\n\\copy t to x", True),
        (r"\copy t to program 'sh'", False),
        (r"\copy t from x", False),
        (r"\copy (insert into t values (1) returning *) to x", False),
        (r"\copy t to `date`", False),
        ("delete from t where a = 1;\n\\copy t to x", False),
        ("\\copy t to x\n\\! sh", False),
        ("select 1", False),
    ],
)
def test_rows_saved_in_a_file_are_told_from_other_copies(sql: str, saves: bool) -> None:
    """Only a copy of what is read counts as saving, and only if nothing else in the text writes."""
    assert only_saves(sql) is saves


def test_large_text_is_quick() -> None:
    """Deep nesting and long statements neither recurse nor crawl."""
    assert effect_of("select " + "(" * 20_000 + "1" + ")" * 20_000) is Effect.READS
    assert effect_of("select 1;" * 5_000) is Effect.READS
    assert effect_of("create table t (a int); " * 2_000) is Effect.WRITES
