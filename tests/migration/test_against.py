"""`runbook migration check --against`: what a look at a database adds, and that it changes nothing there."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result
from support.migration_databases import Database, database_server, write_migrations

from runbook.errors import BookError, ExitCode, UsageError
from runbook.migration.against import check_against
from runbook.migration.database import reading
from runbook.migration.finding import Finding
from runbook.migration.verb import command

OLD = "20260101000000_old.sql"
FILE = "20260110000000_change.sql"


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """Run one server for all tests."""
    with database_server() as running:
        yield running


def checked(folder: Path, database: Database) -> dict[tuple[str, str], Finding]:
    """Return what a check against the database finds, by the rule and the file's name, without the style."""
    found = check_against([folder], database.url).findings
    return {(each.rule, Path(each.file).name): each for each in found if each.rule != "header"}


def run(*words: str) -> Result:
    """Run the verb as a person does."""
    return CliRunner().invoke(command, ["check", *words], standalone_mode=False)


# --- the history, and nothing written --------------------------------------------------------------------------------


APPLIED = "create table tasks (id int, title text)"
ALSO_APPLIED = "insert into tasks select n, 'x' from generate_series(1, 10) n"


def what_the_database_has(database: Database) -> list[object]:
    """Return a digest of all rows and of the catalogue, and the number of the next transaction that writes."""
    tables = database.rows(
        "select format('%I.%I', schemaname, tablename) from pg_tables where tablename not like 'pg_stat%' "
        "and schemaname in ('public', 'supabase_migrations', 'pg_catalog') order by 1"
    )
    digests: list[object] = [
        (
            table,
            *database.rows(f"select md5(string_agg(md5(t::text), '' order by md5(t::text))) from {table} t"),
        )
        for (table,) in tables
    ]
    written = "select pg_snapshot_xmax(pg_current_snapshot()), sum(tup_inserted + tup_updated + tup_deleted) from "
    return [*digests, database.rows(f"{written} pg_stat_database where datname = current_database()")]


def test_the_look_finds_what_happened_to_applied_files_and_writes_nothing(database: Database, tmp_path: Path) -> None:
    """An edited applied file, a missing one, a future version and an invalid index are found; every row stays."""
    database.reset(
        f"{APPLIED}; {ALSO_APPLIED}; create index tasks_title on tasks (title);"
        "update pg_index set indisvalid = false where indexrelid = 'tasks_title'::regclass",
        {},
    )
    database.record("20260101000000_tasks.sql", APPLIED)
    database.record("20260102000000_rows.sql", ALSO_APPLIED, "-- with a comment\nselect 1")
    database.record("20260103000000_gone.sql", "select 1")
    database.record("20260104000000_known.sql", "")
    database.record("29990101000000_later.sql", "select 1")
    files = {
        "20260101000000_tasks.sql": "create table tasks (id int, title text, note text);\n",
        "20260102000000_rows.sql": f"-- Rows\n{ALSO_APPLIED};\n\nselect 1;\n",
        "20260104000000_known.sql": "select 1;\n",
        FILE: "alter table tasks add column color text;\n",
        "29990101000000_later.sql": "select 1;\n",
    }
    folder, before = write_migrations(tmp_path / "migrations", files), what_the_database_has(database)
    found = checked(folder, database)
    assert {(rule, name, each.level) for (rule, name), each in found.items() if name != FILE} == {
        ("edited-migration", "20260101000000_tasks.sql", "error"),
        ("missing-migration", "20260103000000_gone.sql", "error"),
        ("unknown-history", "20260104000000_known.sql", "warning"),
        ("future-applied", "migrations", "error"),
        ("invalid-index", "migrations", "warning"),
    }
    assert {rule for rule, name in found if name == FILE} == {"out-of-order", "no-lock-timeout"}
    assert {name for _, name in checked(folder / FILE, database)} == {FILE}  # the others are another walk's business
    assert "public.tasks_title on tasks" in found["invalid-index", "migrations"].message
    assert all(each.fix for each in found.values())
    assert what_the_database_has(database) == before


