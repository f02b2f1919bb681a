"""What goes back: the newest version that isn't the one that runs, and what must be so afterwards."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runbook.definitions.catalogue import Catalogue
from runbook.definitions.proving import differences
from runbook.definitions.restoring import restore
from runbook.errors import UsageError
from runbook.policy.secret_shapes import MASK

HEAD = "create or replace function public.f(a text) returns text language sql set search_path = '' as"


def function(body: str, *, definition: str = "", **more: Any) -> dict[str, Any]:
    """Return a function of the catalogue."""
    head = "CREATE OR REPLACE FUNCTION public.f(a text)\n RETURNS text\n LANGUAGE sql\n SET search_path TO ''\n"
    whole = definition or f"{head}AS $function${body}$function$"
    return {
        "schema": "public", "name": "f", "body": body, "types": ["text"], "definition": whole, "owner": "postgres",
        "comment": None, "grants": [["public", "EXECUTE"]], **more,
    }  # fmt: skip


def catalogue(history: list[tuple[str, str]], **facts: Any) -> Catalogue:
    """Return what the database answers."""
    found = {"next_version": "20260201000000", "history": history, **facts}
    return Catalogue.read(json.dumps([{"found": found}]))


def table(name: str = "t", **more: Any) -> dict[str, Any]:
    """Return a table of the catalogue."""
    return {
        "schema": "public", "name": name, "kind": "r", "rls": True, "size": "8 kB", "definition": None, "grants": None,
        "columns": [["id", "bigint", True]], "constraints": None, **more,
    }  # fmt: skip


def policy(using: str, name: str = "p", **more: Any) -> dict[str, Any]:
    """Return a policy of the catalogue."""
    return {
        "schema": "public", "table": "t", "name": name, "permissive": "PERMISSIVE", "roles": ["authenticated"],
        "cmd": "SELECT", "using": using, "check": None, **more,
    }  # fmt: skip


def test_versions_are_compared_and_not_counted() -> None:
    """Of three versions, the newest whose body isn't the running one goes back, whatever the spelling."""
    history = [
        ("1", f"{HEAD} $$ select 'old' $$"),
        ("2", f"{HEAD} $$ select 'good' $$"),
        (
            "3",
            'CREATE OR REPLACE FUNCTION "public"."f"("a" "text") RETURNS "text" LANGUAGE "sql" AS $$ select \'bad\' $$',
        ),
    ]
    [found] = restore("function", "f", catalogue(history, functions=[function(" select 'bad' ")]))
    assert found.source == "2"
    assert "'good'" in found.statements[0]


def test_what_was_changed_by_hand_goes_back_to_the_newest_version() -> None:
    """No migration holds what runs now, and the note says so."""
    history = [("1", f"{HEAD} $$ select 'old' $$"), ("2", f"{HEAD} $$ select 'good' $$")]
    [found] = restore("function", "f", catalogue(history, functions=[function("by hand")]))
    assert found.source == "2"
    assert "changed by hand" in found.notes[0]


def test_the_same_body_without_its_rights_is_another_version() -> None:
    """A migration that only lost SECURITY DEFINER is the broken one."""
    history = [
        ("1", f"{HEAD.replace('language', 'security definer language')} $$ select 1 $$"),
        ("2", f"{HEAD} $$ select 1 $$"),
    ]
    [found] = restore("function", "f", catalogue(history, functions=[function(" select 1 ")]))
    assert found.source == "1"
    assert found.wanted["definer"]


def test_a_function_with_no_other_version_is_refused() -> None:
    """There is nothing to go back to, and no empty file is written."""
    with pytest.raises(UsageError, match="no other version"):
        restore("function", "f", catalogue([("1", f"{HEAD} $$ x $$")], functions=[function(" x ")]))


def test_another_result_needs_a_drop_with_grants_and_triggers_behind_it() -> None:
    """CREATE OR REPLACE would refuse it."""
    history = [
        ("1", "create function f(a text) returns bigint language sql as $$ select 1 $$"),
        ("2", f"{HEAD} $$ select 'x' $$"),
    ]
    [found] = restore(
        "function", "f", catalogue(history, functions=[function(" select 'x' ", grants=[["api", "EXECUTE"]])])
    )
    assert found.statements[0] == "drop function public.f(text)"
    assert "grant execute on function public.f(text) to api" in found.statements


