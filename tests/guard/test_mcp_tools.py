"""Calls of MCP tools are judged by rules, by the SQL in them, and by the projects in the team's file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runbook.guard import agents
from runbook.guard.command_line import packaged_policy
from runbook.guard.events import ToolCall
from runbook.guard.mcp_tools import judge_call
from runbook.loading.files import read_policy

PRODUCTION, STAGING, OTHER = "a" * 20, "b" * 20, "c" * 20
DROP = "drop table users"


def verdict(name: str, server: str = "", /, **arguments: Any) -> str:
    """Return the packaged policy's verdict on a call, "" if it has none."""
    judged = judge_call(ToolCall(name, arguments, server), packaged_policy(), None)
    return judged.verdict.value if judged else ""


@pytest.mark.parametrize(
    "name",
    [
        "mcp__supabase__execute_sql",
        "mcp__my_db__execute_sql",
        "mcp__plugin_supabase_supabase__execute_sql",
        "mcp_supabase_execute_sql",
        "supabase__execute_sql",
        "supabase_execute_sql",
        "supabase-execute_sql",
        "supabase-prod-execute_sql",
        "MCP:execute_sql",
        "MCP:supabase:execute_sql",
        "execute_sql",
        "supabase/execute_sql",
        "mcp__Supabase__execute-sql",
    ],
)
def test_a_tool_is_known_in_the_name_that_each_agent_gives_it(name: str) -> None:
    """Two parts and a separator, with or without a prefix."""
    assert verdict(name, query=DROP) == "refuse"
    assert verdict(name, query="select 1") == "allow"


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        ("apply_migration", "confirm"),
        ("create_branch", "confirm"),
        ("create_project", "confirm"),
        ("delete_branch", "confirm"),
        ("deploy_edge_function", "confirm"),
        ("merge_branch", "confirm"),
        ("pause_project", "confirm"),
        ("rebase_branch", "confirm"),
        ("reset_branch", "confirm"),
        ("restore_project", "confirm"),
        ("update_storage_config", "confirm"),
        ("get_advisors", "allow"),
        ("get_logs", "allow"),
        ("list_migrations", "allow"),
        ("list_tables", "allow"),
        ("search_docs", "allow"),
        ("a_tool_of_next_year", ""),
    ],
)
def test_each_tool_of_the_supabase_server_has_its_verdict(tool: str, expected: str) -> None:
    """What isn't known passes."""
    assert verdict(f"mcp__supabase__{tool}", project_id=OTHER) == expected


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("mcp__postgres__query", {"sql": DROP}, "refuse"),
        ("mcp__postgres__query", {"sql": "lock table users"}, "confirm"),
        ("mcp__dbhub__execute_sql", {"sql": "select 1; delete from users"}, "refuse"),
        ("mcp__dbhub__execute_sql_prod", {"sql": DROP}, "refuse"),
        ("mcp__Neon__run_sql", {"sql": DROP, "projectId": "x"}, "refuse"),
        ("mcp__Neon__run_sql_transaction", {"sqlStatements": ["select 1", DROP]}, "refuse"),
        ("mcp__Neon__delete_project", {"projectId": "x"}, "refuse"),
        ("mcp__pg__pg_execute_query", {"operation": "select", "query": "select 1"}, "allow"),
        ("mcp__pg__pg_execute_mutation", {"operation": "delete", "table": "users"}, "confirm"),
        ("mcp__postgres__explain_query", {"sql": "delete from users"}, "allow"),
        ("mcp__postgres__explain_query", {"sql": "delete from users", "analyze": True}, "refuse"),
    ],
)
def test_tools_of_other_postgresql_servers_are_judged_by_their_sql(
    name: str, arguments: dict[str, Any], expected: str
) -> None:
    """Nobody can see which database they reach, so it counts as hosted."""
    assert verdict(name, **arguments) == expected


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("mcp__acme__run", {"sql": DROP}, "refuse"),
        ("mcp__acme__run", {"statement": "-- tidy up\nUPDATE users SET a = 1"}, "refuse"),
        ("mcp__acme__run", {"raw_sql": "insert into users values (1)"}, "confirm"),
        ("mcp__acme__run", {"query": "select now()"}, "allow"),
        ("mcp__acme__run", {"query": "drop the meeting"}, ""),
        ("mcp__acme__run", {"query": "query { users { id } }"}, ""),
        ("mcp__acme__search", {"query": "drop table users cascade"}, ""),
        ("mcp__acme__note", {"text": DROP}, ""),
        ("mcp__github__create_branch", {"owner": "a", "repo": "b", "branch": "c"}, ""),
        ("mcp__gitlab__delete_branch", {"project_path": "a/b", "branch": "c"}, ""),
    ],
)
def test_a_tool_that_nobody_knows_is_judged_by_sql_alone(name: str, arguments: dict[str, Any], expected: str) -> None:
    """Text that only mentions a table isn't SQL, and neither is another server's tool of the same name."""
    assert verdict(name, **arguments) == expected


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("mcp__Prisma-Local__migrate-reset", {"projectCWD": "/app"}, "confirm"),
        ("mcp__prisma__migrate-dev", {"name": "tags", "projectCWD": "/app"}, "confirm"),
        ("mcp__prisma__migrate-status", {"projectCWD": "/app"}, ""),
        ("mcp__Prisma-Remote__DeleteDatabaseTool", {"databaseId": "db_x"}, "refuse"),
        ("mcp__Prisma-Remote__ExecuteSqlQueryTool", {"query": DROP}, "refuse"),
        ("mcp__prisma__execute_sql_query", {"query": "select 1"}, "allow"),
        ("mcp__docker__remove_volume", {"volume_name": "supabase_db_app"}, "confirm"),
        ("mcp__docker__list_volumes", {}, ""),
    ],
)
def test_tools_of_prisma_and_docker_have_rules(name: str, arguments: dict[str, Any], expected: str) -> None:
    """A migration tool drops a database without any SQL in the call."""
    assert verdict(name, **arguments) == expected


