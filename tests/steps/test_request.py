"""The request step: what it sends, what it must answer, and where its secrets go."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.walks import AT, FakeOperator, FakeTarget, Walked, book, parameter, policy, procedure, step

from runbook.errors import ExitCode, UsageError
from runbook.journal.events import StepFinished, StepStarted
from runbook.model import Effect, Expectation, Role, Undo
from runbook.runtime.executor import PtyExecutor
from runbook.steps import view
from runbook.steps.destination import Destination
from runbook.steps.request import Request

SECRET = "eyJhbGciOiJub25lIn0.e30.0123456789abcdef"


@dataclass
class Server:
    """A function on loopback: what it answers, and what it was sent."""

    url: str = ""
    status: int = 200
    body: str = '{"done": true, "left": 3}'
    delay: float = 0
    """Seconds before the answer."""
    pause: float = 0
    """Seconds between its bytes."""
    location: str = ""
    seen: list[tuple[str, str, Mapping[str, str], str]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve on a free port of this machine."""
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            told.seen.append((self.command, self.path, dict(self.headers), sent))
            time.sleep(told.delay)
            self.send_response(told.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Set-Cookie", "session=1")
            if told.location:
                self.send_header("Location", told.location)
            self.end_headers()
            body = b"" if self.command == "HEAD" else told.body.encode()
            pieces = [bytes([byte]) for byte in body] if told.pause else [body]
            with suppress(ConnectionError):  # the client has gone
                for piece in pieces:
                    self.wfile.write(piece)
                    time.sleep(told.pause)

        do_GET = do_HEAD = do_POST = answer  # noqa: N815 - the names that the server looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{listening.server_port}/functions/v1"
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    yield told
    listening.shutdown()
    listening.server_close()
    thread.join()


def destination(url: str = "https://x.supabase.co/functions/v1") -> Destination:
    """Return a target whose functions are at that address."""
    return Destination(policy(), 3, lambda _: (), lambda: url)


def sent(
    request: Request, server: Server, *, secret: str = SECRET, **values: str
) -> tuple[int, dict[str, object], str]:
    """Send it as the walk does; return exit code, the answer, and what was said on standard error."""
    environment = {**os.environ, **request.environment(), **request.secret_environment(lambda _: secret)}
    argv = request.argv(values, destination(server.url))
    assert secret not in " ".join(argv)
    ended = subprocess.run(argv, capture_output=True, text=True, env=environment, timeout=30, check=False)
    return ended.returncode, json.loads(ended.stdout or "{}"), ended.stderr


def test_it_sends_method_path_headers_and_body(server: Server) -> None:
    """The function gets what the step says, its values filled in."""
    request = Request(
        function="{{name}}",
        method="POST",
        path="/tasks?id={{id}}",
        headers={"X-Trace": "drill-{{id}}"},
        json={"task": "{{id}}", "deep": ["{{id}}", 1, True]},
        at=AT,
    )

    code, answer, said = sent(request, server, name="complete-task", id="7")

    assert (code, answer["status"], answer["body"], said) == (0, 200, {"done": True, "left": 3}, "")
    [(method, path, headers, body)] = server.seen
    assert (method, path, headers["X-Trace"]) == ("POST", "/functions/v1/complete-task/tasks?id=7", "drill-7")
    assert json.loads(body) == {"task": "7", "deep": ["7", 1, True]}


def test_type_of_a_json_body_is_the_authors_if_given(server: Server) -> None:
    """However its header is spelled; the screen shows the headers that are sent."""
    for headers, expected in (({}, "application/json"), ({"content-type": "text/x"}, "text/x")):
        request = Request(function="f", method="POST", headers=headers, json={"a": 1}, at=AT)
        sent(request, server)
        shown = next(block for block in request.view({}, destination()) if isinstance(block, view.HttpRequest))
        assert [value for name, value in shown.headers if name.lower() == "content-type"] == [expected]
        assert [value for name, value in server.seen[-1][2].items() if name.lower() == "content-type"] == [expected]


def test_answer_of_deep_nesting_is_kept_as_text(server: Server) -> None:
    """No JSON reader follows it down."""
    server.body = "[" * 100_000
    code, answer, said = sent(Request(function="f", at=AT), server)
    assert (code, answer["body"], said) == (0, server.body, "")


def test_secrets_go_by_the_environment_into_headers(server: Server) -> None:
    """They are in no argv; Authorization gets its Bearer; cookies of the answer are not kept."""
    request = Request(function="f", secret_headers={"Authorization": "key", "apikey": "key"}, at=AT)

    code, answer, _ = sent(request, server)

    assert code == 0
    assert server.seen[0][2]["Authorization"] == f"Bearer {SECRET}"
    assert server.seen[0][2]["Apikey"] == SECRET
    assert "set-cookie" not in json.dumps(answer)


def test_an_api_key_is_not_sent_as_a_token(server: Server) -> None:
    """The gateway refuses `Bearer sb_…`, so the key goes into its own header."""
    request = Request(function="f", secret_headers={"Authorization": "key"}, at=AT)

    sent(request, server, secret="sb_publishable_drill")

    assert server.seen[0][2]["Apikey"] == "sb_publishable_drill"
    assert "Authorization" not in server.seen[0][2]


def test_a_redirect_is_the_answer(server: Server) -> None:
    """Following it would carry the secrets elsewhere."""
    server.status, server.location = 302, f"{server.url}/elsewhere"

    code, answer, _ = sent(Request(function="f", secret_headers={"apikey": "key"}, at=AT), server)

    assert (code, answer["status"], len(server.seen)) == (0, 302, 1)


@pytest.mark.parametrize(
    ("holds", "delay", "pause", "said"),
    [
        pytest.param("{{word}}", 0, 0, "doesn't contain: ready", id="another body"),
        pytest.param(None, 1.4, 0, "no answer within 1 s", id="too late"),
        pytest.param(None, 0, 0.3, "no answer within 1 s", id="piece by piece"),
    ],
)
def test_a_wrong_or_late_answer_fails(server: Server, holds: str | None, delay: float, pause: float, said: str) -> None:
    """A status alone says little: an error may come with 200."""
    server.delay, server.pause = delay, pause
    request = Request(function="f", holds=holds, within=1, at=AT)

    code, _, told = sent(request, server, word="ready")

    assert code == 1
    assert said in told


def test_nobody_there_is_said_in_words() -> None:
    """No traceback."""
    code, answer, said = sent(Request(function="f", at=AT), Server(url="http://127.0.0.1:1/functions/v1"))

    assert (code, answer) == (1, {})
    assert said.startswith("no answer: ")


# --- values -----------------------------------------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_a_value_stays_one_part_of_the_address(value: str) -> None:
    """It adds no path, no query and no host."""
    [*_, _method, url, _within, _headers, _body, _holds] = Request(function="f", path="/{{v}}/end", at=AT).argv(
        {"v": value}, destination()
    )

    start, end = "https://x.supabase.co/functions/v1/f/", "/end"
    assert url.startswith(start)
    assert url.endswith(end)
    assert not set(url[len(start) : -len(end)]) & set("/?#@: \r\n")


@given(st.text(max_size=20))
def test_a_value_stays_one_text_of_a_json_body(value: str) -> None:
    """It can't end its text and add a key."""
    argv = Request(function="f", method="POST", json={"a": "<{{v}}>", "{{v}}k": [1]}, at=AT).argv(
        {"v": value}, destination()
    )
    assert json.loads(argv[-2]) == {"a": f"<{value}>", f"{value}k": [1]}


def test_a_value_adds_no_header() -> None:
    """A line end in a header would begin another one."""
    with pytest.raises(UsageError, match="control character"):
        Request(function="f", headers={"X": "{{v}}"}, at=AT).argv({"v": "a\r\nY: b"}, destination())


# --- what it does to its target -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "reason", "effect"),
    [
        ("GET", None, Effect.READS),
        ("HEAD", None, Effect.READS),
        ("POST", None, Effect.WRITES),
        ("DELETE", None, Effect.WRITES),
        ("POST", "It only counts.", Effect.READS),
    ],
)
def test_the_method_says_whether_it_writes(method: str, reason: str | None, effect: Effect) -> None:
    """Unless the author gives a reason why it only reads."""
    assert Request(function="f", method=method, only_reads=reason, at=AT).declared is effect


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (Request(function="f", method="POST", json={}, body="x", at=AT), "one body"),
        (Request(function="f", only_reads="because", at=AT), "never writes"),
        (Request(function="f", body="x", at=AT), "can't have a body"),
    ],
)
def test_what_makes_no_sense_is_a_problem(request_: Request, problem: str) -> None:
    """`runbook check` says so."""
    [(message, *_)] = request_.problems(Role.STEP, Effect.READS)
    assert problem in message


