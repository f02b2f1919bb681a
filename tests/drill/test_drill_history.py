"""Files and history compared by a real PostgreSQL: what differs is named, and what only looks different is not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from drill_support.drills import scene
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runbook.drill.database import connect, execute, query_records
from runbook.drill.sandbox import BASE_MIGRATION, Sandbox, project_sql
from runbook.errors import UsageError
from runbook.loading import PACKAGED_BOOK
from runbook.loading.files import read_policy
from runbook.model import Policy, Position, Scenario, Verdict
from runbook.steps import history
from runbook.steps.destination import Destination
from runbook.steps.history import History
from runbook.steps.migration_files import MIGRATIONS, MigrationFile, digest_of, migration_files
from runbook.steps.previous import Previous
from runbook.steps.view import CommandToRun

RAN_SQL = Path(history.__file__).with_name("history_sql") / "ran.sql"
BASE = MigrationFile(f"{BASE_MIGRATION}.sql", project_sql(BASE_MIGRATION))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Open one sandbox; each test has a history of its own."""
    with scene(Scenario()) as opened:
        execute(opened.postgres.admin_url, OBJECTS)
        yield opened


@cache
def policy() -> Policy:
    """Return the packaged policy."""
    return read_policy(PACKAGED_BOOK)


def statement(*files: MigrationFile, version: str = "all", file: str | None = None, major: int = 3) -> str:
    """Return the query for these files."""
    to = Destination(policy(), major, lambda _: (), migrations=lambda: (BASE, *files))
    argv = History(version=version, file=file, at=Position("", 1, 1)).argv({}, to)
    assert to.judge(argv).verdict is Verdict.ALLOW
    return argv[-1]


def compared(sandbox: Sandbox, *files: MigrationFile, more: str = "") -> list[tuple[object, ...]]:
    """Return what the comparison finds, with these rows in the history besides the base's."""
    url = sandbox.postgres.admin_url
    execute(url, f"delete from supabase_migrations.schema_migrations where version <> '{BASE_MIGRATION[:14]}'")
    if more:
        execute(url, f"insert into supabase_migrations.schema_migrations (version, name, statements) values {more}")
    rows = query_records(url, statement(*files), reading=True)
    return [
        (row["finding"], row["version"], row["file"], row["pushed"]) for row in rows[1:] if row["finding"] != "next"
    ]


SQL = "alter table public.tasks add column note text"
FILE = MigrationFile("20260110000000_note.sql", f"-- Purpose: notes\n\n{SQL};\n")
RAN = f"('20260110000000', 'note', array['{SQL}'])"