def test_a_dropped_function_comes_back_with_the_trigger_that_went_with_it() -> None:
    """Also where the migration dropped the trigger by name, right before."""
    made = "create function f() returns trigger language plpgsql as $$ $$; "
    made += "create trigger t1 after insert on t for each row execute function f();"
    made += "create trigger other after insert on t for each row execute function g();"
    for dropped in ("drop function f() cascade", "drop trigger t1 on t; drop function f()"):
        [found] = restore("function", "f", catalogue([("1", made), ("2", dropped)], relations=[table()]))
        assert [text.split()[1:3] for text in found.statements] == [["function", "f()"], ["trigger", "t1"]]
        assert found.wanted["triggers"] == [["public", "t", "t1"]]


def test_a_trigger_that_was_dropped_on_purpose_long_ago_stays_away() -> None:
    """What an earlier migration dropped was not lost with the function."""
    made = "create function f() returns trigger language plpgsql as $$ $$; "
    made += "create trigger t1 after insert on t for each row execute function f();"
    history = [("1", made), ("2", "drop trigger t1 on t"), ("3", "drop function f()")]
    [found] = restore("function", "f", catalogue(history, relations=[table()]))
    assert len(found.statements) == 1


def test_a_function_that_only_lost_its_trigger_gets_it_back() -> None:
    """It was dropped with CASCADE and created again, as it was."""
    made = "create function f(a text) returns trigger language plpgsql as $$ x $$"
    trigger = "create trigger t1 after insert on t for each row execute function f()"
    used = "create view v as select f from t"
    history = [("1", f"{made}; {trigger}; {used}"), ("2", f"drop function f(text) cascade; {made}")]
    [found] = restore("function", "f", catalogue(history, functions=[function(" x ")], relations=[table()]))
    assert found.statements == [trigger]
    assert found.wanted["triggers"] == [["public", "t", "t1"]]


def test_a_trigger_of_a_function_of_the_same_name_in_another_schema_is_not_touched() -> None:
    """Names are compared with their schemas."""
    made = "create function f() returns trigger language plpgsql as $$ $$; "
    made += "create trigger other after insert on t for each row execute function app.f()"
    [found] = restore("function", "f", catalogue([("1", made), ("2", "drop function f()")], relations=[table()]))
    assert len(found.statements) == 1


def test_policies_go_back_to_what_they_were_before_the_last_migration_on_them() -> None:
    """The dropped one is created, the wide one is replaced, others stay."""
    made = "create table t (id bigint); alter table t enable row level security;"
    made += "create policy p on t for select to authenticated using (owner = auth.uid());"
    made += "create policy other on t for select to authenticated using (true);"
    history = [("1", made), ("2", "drop policy p on t; create policy p on t for select to authenticated using (true);")]
    live = [policy("true"), policy("true", "other")]
    [found] = restore("access", "t", catalogue(history, relations=[table()], policies=live))
    assert found.statements == [
        "drop policy p on public.t",
        "create policy p on t for select to authenticated using (owner = auth.uid())",
    ]


def test_policies_changed_in_the_dashboard_go_back_to_the_newest_of_the_history() -> None:
    """The live ones aren't what all migrations together make."""
    made = "create table t (id bigint); create policy p on t for select to authenticated using (true);"
    history = [("1", made), ("2", "alter table t enable row level security")]
    [found] = restore("access", "t", catalogue(history, relations=[table(rls=True)]))
    assert found.statements == ["create policy p on t for select to authenticated using (true)"]
    assert "changed by hand" in found.notes[0]


def test_the_migration_that_made_a_table_is_never_taken_back() -> None:
    """There is nothing earlier."""
    made = "create table t (id bigint); create policy p on t for select to authenticated using (true);"
    facts = catalogue([("1", made)], relations=[table(rls=False)], policies=[policy("true")])
    with pytest.raises(UsageError, match="nothing earlier"):
        restore("access", "t", facts)


def test_a_revoked_right_is_granted_again() -> None:
    """The reverse of the statement, for the same roles."""
    history = [
        ("1", "create table t (id int)"),
        ("2", 'revoke select, insert on table t from authenticated, "Api" cascade'),
    ]
    [found] = restore("access", "t", catalogue(history, relations=[table(rls=False)]))
    assert found.statements == ['grant select, insert on table t to authenticated, "Api"']


def test_a_column_comes_back_with_its_type_and_without_not_null() -> None:
    """A table with rows can't take a required column that has no value."""
    history = [("1", 'create table t (id int, "totalCents" numeric(10, 2) not null check ("totalCents" > 0))')]
    [found] = restore("column", "t", catalogue(history, relations=[table()]), part="totalCents")
    assert found.statements == ['alter table public.t add column "totalCents" numeric(10, 2) check ("totalCents" > 0)']


def test_a_masked_secret_is_never_put_back() -> None:
    """A body with a mask in it would replace the secret by the mask."""
    with pytest.raises(UsageError, match="secret"):
        restore("function", "f", catalogue([("1", f"{HEAD} $$ select '{MASK}' $$")]))


