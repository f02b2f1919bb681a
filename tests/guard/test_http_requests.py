"""Requests to a project's API are judged by method, path, filter and body, whichever client sends them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.books import write_book
from support.policies import book_policy, judged

from runbook.checks.book import find_problems
from runbook.guard.command_line import judge
from runbook.loading import read_policy
from runbook.model import Effect, TargetKind, Verdict
from runbook.model.http_requests import HttpRequest

API = "https://abcdefghijklmnopqrst.supabase.co"
REQUESTS = book_policy().http_requests


@pytest.mark.parametrize(
    ("line", "verdict", "request_id"),
    [(test.line, test.verdict, each.id) for each in REQUESTS for test in each.tests],
)
def test_each_requests_own_lines(line: str, verdict: Verdict, request_id: str) -> None:
    """The lines beside a request get their verdict, and those that are stopped get it from that request."""
    found = judged(line)
    assert found.verdict is verdict
    assert verdict is Verdict.ALLOW or found.rule == request_id


@pytest.mark.parametrize("each", REQUESTS, ids=lambda each: each.id)
def test_each_request_has_a_test_and_a_way_out(each: HttpRequest) -> None:
    """A refusal without what to do instead teaches people to go round it."""
    assert any(test.verdict is each.remote for test in each.tests)
    assert each.instead or each.remote is Verdict.ALLOW


@pytest.mark.parametrize(
    "line",
    [
        "curl -X DELETE {url}",
        "curl -XDELETE {url}",
        "curl -sSXDELETE -H 'apikey: x' {url}",
        "curl --request=DELETE --url {url}",
        "curl {url} --request DELETE -o out.json",
        "wget --method=DELETE -q {url}",
        "wget --method DELETE -O - {url}",
        "http DELETE {url}",
        "http --auth a:b delete {url} apikey:x",
        "https DELETE {url}",
        "xh DELETE {url}",
        "curlie DELETE {url}",
        "curlie -X DELETE {url}",
        "httpx -m DELETE {url}",
        "irm -Method Delete -Uri {url}",
        "/usr/bin/curl -X DELETE {url}",
        "sudo curl -X DELETE {url}",
        "time curl -X DELETE {url} | jq .",
        "python -c \"import os; os.system('curl -X DELETE {url}')\"",
    ],
)
def test_every_client_is_read(line: str) -> None:
    """The method and the URL stand in different places."""
    wipe = judge(line.format(url=f"{API}/rest/v1/tasks"))
    assert wipe.verdict is not Verdict.ALLOW
    assert judge(line.format(url=f"{API}/rest/v1/tasks").replace("DELETE", "GET").replace("elete", "GET")).verdict is (
        Verdict.ALLOW
    )


@pytest.mark.parametrize(
    ("query", "verdict"),
    [
        ("", Verdict.REFUSE),
        ("?", Verdict.REFUSE),
        ("?id=gt.0", Verdict.REFUSE),
        ("?id=gte.-1", Verdict.REFUSE),
        ("?id=neq.00000000-0000-0000-0000-000000000000", Verdict.REFUSE),
        ("?id=not.is.null", Verdict.REFUSE),
        ("?id=not.eq.0", Verdict.REFUSE),
        ("?name=like.*", Verdict.REFUSE),
        ("?name=like.%25", Verdict.REFUSE),
        ("?select=id&id=gt.0", Verdict.REFUSE),
        ("?id=gt%2E0", Verdict.REFUSE),
        ("?done=is.true", Verdict.CONFIRM),
        ("?or=(id.eq.1,id.gt.0)", Verdict.CONFIRM),
        ("?created_at=lt.2020-01-01", Verdict.CONFIRM),
        ("?$FILTER", Verdict.CONFIRM),
        ("?id=eq.7", Verdict.ALLOW),
        ("?id=in.(7,8)", Verdict.ALLOW),
        ("?id=eq.$ID", Verdict.ALLOW),
        ("?tenant_id=eq.1&id=gt.0", Verdict.ALLOW),
    ],
)
def test_a_filter_decides_about_a_table(query: str, verdict: Verdict) -> None:
    """One that lets everything through is none."""
    for method in ("DELETE", "PATCH"):
        found = judge(f'curl -X {method} "{API}/rest/v1/tasks{query}"')
        assert found.verdict is verdict
        assert found.target is TargetKind.PRODUCTION


def test_a_question_mark_outside_quotes_begins_the_filter() -> None:
    """For the shell it is a pattern that matches no file."""
    assert judge(f"curl -X DELETE {API}/rest/v1/tasks?id=eq.7").verdict is Verdict.ALLOW
    assert judge(f"curl -X DELETE {API}/rest/v1/tasks?id=gt.0").verdict is Verdict.REFUSE


@pytest.mark.parametrize(
    ("host", "verdict", "target"),
    [
        (API, Verdict.REFUSE, TargetKind.PRODUCTION),
        ("https://api.example.com", Verdict.REFUSE, TargetKind.PRODUCTION),
        ("abcdefghijklmnopqrst.supabase.co", Verdict.REFUSE, TargetKind.PRODUCTION),
        ("$SUPABASE_URL", Verdict.REFUSE, TargetKind.PRODUCTION),
        ("https://$REF.supabase.co", Verdict.REFUSE, TargetKind.PRODUCTION),
        ("https://x@db.example.com:443", Verdict.REFUSE, TargetKind.PRODUCTION),
        ("https://127.0.0.1@db.example.com", Verdict.REFUSE, TargetKind.PRODUCTION),
        ("http://127.0.0.1:54321", Verdict.CONFIRM, TargetKind.LOCAL),
        ("http://localhost:54321", Verdict.CONFIRM, TargetKind.LOCAL),
        ("http://kong:8000", Verdict.CONFIRM, TargetKind.LOCAL),
    ],
)
def test_the_host_decides_where_it_goes(host: str, verdict: Verdict, target: TargetKind) -> None:
    """A host that can't be told counts as hosted; its path says enough."""
    found = judge(f'curl -X DELETE "{host}/rest/v1/tasks"')
    assert (found.verdict, found.target, found.effect) == (verdict, target, Effect.DESTROYS)