@pytest.mark.parametrize(
    ("files", "more", "found"),
    [
        pytest.param([FILE], RAN, [("pushes", "", None, None)], id="equal"),
        pytest.param(
            [FILE], "", [("pushes", "20260110000000", None, None), ("waiting", "20260110000000", FILE.name, False)],
            id="waiting",
        ),
        pytest.param(
            [FILE], "('20260111000000', 'other', array['select 1'])",
            [
                ("pushes", "20260110000000", None, None),
                ("older", "20260110000000", FILE.name, False),
                ("missing", "20260111000000", "20260111000000_other.sql", True),
            ],
            id="older-and-missing",
        ),
        pytest.param(
            [FILE], f"('20260111000000', 'another_name', array['{SQL}'])",
            [("pushes", "20260110000000", None, None), ("twin", "20260111000000", FILE.name, False)], id="twin",
        ),
        pytest.param(
            [FILE], "('20260111000000', 'note', array['select 1'])",
            [
                ("pushes", "20260110000000", None, None),
                ("older", "20260110000000", FILE.name, False),
                ("alike", "20260111000000", FILE.name, None),
            ],
            id="same-name-is-no-twin",
        ),
        pytest.param(
            [FILE], "('20260110000000', 'note', array['select 1'])",
            [("pushes", "", None, None), ("edited", "20260110000000", FILE.name, True)], id="edited",
        ),
        pytest.param(
            [FILE], f"('20260110000000', 'other', array['{SQL}'])",
            [("pushes", "", None, None), ("renamed", "20260110000000", FILE.name, True)], id="renamed",
        ),
        pytest.param(
            [], "('20250110000000', 'note', null), ('20250111000000', 'x', '{}'), ('20250112000000', 'y', array['; '])",
            [
                ("pushes", "", None, None),
                *(
                    ("unknown", f"202501{day}000000", f"202501{day}000000_{name}.sql", True)
                    for day, name in ((10, "note"), (11, "x"), (12, "y"))
                ),
            ],
            id="statements-unknown",
        ),
        pytest.param(
            [MigrationFile(FILE.name, " ;\n")], "('20260110000000', 'note', null)",
            [("pushes", "", None, None), ("unknown", "20260110000000", FILE.name, True)], id="fetched-from-nothing",
        ),
        pytest.param(
            [FILE], "('20260110000000', 'note', null)",
            [("pushes", "", None, None), ("unrecorded", "20260110000000", FILE.name, True)], id="unrecorded",
        ),
        pytest.param(
            [MigrationFile("20260110000000-note.sql", SQL), MigrationFile("note.sql", SQL)], "",
            [
                ("pushes", "", None, None),
                ("skipped", None, "20260110000000-note.sql", False),
                ("skipped", None, "note.sql", False),
            ],
            id="skipped",
        ),
        pytest.param(
            [FILE, MigrationFile("20260110000000_x.sql", "select 2")], RAN,
            [
                ("pushes", "", None, None),
                ("repeated", "20260110000000", FILE.name, True),
                ("edited", "20260110000000", "20260110000000_x.sql", True),
                ("repeated", "20260110000000", "20260110000000_x.sql", False),
            ],
            id="repeated",
        ),
        pytest.param(
            [], "('29990101000000', 'x', null)",
            [
                ("pushes", "", None, None),
                ("future", "29990101000000", None, True),
                ("unknown", "29990101000000", "29990101000000_x.sql", True),
            ],
            id="future",
        ),
    ],
)  # fmt: skip
def test_a_difference_is_named(
    sandbox: Sandbox, files: list[MigrationFile], more: str, found: list[tuple[object, ...]]
) -> None:
    """Each way in which files and history differ has a finding of its own, and says whether the file was pushed."""
    assert sorted(compared(sandbox, *files, more=more), key=str) == sorted(found, key=str)


@pytest.mark.parametrize("newest", ["29990101000000", "0002", "9999", "99991231235959", "2099"])
def test_the_next_version_comes_last(sandbox: Sandbox, newest: str) -> None:
    """A file with it sorts behind everything in the history and here, as the CLI sorts: as text."""
    url = sandbox.postgres.admin_url
    compared(sandbox, more=f"('{newest}', 'x', array['select 1'])")
    waiting = MigrationFile(f"{newest}1_later.sql", "select 2")
    rows = query_records(url, statement(waiting), reading=True)
    following = str(next(row["version"] for row in rows if row["finding"] == "next"))
    assert following > max(newest, f"{newest}1", BASE_MIGRATION)


def test_the_next_version_is_the_time_now_if_none_is_later(sandbox: Sandbox) -> None:
    """A version that isn't a time, such as one that ends with 60 seconds, would look like a mistake."""
    compared(sandbox)
    before = datetime.now(UTC)
    rows = query_records(sandbox.postgres.admin_url, statement(), reading=True)
    following = str(next(row["version"] for row in rows if row["finding"] == "next"))
    assert f"{before:%Y%m%d%H%M%S}" <= following <= f"{datetime.now(UTC):%Y%m%d%H%M%S}"


def test_one_version_is_compared_line_by_line(sandbox: Sandbox) -> None:
    """The row says whether the SQL is the same, and which lines only one side has."""
    compared(sandbox, more="('20260110000000', 'note', array['select 1', 'select 2'])")
    url = sandbox.postgres.admin_url
    same = MigrationFile("20260109000000_mine.sql", "-- a note\nselect 1;\nselect 2;\n")
    other = MigrationFile("20260109000000_mine.sql", "select 1;\nselect 3;\n")
    [row] = query_records(url, statement(same, version="20260110000000", file=same.name), reading=True)
    assert (row["same"], row["history_file"]) == (True, "20260110000000_note.sql")
    [row] = query_records(url, statement(other, version="20260110000000", file=other.name), reading=True)
    assert (row["same"], row["difference"]) == (False, ["- select 2", "+ select 3"])


def test_a_version_without_its_file_is_not_the_same(sandbox: Sandbox) -> None:
    """Nothing compared is nothing proven; neither is a version that the history doesn't have."""
    compared(sandbox, more="('20260110000000', 'note', array['select 1']), ('20260111000000', 'empty', null)")
    url = sandbox.postgres.admin_url
    for version in ("20260110000000", "20260111000000"):
        [row] = query_records(url, statement(version=version), reading=True)
        assert row["same"] is False
    assert query_records(url, statement(version="20260112000000"), reading=True) == []


