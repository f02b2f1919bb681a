"""Every SQL pattern is run: the safe form works, and the unsafe form does the harm that the page says."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
from support.patterns import Connection, apply, as_anon, one, scratch

from runbook.drill.postgres import Postgres, throwaway_postgres
from runbook.loading import PACKAGED_BOOK, read_book
from runbook.model.book import files_of

BOOK = read_book(PACKAGED_BOOK)
PATTERNS = {pattern.id: pattern for pattern in BOOK.patterns}


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """One throwaway PostgreSQL for all patterns."""
    with throwaway_postgres() as running:
        yield running


@pytest.fixture
def database(server: Postgres, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """Make a fresh database with the drills' schema and rows."""
    name = re.sub(r"[^a-z0-9]+", "_", request.node.name.lower())[:60]
    with scratch(server, name) as connection:
        yield connection


@pytest.mark.parametrize("name", PATTERNS)
def test_the_safe_form_works(database: Connection, name: str) -> None:
    """Every safe form can be applied to tables that hold rows."""
    apply(database, PATTERNS[name].safe)


def test_a_commit_in_a_file_leaves_its_first_half(database: Connection) -> None:
    """A failure after COMMIT does not take back what stood before it."""
    with pytest.raises(psycopg.errors.DivisionByZero):
        database.execute(PATTERNS["migration-template"].unsafe + "select 1 / 0;")
    database.execute("select priority from public.tasks")


def test_one_update_of_all_rows_overwrites_what_was_right(database: Connection) -> None:
    """The batched form changes only rows that need it."""
    right = "select count(*) from public.generations where location like 'files/%' and location <> 'files/unknown.mp4'"
    before = one(database, right)
    apply(database, PATTERNS["fill-in-batches"].safe)
    assert one(database, right) == before
    apply(database, PATTERNS["fill-in-batches"].unsafe)
    assert one(database, right) == 0


def test_batches_fill_every_row(database: Connection) -> None:
    """More rows than one batch holds are filled, and a second run changes nothing."""
    database.execute("insert into public.generations (task_id) select 1 from generate_series(1, 2500)")
    apply(database, PATTERNS["fill-in-batches"].safe)
    assert one(database, "select count(*) from public.generations where location is null") == 0


def test_a_rename_in_one_step_breaks_running_code(database: Connection) -> None:
    """The old name is gone at once."""
    apply(database, PATTERNS["rename-column"].unsafe)
    with pytest.raises(psycopg.errors.UndefinedColumn):
        database.execute("select thumbnail_url from public.generations")


def test_old_and_new_name_stay_equal_while_both_are_written(database: Connection) -> None:
    """With the trigger, a write through either name is seen through the other; an unfilled row is not lost."""
    apply(database, PATTERNS["rename-column"].safe)
    database.execute("insert into public.generations (thumbnail_url) values ('from old code')")
    database.execute("insert into public.generations (preview_url) values ('from new code')")
    database.execute("update public.generations set thumbnail_url = 'old' where id = 1")
    database.execute("update public.generations set preview_url = 'new' where id = 2")
    different = "select count(*) from public.generations where preview_url is distinct from thumbnail_url and id < 3"
    assert one(database, different) == 0
    assert one(database, "select count(*) from public.generations where preview_url like 'from %'") == 2
    database.execute("update public.generations set preview_url = thumbnail_url")
    assert one(database, different.replace(" and id < 3", "")) == 0
    assert one(database, "select count(*) from public.generations where thumbnail_url is null") == 0


def test_replacing_a_function_drops_the_settings_that_are_not_repeated(database: Connection) -> None:
    """SECURITY DEFINER and SET search_path stay only where they are written again."""
    settings = "select prosecdef and proconfig is not null from pg_proc where proname like 'create_generation%'"
    apply(database, PATTERNS["replace-function"].safe)
    assert one(database, settings) is True
    apply(database, PATTERNS["replace-function"].unsafe)
    assert one(database, settings) is False


def test_another_argument_makes_a_second_function(database: Connection) -> None:
    """Calls that fit both are refused; the safe form leaves one."""
    pattern, call = PATTERNS["change-arguments"], "select public.task_count('harbour')"
    database.execute(pattern.unsafe.split("create or replace function", 2)[1].join(["create function", ""]))
    apply(database, pattern.safe)
    assert one(database, call) == 12
    apply(database, "drop function public.task_count(text, text);")
    apply(database, pattern.unsafe)
    with pytest.raises(psycopg.errors.AmbiguousFunction):
        database.execute(call)


def test_a_swallowed_error_loses_a_row_in_silence(database: Connection) -> None:
    """The task completes and has no generation; the safe form lets the generation come, or the write fail."""
    finish = "update public.tasks set status = 'Complete' where id = %s"
    made = "select count(*) from public.generations where task_id = "
    apply(database, PATTERNS["errors-in-triggers"].unsafe)
    database.execute(finish, (31,))
    assert one(database, f"{made} 31") == 0
    apply(database, PATTERNS["errors-in-triggers"].safe)
    database.execute(finish, (32,))
    assert one(database, f"{made} 32") == 1
    database.execute("alter table public.generations add check (task_id <> 33) not valid")
    with pytest.raises(psycopg.errors.CheckViolation):
        database.execute(finish, (33,))