def test_a_statement_that_writes_is_refused_by_the_connection(database: Database) -> None:
    """The transaction is read-only on the server, so even a wrong statement of ours could change nothing."""
    database.reset("create table tasks (id int)")
    with (
        pytest.raises(UsageError, match="read-only transaction"),
        reading.open_reader(database.url, project=Path()) as reader,
    ):
        reader.read("with made as (insert into tasks values (1) returning id) select * from made")
    assert database.rows("select count(*) from tasks") == [(0,)]


def test_applied_files_are_not_judged_again_unless_named(database: Database, tmp_path: Path) -> None:
    """A file that the history has is only judged if its path is given. Pending ones always are."""
    database.reset("create table old (id int)", {OLD: "truncate old"})
    folder = write_migrations(tmp_path / "migrations", {OLD: "truncate old;", FILE: "truncate old;"})
    assert {name for rule, name in checked(folder, database) if rule == "truncate"} == {FILE}
    assert ("truncate", OLD) in checked(folder / OLD, database)


def test_names_of_files_count_whatever_the_history_has(database: Database, tmp_path: Path) -> None:
    """A file that the CLI skips, and a second file with an applied version, are reported."""
    database.reset("", {OLD: "select 1"})
    twin = OLD.replace("old", "twin")
    files = {OLD: "select 1;", twin: "select 1;", "note.sql": "select 1;"}
    found = checked(write_migrations(tmp_path / "migrations", files), database)
    assert {each for each in found if each[0] in {"skipped-file", "duplicate-version"}} == {
        ("skipped-file", "note.sql"),
        ("duplicate-version", OLD),
        ("duplicate-version", twin),
    }


def test_one_file_is_judged_after_the_pending_ones_before_it(database: Database, tmp_path: Path) -> None:
    """An object that an earlier pending file makes isn't missing, though only the later file was named."""
    database.reset("", {})
    files = {OLD: "create table tasks (id int);\nalter table nothing add column a int;", FILE: "drop table tasks;"}
    folder = write_migrations(tmp_path / "migrations", files)
    assert not {rule for rule, _ in checked(folder / FILE, database)} & {"missing-object"}
    assert ("missing-object", OLD) in checked(folder, database)


def test_a_database_without_a_history_leaves_every_file_pending(database: Database, tmp_path: Path) -> None:
    """Before the first push, there is no table to compare with, and that's fine."""
    database.reset()
    folder = write_migrations(tmp_path / "migrations", {FILE: "alter table tasks add column note text;"})
    assert {rule for rule, _ in checked(folder, database)} == {"missing-object", "no-lock-timeout"}


# --- sizes -----------------------------------------------------------------------------------------------------------


TEAM = "name: Team\nprojects:\n  production: {ref: abcdefghijklmnopqrst}\n"
REWRITE = "set lock_timeout = '5s';\nalter table tasks alter column id type bigint;\n"


@pytest.mark.parametrize(
    ("rows", "then", "level", "words"),
    [
        pytest.param(10, "analyze tasks", "notice", "0 rows and 8.0 kB", id="ten-rows"),
        pytest.param(0, "select 1", "notice", "about 0 rows and 0 bytes", id="empty-and-never-analyzed"),
        pytest.param(10, "analyze tasks; insert into tasks select generate_series(1, 30000)", "error", "", id="grown"),
        pytest.param(10, "select 1", "error", "was never analyzed, so its rows aren't known", id="never-analyzed"),
        pytest.param(
            12_000, "analyze tasks", "error", "", id="neither-small-nor-large"
        ),
        pytest.param(
            10, "analyze tasks; update pg_class set reltuples = 5e6 where relname = 'tasks'", "error", "",
            id="many-rows-by-the-statistics",
        ),
    ],
)  # fmt: skip
def test_the_size_of_a_table_decides_how_much_a_rewrite_matters(
    database: Database, tmp_path: Path, rows: int, then: str, level: str, words: str
) -> None:
    """A rewrite of few rows is a notice. Statistics that don't exist lower nothing."""
    database.reset("create table tasks (id int)", {})
    for statement in (f"insert into tasks select generate_series(1, {rows})", *then.split("; ")):
        database.run(statement)
    folder = write_migrations(tmp_path / "migrations", {FILE: REWRITE})
    found = checked(folder, database)["change-type", FILE]
    assert (found.level, words in found.message, found.line) == (level, True, 2)


