"""Calls of edge functions, over HTTP, answered by the stand-in as the hosted platform answers them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.books import POLICY, SUPABASE, procedure_text, write_book

from runbook.drill.platform import Platform, serve
from runbook.drill.platform_state import PROJECT_REF, Fault, initial_state
from runbook.drill.proofs import check_proof
from runbook.drill.sandbox import DrillTarget
from runbook.drill.stage import choose_drill, set_stage
from runbook.linear_regex import linear_regex
from runbook.loading import read_book
from runbook.model import FunctionResponse, Proof

GOOD = "Deno.serve(() => new Response())"
BAD = 'Deno.serve(() => { throw new Error("thumbnail is undefined") })'
STEPS = "- {id: look, title: Look, run: git log}\n"
DRILLS = """\
drills:
  - name: answers
    briefing: Call it.
    scenario:
      deployed: {hello: Deno.serve()}
      responses:
        hello:
          - {version: 2, body: later}
          - {source: Deno, status: 503, body: {error: [busy, 3]}, headers: {Retry-After: "7"}, delay: 1s}
    prove: [{text: It was called, request: "GET /functions/v1/hello", equals: "yes"}]
"""
KEY = {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30.x"}
OK = FunctionResponse(source="new Response", body={"status": "ok", "checks": ("db",)})
BROKEN = FunctionResponse(source="throw", status=500, body={"error": "thumbnail is undefined"})


@pytest.fixture
def platform() -> Iterator[Platform]:
    """Serve a platform on which `hello` answers what the scenario says and `plain` what nobody said."""
    state = initial_state(
        deployed={"hello": GOOD, "plain": GOOD}, secrets={}, platform={}, responses={"hello": (OK, BROKEN)}
    )
    with serve(state) as running:
        yield running


def call(
    platform: Platform, path: str, method: str = "POST", headers: Mapping[str, str] = KEY, body: bytes = b"{}"
) -> tuple[HTTPResponse, bytes]:
    """Call a function and return its response and body."""
    where = urlsplit(platform.functions_url)
    connection = HTTPConnection(where.netloc, timeout=30)
    try:
        connection.request(method, f"{where.path}{path}", body, {**platform.keys.call_headers, **headers})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def deploy(platform: Platform, source: str, **metadata: object) -> None:
    """Make a new version of `hello` live."""
    platform.state.deploy("hello", (("index.ts", source.encode()),), metadata)


def errors(platform: Platform) -> list[tuple[str, str]]:
    """Return what the logs show at level error."""
    return [(row.source, row.message) for row in platform.state.logs if row.level == "error"]


def test_a_new_version_answers_its_own_and_a_rollback_brings_the_old_answer_back(platform: Platform) -> None:
    """Version 1 answers ok, the throwing version 2 an error body, and version 3 with the old source ok again."""
    seen = []
    for source in (None, BAD, GOOD):
        if source is not None:
            deploy(platform, source)
        response, body = call(platform, "/hello")
        seen.append((response.status, json.loads(body)))

    assert seen == [
        (200, {"status": "ok", "checks": ["db"]}),
        (500, {"error": "thumbnail is undefined"}),
        (200, {"status": "ok", "checks": ["db"]}),
    ]


@pytest.mark.parametrize("path", ["/hello", "/hello/health", "/hello?deep=yes", "/hello/"])
def test_everything_below_its_name_reaches_the_function(platform: Platform, path: str) -> None:
    """A path or a query behind the name belongs to the function."""
    assert call(platform, path)[0].status == 200


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_each_method_is_answered_and_recorded(platform: Platform, method: str) -> None:
    """A call is on record as METHOD and path, so that a proof can ask for it."""
    response, _ = call(platform, "/hello/health?deep=yes", method)

    assert response.status == 200
    assert platform.state.requests == [f"{method} /functions/v1/hello/health"]
    proof = Proof(text="It was called", request=f"^{method} /functions/v1/hello/health$", equals="yes")
    assert check_proof(proof, "", platform.state).held


def test_a_method_that_functions_do_not_take_is_refused(platform: Platform) -> None:
    """HEAD is a 405 without a body, as on the hosted platform."""
    response, body = call(platform, "/hello", "HEAD")

    assert (response.status, body) == (405, b"")


def test_a_version_can_be_named_by_its_number(platform: Platform) -> None:
    """A response for version 1 is not that of version 2, whatever the source; any other answer follows it."""
    first = FunctionResponse(version=1, body="one", headers={"Content-Type": "text/html", "X-Note": "a"})
    platform.state.responses = {"hello": (first, FunctionResponse(status=201, body="more"))}
    response, body = call(platform, "/hello")
    deploy(platform, GOOD)
    later, more = call(platform, "/hello")

    assert (response.status, body, response.headers["X-Note"]) == (200, b"one", "a")
    assert response.headers["Content-Type"] == "text/html"
    assert (later.status, more, later.headers["Content-Type"]) == (201, b"more", "text/plain;charset=UTF-8")


def test_without_a_word_in_the_scenario_a_function_names_itself(platform: Platform) -> None:
    """A function that nobody spoke of answers 200, and JSON with its name and version."""
    response, body = call(platform, "/plain")

    assert (response.status, response.headers["Content-Type"]) == (200, "application/json")
    assert json.loads(body) == {"function": "plain", "version": 1}


@pytest.mark.parametrize("path", ["/nothing", "/nothing/more", "", "/"])
def test_a_function_that_is_not_deployed_is_not_found(platform: Platform, path: str) -> None:
    """The gateway answers 404 before it looks for a key."""
    response, body = call(platform, path, headers={})

    assert (response.status, response.headers["sb-error-code"]) == (404, "NOT_FOUND")
    assert json.loads(body) == {"code": "NOT_FOUND", "message": "Requested function was not found"}


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        pytest.param({}, "UNAUTHORIZED_NO_AUTH_HEADER", id="nothing"),
        pytest.param({"Authorization": "anything"}, "UNAUTHORIZED_INVALID_JWT_FORMAT", id="no scheme"),
        pytest.param({"Authorization": "Basic YTpi"}, "UNAUTHORIZED_INVALID_JWT_FORMAT", id="another scheme"),
        pytest.param({"Authorization": "Bearer "}, "UNAUTHORIZED_INVALID_JWT_FORMAT", id="no token"),
        pytest.param({"Authorization": "Bearer sb_publishable_x"}, "UNAUTHORIZED_INVALID_JWT_FORMAT", id="an API key"),
        pytest.param({"apikey": "sb_publishable_x"}, "UNAUTHORIZED_NO_AUTH_HEADER", id="an API key in its header"),
    ],
)
def test_a_call_without_a_token_is_refused(platform: Platform, headers: Mapping[str, str], code: str) -> None:
    """With verify_jwt the gateway answers 401 with its code, the function logs nothing, and the call shows."""
    response, body = call(platform, "/hello", headers=headers)

    assert (response.status, response.headers["sb-error-code"], json.loads(body)["code"]) == (401, code, code)
    row = platform.state.logs[-1]
    assert (row.source, row.level, row.message) == ("function_edge_logs", "warn", "POST | 401 | hello")


@pytest.mark.parametrize(
    ("method", "headers", "verify"),
    [
        pytest.param("POST", {"Authorization": "Bearer eyJ.e30.x"}, True, id="a token"),
        pytest.param("POST", {"authorization": "bearer eyJ.e30.x"}, True, id="lower case"),
        pytest.param("OPTIONS", {}, True, id="preflight"),
        pytest.param("POST", {}, False, id="no verify_jwt"),
    ],
)
def test_a_call_with_a_token_or_without_need_of_one_goes_through(
    platform: Platform, method: str, headers: Mapping[str, str], verify: bool
) -> None:
    """A token will do, a preflight needs none, nor does a function deployed without verify_jwt."""
    deploy(platform, GOOD, verify_jwt=verify)

    assert call(platform, "/hello", method, headers)[0].status == 200


def test_a_key_for_functions_does_not_open_the_management_api(platform: Platform) -> None:
    """The API takes the CLI's token alone, and a path that only begins like a call is no call."""
    refused = call(platform, "extra/hello")[0].status
    allowed = call(platform, "extra/hello", headers={"Authorization": f"Bearer {platform.keys.token}"})[0].status

    assert (refused, allowed) == (401, 404)
    assert call(platform, f"/../../v1/projects/{PROJECT_REF}")[0].status == 404