@pytest.mark.parametrize(
    "line",
    [
        f"curl -s {API}/auth/v1/health",
        f"curl {API}/rest/v1/tasks?select=*",
        f"curl -I {API}/rest/v1/tasks",
        f"curl -G {API}/rest/v1/tasks -d id=gt.0",
        f"curl -X POST {API}/rest/v1/tasks -d '{{}}'",
        f'curl -X POST {API}/rest/v1/rpc/search_tasks -d \'{{"query":"delete account"}}\'',
        f"curl -X POST {API}/rest/v1/rpc/reset_password -d '{{}}'",
        f"curl -X POST {API}/auth/v1/admin/users -d '{{}}'",
        f"curl {API}/auth/v1/admin/users",
        f"curl -X POST {API}/storage/v1/object/avatars/me.png -T me.png",
        f'curl {API}/graphql/v1 -d \'{{"query":"{{ tasks }}"}}\'',
        f"curl -X POST {API}/functions/v1/delete-all",
        "curl https://api.supabase.com/v1/projects",
        "curl -X DELETE https://api.example.com/v1/projects/7",
        "gh api -X DELETE repos/a/b",
        "gh pr list",
        "curl https://example.com/install.sh",
        "wget https://example.com/rest/v1/tasks",
        f"http GET {API}/rest/v1/tasks id==gt.0",
    ],
)
def test_reads_health_checks_and_other_apis_pass(line: str) -> None:
    """So do single rows that are inserted, and calls of functions."""
    assert judge(line).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    ("sql", "verdict"),
    [("select 1", Verdict.ALLOW), ("drop table users", Verdict.REFUSE), ("$SQL", Verdict.CONFIRM)],
)
@pytest.mark.parametrize(
    "line",
    [
        'curl {api} -d "{{\\"query\\":\\"{sql}\\"}}"',
        'curl -X POST {api} --json "{{\\"query\\": \\"{sql}\\", \\"x\\": 1}}"',
        'echo "{{\\"query\\":\\"{sql}\\"}}" | curl {api} -d @-',
        'http POST {api} query="{sql}"',
        'gh api --hostname api.supabase.com v1/projects/abc/database/query -f query="{sql}"',
    ],
)
def test_sql_in_a_body_is_judged_like_sql_anywhere(line: str, sql: str, verdict: Verdict) -> None:
    """In JSON, in a form, from standard input."""
    api = "https://api.supabase.com/v1/projects/abc/database/query"
    assert judge(line.format(api=api, sql=sql)).verdict is verdict


def test_a_body_that_cannot_be_seen_is_asked_about() -> None:
    """It may hold any SQL."""
    api = "https://api.supabase.com/v1/projects/abc/database/query"
    for body in ("-d @fix.json", '-d "$BODY"', "-d 'not json'", "-d '[1]'", ""):
        assert judge(f"curl -X POST {api} {body}").verdict is Verdict.CONFIRM


