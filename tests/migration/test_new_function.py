"""A function is read from the migrations as they leave it, here or at a revision, with the rights that last."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from runbook.definitions.restoration import Asked
from runbook.errors import UsageError
from runbook.migration.new.file_text import function_text
from runbook.migration.new.function_source import function_from_files, function_from_git
from runbook.migration.new.migration_function import function_of

TOTAL = (
    "create function app.total(id uuid) returns int language sql security definer set search_path = '' as $$select 1$$;"
)
SECOND = TOTAL.replace("select 1", "select 2")


def _of(name: str, *texts: str) -> tuple[str, tuple[str, ...]]:
    files = [(f"{number}_f.sql", text) for number, text in enumerate(texts, 1)]
    found = function_of(files, Asked.read(name), where="")
    return found.definition, found.rights


def test_the_last_definition_counts() -> None:
    """It becomes a `create or replace`, whatever the file says."""
    definition, _ = _of("app.total", TOTAL, SECOND)
    assert definition == SECOND.replace("create function", "create or replace function").removesuffix(";")


def test_rights_that_a_replacement_keeps_are_kept() -> None:
    """Owner, grants and comments last. Other ALTERs end with the next definition, and all of it with a drop."""
    _, rights = _of(
        "app.total(uuid)",
        TOTAL + "grant execute on function app.total(uuid) to gone;drop function app.total(uuid);",
        TOTAL
        + "alter function app.total(uuid) owner to boss;alter function app.total(uuid) stable;"
        + "revoke all on function app.total(uuid) from public;comment on function app.total(uuid) is 'sum';",
        TOTAL.replace("select 1", "select 2") + "alter function app.total(uuid) cost 7;",
        "grant execute on function app.total to authenticated;grant execute on function app.total(int) to anon;",
    )
    assert rights == (
        "alter function app.total(uuid) owner to boss",
        "revoke all on function app.total(uuid) from public",
        "comment on function app.total(uuid) is 'sum'",
        "alter function app.total(uuid) cost 7",
        "grant execute on function app.total to authenticated",
    )


OVERLOADS = (TOTAL, TOTAL.replace("id uuid", "id uuid, day date"), TOTAL.replace("app.", ""))


def test_several_functions_of_one_name_are_named() -> None:
    """Which one is meant can't be guessed."""
    with pytest.raises(UsageError, match="several functions are called 'total'") as raised:
        _of("total", *OVERLOADS)
    assert "app.total(uuid), app.total(uuid, date), public.total(uuid)" in raised.value.message
    assert "select 1" in _of("app.total(uuid,date)", *OVERLOADS)[0]
    assert "function total" in _of("public.total", *OVERLOADS)[0]


def test_a_person_is_asked_which_one() -> None:
    """The question has their signatures."""
    shown: list[str] = []

    def second(options: object) -> int:
        assert isinstance(options, list)
        shown.extend(options)
        return 1

    files = [(f"{number}_f.sql", text) for number, text in enumerate(OVERLOADS)]
    found = function_of(files, Asked.read("app.total"), where="", choose=second)
    assert (found.signature, shown) == ("app.total(uuid, date)", ["app.total(uuid)", "app.total(uuid, date)"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("app.totl", "Did you mean app.total?"),
        ("public.total", "Did you mean app.total?"),
        ("total(int)", "There is app.total(uuid)."),
        ("nothing_like_it", "Give the schema too"),
    ],
)
def test_a_function_that_does_not_exist_has_near_names(name: str, said: str) -> None:
    """A misspelt name, another schema, or other types."""
    with pytest.raises(UsageError, match="no function") as raised:
        _of(name, TOTAL)
    assert said in raised.value.hint


def test_a_dropped_function_names_the_file() -> None:
    """There is nothing to replace."""
    with pytest.raises(UsageError, match=r"^2_f.sql drops the function app.total$"):
        _of("total", TOTAL, "drop function if exists app.total(uuid);")


def test_the_old_definition_is_in_the_file_whatever_its_body_has() -> None:
    """Each line is a comment of its own, so comments, quotes and semicolons in the body can't end it."""
    body = "begin /* open ' \"\n  -- note\n  return $q$;$q$; end"
    files = [("1_f.sql", f"create function f() returns text language plpgsql as $$ {body} $$;")]
    found = function_of(files, Asked.read("f"), where="")
    text = function_text(found, "set lock_timeout = '5s';")
    before = [line.removeprefix("--|").removeprefix(" ") for line in text.splitlines() if line.startswith("--|")]
    assert "\n".join(before) == f"{found.definition};"


# --- a repository ---------------------------------------------------------------------------------------------------


def _git(directory: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *words],
        cwd=directory, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a project below the top of a repository. The function changed after the branch `old`."""
    project = tmp_path / "backend"
    folder = project / "supabase" / "migrations"
    folder.mkdir(parents=True)
    _git(tmp_path, "init", "-q", "-b", "main")
    (folder / "20260101000000_total.sql").write_text(TOTAL)
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-qm", "Add total")
    _git(tmp_path, "branch", "old")
    (folder / "20260102000000_total.sql").write_text(TOTAL.replace("select 1", "select 2"))
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-qm", "Change total")
    return project


def test_a_revision_has_its_own_definition(project: Path) -> None:
    """The source is a commit and a file, where the definition can be found again."""
    old = function_from_git("old", Asked.read("app.total"), project, None)
    assert "select 1" in old.definition
    assert old.source == f"20260101000000_total.sql at commit {_git(project, 'rev-parse', 'old')[:12]}"
    assert "select 2" in function_from_git("main", Asked.read("app.total"), project, None).definition


def test_a_file_names_the_commit_that_has_it(project: Path) -> None:
    """Unless it has changed since: then no commit has this definition."""
    commit = _git(project, "log", "-1", "--format=%h")
    asked = Asked.read("app.total")
    assert function_from_files(asked, project, None).source == f"20260102000000_total.sql at commit {commit}"
    (project / "supabase/migrations/20260102000000_total.sql").write_text(TOTAL.replace("select 1", "select 3"))
    assert function_from_files(asked, project, None).source == "20260102000000_total.sql"


def test_an_unknown_revision_and_a_function_that_is_not_there_yet_are_named(project: Path) -> None:
    """The revision is what somebody typed."""
    with pytest.raises(UsageError, match="git doesn't know the revision 'nope'"):
        function_from_git("nope", Asked.read("app.total"), project, None)
    with pytest.raises(UsageError, match="no function 'later' in the migrations at commit"):
        function_from_git("old", Asked.read("later"), project, None)
    with pytest.raises(UsageError) as raised:
        function_from_git("old", Asked.read("totl"), project, None)
    assert raised.value.hint == "Did you mean app.total?"