def test_the_status_is_expected_first() -> None:
    """Beside what the step expects of the answer."""
    own = Expectation(json=(("body.left", "3"),))
    assert Request(function="f", status=201, at=AT).expectation(own).json == (("status", "201"), ("body.left", "3"))


# --- in a walk ----------------------------------------------------------------------------------------------------


class LoopbackTarget(FakeTarget):
    """A target whose functions answer on this machine."""

    url = ""

    def functions_url(self) -> str:
        """Return the address."""
        return self.url


def walked(tmp_path: Path, server: Server, request: Request, **more: object) -> Walked:
    """Walk one request with the real executor."""
    call = step("call", request, undo=Undo(reason="It is done."), **more)
    fix = procedure(call, parameters=[parameter("key", secret=True)])
    target = LoopbackTarget(directory=str(tmp_path))
    target.url = server.url
    executor = PtyExecutor.here(unattended=True)
    return Walked(book(fix), tmp_path, FakeOperator(values={"key": SECRET}), executor, target=target)  # type: ignore[arg-type]


def test_a_walk_writes_down_what_came_back_and_no_secret(tmp_path: Path, server: Server) -> None:
    """A function that answers with the key it was sent shows nothing of it."""
    server.body = json.dumps({"done": True, "sent": SECRET})
    request = Request(function="f", method="POST", secret_headers={"Authorization": "key"}, holds="done", at=AT)

    walk = walked(tmp_path, server, request, expect=Expectation(json=(("body.done", "true"),)))

    assert walk.begin() is ExitCode.DONE
    events = walk.journal.events(walk.run)
    [started] = [event for event in events if isinstance(event, StepStarted)]
    [finished] = [event for event in events if isinstance(event, StepFinished)]
    assert (started.effect, started.confirmed) == ("writes", "yes")
    assert '"done": true' in finished.output
    assert "status is 200, as expected" in finished.evidence
    assert SECRET not in repr(events)


def test_a_walk_stops_at_another_status(tmp_path: Path, server: Server) -> None:
    """And says which."""
    server.status, server.body = 500, '{"error": "cost is undefined"}'

    walk = walked(tmp_path, server, Request(function="f", at=AT))

    assert walk.begin() is ExitCode.NOT_COMPLETED
    [finished] = [event for event in walk.journal.events(walk.run) if isinstance(event, StepFinished)]
    assert "expected status to be 200, saw 500" in finished.evidence
    assert "cost is undefined" in finished.output