def test_a_masked_secret_elsewhere_stops_nothing() -> None:
    """The trigger of a webhook holds a key in many projects."""
    hook = {
        "schema": "public", "table": "t", "name": "hook", "definition": f"CREATE TRIGGER … {MASK}", "enabled": "O",
        "function": ["supabase_functions", "http_request"],
    }  # fmt: skip
    [found] = restore("function", "f", catalogue([("1", f"{HEAD} $$ select 1 $$")], triggers=[hook]))
    assert found.source == "1"


@pytest.mark.parametrize("is_on", [True, False])
def test_row_level_security_that_no_migration_speaks_of_stays(is_on: bool) -> None:
    """The dashboard turns it on; taking back a policy must not open the table."""
    made = "create table t (id int); create policy p on t for select to authenticated using (owner = 1)"
    history = [("1", made), ("2", "alter policy p on t using (true)")]
    facts = catalogue(history, relations=[table(rls=is_on)], policies=[policy("true")])
    [found] = restore("access", "t", facts)
    assert not [text for text in found.statements if "row level" in text]
    assert found.wanted["rls"] is is_on


def test_row_level_security_that_a_migration_turned_on_is_turned_off_with_a_warning() -> None:
    """Without a policy nobody sees rows; but off means open."""
    history = [
        ("1", "create table t (id int)"),
        ("2", "alter table t enable row level security, force row level security"),
    ]
    [found] = restore("access", "t", catalogue(history, relations=[table(rls=True)]))
    assert found.statements == ["alter table public.t disable row level security"]
    assert "anon key" in found.notes[0]


def test_a_table_comes_back_with_all_that_was_said_of_it() -> None:
    """Columns, keys, indexes, policies, grants and publications, in their order; not what other tables got."""
    made = "create table t (id int); create table u (t_id int references t (id)); "
    history = [
        ("1", f"{made}alter table only t add primary key (id)"),
        ("2", "create index concurrently i on t (id); alter table t add column note text; grant select on t to anon"),
        ("3", "alter publication supabase_realtime add table t, u; drop table t cascade"),
    ]
    [found] = restore("object", "t", catalogue(history, relations=[table("u")]))
    assert found.statements == [
        "create table t (id int)",
        "alter table only t add primary key (id)",
        "create index i on t (id)",
        "alter table t add column note text",
        "grant select on t to anon",
        "alter publication supabase_realtime add table public.t",
    ]
    assert found.wanted["columns"] == ["id", "note"]
    assert "Foreign keys" in found.notes[-1]


@pytest.mark.parametrize("document", ['[{"found": {"history": [["1", "create', '[{"found": null}]', "[]", "7"])
def test_an_answer_that_was_cut_off_is_refused(document: str) -> None:
    """Half a history would give an older version."""
    with pytest.raises(UsageError, match="is incomplete"):
        Catalogue.read(document)


def test_a_name_typed_in_another_case_is_found_and_the_exact_one_goes_before_it() -> None:
    """People read names in lower case from logs."""
    history = [("1", 'create table "Order" (a int); create table "order" (a int); create table "Item" (b int)')]
    facts = catalogue(history, relations=[table("order"), table("Order"), table("Item")])
    assert "Order" in restore("column", "Order", facts, part="a")[0].statements[0]
    assert '"Item"' in restore("column", "item", facts, part="b")[0].statements[0]


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (function(" select 'good' "), ""),
        (function(" select 'bad' "), "body"),
        (function(" select 'good' ", owner="somebody"), "owner"),
        (function(" select 'good' ", grants=[]), "grants"),
    ],
)
def test_the_proof_compares_with_the_chosen_version(now: dict[str, Any], says: str) -> None:
    """It isn't enough that another body runs than the broken one."""
    history = [("1", f"{HEAD} $$ select 'good' $$"), ("2", f"{HEAD} $$ select 'broken' $$")]
    [found] = restore("function", "f", catalogue(history, functions=[function(" select 'broken' ")]))
    after = differences(found.wanted, catalogue(history, functions=[now]))
    assert bool(after) == bool(says)
    assert all(says in one for one in after)


def test_the_proof_sees_a_trigger_that_is_missing_or_disabled() -> None:
    """The body alone does nothing."""
    wanted = {"kind": "trigger", "schema": "public", "table": "t", "name": "x", "words": []}
    live = {"schema": "public", "table": "t", "name": "x", "definition": "", "function": ["public", "f"]}
    assert differences(wanted, catalogue([]))
    assert differences(wanted, catalogue([], triggers=[{**live, "enabled": "D"}]))
    assert not differences(wanted, catalogue([], triggers=[{**live, "enabled": "O"}]))