def test_a_function_made_to_fail_answers_500_until_the_next_deploy(platform: Platform) -> None:
    """The event's failure wins over what the scenario lets the version answer, and a deploy ends it."""
    platform.state.fail_calls("hello")
    response, body = call(platform, "/hello")
    deploy(platform, GOOD)

    assert (response.status, body) == (500, b"Internal Server Error")
    assert response.headers["sb-error-code"] == "EDGE_FUNCTION_ERROR"
    assert call(platform, "/hello")[0].status == 200


def test_a_source_that_throws_answers_500_unless_the_scenario_says_more(platform: Platform) -> None:
    """The stand-in runs no code; a version that throws fails as the hosted platform lets it."""
    platform.state.deploy("plain", (("index.ts", BAD.encode()),), {})
    response, body = call(platform, "/plain")

    assert (response.status, body) == (500, b"Internal Server Error")


def test_each_failing_call_shows_in_both_logs(platform: Platform) -> None:
    """A deploy of a failing version shows the app's own call; each call after it adds the same two rows."""
    deploy(platform, BAD)
    after_deploy = errors(platform)
    call(platform, "/hello", "GET")

    assert after_deploy == [
        ("function_edge_logs", "POST | 500 | hello"),
        ("function_logs", "Error: uncaught exception in the handler"),
    ]
    assert errors(platform)[2:] == [
        ("function_edge_logs", "GET | 500 | hello"),
        ("function_logs", "Error: uncaught exception in the handler"),
    ]
    assert platform.state.logs[-1].attributes["function_id"] == platform.state.functions["hello"].id


