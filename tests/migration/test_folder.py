"""A file is judged in the light of its folder: what earlier files made, and what later ones put right."""

from __future__ import annotations

from datetime import datetime

import pytest

from runbook.migration.check import check_migrations
from runbook.migration.rules import Setup, read_rules
from runbook.migration.source import MigrationFile
from runbook.model.migration_settings import MigrationSettings
from runbook.model.terms import Position

SETUP = Setup(read_rules(), MigrationSettings(at=Position("", 1, 1)))
TABLE = "create table notes (id bigint, kind mood, body text);\nalter table notes enable row level security;\n"
CHECK = "alter table notes add constraint c check (id > 0);"
OVERLOADED = (
    "create function private.f(a int) returns int language sql as $$ select 1 $$;\n"
    "create function private.f(a text) returns int language sql as $$ select 1 $$;"
)


def errors(*texts: str) -> list[list[str]]:
    """Return the rules of each file's errors."""
    files = [MigrationFile(f"m/2026010{at}000000_x.sql", text.encode()) for at, text in enumerate(texts, 1)]
    report = check_migrations(files, SETUP, now=datetime(2026, 6, 1))
    return [
        [each.rule for each in report.findings if each.file == file.path and each.level == "error"] for file in files
    ]


@pytest.mark.parametrize(
    ("earlier", "sql", "expected"),
    [
        (
            TABLE,
            "alter table notes drop constraint notes_pkey;\ndrop index notes_pkey;\ndrop table notes;",
            ["drop-table"],
        ),
        (TABLE, "revoke all on notes from authenticated;\ndrop table notes;", ["drop-table"]),
        (TABLE, "alter publication supabase_realtime drop table notes;\ndrop table notes;", ["drop-table"]),
        (
            f"{TABLE}create index i on notes (body);",
            "drop index i;\nalter table notes drop column body;",
            ["drop-column"],
        ),
        (f"{TABLE}create index i on notes (body);", "drop index i;", ["drop-index-not-concurrent"]),
        (
            f"{TABLE}create trigger t before update on notes for each row execute function touch();",
            "drop table notes;\ndrop function touch();",
            ["drop-table"],
        ),
        (
            f"{TABLE}create trigger t before update on notes for each row execute function touch();",
            "drop function touch();",
            ["drop-function"],
        ),
        (TABLE, "alter table notes alter column kind type text;\ndrop type mood;", ["change-type"]),
        (TABLE, "drop type mood;", ["drop-type"]),
        (
            f"{TABLE}alter table notes add constraint c check (id > 0);",
            "alter table notes add constraint c check (id > 0);",
            [],
        ),
        (
            f"{TABLE}{CHECK}",
            "alter table notes drop constraint c;\nalter table notes add constraint c check (id > 1);",
            ["check-scan"],
        ),
        (
            OVERLOADED,
            "drop function private.f(int);",
            [],
        ),
        (TABLE, "create table if not exists notes (id bigint);\ndelete from notes;", ["delete-all-rows"]),
        (TABLE, "grant select on notes to anon;", []),
        ("create table notes (id bigint);", "grant select on notes to anon;", ["grant-to-api"]),
        (f"{TABLE}alter table notes rename to jotting;", "grant select on jotting to anon;", []),
        (f"{TABLE}create policy a on notes for select using (id = 1);", "drop policy b on notes;", []),
        (f"{TABLE}create policy a on notes for select using (id = 1);", "drop policy a on notes;", ["drop-policy"]),
        (f"{TABLE}create index i on notes (body);", "create index if not exists i on notes (body);", []),
        (
            TABLE,
            "alter table notes rename to old;\ncreate view notes with (security_invoker) as select * from old;",
            [],
        ),
        (
            TABLE,
            "alter table notes drop constraint notes_body_key;\ncreate unique index concurrently u on notes (id);",
            ["must-be-alone"],
        ),
    ],
)
def test_earlier_files_decide_what_a_statement_means(earlier: str, sql: str, expected: list[str]) -> None:
    """Parts of a dropped table, and what nothing uses any more, are no danger of their own."""
    assert errors(earlier, sql)[1] == expected


@pytest.mark.parametrize(
    ("sql", "rule", "later"),
    [
        ("create table notes (id int);", "rls-missing", "alter table notes enable row level security;"),
        ("create table notes (id int);", "rls-missing", "drop table notes;"),
        (
            "create table notes (id int);",
            "rls-missing",
            "alter table notes rename to jotting;\nalter table jotting enable row level security;",
        ),
        (
            "create view v as select 1 as n;",
            "view-security",
            "create or replace view v with (security_invoker) as select 1;",
        ),
        (
            "create or replace function f() returns void language sql security definer as $$ select 1 $$;",
            "definer-search-path",
            "alter function f() set search_path = '';",
        ),
        ("create policy p on notes for delete using (true);", "policy-open", "drop policy p on notes;"),
    ],
)
def test_a_mistake_that_a_later_file_corrects_is_not_reported(sql: str, rule: str, later: str) -> None:
    """The folder is the history of a schema; only what is still wrong counts."""
    assert errors(sql, "select 1;")[0] == [rule]
    assert errors(sql, later)[0] == []


def test_a_column_that_the_file_adds_may_be_filled_but_not_under_its_lock() -> None:
    """No value is overwritten. An old column's is."""
    add = "alter table tasks add column if not exists kind text;\nupdate tasks set kind = 'x';"

    assert errors("select 1;", add)[1] == ["backfill-under-lock"]
    assert errors(
        "create table tasks (kind text);\nalter table tasks enable row level security;",
        add,
    )[1] == ["update-all-rows"]


def test_a_dump_is_judged_by_what_it_creates() -> None:
    """Its settings, and the rights that the database has already, say nothing new."""
    head = (
        "SET statement_timeout = 0;\nSET lock_timeout = 0;\nSET client_encoding = 'UTF8';\nSET row_security = off;\n"
        "SELECT pg_catalog.set_config('search_path', '', false);\n"
    )
    body = (
        'CREATE TABLE "public"."notes" ("id" bigint);\nGRANT ALL ON TABLE "public"."tasks" TO "anon";\n'
        'ALTER DEFAULT PRIVILEGES IN SCHEMA "public" GRANT ALL ON TABLES TO "anon";\nRESET ALL;\n'
    )

    assert errors(head + body) == [["rls-missing"]]
    assert sorted(errors(body)[0]) == ["default-privileges", "grant-to-api", "rls-missing"]
