"""A scenario leaves project and database exactly as a mishap would have, before anybody walks."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator

import psycopg
import pytest
from drill_support.drills import migration, scene

from runbook.drill.database import query, split_statements
from runbook.drill.platform_state import PROJECT_REF
from runbook.drill.sandbox import Sandbox
from runbook.errors import RunbookError, UsageError
from runbook.model import Scenario

ADD_NOTE = "set lock_timeout = '5s';\nalter table public.tasks add column note text;\n"


EDITED = migration("note", ADD_NOTE, "edited")
HALF = migration("unique", "create unique index concurrently one_a_project on public.tasks (project);", "half")
CONFIG = "supabase/config.toml"
MISHAPS = Scenario(
    migrations=(EDITED, HALF),
    seed=("update pg_index set indisvalid = false where indexrelid = 'public.tasks_status'::regclass",),
    functions={"hello": "new"},
    earlier={"hello": "old"},
    files={CONFIG: "[functions.a]\nverify_jwt = false\n", "lib/a.ts": "2"},
    earlier_files={CONFIG: "[functions.a]\nverify_jwt = true\n", "lib/a.ts": "1"},
    traffic=("insert into public.tasks (projekt) values ('x')", "select 1"),
)


@pytest.fixture(scope="module")
def mishaps() -> Iterator[Sandbox]:
    """Play a scenario in which many things went wrong, each on its own. The tests only read."""
    with scene(MISHAPS) as sandbox:
        yield sandbox


def listed(sandbox: Sandbox, *words: str) -> list[tuple[str, str]]:
    """Return what the real CLI says is here and there: pairs of local and remote version."""
    url = sandbox.postgres.command_url
    target = [f"--remote={url}"] if sandbox.cli.major == 3 else ["--db-url", url]
    done = subprocess.run(
        ["npx", "--no-install", "supabase", "migration", "list", *(words or target), "--output-format", "json"],
        cwd=sandbox.project, env=dict(sandbox.environment), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [(row["local"], row["remote"]) for row in json.loads(done.stdout)["migrations"]]


@pytest.mark.parametrize("major", [3, 2])
def test_the_real_cli_sees_each_state(major: int) -> None:
    """Applied, pending, edited, missing and half-applied files look to both majors as they would in production."""
    states = {
        "applied": ("20260102000000", "20260102000000"),
        "pending": ("20260103000000", ""),
        "edited": ("20260104000000", "20260104000000"),
        "missing": ("", "20260105000000"),
        "half": ("20260106000000", ""),
    }
    migrations = tuple(
        type(migration("a", ""))(f"2026010{number}000000_{state}", f"create table public.t_{state} (id int);", state)
        for number, state in enumerate(states, 2)
    )
    with scene(Scenario(migrations=migrations), major=major) as sandbox:
        seen = listed(sandbox)

    assert sorted(seen) == sorted([("20260101000000", "20260101000000"), *states.values()])


def test_a_history_row_is_what_a_push_writes() -> None:
    """Version, name and statements of an applied file are those that the real `db push` records."""
    pushed, planted = (migration("note", ADD_NOTE, state) for state in ("pending", "applied"))
    row = "select version, name, statements from supabase_migrations.schema_migrations order by version desc limit 1"
    with scene(Scenario(migrations=(pushed,))) as sandbox:
        subprocess.run(
            ["npx", "supabase", "db", "push", f"--remote={sandbox.postgres.command_url}", "--yes"],
            cwd=sandbox.project, env=dict(sandbox.environment), capture_output=True, check=True,
        )  # fmt: skip
        by_the_cli = query(sandbox.postgres.url, row)
    with scene(Scenario(migrations=(planted,))) as sandbox:
        by_us = query(sandbox.postgres.url, row)

    assert by_us == by_the_cli


def test_an_edited_file_differs_from_what_ran(mishaps: Sandbox) -> None:
    """The file in the tree holds more than the history says was run."""
    text = (mishaps.project / "supabase" / "migrations" / f"{EDITED.name}.sql").read_text(encoding="utf-8")
    ran = query(
        mishaps.postgres.url, "select statements from supabase_migrations.schema_migrations where name = 'note'"
    )

    assert len(split_statements(text)) > len(list(ran[0][0]))  # type: ignore[call-overload]


def test_a_half_applied_build_leaves_an_invalid_index(mishaps: Sandbox) -> None:
    """A unique index over duplicates, built concurrently, stays behind invalid and is in no history."""
    valid = query(mishaps.postgres.url, "select indisvalid from pg_index where indexrelid = 'one_a_project'::regclass")
    recorded = query(mishaps.postgres.url, "select name from supabase_migrations.schema_migrations order by version")

    assert (valid, recorded) == ([(False,)], [("base",), ("note",)])


def test_seed_runs_after_the_migrations_and_not_on_the_local_stack() -> None:
    """Damage is done to production; the local stack has the migrations and whole rows."""
    seed = ("update public.tasks set note = 'x'", "delete from public.generations")
    with scene(Scenario(migrations=(migration("note", ADD_NOTE),), seed=seed)) as sandbox:
        assert sandbox.postgres.local_url is not None
        count = "select (select count(*) from public.tasks where note = 'x'), (select count(*) from public.generations)"
        production, local = query(sandbox.postgres.url, count), query(sandbox.postgres.local_url, count)
        here = listed(sandbox, "--local")

    assert (production, local) == ([(36, 0)], [(0, 24)])
    assert len(here) == 2


def test_a_seed_that_only_the_platform_may_run_is_run_by_it(mishaps: Sandbox) -> None:
    """Marking an index invalid takes the superuser, which the operator's role is not."""
    found = query(
        mishaps.postgres.url, "select indisvalid from pg_index where indexrelid = 'public.tasks_status'::regclass"
    )

    assert found == [(False,)]


