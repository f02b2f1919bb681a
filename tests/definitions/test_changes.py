"""What is read from migrations' statements: which objects they change, whatever their spelling."""

from __future__ import annotations

import pytest

from runbook.definitions.changes import Change, ObjectName, changes_in
from runbook.definitions.routines import read_routine, same_arguments


def only(sql: str) -> Change:
    """Return the one change in a text."""
    found = changes_in([("1", sql)])
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    "sql",
    [
        "create function public.f(a text) returns text language sql as $$ select a $$",
        'CREATE OR REPLACE FUNCTION "public"."f"("a" "text") RETURNS "text" LANGUAGE "sql" AS $x$ select a $x$',
        "-- a comment\n/* another /* nested */ */ create or replace function f(text) returns text as '' language sql",
        "create function f(in \"a\" pg_catalog.text default 'x, y)') returns text as $$$$ language sql",
    ],
)
def test_a_function_is_known_by_schema_name_and_types_in_any_spelling(sql: str) -> None:
    """Quotes, case, comments, defaults and a missing schema make no difference."""
    change = only(sql)
    assert (change.kind, change.object, change.arguments) == ("function", ObjectName("public", "f"), ("text",))


@pytest.mark.parametrize(
    "sql",
    [
        "do $$ begin execute 'create function f() returns int as $x$ select 1 $x$ language sql'; end $$",
        "comment on table t is 'create function f() …'",
        "select 'drop function f()'",
    ],
)
def test_a_statement_within_another_one_changes_no_function(sql: str) -> None:
    """Only what begins a statement counts."""
    assert not [change for change in changes_in([("1", sql)]) if change.kind == "function"]


def test_a_name_that_begins_like_another_is_another_object() -> None:
    """`report` and `report_all` are two functions."""
    sql = "create function report_all() returns int as '' language sql"
    assert only(sql).object.name == "report_all"


def test_one_text_may_hold_many_statements() -> None:
    """An assistant's migration is one text in the history; semicolons in bodies end nothing."""
    sql = "alter table t add a int; create function f() returns int as $$ a; b; $$ language sql; drop view v, w cascade"
    found = [(change.verb, change.kind, change.object.name) for change in changes_in([("1", sql)])]
    assert found == [
        ("alter", "table", "t"), ("create", "function", "f"), ("drop", "view", "v"), ("drop", "view", "w"),
    ]  # fmt: skip


def test_types_are_compared_as_the_catalogue_writes_them() -> None:
    """Aliases, lengths, arrays and the schema of a type make no second function."""
    one = only("drop function f(int, varchar(20), timestamptz, app.status, text[], numeric(10, 2))").arguments
    other = ("integer", "character varying", "timestamp with time zone", "status", "text[]", "numeric")
    assert one == other
    assert not same_arguments(other, (*other[:-1], "text"))


def test_arguments_that_only_come_out_are_no_part_of_the_identity() -> None:
    """PostgreSQL knows a function by what goes in."""
    assert only("create function f(a int, out b text, inout c bool) as '' language sql").arguments == (
        "integer", "boolean",
    )  # fmt: skip


def test_a_routine_is_read_with_its_rights_settings_and_exact_body() -> None:
    """What tells two versions apart: not the order of clauses, not the kind of quotes."""
    change = only(
        "create function f() returns setof public.tasks security definer set search_path to '', pg_temp"
        " set statement_timeout = '5s' as 'select ''x''' language sql"
    )
    routine = read_routine(change.words)
    assert routine.body == "select 'x'"
    assert routine.definer
    assert routine.returns == "setof tasks"
    assert routine.settings == (("search_path", "", "pg_temp"), ("statement_timeout", "5s"))


def test_triggers_policies_and_row_level_security_belong_to_their_table() -> None:
    """They are known by the table too: two tables may have a policy of one name."""
    sql = (
        'create policy "P" on app."Order" using (true); alter table app."Order" enable row level security;'
        "alter table only t disable trigger x; drop trigger if exists y on t"
    )
    found = [(change.kind, change.object, change.table) for change in changes_in([("1", sql)]) if change.table]
    order, t = ObjectName("app", "Order"), ObjectName("public", "t")
    assert found == [
        ("policy", ObjectName("app", "P"), order),
        ("rls", order, order),
        ("trigger", ObjectName("public", "x"), t),
        ("trigger", ObjectName("public", "y"), t),
    ]