@pytest.mark.parametrize(
    ("settings", "levels"),
    [
        ("small_table: {rows: 100, megabytes: 1}", ("notice", "warning")),
        ("small_table: {rows: 5, megabytes: 1}", ("error", "warning")),
        ("small_table: {rows: 100, megabytes: 0}", ("error", "warning")),
        ("small_table: {rows: 9, megabytes: 1}\n  large_table: {rows: 10, megabytes: 1}", ("error", "error")),
    ],
)
def test_a_team_says_what_is_small_and_large(
    database: Database, tmp_path: Path, settings: str, levels: tuple[str, str]
) -> None:
    """Both limits of a small table count, in rows and in megabytes, and one of a large table's."""
    database.reset("create table tasks (id int); insert into tasks select generate_series(1, 10); analyze tasks")
    folder = write_migrations(tmp_path / "migrations", {FILE: REWRITE.partition("\n")[2]})
    book = write_migrations(tmp_path / "team-runbook", {"team.yaml": f"{TEAM}migrations:\n  {settings}\n"})
    found = {each.rule: each.level for each in check_against([folder], database.url, book=str(book)).findings}
    assert (found["change-type"], found["no-lock-timeout"]) == levels


def test_a_small_table_larger_than_a_large_one_is_a_mistake(tmp_path: Path) -> None:
    """The limits of a team's file are compared before anything is checked."""
    settings = "migrations:\n  small_table: {rows: 2000000, megabytes: 1}\n"
    book = write_migrations(tmp_path / "team-runbook", {"team.yaml": f"{TEAM}{settings}"})
    folder = write_migrations(tmp_path / "migrations", {FILE: REWRITE})
    with pytest.raises(BookError, match=r"team.yaml:5:3: a small table can't be larger than a large one"):
        check_against([folder], "production", book=str(book))


def test_a_warning_about_a_large_table_is_an_error(database: Database, tmp_path: Path) -> None:
    """A large table turns the missing lock_timeout into an error, and the message says how large it is."""
    database.reset("create table tasks (id int)", {})
    folder = write_migrations(tmp_path / "migrations", {FILE: "alter table tasks add column note text;"})
    assert checked(folder, database)["no-lock-timeout", FILE].level == "warning"
    database.run("insert into tasks values (1)", "analyze tasks")
    database.run("update pg_class set reltuples = 2e6 where relname = 'tasks'")
    found = checked(folder, database)["no-lock-timeout", FILE]
    assert (found.level, "about 2,000,000 rows" in found.message) == ("error", True)


def test_the_size_of_a_partitioned_table_is_that_of_its_partitions(database: Database, tmp_path: Path) -> None:
    """The parent has no rows of its own; the rows of all partitions count."""
    database.reset(
        "create table tasks (id int, at date) partition by range (at);"
        "create table tasks_old partition of tasks for values from ('2020-01-01') to ('2021-01-01');"
        "create table tasks_new partition of tasks for values from ('2021-01-01') to ('2022-01-01')"
    )
    for part, year, rows in (("old", 2020, 3000), ("new", 2021, 8000)):
        database.run(f"insert into tasks select n, '{year}-05-05' from generate_series(1, {rows}) n")
        database.run(f"analyze tasks_{part}")
    folder = write_migrations(tmp_path / "migrations", {FILE: REWRITE})
    assert checked(folder, database)["change-type", FILE].level == "error"
    database.run("truncate tasks_new")
    assert checked(folder, database)["change-type", FILE].level == "notice"