def test_a_held_lock_is_really_held() -> None:
    """Another session has the table for as long as the scenario lasts, and can be told by its state."""
    with scene(Scenario(hold="lock table public.tasks in access exclusive mode")) as sandbox:
        impatient = psycopg.connect(sandbox.postgres.url, options="-c lock_timeout=50ms")
        with impatient, pytest.raises(psycopg.errors.LockNotAvailable):
            impatient.execute("select 1 from public.tasks")
        found = query(sandbox.postgres.url, "select count(*) from pg_stat_activity where state = 'idle in transaction'")

    assert found == [(1,)]


def test_functions_are_in_the_tree_and_earlier_ones_in_git(mishaps: Sandbox) -> None:
    """The newest commit has the functions as they are, the one before as they were."""
    shown = subprocess.run(
        ["git", "show", "HEAD~1:supabase/functions/hello/index.ts"],
        cwd=mishaps.project, env=dict(mishaps.environment), capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    now = (mishaps.project / "supabase" / "functions" / "hello" / "index.ts").read_text(encoding="utf-8")

    assert (shown, now) == ("old", "new")


@pytest.mark.parametrize(
    ("scenario", "error", "message"),
    [
        pytest.param(Scenario(seed=("select nothing",)), RunbookError, "seed fails", id="seed"),
        pytest.param(
            Scenario(migrations=(migration("x", "alter table nowhere add x int"),)), RunbookError, "fails", id="sql"
        ),
        pytest.param(
            Scenario(migrations=(migration("x", "select 1", "lost"),)), UsageError, "can't be 'lost'", id="state"
        ),
    ],
)
def test_a_scenario_that_cannot_be_played_says_why(scenario: Scenario, error: type[RunbookError], message: str) -> None:
    """A mistake in a scenario is named, it never becomes a drill that proves something else."""
    with pytest.raises(error, match=message), scene(scenario):
        pass


@pytest.mark.parametrize(
    ("script", "statements"),
    [
        pytest.param("select 1; select 2;", ["select 1", "select 2"], id="two"),
        pytest.param("select ';'; select \"a;b\"", ["select ';'", 'select "a;b"'], id="quotes"),
        pytest.param("do $$ begin; end $$; select 1", ["do $$ begin; end $$", "select 1"], id="dollar"),
        pytest.param("do $a$ select '$$;' $a$;", ["do $a$ select '$$;' $a$"], id="tagged"),
        pytest.param("-- one; two\nselect 1;", ["-- one; two\nselect 1"], id="comment"),
        pytest.param("/* a; /* b; */ c; */ select 1;", ["/* a; /* b; */ c; */ select 1"], id="nested-comment"),
        pytest.param("select E'a\\';b'; select 2", ["select E'a\\';b'", "select 2"], id="escapes"),
        pytest.param("; ;\n-- nothing\n", [], id="nothing"),
    ],
)
def test_a_script_is_cut_where_statements_end(script: str, statements: list[str]) -> None:
    """A semicolon in a text, a name, a body or a comment ends nothing."""
    assert list(split_statements(script)) == statements


def test_what_the_app_tries_in_vain_is_in_the_log(mishaps: Sandbox) -> None:
    """A statement that fails leaves its error where `supabase logs` of CLI 3 finds it, once and at its level."""
    done = subprocess.run(
        ["npx", "supabase", "logs", f"--remote={PROJECT_REF}", "--service", "postgres", "--level", "error",
         "--since", "10m", "--output-format", "json"],
        cwd=mishaps.project, env=dict(mishaps.environment), capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    messages = [row["event_message"] for row in json.loads(done.stdout)]
    assert [message for message in messages if "projekt" in message] == [
        'column "projekt" of relation "tasks" does not exist at character 27'
    ]


def test_a_restore_brings_back_what_was_there_before_the_damage() -> None:
    """Point-in-time recovery through the real CLI puts the rows back that the seed had deleted."""
    moment = str(int(time.time()) - 3600)
    with scene(Scenario(seed=("delete from public.generations",))) as sandbox:
        damaged = query(sandbox.postgres.url, "select count(*) from public.generations")
        done = subprocess.run(
            ["npx", "supabase", "backups", "restore", "-t", moment, f"--remote={PROJECT_REF}", "--yes"],
            cwd=sandbox.project, env=dict(sandbox.environment), capture_output=True, text=True, check=False,
        )  # fmt: skip
        restored = query(sandbox.postgres.url, "select count(*) from public.generations")

    assert done.returncode == 0, done.stderr
    assert (damaged, restored) == ([(0,)], [(24,)])


def test_a_query_over_the_api_reaches_the_same_database(mishaps: Sandbox) -> None:
    """`db query --remote=REF` of CLI 3 goes through the platform, reads the drill's rows, and can't write unasked."""
    words = ["npx", "supabase", "db", "query", "--read-only", f"--remote={PROJECT_REF}", "--output-format", "json"]
    options = {"cwd": mishaps.project, "env": dict(mishaps.environment), "capture_output": True, "text": True}
    read = subprocess.run([*words, "select count(*) as n from public.tasks"], check=False, **options)  # type: ignore[call-overload]
    wrote = subprocess.run([*words, "delete from public.generations"], check=False, **options)  # type: ignore[call-overload]
    left = query(mishaps.postgres.url, "select count(*) from public.generations")

    assert json.loads(read.stdout) == [{"n": 36}], read.stderr
    assert wrote.returncode != 0
    assert left == [(24,)]


def test_other_files_come_in_two_commits_and_the_config_keeps_its_database(mishaps: Sandbox) -> None:
    """What a scenario says in config.toml is added to what the drill needs there, in both commits."""
    shown = [
        subprocess.run(
            ["git", "show", f"{commit}:{name}"], cwd=mishaps.project, capture_output=True, text=True, check=True
        ).stdout
        for commit in ("HEAD~1", "HEAD")
        for name in ("lib/a.ts", CONFIG)
    ]

    assert (shown[0], shown[2]) == ("1", "2")
    assert [text.count("[functions.a]") for text in shown[1::2]] == [1, 1]
    assert all("[db]" in text for text in shown[1::2])
    assert ["verify_jwt = true" in text for text in shown[1::2]] == [True, False]