def test_an_index_that_is_built_concurrently_is_valid(database: Connection) -> None:
    """The query that looks for invalid indexes finds none."""
    apply(database, PATTERNS["add-index"].safe)
    assert one(database, "select indisvalid from pg_index where indexrelid = 'public.generations_by_task'::regclass")


def test_if_not_exists_calls_a_broken_index_done(database: Connection) -> None:
    """A unique build that meets a double value leaves an index that is not valid; IF NOT EXISTS accepts it."""
    database.execute("update public.generations set thumbnail_url = 'double' where id < 3")
    build = files_of(PATTERNS["unique"].safe)[0]
    with pytest.raises(psycopg.errors.UniqueViolation):
        apply(database, build)
    apply(database, build.replace("concurrently", "concurrently if not exists"))
    assert one(database, "select count(*) from pg_index where not indisvalid") == 1


def test_a_time_limit_leaves_an_index_that_is_not_valid(database: Connection) -> None:
    """Hosted databases have one; the safe form lifts it for its own file."""
    database.execute(
        "create function public.slow(text) returns text language plpgsql immutable"
        " as 'begin perform pg_sleep(0.005); return $1; end'"
    )
    build = "create index concurrently slow_one on public.generations (public.slow(thumbnail_url));"
    database.execute("set statement_timeout = '40ms'")
    with pytest.raises(psycopg.errors.QueryCanceled):
        database.execute(build)
    assert one(database, "select indisvalid from pg_index where indexrelid = 'public.slow_one'::regclass") is False
    database.execute("drop index public.slow_one")
    lifted, _ = files_of(PATTERNS["add-index"].safe)[0].split(";", 1)
    apply(database, f"{lifted};\n{build}")
    assert one(database, "select indisvalid from pg_index where indexrelid = 'public.slow_one'::regclass") is True


def test_a_check_without_not_valid_fails_on_one_old_row(database: Connection) -> None:
    """NOT VALID lets the old row be, and guards new ones."""
    database.execute("insert into public.tasks (project, status) values ('harbour', 'Odd')")
    with pytest.raises(psycopg.errors.CheckViolation):
        apply(database, PATTERNS["check-constraint"].unsafe)
    apply(database, files_of(PATTERNS["check-constraint"].safe)[0])
    with pytest.raises(psycopg.errors.CheckViolation):
        database.execute("insert into public.tasks (project, status) values ('harbour', 'Odder')")


def test_a_new_enum_value_cannot_be_used_in_its_own_file(database: Connection) -> None:
    """The push fails with 55P04."""
    with pytest.raises(psycopg.errors.UnsafeNewEnumValueUsage):
        apply(database, PATTERNS["enum-value"].unsafe)


def test_cascade_takes_what_depends_on_the_column(database: Connection) -> None:
    """A view is gone that nobody named; the safe form refuses."""
    database.execute("create view public.places as select id, location from public.generations")
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        apply(database, PATTERNS["drop-column"].safe)
    apply(database, PATTERNS["drop-column"].unsafe)
    assert one(database, "select to_regclass('public.places') is null") is True


def test_a_table_that_moved_comes_back_in_one_statement(database: Connection) -> None:
    """A dropped one is gone with its rows."""
    rows = one(database, "select count(*) from public.generations")
    apply(database, files_of(PATTERNS["drop-table"].safe)[0])
    database.execute("alter table backup.generations set schema public")
    assert one(database, "select count(*) from public.generations") == rows
    apply(database, PATTERNS["drop-table"].unsafe)
    assert one(database, "select to_regclass('public.generations') is null") is True


def test_truncate_cascade_empties_tables_that_were_not_named(database: Connection) -> None:
    """The generations go with the tasks."""
    apply(database, PATTERNS["delete-rows"].unsafe)
    assert one(database, "select count(*) from public.generations") == 0


def test_a_table_without_row_level_security_is_open_to_everybody(database: Connection) -> None:
    """Whoever has the public key reads it; the safe form gives them nothing."""
    apply(database, PATTERNS["new-table"].unsafe)
    assert as_anon(database, "select count(*) from public.task_notes") == 0
    assert as_anon(database, "insert into public.task_notes (note) values ('mine') returning note") == "mine"
    database.execute("drop table public.task_notes")
    apply(database, PATTERNS["new-table"].safe)
    assert as_anon(database, "select count(*) from public.task_notes") == "InsufficientPrivilege"


def test_a_view_reads_past_the_policies_of_its_tables(database: Connection) -> None:
    """With security_invoker it gives the caller what the caller may see."""
    rows = "select count(*) from public.finished_tasks"
    apply(database, PATTERNS["new-view"].unsafe + "grant select on public.finished_tasks, public.tasks to anon;")
    assert as_anon(database, rows) == 24
    database.execute("drop view public.finished_tasks")
    apply(database, PATTERNS["new-view"].safe + "grant select on public.finished_tasks to anon;")
    assert as_anon(database, rows) == 0


def test_the_queries_that_prove_change_nothing(database: Connection) -> None:
    """They run where nothing can be written."""
    database.execute("set default_transaction_read_only = on")
    apply(database, PATTERNS["prove-it"].safe)