def test_a_validated_check_makes_not_null_quick(database: Database, tmp_path: Path) -> None:
    """The database knows a check that no earlier file shows, so SET NOT NULL reads no row."""
    sql = "set lock_timeout = '5s';\nalter table tasks alter column id set not null;\n"
    folder = write_migrations(tmp_path / "migrations", {FILE: sql})
    database.reset(
        "create table tasks (id int); alter table tasks add constraint known check (id is not null) not valid;"
        "insert into tasks select generate_series(1, 20000); analyze tasks"
    )
    assert checked(folder, database)["not-null-scan", FILE].level == "error"
    database.run("alter table tasks validate constraint known")
    found = checked(folder, database)["not-null-scan", FILE]
    assert (found.level, "a validated check says that id has no NULL" in found.message) == ("notice", True)


def test_a_locked_table_keeps_nobody_waiting(database: Database, tmp_path: Path) -> None:
    """If somebody has the table exclusively, its size is unknown, and the look doesn't queue behind them."""
    database.reset("create table tasks (id int); insert into tasks values (1)")
    database.run("analyze tasks")
    folder = write_migrations(tmp_path / "migrations", {FILE: REWRITE})
    with database.sessions("lock table tasks in access exclusive mode"):
        found = checked(folder, database)
    assert found["change-type", FILE].level == "error"
    assert "another session locks it now" in found["change-type", FILE].message


# --- who waits for whom ----------------------------------------------------------------------------------------------


def test_a_queue_for_a_table_names_who_waits_and_who_blocks(database: Database, tmp_path: Path) -> None:
    """The message has the session that waits, since when, the lock, and the session at the head of the queue."""
    database.reset("create table tasks (id int)")
    folder = write_migrations(tmp_path / "migrations", {FILE: "alter table tasks add column note text;"})
    with database.sessions("select * from tasks", waiting="alter table tasks add column color text"):
        message = checked(folder, database)["waiting-lock", FILE].message
    assert re.match(
        r"session \d+ \(runbook drill\) waits \d+ s for AccessExclusiveLock on public.tasks behind ", message
    )
    assert "[idle in transaction, open for " in message
    assert message.endswith("1 session in the queue")


# --- statements that the database contradicts ------------------------------------------------------------------------


def test_pending_files_build_on_each_other(database: Database, tmp_path: Path) -> None:
    """What an earlier pending file makes, drops or renames counts for the next one."""
    database.reset("create table old (id int); create table kept (id int, a int)", {})
    files = {
        "20260101000000_a.sql": "create table tasks (id int);\ndrop table old;\nalter table kept rename a to b;\n",
        "20260102000000_b.sql": "alter table tasks add column note text;\nalter table kept drop column b;\n",
        "20260103000000_c.sql": "alter table old add column note text;\nalter table kept drop column a;\n",
    }
    found = check_against([write_migrations(tmp_path / "migrations", files)], database.url).findings
    missing = [(Path(each.file).name[-5:], each.line, each.message) for each in found if each.rule == "missing-object"]
    assert missing == [
        ("c.sql", 1, "there is no public.old"),
        ("c.sql", 2, "there is no column a on public.kept"),
    ]


def test_what_may_not_run_proves_nothing(database: Database, tmp_path: Path) -> None:
    """A statement in a block may not run, so neither it nor what builds on it is called wrong."""
    database.reset("create table tasks (id int)", {})
    sql = (
        "do $$ begin if false then alter table gone add column a int; create table made (id int); end if; end $$;\n"
        "alter table made add column b int;\n"
    )
    found = checked(write_migrations(tmp_path / "migrations", {FILE: sql}), database)
    assert not {rule for rule, _ in found} & {"missing-object", "existing-object"}


