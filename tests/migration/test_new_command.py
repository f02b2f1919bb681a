"""`runbook migration new` writes files that the CLI applies last, and never over others."""

from __future__ import annotations

import json
import re
import resource
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.terminals import python_program, terminal

from runbook.cli import main
from runbook.errors import UsageError
from runbook.loading import PACKAGED_BOOK, read_book
from runbook.migration.new.command import new
from runbook.migration.new.file_text import BLANK, PURPOSE, ROLLBACK
from runbook.migration.new.writing import write_files
from runbook.steps.migration_files import MIGRATIONS

REF = "abcdefghijklmnopqrst"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project without a migration, in the working directory. Nobody is at the terminal."""
    (tmp_path / "supabase").mkdir()
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    return tmp_path


def _names(project: Path) -> list[str]:
    return sorted(file.name for file in (project / MIGRATIONS).glob("*"))


def test_a_file_has_a_header_and_timeouts(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its path is all that goes to standard output."""
    assert main(["migration", "new", "add_x"]) == 0
    path, said = capsys.readouterr()
    assert re.fullmatch(rf"{MIGRATIONS}/\d{{14}}_add_x\.sql\n", path)
    header = f"-- Migration: add_x\n-- Purpose: {PURPOSE}\n-- Rollback: {ROLLBACK}\n\n"
    assert (project / path.strip()).read_text() == header + BLANK
    assert f"runbook migration check {path.strip()}" in said


