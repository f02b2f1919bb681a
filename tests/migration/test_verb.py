"""`runbook migration check` as people and programs call it: formats, exit codes, settings, and what a branch adds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runbook.cli import main
from runbook.installation import command_that_adds
from runbook.migration.detectors import rule_ids

NAME = "20260101000000_x.sql"
ROOT = Path(__file__).parents[2]
BAD = "alter table tasks\n  add column a int,\n  drop column note;\n"
FINE = "alter table tasks add column note text;\n"
REF = "abcdefghijklmnopqrst"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project with a folder of migrations, and go there."""
    (tmp_path / "supabase/migrations").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNBOOK_BOOK", raising=False)
    (tmp_path / ".git").mkdir()
    return tmp_path


def write(project: Path, text: str, name: str = NAME) -> Path:
    """Write a migration."""
    path = project / "supabase/migrations" / name
    path.write_text(text, encoding="utf-8")
    return path


def check(*words: str) -> int:
    """Run the verb in this process and return its exit code."""
    return main(["migration", "check", *words])


def answered(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """Return the verb's JSON."""
    check(*words, "--format", "json")
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


# --- exit codes and the files that are read --------------------------------------------------------------------------


def test_a_harmless_statement_alone_in_a_file_ends_with_0(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a header and a timeout, there are warnings, which don't count."""
    write(project, FINE)

    assert check() == 0
    assert capsys.readouterr().err == "1 file: 2 warnings\n"


def test_an_error_ends_with_1(project: Path) -> None:
    """The folder, the file and no argument at all mean the same here."""
    path = write(project, BAD)

    assert [check(), check("supabase/migrations"), check(str(path))] == [1, 1, 1]


@pytest.mark.parametrize(
    "words", [["nothing.sql"], ["--since", "main"], ["--format", "xml"], ["--explain", "drop-tabel"]]
)
def test_wrong_usage_ends_with_2(words: list[str], project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing path, no git repository, an unknown format or rule."""
    write(project, FINE)

    assert check(*words) == 2
    out = capsys.readouterr()
    assert out.out == ""
    assert "Traceback" not in out.err


def test_without_a_folder_of_migrations_the_error_says_what_to_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is judged in silence."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)

    assert check() == 2
    assert "there is no supabase/migrations here" in capsys.readouterr().err


def test_without_the_parser_the_error_names_the_command_that_adds_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It never passes in silence."""
    write(project, FINE)
    monkeypatch.setitem(sys.modules, "pgparse", None)

    assert check() == 2
    assert f"Add it with: {command_that_adds('check')}" in capsys.readouterr().err


def test_a_folder_shows_what_earlier_files_have_made(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A longer varchar is only known to be harmless if the old type is."""
    write(project, "create table api.notes (t varchar(20));", "20260101000000_a.sql")
    write(project, "alter table api.notes alter column t type text;", "20260102000000_b.sql")

    assert check("supabase/migrations") == 0
    assert check("supabase/migrations/20260102000000_b.sql") == 1
    assert "change-type" in capsys.readouterr().out


# --- formats ---------------------------------------------------------------------------------------------------------


def test_text_shows_the_line_with_a_caret_the_fix_and_the_rule(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Like a compiler's report."""
    write(project, "set lock_timeout = '5s';\n" + BAD)
    check()

    lines = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(lines) if " error drop-column: " in line)
    assert lines[at].startswith(f"supabase/migrations/{NAME}:4:3: error drop-column: the values of public.tasks.note")
    assert lines[at + 1 : at + 3] == ["    4 |   drop column note;", "          ^"]
    assert lines[at + 3].startswith("      = Stop using the column")
    assert lines[at + 4] == "      = runbook migration check --explain drop-column"


def test_json_has_exactly_the_documented_keys(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Waived findings are apart, with their reason."""
    write(project, f"{BAD}-- runbook: allow truncate because it is a cache\ntruncate cache;\n")
    found = answered(capsys)

    assert set(found) == {"findings", "waived", "files", "effect"}
    keys = {"file", "line", "column", "level", "rule", "message", "fix"}
    assert all(set(each) == keys for each in found["findings"])
    (waived,) = found["waived"]
    assert set(waived) == {*keys, "reason"}
    assert (waived["rule"], waived["reason"], waived["line"]) == ("truncate", "it is a cache", 5)
    errors = [each for each in found["findings"] if each["level"] == "error"]
    assert [(each["rule"], each["line"], each["column"]) for each in errors] == [("drop-column", 3, 3)]


def test_github_annotations_land_on_the_line_and_are_escaped(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A percent sign, a comma and a line break must not end the message."""
    write(project, 'drop table "a%,b";', "20260101000000_a.sql")
    check("--format", "github")

    (line,) = [each for each in capsys.readouterr().out.splitlines() if each.startswith("::error ")]
    place = "file=supabase/migrations/20260101000000_a.sql,line=1,col=12,title=drop-table"
    assert line.startswith(f"::error {place}::DROP TABLE removes every row of public.a%25,b; it takes")


def test_sarif_has_rules_places_fingerprints_and_suppressions(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What code scanning needs to follow a finding and to leave an accepted one out."""
    write(project, f"{BAD}-- runbook: allow truncate because it is a cache\ntruncate cache;\n")
    check("--format", "sarif")
    log = json.loads(capsys.readouterr().out)

    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = [each["id"] for each in run["tool"]["driver"]["rules"]]
    assert all(each["help"]["text"] and each["helpUri"] for each in run["tool"]["driver"]["rules"])
    for each in run["results"]:
        assert rules[each["ruleIndex"]] == each["ruleId"]
        assert each["level"] in {"error", "warning", "note"}
        assert each["partialFingerprints"]["runbook/v1"]
    by_rule = {each["ruleId"]: each for each in run["results"]}
    region = by_rule["drop-column"]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 3, "startColumn": 3}
    assert by_rule["truncate"]["suppressions"] == [{"kind": "inSource", "justification": "it is a cache"}]


def test_a_fingerprint_survives_lines_above(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Otherwise, each edit would close and open every finding."""

    def prints(text: str) -> set[str]:
        write(project, text)
        check("--format", "sarif")
        results = json.loads(capsys.readouterr().out)["runs"][0]["results"]
        return {each["partialFingerprints"]["runbook/v1"] for each in results if each["ruleId"] == "drop-column"}

    assert prints(BAD) == prints(f"\n-- more\n{BAD}")


@pytest.mark.parametrize("rule", sorted(rule_ids()))
def test_explain_prints_the_section_of_a_rule(rule: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What it catches, why, what to write instead, and an example."""
    assert check("--explain", rule) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"{rule} (")
    assert "Instead:" in text
    assert "/*^*/" not in text


def test_explain_names_the_commands_that_do_it_safely(capsys: pytest.CaptureFixture[str]) -> None:
    """A procedure to read, and a pattern to begin with. Whoever copies one gets what the rule asks for."""
    check("--explain", "index-not-concurrent")
    ways = capsys.readouterr().out.partition("The safe way:\n")[2].split("\n\n")[0].split("\n")
    assert ways == ["    runbook show add-index", "    runbook migration new NAME --pattern add-index"]
    assert main(["show", "add-index"]) == 0
    check("--explain", "unreadable-file")
    assert "The safe way:" not in capsys.readouterr().out


# --- a team's settings -----------------------------------------------------------------------------------------------


def write_team(project: Path, settings: str) -> None:
    """Write a team's book with settings of the check."""
    book = project / "team-runbook"
    book.mkdir(exist_ok=True)
    text = f"name: Us\nprojects:\n  production:\n    ref: {REF}\n{settings}"
    (book / "team.yaml").write_text(text, encoding="utf-8")


def test_a_team_sets_levels_ignored_files_and_exposed_schemas(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rule that guards data is lowered with a reason."""
    write(project, "create table api.notes (id int);\ndrop table tasks;\n", "20260101000000_a.sql")
    write(project, BAD, "20250101000000_old.sql")
    write_team(
        project,
        "migrations:\n  exposed_schemas: [api]\n  ignore: [supabase/migrations/2025*]\n  postgres: 16\n"
        "  levels:\n    header: 'off'\n    no-lock-timeout: error\n"
        "    drop-table: {level: notice, because: this is a playground}\n",
    )
    found = answered(capsys)

    assert [(each["rule"], each["level"]) for each in found["findings"]] == [
        ("rls-missing", "error"),
        ("no-lock-timeout", "error"),
        ("drop-table", "notice"),
    ]


@pytest.mark.parametrize(
    ("settings", "line", "column", "message"),
    [
        (
            "  levels:\n    drop-tabel: warning",
            7,
            5,
            "there is no rule 'drop-tabel' of the migration check; did you mean",
        ),
        ("  levels:\n    header: loud", 7, 13, "'loud' isn't one of error, warning, notice, off"),
        ("  levels:\n    drop-table: warning", 7, 5, "'drop-table' guards data: give a reason"),
        ("  postgres: 99", 6, 13, "PostgreSQL 99 isn't known"),
        ("  postgres: 9", 6, 13, "9 is less than 15"),
        ("  ignored: [a]", 6, 3, "ignored"),
    ],
)
def test_settings_with_a_mistake_end_with_2_and_the_place(
    settings: str, line: int, column: int, message: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check must not run with other settings than a team believes."""
    write(project, FINE)
    write_team(project, f"migrations:\n{settings}\n")

    assert check() == 2
    err = capsys.readouterr().err
    assert f"team-runbook/team.yaml:{line}:{column}: " in err
    assert message in err


def test_a_level_may_be_raised_without_a_reason(project: Path) -> None:
    """More care never needs one."""
    write(project, FINE)
    write_team(project, "migrations:\n  levels:\n    header: error\n    drop-table: error\n")

    assert check() == 1


# --- what a branch adds ----------------------------------------------------------------------------------------------


class Repository:
    """A git repository with a branch `work` that starts at `main`."""

    def __init__(self, project: Path) -> None:
        (project / ".git").rmdir()
        self.project = project
        self.git("init", "-q", "-b", "main")
        write(project, "create table api.a (id int);\n", "20260101000000_a.sql")
        write(project, "drop table old;\n", "20260102000000_b.sql")
        self.commit()
        self.git("switch", "-q", "-c", "work")

    def git(self, *words: str) -> None:
        """Run git without anybody's configuration."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        named = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *words], cwd=self.project, env={**own, **named}, check=True, capture_output=True)

    def commit(self) -> None:
        """Commit everything."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x", "--allow-empty")


@pytest.fixture
def repository(project: Path) -> Repository:
    """Make the repository."""
    return Repository(project)


def errors(capsys: pytest.CaptureFixture[str], *words: str) -> list[tuple[str, str]]:
    """Return the files and rules of errors since main."""
    found = answered(capsys, "--since", "main", *words)
    return [(Path(each["file"]).name, each["rule"]) for each in found["findings"] if each["level"] == "error"]


def test_since_judges_only_what_the_branch_adds(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    """Committed or not. Older files only say what is there."""
    write(repository.project, "alter table api.a add constraint c check (id > 0) not valid;\n", "20260103000000_c.sql")
    repository.commit()
    write(repository.project, "drop table tasks;\n", "20260104000000_d.sql")

    assert errors(capsys) == [("20260104000000_d.sql", "drop-table")]


def test_since_reports_an_edited_a_removed_and_a_renamed_file(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where they were applied, none of these changes is ever run."""
    write(repository.project, "create table api.a (id bigint);\n", "20260101000000_a.sql")
    repository.git("mv", "supabase/migrations/20260102000000_b.sql", "supabase/migrations/20260105000000_b.sql")
    repository.commit()
    found = answered(capsys, "--since", "main")
    history = {each["rule"]: each["message"] for each in found["findings"] if "migration" in each["rule"]}

    assert set(history) == {"edited-migration", "removed-migration"}
    assert "renamed to 20260105000000_b.sql" in history["removed-migration"]
    assert ("20260105000000_b.sql", "drop-table") in errors(capsys)


def test_since_reports_a_version_that_is_older_than_one_on_the_base(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also if the newer one came to the base after the branch had left it."""
    write(repository.project, FINE, "20260103000000_mine.sql")
    repository.commit()
    repository.git("switch", "-q", "main")
    write(repository.project, FINE, "20260104000000_theirs.sql")
    repository.commit()
    repository.git("switch", "-q", "work")

    assert errors(capsys) == [("20260103000000_mine.sql", "out-of-order")]


def test_what_others_added_to_the_base_is_neither_removed_nor_judged(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    """The branch is compared with the commit at which it left."""
    repository.git("switch", "-q", "main")
    write(repository.project, BAD, "20260104000000_theirs.sql")
    repository.commit()
    repository.git("switch", "-q", "work")

    assert errors(capsys) == []


def test_since_takes_a_copy_for_a_new_file(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    """A copied migration runs again."""
    write(repository.project, "drop table old;\n", "20260106000000_again.sql")

    assert errors(capsys) == [("20260106000000_again.sql", "drop-table")]


@pytest.mark.parametrize("since", ["nothing", "--output=x", "main:supabase"])
def test_since_needs_a_revision(since: str, repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever isn't one ends with 2, and is no option of git."""
    assert check(f"--since={since}") == 2
    assert f"git doesn't know the revision '{since}'" in capsys.readouterr().err


def test_runbook_check_reports_the_same_settings(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The author of a team's book sees them before anybody checks a migration."""
    write_team(project, "migrations:\n  levels:\n    drop-tabel: warning\n    truncate: 'off'\n")

    assert main(["--book", "team-runbook", "check"]) == 2
    out = capsys.readouterr()
    assert "team.yaml:7:5: there is no rule 'drop-tabel' of the migration check" in out.out + out.err
    assert "team.yaml:8:5: 'truncate' guards data: give a reason" in out.out + out.err


def test_the_settings_on_the_page_are_accepted(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A team that copies the example gets a check that runs with it."""
    page = (ROOT / "docs/reference/migration-check.md").read_text(encoding="utf-8")
    settings = next(part for part in page.split("```") if part.startswith("yaml\n# team-runbook/team.yaml\n"))
    write(project, "-- Purpose: a view.\n-- Rollback: create it again.\ndrop view tasks_view;\n")
    write_team(project, settings.removeprefix("yaml\n"))

    assert ("drop-view", "warning") in [(each["rule"], each["level"]) for each in answered(capsys)["findings"]]
    assert main(["--book", "team-runbook", "check"]) == 0, capsys.readouterr()


# --- versions, effects and numbers of one's own ----------------------------------------------------------------------


def test_a_version_names_its_file(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """People know the version from the history and from the CLI."""
    write(project, BAD)
    write(project, FINE, "20260102000000_fine.sql")

    assert check("20260101000000") == 1
    assert f"supabase/migrations/{NAME}:3:3" in capsys.readouterr().out
    assert check("20260102000000") == 0
    assert check("20260103000000") == 2
    assert "no migration in supabase/migrations has the version 20260103000000" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("sql", "effect"),
    [
        (FINE, "writes"),
        ("delete from tasks where id = 1;", "writes"),
        ("truncate tasks;", "destroys"),
        ("-- runbook: allow truncate because it is a cache\ntruncate tasks;", "destroys"),
        ("create table private.a (id int);\ntruncate private.a;", "writes"),
    ],
)
def test_the_effect_says_whether_a_push_destroys_data(
    project: Path, capsys: pytest.CaptureFixture[str], sql: str, effect: str
) -> None:
    """A waiver changes what is accepted, not what happens."""
    write(project, sql)

    assert answered(capsys)["effect"] == effect


def test_a_folder_that_counts_in_its_own_way_keeps_doing_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Three versions of one length sort as everybody expects; a fourth of another length doesn't fit."""
    for number in ("001", "002", "003"):
        write(project, FINE, f"{number}_a.sql")
    assert check() == 0
    assert check("supabase/migrations/003_a.sql") == 0

    write(project, FINE, "20260101000000_b.sql")
    capsys.readouterr()

    assert {each["rule"] for each in answered(capsys)["findings"] if each["level"] == "error"} == {"file-name"}


def test_a_file_is_compared_with_the_names_beside_it_wherever_one_stands(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the named file is judged, but its version must be its own."""
    write(project, FINE)
    write(project, FINE, NAME.replace("_x", "_y"))
    names = {each["rule"] for each in answered(capsys, f"supabase/migrations/{NAME.replace('_x', '_y')}")["findings"]}
    assert "duplicate-version" in names

    monkeypatch.chdir(project / "supabase/migrations")
    assert "duplicate-version" in {each["rule"] for each in answered(capsys, NAME.replace("_x", "_y"))["findings"]}
    assert "duplicate-version" not in {each["rule"] for each in answered(capsys, NAME)["findings"]}
