"""What a rule's message says about locks is what its failing examples do on PostgreSQL, rule by rule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from support.table_locks import TableLocks, open_schema
from support.throwaway import throwaway_postgres

from runbook.migration.locks import Mode
from runbook.migration.rule_tests import check_example
from runbook.migration.rules import read_rules
from runbook.model.migration_rule import PLACE

RULES = read_rules()
TABLES = """
create table projects (id bigint primary key);
create table tasks (
  id bigint primary key, title text, note text, status text, slug text, amount int, project bigint,
  tags varchar(10)[], twice bigint generated always as (id * 2) stored
);
create index tasks_status on tasks (status);
create materialized view task_counts as select status, count(*) from tasks group by status;
create domain positive as int check (value > 0);
create table events (id bigint, at date) partition by range (at);
create table events_2020 partition of events for values from ('2020-01-01') to ('2021-01-01');
create table events_2026 (id bigint, at date);
create table a (id bigint);
create table b (id bigint);
create table c (id bigint);
create function touch() returns trigger language plpgsql as 'begin return new; end';
insert into projects select id from generate_series(1, 500) id;
insert into tasks select id, id, null, id, id, id, id from generate_series(1, 500) id;
insert into events_2026 select id, '2026-05-05' from generate_series(1, 500) id;
"""
FIRST = {
    "add column slug": "alter table tasks drop column slug",
    "add column note": "alter table tasks drop column note",
    "add column project": "alter table tasks drop column project",
    "index tasks_status on": "drop index tasks_status",
    "primary key (id)": "alter table tasks drop constraint tasks_pkey",
    "drop constraint x": "alter table tasks add constraint x check (amount is not null)",
    "note type varchar": "alter table tasks add check (note <> '')",
    "collate": "create index tasks_note on tasks (note)",
    "drop table": "drop materialized view task_counts",
    "table only events": (
        "drop table events; create table events (id int) partition by list (id);"
        " create table old (id int); insert into old values (1)"
    ),
}
"""What a part of an example needs before it: it was written without these tables in mind."""

_MODES = {mode.words: mode for mode in Mode}
_CLAIM = re.compile(rf"\b(?P<mode>{'|'.join(_MODES)}) on (?P<on>(?:the table of )?[\w.]+(?: and public\.\w+)?)")
_LOCKS = re.compile(r"locks (?P<on>[\w.]+) against")
_BLOCKS = re.compile(r"(?:blocks|against) (?P<what>reads and writes|writes)")


class Claim(NamedTuple):
    """A message about an example: the tables that it names with their mode, whom it blocks, and what goes on."""

    rule: str
    sql: str
    tables: tuple[str, ...]
    mode: Mode
    blocks: str
    message: str


def claims() -> Iterator[Claim]:
    """Yield what the rules say about their own examples."""
    for rule in RULES.values():
        for example in rule.fails:
            for each in check_example(example, RULES).report.findings:
                found = _CLAIM.search(each.message)
                mode = _MODES[found["mode"]] if found else Mode.ACCESS_EXCLUSIVE
                found = found or _LOCKS.search(each.message)
                if each.rule == rule.id and found:
                    names = tuple(name.removeprefix("public.") for name in re.findall(r"public\.\w+|\w+$", found["on"]))
                    blocks = _BLOCKS.search(each.message)
                    sql = example.sql.replace(PLACE, "").strip()
                    yield Claim(rule.id, sql, names, mode, blocks["what"] if blocks else mode.blocks, each.message)


_FAILS = "alter table tasks add column amount int"
"""SET NOT NULL on a new column fails on the first row, so there is nothing to look at afterwards."""
CLAIMS = [each for each in claims() if not each.sql.startswith(_FAILS)]


@pytest.fixture(scope="module")
def tables() -> Iterator[TableLocks]:
    """Fill the tables that the examples are about, on a server of its own."""
    with throwaway_postgres() as server, open_schema(server, "public", TABLES) as opened:
        yield opened


@pytest.mark.parametrize("claim", CLAIMS, ids=[f"{each.rule}: {each.sql[:60]}" for each in CLAIMS])
def test_a_message_about_a_lock_is_true(tables: TableLocks, claim: Claim) -> None:
    """The mode is on the table that it names and blocks what it says, while the server reads, rewrites or builds."""
    first = "; ".join(sql for part, sql in FIRST.items() if part in claim.sql)
    if claim.sql.startswith("vacuum"):
        seen = tables.watch_alone(claim.sql, hold="lock table tasks in row exclusive mode")
    else:
        seen = tables.watch(claim.sql, first=first)
    named = {tables.index_owners().get(name, name) for name in claim.tables}
    for table in named:
        assert seen.modes[table] is claim.mode
        assert (table in seen.not_readable) == (claim.blocks != "writes")
        assert table in seen.not_writable | {"task_counts"}
    message = claim.message
    assert bool(named & seen.rewritten) == ("are rewritten" in message)
    if "every row is read" in message:
        assert named <= seen.read
    if "the index is built" in message:
        assert seen.built
    if "only the catalogue changes" in message:
        assert not named & seen.touched


def test_every_rule_about_locks_makes_a_claim() -> None:
    """The others are about files, timeouts alone, failures, or tables that the statement doesn't name."""
    silent = {rule.id for rule in RULES.values() if rule.group in {"locks", "rewrites"}} - {
        each.rule for each in CLAIMS
    }
    assert silent == {
        "validate-in-same-file", "index-if-not-exists", "many-tables-locked", "long-lock-timeout", "required-column",
    }  # fmt: skip
