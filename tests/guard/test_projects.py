"""Before a write, the guard names the hosted project that it goes to, and stops where a team protects that project."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from guard_support.home import RUNBOOK, Home
from support.terminals import terminal, type_keys

from runbook.guard import agents
from runbook.guard.command_line import judge
from runbook.guard.judging import judge_line
from runbook.guard.projects import linked_project, project_in
from runbook.model import Verdict

PRODUCTION = "prodprodprodprodprod"
STAGING = "stagstagstagstagstag"
OTHER = "otheotheotheotheothe"
TEAM = f"name: Acme\nprojects:\n  production: {{ref: {PRODUCTION}}}\n  staging: {{ref: {STAGING}}}\n"


def link(project: Path, ref: str) -> None:
    """Link a project as `supabase link` does."""
    place = project / "supabase/.temp"
    place.mkdir(parents=True, exist_ok=True)
    (place / "project-ref").write_text(ref, encoding="utf-8")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return a home whose project is linked to staging."""
    home = Home(tmp_path)
    link(home.project, STAGING)
    for name in ("SUPABASE_PROJECT_ID", "SUPABASE_PROJECT_REF", "RUNBOOK_BOOK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return home


@pytest.fixture
def team(home: Home) -> Home:
    """Return the same home with a team's book beside the project's files."""
    (home.project / "team-runbook").mkdir()
    (home.project / "team-runbook/team.yaml").write_text(TEAM, encoding="utf-8")
    return home


@pytest.mark.parametrize(
    ("line", "project"),
    [
        ("supabase db push --linked", STAGING),
        ("npx supabase functions deploy one --use-api", STAGING),
        ("supabase secrets set --env-file .env", STAGING),
        ("cd deep/er && supabase db push --linked", STAGING),
        (f"supabase functions deploy one --project-ref {OTHER}", OTHER),
        (f"supabase db push --remote={OTHER}", OTHER),
        (f"SUPABASE_PROJECT_ID={OTHER} supabase functions deploy one", OTHER),
        (f"supabase db push --db-url postgresql://postgres@db.{OTHER}.supabase.co:5432/postgres", OTHER),
        (
            f"psql postgres://postgres.{OTHER}:x@aws-0-eu.pooler.supabase.com/postgres -c 'insert into t values (1)'",
            OTHER,
        ),
        ("supabase migration list --linked", ""),
        ("supabase db push --local", ""),
        ("psql -h db.example.com -c 'insert into t values (1)'", ""),
    ],
)
def test_the_project_comes_from_flags_the_environment_or_the_link(line: str, project: str, home: Home) -> None:
    """What only reads, stays here or has another database names none."""
    (home.project / "deep/er").mkdir(parents=True)
    assert judge(line, cwd=str(home.project)).project == project


def test_a_link_that_holds_no_ref_and_a_word_that_only_looks_like_one_name_no_project() -> None:
    """The nearest link counts, even a broken one."""
    files = {"/a/b/supabase/.temp/project-ref": "../../x", "/a/supabase/.temp/project-ref": f"{STAGING}\n"}
    assert linked_project(["/a", "/"], files.get) == STAGING
    assert linked_project(["/a/b", "/a", "/"], files.get) is None
    assert project_in(["supabase", "functions", "deploy", OTHER, "--remote", "main"]) is None


def test_the_guarded_command_says_where_it_goes(home: Home) -> None:
    """It then runs."""
    stand_in = home.root / "bin/supabase"
    stand_in.parent.mkdir()
    stand_in.write_text("#!/bin/sh\necho ran $*\n", encoding="utf-8")
    stand_in.chmod(0o755)
    ran = home.guard("--", "supabase", "db", "push", "--linked", PATH=f"{stand_in.parent}:{os.environ['PATH']}")
    assert (ran.returncode, ran.stdout) == (0, "ran db push --linked\n")
    assert f"the hosted project {STAGING} that this directory is linked to; it writes" in ran.stderr
    assert home.guard("--", "ls", PATH=os.environ["PATH"]).stderr == ""


def test_a_write_to_a_protected_project_needs_its_name(team: Home) -> None:
    """Staging isn't protected, and reading production isn't either."""
    assert (
        judge_line("supabase db push --linked", book=None, face="line", directory=str(team.project)).verdict == "allow"
    )
    link(team.project, PRODUCTION)
    judged = judge_line("supabase db push --linked", book=None, face="line", directory=str(team.project))
    assert (judged.verdict, judged.protects) == (Verdict.CONFIRM, "production")
    assert f"{PRODUCTION} is production, which team.yaml protects." in judged.reason
    reading = judge_line("supabase migration list --linked", book=None, face="line", directory=str(team.project))
    assert reading.verdict is Verdict.ALLOW


def test_a_person_types_the_name_of_a_protected_project(team: Home) -> None:
    """The word yes isn't enough."""
    link(team.project, PRODUCTION)
    stand_in = team.root / "bin/supabase"
    stand_in.parent.mkdir()
    stand_in.write_text("#!/bin/sh\necho it ran\n", encoding="utf-8")
    stand_in.chmod(0o755)
    environment = team.environment(PATH=f"{stand_in.parent}:{os.environ['PATH']}")
    words = ("guard", "--", "supabase", "db", "push", "--linked")
    for typed, expected in (("yes", "It didn't run"), ("production", "it ran")):
        child = terminal(str(RUNBOOK), *words, environment=environment, directory=team.project)
        child.expect_exact("Type production to run it, anything else to stop: ")
        type_keys(child, typed)
        child.expect_exact(expected)


def test_a_project_that_the_team_does_not_know_needs_a_person(team: Home) -> None:
    """Its ref may be mistyped."""
    line = f"supabase functions deploy one --project-ref {OTHER}"
    judged = judge_line(line, book=None, face="line", directory=str(team.project))
    assert judged.verdict is Verdict.CONFIRM
    assert f"The project {OTHER} isn't in team.yaml." in judged.reason


def test_hooks_name_the_project_and_stop_where_it_is_protected(team: Home) -> None:
    """An agent that shows messages says where an allowed write goes."""
    tool = {"command": "supabase db push --linked"}
    event = {"tool_name": "Bash", "tool_input": tool, "cwd": str(team.project), "permission_mode": "default"}
    for agent, shows in (("claude-code", True), ("gemini", True), ("copilot", False)):
        allowed = json.loads(agents.answer_event(agent, json.dumps(event).encode(), book=None).stdout)
        assert (STAGING in allowed.get("systemMessage", "")) is shows
        assert set(allowed) <= {"systemMessage"}
    link(team.project, PRODUCTION)
    for mode, decision in (("default", "ask"), ("bypassPermissions", "deny")):
        answer = agents.answer_event("claude-code", json.dumps({**event, "permission_mode": mode}).encode(), book=None)
        found = json.loads(answer.stdout)["hookSpecificOutput"]
        assert found["permissionDecision"] == decision
        assert "which team.yaml protects" in found["permissionDecisionReason"]


def test_a_team_file_with_a_problem_stops_what_writes_to_a_hosted_project(team: Home) -> None:
    """Nobody can tell which projects it protects. Other lines don't read it."""
    (team.project / "team-runbook/team.yaml").write_text("name: Acme\nprojects: 7\n", encoding="utf-8")
    ran = team.guard("--line", "supabase db push --linked")
    assert ran.returncode not in {0, 6}
    assert "team.yaml:2:11" in ran.stderr
    assert team.guard("--line", "ls && supabase migration list --linked").returncode == 0