def test_a_call_that_ends_well_shows_as_information(platform: Platform) -> None:
    """A 200 leaves its row and no error."""
    call(platform, "/hello")

    assert (platform.state.logs[-1].level, platform.state.logs[-1].message) == ("info", "POST | 200 | hello")
    assert errors(platform) == []


def test_a_slow_answer_keeps_its_caller_waiting_and_nobody_else(platform: Platform) -> None:
    """A caller who gives up sees no answer; meanwhile another function answers, and the server ends at once."""
    platform.state.responses = {"hello": (FunctionResponse(delay=3600),)}
    where = urlsplit(platform.functions_url)
    connection = HTTPConnection(where.netloc, timeout=0.2)
    connection.request("POST", f"{where.path}/hello", b"{}", {**platform.keys.call_headers, **KEY})
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()

    assert call(platform, "/plain")[0].status == 200


def test_a_drill_answers_calls_as_its_page_says(tmp_path: Path) -> None:
    """What a procedure's file says of a function is what is found at the drill target's address."""
    write_book(tmp_path, {"call": procedure_text(STEPS, more=DRILLS)}, policy=POLICY, supabase=SUPABASE)
    book = read_book(tmp_path)
    procedure = book.procedure("call")
    with set_stage(book, procedure, choose_drill(procedure, None)) as stage:
        target = DrillTarget("answers", stage.sandbox, book.policy, stage.url)
        response, body = call(stage.sandbox.platform, "/hello", "GET")
        held = [check_proof(proof, "", stage.sandbox.platform.state).held for proof in stage.drill.prove]

    assert target.functions_url() == stage.sandbox.platform.functions_url
    assert urlsplit(target.functions_url()).hostname == "127.0.0.1"
    assert (response.status, json.loads(body)) == (503, {"error": ["busy", 3]})
    assert response.headers["Retry-After"] == "7"
    assert stage.drill.scenario.responses["hello"][1].delay == 1
    assert held == [True]


def test_planted_faults_hit_calls_too(platform: Platform) -> None:
    """`fail_requests` over a call's METHOD and path fails that call, as often as it says."""
    platform.state.faults.append(Fault(request=linear_regex("POST /functions/v1/hello"), status=503))

    assert [call(platform, "/hello")[0].status, call(platform, "/hello")[0].status] == [503, 200]
