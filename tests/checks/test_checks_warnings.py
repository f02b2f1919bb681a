"""What an author owes the reader: warnings where a person must confirm, and queries that look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.books import procedure_text, write_book

from runbook.checks import open_book
from runbook.checks.book import find_problems
from runbook.cli import main


def _problems(tmp_path: Path, steps: str) -> list[str]:
    more = "parameters: {file_name: {ask: Which file?, example: a.sql}}\n" if "{{file_name}}" in steps else ""
    book = write_book(tmp_path / "book", {"add-thing": procedure_text(steps, more=more)})
    return [finding.message for finding in find_problems(str(book))[1]]


def _push(words: str, more: str = "") -> str:
    return f"- {{id: a, title: A, run: 'npx supabase db push {words}', undo: {{none: Never}}{more}}}"


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (_push("{{target}} --include-all"), "a person has to confirm this: It applies files that are older"),
        (_push("{{target}} --include-all"), "--include-all needs a person: It applies files that are older"),
        (
            _push("{{target}} --include-all", ", warning: Look out"),
            "--include-all needs a person: It applies files that are older",
        ),
        (
            "- {id: a, title: A, run: npx supabase db reset --local, undo: {none: Never}}",
            "a person has to confirm this",
        ),
    ],
)
def test_step_that_needs_a_person_says_why_in_its_warning(tmp_path: Path, step: str, problem: str) -> None:
    """A warning about something else is not enough where one flag makes the difference."""
    assert any(each.startswith(problem) for each in _problems(tmp_path, step))


@pytest.mark.parametrize(
    "step",
    [
        _push("{{target}}"),
        _push("{{target}} --include-all", ", warning: --include-all takes older files too"),
        "- {id: a, title: A, run: npx supabase db reset --local, warning: All rows go, undo: {none: Never}}",
    ],
)
def test_step_that_says_so_or_needs_nobody_is_fine(tmp_path: Path, step: str) -> None:
    """What policy lets pass needs no warning, nor does what only looks like the risky command."""
    assert _problems(tmp_path, step) == []


def test_these_are_the_authors_business(tmp_path: Path) -> None:
    """A book with such a problem opens all the same: an emergency is no time for it."""
    book = write_book(tmp_path / "book", {"add-thing": procedure_text(_push("{{target}} --include-all"))})
    assert find_problems(str(book))[1]
    assert open_book(str(book)).procedures


@pytest.mark.parametrize(
    ("statement", "looks"),
    [
        ("select 'Migration completed successfully' as status", False),
        ("select true as valid -- from the catalog (really)", False),
        ("select 'x from (y' as status", False),
        ("select count(*) as rows", True),
        ("select to_regclass('public.tasks') is not null as there", True),
        ("SELECT 1 AS found FROM pg_class", True),
        ("show lock_timeout", True),
        ("table public.tasks", True),
    ],
)
def test_query_looks_at_something(tmp_path: Path, statement: str, looks: bool) -> None:
    """What only repeats its own words is no proof, also as the check of a step."""
    step = f"- {{id: a, title: A, sql: {json.dumps(statement)}}}"
    check = f"- {{id: a, title: A, run: git status, verify: {{sql: {json.dumps(statement)}, expect: {{matches: x}}}}}}"
    for each in (step, check):
        said = [problem for problem in _problems(tmp_path / str(each is step), each) if "reads no table" in problem]
        assert len(said) == (not looks)


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    "line", ["journal: postgresql://ada:hunter2-zebra@db.example.com/x", 'channel: "sbp_hunter2zebra0123456789abcdef"']
)
def test_a_secret_in_a_team_s_file_is_not_repeated(
    line: str, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The finding names its place; the output of a check is often in the log of a job."""
    (tmp_path / "team.yaml").write_text(f"name: X\n{line}\nprojects: {{production: {{ref: {'a' * 20}}}}}\n")
    assert main(["--book", str(tmp_path), "check", "--format", form]) == 2
    shown = "".join(capsys.readouterr())
    assert "team.yaml" in shown
    assert "hunter2" not in shown