@pytest.mark.parametrize("other", ["select 'a;  b'", "select 'a; b' -- c", "select /* x */ 'a; b'", 'select "a; b"'])
def test_what_is_quoted_counts(other: str) -> None:
    """Comments and white space don't change what runs; within quotes every character does."""
    assert digest_of("select 'a; b'") == digest_of("\n-- why\nselect   'a; b' ;\n -- end")
    assert (digest_of(other) == digest_of("select 'a; b'")) is (other == "select 'a; b' -- c")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.sampled_from([*"a;'\"-/*$ \n\t", "--", "/*", "*/", "$$", "\r\n", "é"]), max_size=30))
def test_python_and_postgresql_see_the_same(sandbox: Sandbox, parts: list[str]) -> None:
    """The digest of a text is the same on both sides, whatever is open or nested in it."""
    text = "".join(parts)
    row = "(values ('1', 'n', array[%s])) t(version, name, statements)"
    query = RAN_SQL.read_text(encoding="utf-8").replace("supabase_migrations.schema_migrations", row)
    with connect(sandbox.postgres.admin_url) as connection:
        [(digest,)] = connection.execute(f"select digest from ({query}) q", (text,)).fetchall()
    assert digest == digest_of(text)


def test_files_are_read_as_they_are(tmp_path: Path) -> None:
    """Every file that ends in .sql is listed by name, also one that the CLI skips."""
    folder = tmp_path / MIGRATIONS
    folder.mkdir(parents=True)
    for name in ("20260102_b.sql", "20260101_a.sql", "bad-name.sql", "README.md"):
        (folder / name).write_text(name, encoding="utf-8")
    assert [file.name for file in migration_files(tmp_path)] == ["20260101_a.sql", "20260102_b.sql", "bad-name.sql"]
    assert migration_files(tmp_path / "nothing") == ()


def test_a_file_that_no_command_takes_is_refused() -> None:
    """A text that is too long for an argv is named before anything runs."""
    with pytest.raises(UsageError, match="characters"):
        statement(MigrationFile("20260110000000_x.sql", "x" * 200_000), version="20260110000000")


@pytest.mark.parametrize("text", ["select '{{name}}'", "{version} {digest} {text}", "select 1'; drop table tasks; --"])
def test_the_text_of_a_file_stays_text(sandbox: Sandbox, text: str) -> None:
    """Nothing in a file becomes a part of the query."""
    compared(sandbox, more="('20260110000000', 'note', array['select 1'])")
    file = MigrationFile("20260110000000_note.sql", text)
    [row] = query_records(sandbox.postgres.admin_url, statement(file, version="20260110000000"), reading=True)
    assert row["same"] is False


OBJECTS = """
create schema "Odd";
create function "Odd"."New Task"(a int) returns int language sql set search_path = '' as $$ select a $$;
create policy only_own on public.tasks for select to authenticated using (true);
"""
RAN_OBJECTS = "('20260110000000', 'odd', array['create function \"Odd\".create_generation_on_task_complete()', 'x'])"


@pytest.mark.parametrize(
    ("of", "name", "shown"),
    [
        ("function", '"Odd"."New Task"(int)', "SET search_path TO"),
        ("function", "create_generation_on_task_complete", "EXECUTE FUNCTION create_generation_on_task_complete()"),
        ("object", "public.tasks", "'owner': 'postgres'"),
        ("access", "tasks", "only_own"),
        ("column", "tasks", "'type': 'text'"),
        ("index", "tasks_pkey", "'is_valid': True"),
        ("migration", "20260110000000", "EXECUTE FUNCTION create_generation_on_task_complete()"),
    ],
)
def test_a_person_without_the_walk_sees_what_is_compared(sandbox: Sandbox, of: str, name: str, shown: str) -> None:
    """The page's command shows the object as it is now, with what the proof compares."""
    compared(sandbox, more=RAN_OBJECTS)
    to = Destination(policy(), 3, lambda _: ())
    step = Previous(of=of, name="{{name}}", must_be="{{proof}}", at=Position("", 1, 1))
    [line] = [block.argv for block in step.view({"name": name}, to) if isinstance(block, CommandToRun)]
    assert to.judge(line).verdict is Verdict.ALLOW
    rows = query_records(sandbox.postgres.admin_url, line[-1], reading=True)
    assert shown in str(rows)
