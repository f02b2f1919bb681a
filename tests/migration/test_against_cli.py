"""`--against` through the real Supabase CLI, both majors, and what a procedure's {{target}} becomes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.policies import BOOK, book_policy

from runbook.errors import UsageError
from runbook.filling import target_words
from runbook.loading import read_book
from runbook.migration.against import check_against
from runbook.migration.database.reading import open_reader
from runbook.model import Book, Scenario, ScenarioMigration, TargetKind
from runbook.policy.judgement import classify
from runbook.runtime import cli_target
from runbook.runtime.environment import settled_environment
from runbook.runtime.programs import needs_login
from runbook.runtime.subprocesses import Answer

if TYPE_CHECKING:  # imported late: these tests are found without the drill
    from runbook.drill.sandbox import Sandbox

SCENARIO = Scenario(
    migrations=(
        ScenarioMigration("20260112000000_note", "alter table public.tasks add column note text;", "edited"),
        ScenarioMigration("20260113000000_waits", "alter table public.tasks drop column nothing;", "pending"),
    )
)


@pytest.fixture(scope="module", params=[3, 2])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Open one sandbox for each major of the CLI."""
    from runbook.drill.platform_state import initial_state
    from runbook.drill.sandbox import open_sandbox
    from runbook.drill.scenario import play_scenario

    state = initial_state(deployed={}, secrets={}, platform=SCENARIO.platform)
    with open_sandbox(state, major=request.param) as opened, play_scenario(opened, SCENARIO):
        yield opened


@pytest.fixture
def inside(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Be in the sandbox's project, with its environment; the stand-in plays the hosted project."""
    monkeypatch.chdir(sandbox.project)
    for name in os.environ:
        monkeypatch.delenv(name)
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    settled = settled_environment
    own = {"SUPABASE_PROFILE": str(sandbox.home / "profile.yaml"), "PGPASSWORD": sandbox.environment["PGPASSWORD"]}
    monkeypatch.setattr(cli_target, "settled_environment", lambda directory: {**settled(directory), **own})
    monkeypatch.setattr("runbook.checks.open_book", lambda _: read_packaged())  # once, not for each test
    # The stand-in has no database at the hosted project's address, which this question would ask for.
    monkeypatch.setattr(cli_target.CliTarget, "_ask_environment", lambda *_: "production")
    return sandbox


def found(target: str) -> tuple[str, set[tuple[str, str]]]:
    """Return what was read and how, and the findings by rule and file, without the style."""
    report = check_against([], target)
    return report.against, {(each.rule, Path(each.file).stem[15:]) for each in report.findings if each.rule != "header"}


@cache
def read_packaged() -> Book:
    """Return the packaged book."""
    return read_book(BOOK)


FOUND = {
    ("edited-migration", "note"),
    ("missing-object", "waits"),
    ("drop-column", "waits"),
    ("no-lock-timeout", "waits"),
}


def test_the_local_stack_is_read_through_the_cli(inside: Sandbox) -> None:
    """`local` is the CLI's local database, as each major's own query command reaches it."""
    place, rules = found("local")
    assert (place, rules) == (f"the local database, read with Supabase CLI {inside.cli.version}", FOUND)


def test_the_cli_refuses_to_write(inside: Sandbox) -> None:
    """The query runs in a read-only transaction, and what the CLI says about it is the error."""
    with pytest.raises(UsageError, match="read-only"), open_reader("local", project=inside.project) as reader:
        reader.read("with made as (delete from public.tasks returning id) select * from made")


def test_production_is_the_linked_project(inside: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """CLI 3 reads it through the Management API; the words for CLI 2 name the ref. Only the query command runs."""
    ran = []

    def ask(argv: list[str], **_: object) -> object:
        ran.append(argv[1:-1])
        return Answer(0, '[{"facts": 1}]', "")

    if inside.cli.major == 3:
        assert found("production")[1] == FOUND
    monkeypatch.setattr("runbook.runtime.subprocesses.ask", ask)
    with open_reader("production", project=inside.project) as reader:
        assert reader.read("select 1 as facts") == [{"facts": 1}]
    ref = "drillabcdefghijklmno"
    words = {
        3: ["db", "query", "--read-only", "--output-format", "json", f"--remote={ref}", "--"],
        2: ["db", "query", "--output-format", "json", "--linked", "--project-ref", ref, "--"],
    }
    assert (ran, reader.place) == ([words[inside.cli.major]], f"production ({ref})")


def test_a_database_without_a_history_is_read_through_the_cli(inside: Sandbox) -> None:
    """PostgreSQL's message about it is understood, from a connection and from the API: every file is pending."""
    from runbook.drill.database import execute

    by_major = {3: ("production", inside.postgres.url), 2: ("local", inside.postgres.local_url)}
    target, url = by_major[inside.cli.major]
    execute(str(url), "drop schema supabase_migrations cascade")
    assert ("no-lock-timeout", "note") in found(target)[1]


@pytest.mark.parametrize("major", [2, 3])
def test_a_procedure_names_the_target_in_one_word(major: int) -> None:
    """{{target}} becomes production, local, or the URL of a drill's database, whatever the CLI's major."""
    words = ("runbook", "migration", "check", "--against", "{{target}}")
    names = {"project_ref": "a" * 20, "drill_url": "postgresql://postgres@127.0.0.1:5/production"}
    become = [
        target_words(words, policy=book_policy(), major=major, kind=kind, names=names)
        for kind in (TargetKind.PRODUCTION, TargetKind.LOCAL, TargetKind.DRILL)
    ]
    assert become == [("production",), ("local",), (names["drill_url"],)]


def test_the_check_only_reads_and_gets_the_login_if_it_asks_the_cli() -> None:
    """Policy lets it run without a question. Without --against it reaches nothing, and gets no login."""
    for words in (["--against", "production"], ["--against", "local"], []):
        argv = ["runbook", "migration", "check", *words]
        judged = classify(argv, book_policy())
        assert (judged.verdict.value, judged.effect.value) == ("allow", "reads")
        assert needs_login(argv) is bool(words)
    assert judged.target is None
    assert not needs_login(["runbook", "run", "--against", "production"])