@pytest.mark.parametrize("tool", ["mcp__tracker__list_issues", "mcp__chat__send_message", "mcp__acme__fetch"])
def test_a_query_is_sql_only_if_a_name_says_database(tool: str) -> None:
    """Issues and messages quote SQL."""
    assert verdict(tool, query="delete from tasks fails") == ""
    assert verdict(tool, query=DROP, connection="postgres://x@db.example.com/app") == "refuse"
    assert verdict(tool, query=DROP, database="app") == "refuse"
    assert verdict(tool, sql=DROP) == "refuse"
    assert verdict("mcp__warehouse__ask", query=DROP) == "refuse"
    assert verdict("mcp__acme__runQuery", query=DROP) == "refuse"


@pytest.mark.parametrize("pack", [dict, json.dumps])
def test_arguments_inside_another_one_are_read(pack: Any) -> None:
    """As an object, or as JSON in a text. If a name occurs twice, the graver SQL counts."""
    assert verdict("mcp__neon__run_sql", params=pack({"sql": "select 1"})) == "allow"
    assert verdict("mcp__neon__run_sql", params=pack({"sql": DROP})) == "refuse"
    assert verdict("mcp__neon__run_sql", params=pack({"sql": "select 1"}), sql=DROP) == "refuse"
    assert verdict("mcp__neon__run_sql", params=pack({"sql": DROP}), sql="select 1") == "refuse"