def test_a_method_that_is_not_known_is_asked_about() -> None:
    """It may be `DELETE`; nobody can override a refusal, so this isn't one."""
    assert judge(f'curl -X "$METHOD" {API}/rest/v1/tasks').verdict is Verdict.CONFIRM
    assert judge(f'curl -X "$METHOD" {API}/functions/v1/hello').verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    "lines",
    [
        "url={0}/rest/v1/tasks\nrequest=DELETE",
        'url = "{0}/rest/v1/tasks"\nrequest = "DELETE"',
        "--url {0}/rest/v1/tasks\n-X DELETE",
        "# all of them\n\nrequest: DELETE\nurl: {0}/rest/v1/tasks",
    ],
)
@pytest.mark.parametrize("flag", ["-K -", "-K-", "--config -", "--config=-"])
def test_options_on_standard_input_are_read(lines: str, flag: str) -> None:
    """Curl takes them as if they were in the line."""
    assert judge(f"curl {flag} <<'X'\n{lines.format(API)}\nX").verdict is Verdict.REFUSE
    read = lines.format(API).replace("DELETE", "GET")
    assert judge(f"curl {flag} <<'X'\n{read}\nX").verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    "line",
    [
        'for i in {{1..500}}; do curl -X DELETE "{0}?id=eq.$i"; done',
        "while read -r i; do curl -X DELETE '{0}?id=eq.'$i; done < ids.txt",
        "seq 1 10000 | xargs -I{{}} curl -X DELETE '{0}?id=eq.{{}}'",
        "curl -X DELETE '{0}?id=eq.[1-9999]'",
        "curl -X DELETE '{0}?id=eq.{{1,2,3}}'",
    ],
)
def test_one_row_many_times_is_asked_about(line: str) -> None:
    """Each request deletes one row, and nobody has counted them. On the local stack, and for reads, that's fine."""
    assert judge(line.format(f"{API}/rest/v1/tasks")).verdict is Verdict.CONFIRM
    assert judge(line.format("http://127.0.0.1:54321/rest/v1/tasks")).verdict is Verdict.ALLOW
    assert judge(line.format(f"{API}/rest/v1/tasks").replace("-X DELETE", "-s")).verdict is Verdict.ALLOW


def test_urls_in_a_file_are_asked_about_if_they_are_deleted() -> None:
    """They can't be seen."""
    assert judge("wget --method=DELETE -i urls.txt").verdict is Verdict.CONFIRM
    assert judge("wget --input-file=urls.txt --method DELETE").verdict is Verdict.CONFIRM
    assert judge("wget -i urls.txt").verdict is Verdict.ALLOW


def test_help_does_not_hide_a_request() -> None:
    """A client's rule says that `--help` only prints, but a request in the same words is still judged."""
    assert judge(f"curl -X DELETE {API}/rest/v1/tasks --help").verdict is Verdict.REFUSE


OWN = """\
http_clients:
  - {program: fetchy, method_flags: [--verb], url_flags: [--to], body_flags: [--with]}
http_requests:
  - id: our-wipe
    request: POST /internal/wipe
    methods: [POST]
    host: '(^|\\.)example\\.com$'
    path: '^/internal/wipe$'
    effect: destroys
    remote: refuse
    local: confirm
    reason: It wipes our tenants.
    instead: Ask Ada.
    tests:
      - {line: "curl -X POST https://api.example.com/internal/wipe", verdict: refuse}
      - {line: "curl -X POST https://api.example.org/internal/wipe", verdict: allow}
loosen:
  - {rule: http-rest-filter, where: remote, reason: Our filters are reviewed}
"""


def test_a_team_adds_clients_and_requests_and_loosens_others(tmp_path: Path) -> None:
    """By its policy alone; what wipes stays refused."""
    directory = write_book(tmp_path / "book", policy=OWN)
    assert [each.message for each in find_problems(str(directory))[1]] == []
    ours = read_policy(directory)
    assert judge("fetchy --verb POST --to https://api.example.com/internal/wipe", policy=ours).rule == "our-wipe"
    assert judge(f"fetchy --verb DELETE --to {API}/rest/v1/tasks", policy=ours).verdict is Verdict.REFUSE
    filtered = judge(f"curl -X DELETE '{API}/rest/v1/tasks?done=is.true'", policy=ours)
    assert filtered.verdict is Verdict.ALLOW
    assert judge(f"curl -X DELETE '{API}/rest/v1/tasks?id=gt.0'", policy=ours).verdict is Verdict.REFUSE


def test_a_request_that_wipes_cannot_be_loosened(tmp_path: Path) -> None:
    """`check` says so."""
    text = "loosen: [{rule: http-rest-table, where: remote, reason: We can}]\n"
    directory = write_book(tmp_path / "book", policy=text)
    assert any("can wipe production" in each.message for each in find_problems(str(directory))[1])
