"""What DO blocks and called functions run is judged like the statements of the file, at its own place."""

from __future__ import annotations

from datetime import datetime

import pytest

from runbook.migration.check import check_migrations
from runbook.migration.rules import Setup, read_rules
from runbook.migration.source import MigrationFile
from runbook.model.migration_settings import MigrationSettings
from runbook.model.terms import Position

SETUP = Setup(read_rules(), MigrationSettings(at=Position("", 1, 1)))


def found(sql: str) -> list[tuple[str, int, int]]:
    """Return the rules of errors and notices, with their places."""
    report = check_migrations([MigrationFile("20260101000000_x.sql", sql.encode())], SETUP, now=datetime(2026, 6, 1))
    return [(each.rule, each.line, each.column) for each in report.findings if each.level != "warning"]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("do $$\nbegin\n  delete from tasks;\nend $$;", [("delete-all-rows", 3, 15)]),
        ("do $x$ begin if a then truncate tasks; end if; end $x$;", [("truncate", 1, 33)]),
        ("do $$ begin for r in select 1 loop drop table tasks; end loop; end $$;", [("drop-table", 1, 47)]),
        ("do $$ begin perform 1; exception when others then delete from tasks; end $$;", [("delete-all-rows", 1, 63)]),
        ("do $$ declare n int; begin delete from tasks returning 1 into n; end $$;", [("delete-all-rows", 1, 40)]),
        ("do 'begin delete from tasks; end';", [("delete-all-rows", 1, 23)]),
        ("do 'begin execute ''drop table tasks''; end';", [("drop-table", 1, 4)]),
        ("do $$ begin execute 'drop table tasks'; end $$;", [("drop-table", 1, 13)]),
        ("do $$ begin execute $q$truncate tasks$q$; end $$;", [("truncate", 1, 13)]),
        (
            "do $$ begin execute format('drop table %I', t); end $$;",
            [("drop-table", 1, 13), ("dynamic-sql", 1, 13)],
        ),
        (
            "do $$ begin execute 'drop table ' || quote_ident(t); end $$;",
            [("drop-table", 1, 13), ("dynamic-sql", 1, 13)],
        ),
        ("do $$ begin execute t; end $$;", [("dynamic-sql", 1, 13)]),
        ("do $$ begin do $i$ begin delete from tasks; end $i$; end $$;", [("delete-all-rows", 1, 38)]),
    ],
)
def test_a_do_block_is_looked_into(sql: str, expected: list[tuple[str, int, int]]) -> None:
    """Static statements are at their own place, dynamic ones at their EXECUTE."""
    assert found(sql) == expected


WIPE = """\
create or replace function wipe() returns void language plpgsql set search_path = '' as $$
begin
  delete from tasks;
end $$;
"""


@pytest.mark.parametrize("call", ["select wipe();", "do $$ begin perform public.wipe(); end $$;"])
def test_a_function_that_the_file_calls_is_looked_into(call: str) -> None:
    """What it does happens during the push."""
    assert found(WIPE + call) == [("delete-all-rows", 3, 15)]


def test_a_function_that_is_only_created_is_not_run() -> None:
    """Its body runs later, when somebody calls it."""
    assert found(WIPE) == []
    assert found(f"{WIPE}create trigger t after insert on a for each row execute function wipe();") == []


def test_a_select_into_a_variable_creates_no_table() -> None:
    """In PL/pgSQL, INTO names a variable."""
    assert found("do $$ declare n int; begin select count(*) into n from tasks; end $$;") == []


def test_a_procedure_that_the_file_calls_is_looked_into() -> None:
    """CALL runs it."""
    sql = "create or replace procedure p() language sql set search_path = '' as $$ truncate tasks $$;\ncall p();"

    assert found(sql) == [("truncate", 1, 82)]


@pytest.mark.parametrize(
    ("sql", "places"),
    [
        ("prepare p as delete from tasks;\nexecute p;", [("delete-all-rows", 1, 26)]),
        ("explain analyze delete from tasks;", [("delete-all-rows", 1, 29)]),
        ("explain (verbose, analyze on) delete from tasks;", [("delete-all-rows", 1, 43)]),
        ("copy (delete from tasks returning *) to stdout;", [("delete-all-rows", 1, 19)]),
        ("do $$ begin\n  explain analyze delete from tasks;\nend $$;", [("delete-all-rows", 2, 31)]),
        ("explain delete from tasks;", []),
        ("explain (analyze false) delete from tasks;", []),
        ("prepare p as select 1;\nexecute p;\ndeallocate p;", []),
    ],
)
def test_a_statement_that_another_one_carries_is_judged(sql: str, places: list[tuple[str, int, int]]) -> None:
    """PREPARE, EXPLAIN ANALYZE and COPY of a query run it. EXPLAIN alone doesn't."""
    assert [each for each in found(sql) if each[0] == "delete-all-rows"] == places


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("do $$ begin\n  delete tasks;\nend $$;", (2, 3)),
        ("do $$ begin\n  execute 'drop tabel tasks';\nend $$;", (2, 3)),
        ("do language plv8 $$ plv8.execute('drop table tasks') $$;", (1, 1)),
    ],
)
def test_what_cannot_be_read_in_a_block_is_named(sql: str, place: tuple[int, int]) -> None:
    """It never passes in silence."""
    assert ("dynamic-sql", *place) in found(sql)


def test_returning_into_a_variable_can_be_read() -> None:
    """PL/pgSQL adds INTO to statements that SQL ends with RETURNING."""
    assert found("do $$ declare n int; begin insert into tasks (id) values (1) returning id into n; end $$;") == []