def test_a_server_whose_name_says_local_is_the_local_stack() -> None:
    """Unless a project, an address or another word says otherwise."""
    tool, insert = "mcp__supabase-local__execute_sql", "insert into tasks values (1)"
    assert verdict(tool, query=insert) == "allow"
    assert verdict(tool, query=DROP) == "confirm"
    assert verdict("execute_sql", "supabase-local", query=insert) == "allow"
    assert verdict(tool, query=insert, project_id=PRODUCTION) == "confirm"
    assert verdict(tool, query=DROP, project_id=PRODUCTION) == "refuse"
    assert verdict(tool, f"https://mcp.supabase.com/mcp?project_ref={PRODUCTION}", query=DROP) == "refuse"
    assert verdict(tool, "https://mcp.supabase.com/mcp", query=DROP) == "refuse"
    assert verdict(tool, "http://127.0.0.1:54321/mcp", query=DROP) == "confirm"
    for name in ("supabase", "supabase-local-prod", "supabase-not-local", "supabase_locale"):
        assert verdict(f"mcp__{name}__execute_sql", query=DROP) == "refuse"
    assert verdict("execute_sql", "supabase /usr/local/bin/server", query=DROP) == "refuse"
    assert verdict("mcp__supabase-local__deploy_edge_function") == "confirm"
    assert verdict("mcp__local-postgres__explain_query", sql=DROP, analyze=True) == "confirm"


def test_the_reason_names_the_linked_project_for_supabase_alone(project: Path) -> None:
    """Another server has its own databases."""
    (project / "supabase/.temp").mkdir(parents=True)
    (project / "supabase/.temp/project-ref").write_text(OTHER)
    assert OTHER in answered(project, "mcp__supabase__execute_sql", query=DROP)[1]
    for tool in ("mcp__neon__run_sql", "mcp__acme__run"):
        decision, reason = answered(project, tool, sql=DROP)
        assert (decision, OTHER in reason) == ("deny", False)
    assert "hosted project" not in answered(project, "mcp__acme__run", sql=DROP)[1]


def test_a_read_only_server_is_believed_for_functions_alone() -> None:
    """Its address says that it reads. SQL that visibly writes is still judged as such."""
    server = "https://mcp.supabase.com/mcp?read_only=true"
    assert verdict("execute_sql", query="select my_function()") == "confirm"
    assert verdict("execute_sql", server, query="select my_function()") == "allow"
    assert verdict("execute_sql", server, query=DROP) == "refuse"


# --- the team's file ------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project whose team has a production and a staging project."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("RUNBOOK_BOOK", raising=False)
    book = tmp_path / "app/team-runbook"
    book.mkdir(parents=True)
    (book / "team.yaml").write_text(
        f"name: Acme\nprojects:\n  production: {{ref: {PRODUCTION}}}\n  staging: {{ref: {STAGING}}}\n"
    )
    return tmp_path / "app"


def answered(project: Path, name: str, mode: str = "default", /, **arguments: Any) -> tuple[str, str]:
    """Return the decision and the reason that Claude Code gets in a project."""
    event = {"tool_name": name, "tool_input": arguments, "cwd": str(project), "permission_mode": mode}
    given = agents.answer_event("claude-code", json.dumps(event).encode(), book=None)
    if given.stdout == "{}":
        return "allow", ""
    inner = json.loads(given.stdout)["hookSpecificOutput"]
    return inner["permissionDecision"], inner["permissionDecisionReason"]


def test_a_write_to_a_protected_project_is_refused(project: Path) -> None:
    """The reason names it. Reading it is fine."""
    arguments = {"project_id": PRODUCTION, "query": "create table x ()"}
    decision, reason = answered(project, "mcp__supabase__apply_migration", **arguments)
    assert decision == "deny"
    assert f"{PRODUCTION} is production, which team.yaml protects." in reason
    assert answered(project, "mcp__supabase__list_tables", project_id=PRODUCTION)[0] == "allow"
    assert answered(project, "mcp__supabase__execute_sql", project_id=PRODUCTION, query="select 1")[0] == "allow"