def test_the_check_reports_what_is_still_open(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Placeholders in the header, and names that nobody gave a value."""
    assert main(["migration", "new", "a"]) == 0
    assert main(["migration", "new", "b", "--pattern", "add-column", "--purpose", "p", "--set", "table=t"]) == 0
    capsys.readouterr()
    assert main(["migration", "check", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    places = [(Path(one["file"]).name[15:], one["line"], one["rule"]) for one in found]
    assert places == [("a.sql", 2, "header"), ("a.sql", 3, "header"), ("b.sql", 6, "syntax-error")]


def test_a_pattern_with_its_names_passes_the_check(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is left are the drops and the moves, for which somebody must give a reason."""
    assert main(["migration", "new", "--list", "--format", "json"]) == 0
    for row in json.loads(capsys.readouterr().out)["patterns"]:
        if not row["names"]:
            continue
        given = [word for name, value in row["names"].items() for word in ("--set", f"{name}={value}")]
        parts = [word for number in range(row["files"]) for word in ("--part", str(number + 1))]
        words = [row["pattern"].replace("-", "_"), "--pattern", row["pattern"], "--purpose", "p", "--rollback", "r"]
        assert main(["migration", "new", *words, *given, *parts]) == 0
    capsys.readouterr()
    main(["migration", "check", "--format", "json"])
    found = json.loads(capsys.readouterr().out)["findings"]
    assert {(Path(one["file"]).name[15:], one["rule"]) for one in found if one["level"] == "error"} == {
        ("drop_column_2_of_2.sql", "drop-column"),
        ("drop_table_1_of_2.sql", "set-schema"),
        ("drop_table_2_of_2.sql", "drop-table"),
        ("drop_table_2_of_2.sql", "drop-trigger"),
    }


def test_a_blank_file_begins_as_the_book_says() -> None:
    """The pattern on the site and the procedure have the same header and timeouts."""
    book = read_book(PACKAGED_BOOK)
    pattern = next(one for one in book.patterns if one.id == "migration-template")
    assert BLANK in pattern.safe
    (template,) = (
        step.action.template for step in book.procedure("safe-migration").all_steps if hasattr(step.action, "template")
    )
    assert template.strip().endswith(f"-- Purpose: {PURPOSE}\n-- Rollback: {ROLLBACK}\n\n{BLANK}".strip())


def test_the_notes_are_written_in_one_line(project: Path) -> None:
    """A line break would end the comment."""
    assert main(["migration", "new", "x", "--purpose", "people\nneed it", "--rollback", "drop it;"]) == 0
    text = (project / MIGRATIONS / _names(project)[0]).read_text()
    assert "-- Purpose: people need it\n-- Rollback: drop it;\n" in text


@pytest.mark.parametrize(
    "other", ["20991231235959_x.sql", "2099_x.sql", "20991350999999_x.sql", "20991231235959_a b.sql"]
)
def test_it_comes_after_every_file_that_the_cli_applies(project: Path, other: str) -> None:
    """However bad the other name is."""
    (project / MIGRATIONS).mkdir()
    (project / MIGRATIONS / other).touch()
    (project / MIGRATIONS / "99999999999999-skipped.sql").touch()
    assert main(["migration", "new", "a"]) == 0
    assert _names(project) == [other, "21000101000000_a.sql", "99999999999999-skipped.sql"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Add-Column", "Try add_column."),
        ("add column", "Try add_column."),
        ("20260101_X.sql", "Try 20260101_x."),
        ("../x", "Try x."),
        ("a/b", "Try a_b."),
        ("naïve", "Try na_ve."),
        ("-- ", "For example: add_priority_to_tasks"),
        ("_", "For example: add_priority_to_tasks"),
    ],
)
def test_a_name_that_the_cli_skips_or_the_check_reports_is_refused(
    project: Path, name: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message has a name that's possible."""
    assert main(["migration", "new", "--", name]) == 2
    assert hint in capsys.readouterr().err
    assert _names(project) == []


def test_a_pattern_with_several_files_writes_them_in_their_order(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each has its own rollback note, and open names are listed."""
    words = ["migration", "new", "paid", "--pattern", "required-later", "--set", "table=app.orders"]
    assert main([*words, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["placeholders"] == ["column"]
    assert document["versions"] == sorted(document["versions"])
    assert [re.sub(r".*/\d{14}_", "", file) for file in document["files"]] == [
        f"paid_{number}_of_3.sql" for number in (1, 2, 3)
    ]
    last = (project / document["files"][2]).read_text()
    assert "-- Rollback: alter table app.orders alter column <column> drop not null;\n" in last


def test_a_file_that_must_wait_is_written_later(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A push would apply both at once, and drop a table that was put aside a second ago."""
    words = ["migration", "new", "drop_x", "--pattern", "drop-table", "--set", "table=x"]
    assert main(words) == 0
    assert "--part 2" in capsys.readouterr().err
    assert [name[15:] for name in _names(project)] == ["drop_x_1_of_2.sql"]
    assert main([*words, "--part", "2"]) == 0
    assert [name[15:] for name in _names(project)] == ["drop_x_1_of_2.sql", "drop_x_2_of_2.sql"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the migration has no name"),
        (["x", "--pattern", "add-colum"], "Did you mean add-column"),
        (["x", "--pattern", "prove-it"], "there is no pattern 'prove-it' to make a file from"),
        (["x", "--set", "table=t"], "--set requires --pattern"),
        (["x", "--pattern", "add-column", "--set", "table"], "expected NAME=VALUE"),
        (["x", "--pattern", "add-column", "--set", "table=a", "--set", "table=b"], "given twice"),
        (["x", "--pattern", "unique", "--part", "3"], "the pattern 'unique' has 2 files"),
        (["x", "--pattern", "replace-function"], "requires --function"),
        (["x", "--pattern", "add-column", "--function", "f"], "--function requires"),
        (["x", "--function", "f", "--local", "--from", "main"], "--local and --from can't be combined"),
        (["x", "--offline", "--local"], "--offline asks no database"),
        (["x", "--db-url", "mysql://x/y"], "--db-url isn't the URL"),
        (["x", "--directory", "elsewhere"], "no supabase folder in 'elsewhere'"),
        (["x", "--function", "nothing", "--offline"], "no function 'nothing' in the migrations"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_written(
    project: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit code 2."""
    assert main(["migration", "new", *words]) == 2
    assert said in capsys.readouterr().err
    assert _names(project) == []


def test_it_finds_the_project_above_up_to_the_repository(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder `supabase` above the repository is something else."""
    (project / "supabase" / "config.toml").touch()
    inner = project / "web" / "src"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert main(["migration", "new", "x"]) == 0
    assert len(_names(project)) == 1
    (project / "web" / ".git").mkdir()
    assert main(["migration", "new", "y"]) == 2
    assert "no supabase folder" in capsys.readouterr().err


def test_files_are_written_all_or_none(tmp_path: Path) -> None:
    """An existing file stays as it is, and the ones before it are removed again."""
    first, second = tmp_path / "new" / "1_a.sql", tmp_path / "2_b.sql"
    second.write_text("old")
    with pytest.raises(UsageError, match=r"can't write '.*2_b.sql': File exists"):
        write_files({first: "new", second: "new"})
    assert not first.exists()
    assert second.read_text() == "old"


def test_a_disk_that_is_full_leaves_no_part_of_a_file(tmp_path: Path) -> None:
    """The message has the file's name, although the system's error doesn't."""
    path, limits = tmp_path / "1_a.sql", resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))
    try:
        with pytest.raises(UsageError, match=r"can't write '.*1_a.sql': File too large"):
            write_files({path: "new\n"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not path.exists()


def test_a_folder_that_cannot_be_written_to_is_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Here a file has its name."""
    (project / MIGRATIONS).write_text("")
    assert main(["migration", "new", "x"]) == 2
    assert "can't write" in (said := capsys.readouterr().err)
    assert "Not a directory" in said


def test_the_list_has_what_can_be_made(capsys: pytest.CaptureFixture[str]) -> None:
    """With the names of each, for `--set`."""
    assert main(["migration", "new", "--list", "--format", "json"]) == 0
    rows = {row["pattern"]: row for row in json.loads(capsys.readouterr().out)["patterns"]}
    assert rows["unique"]["files"] == 2
    assert rows["unique"]["names"]["table"] == "generations"
    assert "prove-it" not in rows
    assert main(["migration", "new", "--list"]) == 0
    assert "required-later" in capsys.readouterr().out


def test_patterns_are_completed() -> None:
    """As the shell asks for them."""
    environment = {"_X_COMPLETE": "bash_complete", "COMP_WORDS": "x --pattern add", "COMP_CWORD": "2"}
    done = CliRunner().invoke(new, prog_name="x", complete_var="_X_COMPLETE", env=environment)
    assert re.findall(r"add-\w+", done.output) == ["add-column", "add-index"]


# --- a linked project ------------------------------------------------------------------------------------------------


@pytest.fixture
def linked(project: Path) -> Callable[..., Path]:
    """Link the project, with a CLI of a version that prints what it is given, and writes down its words."""

    def link(version: str, *answers: str, code: int = 0) -> Path:
        (project / "supabase/.temp").mkdir()
        (project / "supabase/.temp/project-ref").write_text(REF)
        package = project / "node_modules" / "supabase"
        package.mkdir(parents=True)
        (package / "package.json").write_text(json.dumps({"version": version}))
        (project / "node_modules/.bin").mkdir()
        words = project / "words.txt"
        python_program(
            project / "node_modules/.bin",
            "supabase",
            f"import sys\nwith open({str(words)!r}, 'a') as file: print(sys.argv[1:], file=file)\n"
            f"print({answers!r}['pg_proc' in sys.argv[-1]])\nsys.exit({code})",
        )
        return words

    return link


@pytest.mark.parametrize(("version", "target"), [("3.1.0", [f"--remote={REF}"]), ("2.122.1", ["--linked"])])
def test_the_history_of_the_linked_project_counts(
    project: Path, linked: Callable[..., Path], version: str, target: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A version from the future there would make a push refuse an earlier one."""
    rows = [{"version": "20991231235959"}, {"version": "20270101000000"}, {"version": "by hand"}]
    words = linked(version, json.dumps({"rows": rows} if version.startswith("3") else rows))
    assert main(["migration", "new", "x"]) == 0
    assert _names(project) == ["21000101000000_x.sql"]
    assert f"Asking the project {REF}" in capsys.readouterr().err
    asked = words.read_text()
    assert asked.startswith("['db', 'query', ")
    assert all(f"'{word}'" in asked for word in target)


def test_if_the_project_does_not_answer_the_file_is_written_and_it_says_what_that_means(
    project: Path, linked: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """The reason is the CLI's own."""
    linked("3.1.0", json.dumps({"error": {"message": "no network"}}), code=1)
    assert main(["migration", "new", "x"]) == 0
    said = capsys.readouterr().err
    assert f"the project {REF} can't be asked: no network" in said
    assert "a push refuses this file" in said
    assert len(_names(project)) == 1


def test_a_project_without_a_history_has_no_version(
    project: Path, linked: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing was ever pushed to it, so the table doesn't exist."""
    said = 'ERROR: 42P01: relation "supabase_migrations.schema_migrations" does not exist'
    linked("3.1.0", json.dumps({"error": {"message": said}}), code=1)
    assert main(["migration", "new", "x"]) == 0
    assert "can't be asked" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "is_read"),
    [('{"rows": []}', True), ("[]", True), ("", False), ('{"rows": [{}]}', False), ("[1]", False)],
)
def test_an_empty_history_is_read_and_an_answer_that_is_cut_off_is_not(
    project: Path, linked: Callable[..., Path], capsys: pytest.CaptureFixture[str], answer: str, is_read: bool
) -> None:
    """What can't be read is said, because the version may come too early."""
    linked("3.1.0", answer)
    assert main(["migration", "new", "x"]) == 0
    assert ("can't be read" in capsys.readouterr().err) is not is_read


def test_offline_asks_nobody(project: Path, linked: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    """And says so."""
    words = linked("3.1.0", "")
    assert main(["migration", "new", "x", "--offline"]) == 0
    assert not words.exists()
    assert "No history was compared" in capsys.readouterr().err


def test_a_function_that_production_cannot_be_asked_for_is_not_guessed(
    project: Path, linked: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """The migrations may be older, so somebody must decide to take it from there."""
    linked("3.1.0", "", "not signed in", code=1)
    assert main(["migration", "new", "x", "--function", "f"]) == 1
    said = capsys.readouterr().err
    assert "can't be asked: not signed in" in said
    assert "--offline or --from main" in said
    assert _names(project) == []


def test_a_function_changed_by_hand_is_a_note(
    project: Path, linked: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Production has another body than the files."""
    (project / MIGRATIONS).mkdir()
    (project / MIGRATIONS / "20260101000000_f.sql").write_text("create function f() returns int as 'select 1';")
    row = {
        "schema": "public", "name": "f", "kind": "f", "types": None, "identity": "", "owner": "postgres",
        "definition": "CREATE OR REPLACE FUNCTION public.f()\n RETURNS int\nAS $f$select 2$f$\n", "comment": None,
        "extension": None, "has_grants": False, "grants": None,
    }  # fmt: skip
    answer = json.dumps({"rows": [{"found": {"functions": [row], "names": [], "roles": []}}]})
    linked("3.1.0", json.dumps({"rows": []}), answer)
    assert main(["migration", "new", "x", "--function", "f"]) == 0
    assert "has another body than 20260101000000_f.sql" in capsys.readouterr().err
    text = (project / MIGRATIONS / _names(project)[-1]).read_text()
    assert "AS $f$select 2$f$;\n\n--" in text
    assert "alter function public.f() owner to postgres;" in text


# --- a person ---------------------------------------------------------------------------------------------------------


def test_at_a_terminal_it_asks(project: Path) -> None:
    """For the names, the purpose, and which function."""
    (project / MIGRATIONS).mkdir()
    overloads: Iterable[str] = (
        "create function f(a int) returns int as 'x';",
        "create function f() returns int as 'y';",
    )
    (project / MIGRATIONS / "20260101000000_f.sql").write_text("\n".join(overloads))
    start = [sys.executable, "-m", "runbook", "migration", "new"]
    with terminal(*start, "a", "--pattern", "add-column", "--set", "column=c", directory=project) as child:
        for question, answer in (("table", "orders"), ("definition", "text"), ("Purpose", "people need it")):
            child.expect(question)
            child.sendline(answer)
        child.expect(r"(\S+_a\.sql)")
        written = (project / str(child.match[1])).read_text()
    assert "-- Purpose: people need it\n" in written
    assert "alter table public.orders add column c text;" in written
    with terminal(*start, "b", "--function", "f", "--purpose", "p", directory=project) as child:
        child.expect("Which one")
        child.sendline("2")
        child.expect(r"(\S+_b\.sql)")
        written = (project / str(child.match[1])).read_text()
    assert "create or replace function f() returns int as 'y';" in written
