"""A file that replaces a function leaves everything but the body as it is, in a real PostgreSQL and by the real CLI."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from support.throwaway import PLATFORM_SQL, Postgres, connect, execute, project_sql, throwaway_postgres

from runbook.cli import main
from runbook.definitions.restoration import Asked
from runbook.errors import UsageError
from runbook.migration.new.current_function import CurrentFunction
from runbook.migration.new.database_function import function_in, query_for
from runbook.migration.new.file_text import file_text, function_text
from runbook.policy.sql_tokens import statements
from runbook.runtime.toolchain import cli_package

_SCHEMA = """
create schema app;
grant create, usage on schema app to "Ann";
create type app.kind as enum ('a', 'b');
create table app.items (id bigint, kind app.kind);
create function app.total(id uuid, day date default current_date) returns numeric language plpgsql
  stable strict security definer parallel safe cost 7
  set search_path = '' set work_mem = '8MB'
  as $f$ begin return 1; /* it's "quoted" $x$ -- $$ ; */ end $f$;
create function app.total(text) returns int language sql as 'select 1';
create function public.total(text) returns int language sql as 'select 1';
create function app."Grand Total"("Der Wert" app.kind default 'a', variadic more app.kind[] = '{}', out "Σ" text)
  language plpgsql set search_path from current as $body$ begin "Σ" := $$1;$$ || E'\\'' || '/*'; end $body$;
create function app.listed(app.items) returns table (id bigint, kinds app.kind[]) rows 17 language sql security definer
  set search_path = app, pg_temp as $$ select 1::bigint, array['a']::app.kind[] $$;
create procedure app."do"(inout x int) language plpgsql security definer
  set search_path = '' as $$ begin x := 1; end $$;
create function app.atomic(n int) returns int language sql begin atomic select 1 + n; select 1; end;
create aggregate app.most(int) (sfunc = int4larger, stype = int);
revoke all on function app.total(uuid, date) from public;
grant execute on function app.total(uuid, date) to authenticated;
grant execute on function app.total(uuid, date) to service_role with grant option;
comment on function app.total(uuid, date) is 'it''s the sum, \\n and more';
revoke all on procedure app."do" from public;
grant execute on procedure app."do" to "Ann";
revoke all on function app.listed from public;
alter function app.total(uuid, date) owner to "Ann";
"""
_NAMES = ["app.total(uuid, date)", 'app."Grand Total"', "app.listed", "app.do", "app.atomic"]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """One throwaway PostgreSQL, with functions of all sorts and with rights that new functions get by default."""
    with throwaway_postgres() as running:
        execute(running.admin_url, project_sql(PLATFORM_SQL))
        execute(running.admin_url, 'create role "Ann"', 'grant "Ann" to postgres')
        execute(running.url, *(_SCHEMA[words[0].start : words[-1].end] for words in statements(_SCHEMA) if words))
        execute(running.url, "alter default privileges in schema app grant execute on routines to anon")
        yield running


def _read(server: Postgres, name: str) -> CurrentFunction:
    asked = Asked.read(name)
    with connect(server.url) as connection:
        # Whatever path the session has: a migration may run with another one.
        connection.execute("set search_path = app, public")
        found = connection.execute(query_for(asked).encode()).fetchone()
    assert found is not None
    return function_in(json.dumps([{"found": found[0]}]), asked, where="the database")


def _file(function: CurrentFunction) -> str:
    """Return a new file with another body."""
    text = file_text("x", function_text(function, "set lock_timeout = '5s';"), purpose="p", rollback="r")
    written, mark, before = text.partition("-- The definition before")
    cut = written.index("alter ")  # the rights
    changed = written[:cut].replace(" 1;", " 2;").replace("$$1;$$", "$$2;$$").replace("1::bigint", "2::bigint")
    assert changed != written[:cut]
    return f"{changed}{written[cut:]}{mark}{before}"


def _apply(connection: psycopg.Connection[tuple[object, ...]], sql: str) -> None:
    for words in statements(sql):
        if words:
            connection.execute(sql[words[0].start : words[-1].end])


def _row(connection: psycopg.Connection[tuple[object, ...]], name: str) -> dict[str, object]:
    """Return the function's row in the catalogue without its body, its grants in an order, and its comment."""
    asked = Asked.read(name)
    rows = connection.execute(
        """
        select to_jsonb(p) - '{prosrc,prosqlbody,proacl}'::text[] || jsonb_build_object(
          'comment', obj_description(p.oid, 'pg_proc'), 'has_grants', proacl is not null,
          'grants', (select jsonb_agg(to_jsonb(a) order by a.grantee) from aclexplode(p.proacl) a))
        from pg_proc p
        where pronamespace = 'app'::regnamespace and proname = %s and pronargs >= %s
        """,
        (asked.name, len(asked.arguments or ())),
    ).fetchall()
    assert len(rows) == 1
    assert isinstance(rows[0][0], dict)
    return rows[0][0]


def _body(connection: psycopg.Connection[tuple[object, ...]], oid: object) -> object:
    found = connection.execute("select pg_get_functiondef(%s::oid)", (oid,)).fetchone()
    assert found is not None
    return found[0]


@pytest.mark.parametrize("name", _NAMES)
def test_only_the_body_changes(server: Postgres, name: str) -> None:
    """The whole row in pg_proc is as before: rights, settings, volatility, cost, arguments, owner."""
    text = _file(_read(server, name))
    with connect(server.url) as connection, connection.transaction(force_rollback=True):
        before = _row(connection, name)
        body = _body(connection, before["oid"])
        _apply(connection, text)
        assert _row(connection, name) == before
        assert _body(connection, before["oid"]) != body


@pytest.mark.parametrize("name", ["app.total(uuid, date)", "app.listed", "app.do"])
def test_the_file_also_restores_what_a_drop_loses(server: Postgres, name: str) -> None:
    """Owner, grants and comment are as before, although a new function of this schema may be called by all."""
    text = _file(_read(server, name))
    with connect(server.url) as connection, connection.transaction(force_rollback=True):
        before = _row(connection, name)
        connection.execute(f"drop routine {name}")
        _apply(connection, text)
        assert _row(connection, name) == {**before, "oid": _row(connection, name)["oid"]}


@pytest.mark.parametrize("name", _NAMES)
def test_the_comment_is_a_way_back(server: Postgres, name: str) -> None:
    """The lines after the mark are the statement that brings the old body back."""
    text = _file(_read(server, name))
    back = "\n".join(line[4:] for line in text.splitlines() if line.startswith("--|"))
    with connect(server.url) as connection, connection.transaction(force_rollback=True):
        oid = _row(connection, name)["oid"]
        body = _body(connection, oid)
        _apply(connection, text)
        _apply(connection, back)
        assert _body(connection, oid) == body


def test_overloads_are_named_with_their_types(server: Postgres) -> None:
    """Of one name there may be several, in several schemas."""
    with pytest.raises(UsageError, match="several functions") as raised:
        _read(server, "total")
    assert "app.total(uuid, date), app.total(text), public.total(text)" in raised.value.message
    assert _read(server, "public.total").signature == "public.total(text)"
    assert _read(server, "app.total(TEXT)").types == ("text",)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("app.totl", "Did you mean "), ("app.total(int)", "There are app.total(uuid, date), app.total(text).")],
)
def test_a_function_that_does_not_exist_is_an_error_with_near_names(server: Postgres, name: str, hint: str) -> None:
    """An aggregate has no definition to start from, so it isn't one of them."""
    with pytest.raises(UsageError, match="no function") as raised:
        _read(server, name)
    assert hint in raised.value.hint
    with pytest.raises(UsageError, match=r"no function 'app\.most'"):
        _read(server, "app.most")


def test_case_without_quotes_is_found_if_only_one_fits(server: Postgres) -> None:
    """As the database stores it, the name needs quotes."""
    assert _read(server, "grand total").signature == 'app."Grand Total"(kind, kind[])'


def test_types_have_their_schema(server: Postgres) -> None:
    """PostgreSQL leaves out the schema of whatever is in the search path."""
    assert '("Der Wert" app.kind' in _read(server, 'app."Grand Total"').definition


def test_who_may_not_replace_it_is_a_note(server: Postgres) -> None:
    """A push runs as postgres."""
    assert any("Its owner is Ann" in note for note in _read(server, "app.total(uuid, date)").notes)
    assert any("everybody may call it" in note for note in _read(server, "app.atomic").notes)


# --- the real CLI -----------------------------------------------------------------------------------------------------


@pytest.fixture(params=[2, 3])
def project(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Postgres) -> Path:
    """Make a project with that major of the CLI, in the working directory."""
    package = cli_package(request.param)
    modules = tmp_path / "node_modules"
    (modules / ".bin").mkdir(parents=True)
    (modules / "supabase").symlink_to(package.directory)
    described = json.loads((package.directory / "package.json").read_text())
    (modules / ".bin" / "supabase").symlink_to(f"../supabase/{described['bin']['supabase']}")
    (tmp_path / "supabase").mkdir()
    (tmp_path / "supabase" / "config.toml").write_text('project_id = "test"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PGPASSWORD", server.password or "")
    return tmp_path


def test_the_cli_pushes_what_was_written(project: Path, server: Postgres, capsys: pytest.CaptureFixture[str]) -> None:
    """It accepts the name, applies the file with its comments, and records the version. A later file comes after it."""
    with connect(server.url) as connection:
        connection.execute("drop schema if exists supabase_migrations cascade")
        before = _row(connection, "app.total(uuid, date)")
    words = ["migration", "new", "fix_total", "--db-url", server.command_url, "--format", "json"]
    assert main([*words, "--function", "app.total(uuid,date)", "--purpose", "p"]) == 0
    created = json.loads(capsys.readouterr().out)
    file = project / created["files"][0]
    file.write_text(file.read_text().replace("return 1;", "return 3;", 1))

    url = [f"--remote={server.command_url}"] if "supabase-2" not in _real(project) else ["--db-url", server.command_url]
    done = subprocess.run(
        [project / "node_modules/.bin/supabase", "db", "push", *url, "--yes"],
        cwd=project, capture_output=True, text=True, check=False, env=os.environ | {"SUPABASE_TELEMETRY_DISABLED": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

    with connect(server.url) as connection:
        assert _row(connection, "app.total(uuid, date)") == before
        assert "return 3;" in str(_body(connection, before["oid"]))
        connection.execute("insert into supabase_migrations.schema_migrations (version) values ('20991231235959')")
        recorded = connection.execute("select version from supabase_migrations.schema_migrations order by 1").fetchall()
    assert [row[0] for row in recorded] == [*created["versions"], "20991231235959"]

    assert main(["migration", "new", "later", "--db-url", server.command_url, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["versions"] == ["21000101000000"]


def _real(project: Path) -> str:
    return str((project / "node_modules" / "supabase").resolve())