def test_names_with_quotes_and_apostrophes_reach_the_database_as_they_are(database: Database, tmp_path: Path) -> None:
    """A name in a file can't end the text in the statement that asks for it."""
    database.reset("""create table "it's a ""table" (id int, "x'; drop table t" int)""")
    sql = (
        """alter table "it's a ""table" drop column "x'; drop table t";\nalter table "no'; drop" add column a int;\n"""
    )
    found = check_against([write_migrations(tmp_path / "migrations", {FILE: sql})], database.url).findings
    assert [each.message for each in found if each.rule == "missing-object"] == ["there is no public.no'; drop"]


# --- the command -----------------------------------------------------------------------------------------------------


def test_the_command_says_what_it_read_and_how(database: Database, tmp_path: Path) -> None:
    """JSON has the findings as always, and the database; the summary names it, too."""
    database.reset("create table tasks (id int)", {})
    folder = write_migrations(tmp_path / "migrations", {FILE: "alter table tasks drop column nothing;"})
    done = run(str(folder), "--against", database.url, "--format", "json")
    document = json.loads(done.stdout)
    assert document["against"].startswith("the database production at ")
    assert document["against"].endswith("read with psycopg")
    (missing,) = [each for each in document["findings"] if each["rule"] == "missing-object"]
    assert set(missing) == {"file", "line", "column", "level", "rule", "message", "fix"}
    assert done.return_value == 1
    assert "1 file against the database production at" in done.stderr


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("staging", "--against takes production, local or a PostgreSQL URL, not 'staging'"),
        ("postgresql://nobody@127.0.0.1:1/none", "can't connect to the database none at 127.0.0.1:1: "),
        ("production", "there is no Supabase project in "),
    ],
)
def test_what_cannot_be_read_is_a_usage_error(tmp_path: Path, target: str, says: str) -> None:
    """Nothing is reported of half a look, and the exit code isn't the one for findings."""
    folder = write_migrations(tmp_path / "migrations", {FILE: "truncate tasks;"})
    with pytest.raises(UsageError) as caught:
        check_against([folder], target)
    assert says in caught.value.message
    assert (caught.value.hint != "", caught.value.exit_code) == (True, ExitCode.USAGE)


SLEEPS = "select count(*) from pg_stat_activity where query = 'select pg_sleep(100)' and state = 'active'"


def test_a_look_has_a_time_limit_of_its_own(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The statement is canceled when the time is up, though the server would go on, and it's a usage error."""
    monkeypatch.setattr(reading, "SECONDS", 0.1)
    monkeypatch.setattr(reading, "_STATEMENT_SECONDS", 100)
    with (
        pytest.raises(UsageError, match="didn't answer in time"),
        reading.open_reader(database.url, project=Path()) as reader,
    ):
        reader.read("select pg_sleep(100)")
    assert database.rows(SLEEPS) == [(0,)]


def test_ctrl_c_ends_the_statement_on_the_server(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt cancels what runs, so nothing goes on in the database."""
    monkeypatch.setattr(reading, "_STATEMENT_SECONDS", 100)

    def interrupt() -> None:
        while database.rows(SLEEPS) != [(1,)]:
            pass
        os.kill(os.getpid(), signal.SIGINT)

    Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt), reading.open_reader(database.url, project=Path()) as reader:
        reader.read("select pg_sleep(100)")
    while database.rows(SLEEPS) != [(0,)]:
        pass
    assert database.rows("select count(*) from pg_stat_activity where application_name = 'runbook'") == [(0,)]


def test_a_role_without_the_right_to_see_sessions_is_named(database: Database, tmp_path: Path) -> None:
    """If the role can't see who blocks whom, the report says so instead of calling it quiet."""
    database.reset("create table tasks (id int)", {})
    database.run("revoke pg_monitor from postgres")
    try:
        folder = write_migrations(tmp_path / "migrations", {FILE: "alter table tasks add column note text;"})
        assert "the role postgres can't see who blocks whom" in check_against([folder], database.url).against
    finally:
        database.run("grant pg_monitor to postgres")