def test_a_write_to_another_project_of_the_team_stays_as_it_is(project: Path) -> None:
    """A person is asked, and what destroys is refused as anywhere."""
    arguments = {"project_id": STAGING, "query": "create table x ()"}
    decision, reason = answered(project, "mcp__supabase__apply_migration", **arguments)
    assert (decision, "team.yaml" in reason) == ("ask", False)
    assert answered(project, "mcp__supabase__execute_sql", project_id=STAGING, query=DROP)[0] == "deny"


def test_a_project_that_the_team_does_not_know_needs_a_person(project: Path) -> None:
    """The reason says so."""
    decision, reason = answered(project, "mcp__supabase__pause_project", project_id=OTHER)
    assert decision == "ask"
    assert f"The project {OTHER} isn't in team.yaml." in reason


def test_the_project_in_a_servers_address_counts(project: Path) -> None:
    """A server for one project has no argument for it."""
    event = {
        "hook_event_name": "beforeMCPExecution",
        "workspace_roots": [str(project)],
        "tool_name": "deploy_edge_function",
        "tool_input": "{}",
        "url": f"https://mcp.supabase.com/mcp?project_ref={PRODUCTION}",
    }
    given = agents.answer_event("cursor", json.dumps(event).encode(), book=None)
    assert "which team.yaml protects" in given.stderr


def test_a_team_file_with_a_problem_blocks_the_tool(project: Path) -> None:
    """Nobody can tell which projects it protects. A shell command doesn't need it."""
    (project / "team-runbook/team.yaml").write_text("name: Acme\nprojects: 7\n")
    event = {"tool_name": "mcp__supabase__list_tables", "tool_input": {}, "cwd": str(project)}
    with pytest.raises(Exception, match=r"team\.yaml"):
        agents.answer_event("codex", json.dumps(event).encode(), book=None)
    shell = {"tool_name": "Bash", "tool_input": {"command": "ls"}, "cwd": str(project)}
    assert agents.answer_event("codex", json.dumps(shell).encode(), book=None).stdout == "{}"


# --- a team's own servers -------------------------------------------------------------------------------------------


OWN = """\
mcp_servers:
  - {program: billing-mcp, names: billing, sql: [expression], words: [action]}
  - {program: harmless-mcp, names: supabase, distinctive: [execute_sql, apply_migration]}
rules:
  - id: billing
    program: billing-mcp
    command: run
    reaches: project
    effect: writes
    remote: confirm
    local: confirm
    reason: It changes invoices.
    variants:
      - {sql: destroys, effect: destroys, remote: refuse}
      - {words: '^refund$', remote: refuse}
    tests:
      - {line: "billing-mcp run -- 'delete from invoices'", verdict: refuse}
  - id: harmless
    program: harmless-mcp
    command: execute_sql
    aliases: [apply_migration]
    reaches: nothing
    effect: reads
    remote: allow
    local: allow
    reason: We trust it.
"""


def test_a_team_adds_a_server_and_cannot_relax_a_packaged_one(tmp_path: Path) -> None:
    """Its tools are judged like any command. Listing a packaged server again hides nothing."""
    (tmp_path / "team.yaml").write_text(f"name: Acme\nprojects:\n  production: {{ref: {PRODUCTION}}}\n")
    (tmp_path / "policy.yaml").write_text(OWN)
    policy = read_policy(tmp_path)

    def judged(name: str, **arguments: Any) -> str:
        found = judge_call(ToolCall(name, arguments), policy, None)
        return found.verdict.value if found else ""

    assert judged("mcp__billing__run", expression="delete from invoices") == "refuse"
    assert judged("mcp__billing__run", action="refund") == "refuse"
    assert judged("mcp__billing__run", action="send") == "confirm"
    assert judged("mcp__billing__other", action="refund") == ""
    # A rule's own verdict for the local stack counts as well.
    assert judged("mcp__billing-local__run", expression="insert into invoices values (1)") == "confirm"
    assert judged("mcp__supabase__execute_sql", query=DROP) == "refuse"
    assert judged("mcp__db__apply_migration", query=DROP) == "refuse"
