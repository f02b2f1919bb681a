"""Notifications leave in a thread of their own; a receiver that is slow, wrong or gone stops nothing."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from support.terminals import program
from support.walks import AT

from runbook.errors import UsageError
from runbook.model.notification import Notification
from runbook.reports.notification import payload
from runbook.runtime import notifier
from runbook.runtime.notifier import Notifier, receivers_of

START = {"moment": "start", "text": "began", "run": "r1"}
END = {"moment": "end", "text": "finished", "run": "r1"}


class Webhook:
    """A server on loopback that keeps what it gets, and answers with `status`."""

    def __init__(self, status: int = 200, location: str = "") -> None:
        got: list[str] = []
        release = threading.Event()
        release.set()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                got.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                release.wait(20)
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST  # noqa: N815 - a redirect would be followed by GET

            def log_message(self, *_args: object) -> None:
                pass

        self.got = got
        self.release = release
        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @contextmanager
    def open(self) -> Iterator[Webhook]:
        """Serve until the block ends."""
        self._thread.start()
        try:
            yield self
        finally:
            self.release.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(5)


def to_webhook(kind: str = "webhook", on: tuple[str, ...] = ("start", "write", "stuck", "end")) -> Notification:
    """Return a receiver whose address is in HOOK."""
    return Notification(kind=kind, **{kind: "HOOK"}, on=on, at=AT)


def tell(
    notifications: list[Notification], address: str, *messages: dict[str, str], directory: Path = Path()
) -> list[str]:
    """Send the messages; return what was said about receivers that got no message."""
    told = Notifier(receivers_of(notifications, directory, {"HOOK": address, "PATH": "/usr/bin:/bin"}, payload))
    for message in messages:
        told.send(message)
    return list(told.close())


def test_a_webhook_gets_each_moment_that_it_wants_in_order() -> None:
    """The other moments are for other receivers."""
    with Webhook().open() as hook:
        assert tell([to_webhook(on=("end",))], hook.url, START, END) == []
        assert [json.loads(text)["text"] for text in hook.got] == ["finished"]
        assert tell([to_webhook("slack")], hook.url, START, END) == []
        assert [json.loads(text)["text"].split("\n")[0] for text in hook.got[1:]] == ["began", "finished"]


def test_a_webhook_that_fails_is_named_without_its_address() -> None:
    """Whoever knows the address can use it, so it's a secret."""
    with Webhook(status=500).open() as hook:
        assert tell([to_webhook()], hook.url, START) == ["the webhook in HOOK got no message: it answered 500"]
        gone = hook.url
    (said,) = tell([to_webhook()], gone, START)
    assert said.startswith("the webhook in HOOK got no message: ")
    assert gone not in said


def test_a_redirect_is_not_followed() -> None:
    """What a run does isn't for another host."""
    with Webhook().open() as other, Webhook(status=307, location=other.url).open() as hook:
        assert tell([to_webhook()], hook.url, START) == ["the webhook in HOOK got no message: it answered 307"]
        assert other.got == []


def test_a_slow_receiver_delays_neither_a_run_nor_its_end_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """`tell` returns at once, and `close` gives up."""
    monkeypatch.setattr(notifier, "_SECONDS", 0.3)
    with Webhook().open() as hook:
        hook.release.clear()
        before = time.monotonic()
        said = tell([to_webhook()], hook.url, *[START] * 50)
        assert time.monotonic() - before < 10  # 50 messages at 20 s each would take a quarter of an hour
    assert said[-1] in {"some messages weren't sent in time", "the webhook in HOOK got no message: timed out"}


@pytest.mark.parametrize("address", ["http://hooks.example.com/x", "ftp://127.0.0.1/x", "hooks", "http://[x"])
def test_an_address_that_others_can_read_on_the_way_is_refused(address: str) -> None:
    """The message goes to https, or to this machine; the address isn't repeated."""
    with pytest.raises(UsageError) as refused:
        receivers_of([to_webhook()], Path(), {"HOOK": address}, payload)
    assert "HOOK has no address that begins with https://" in refused.value.message
    assert address not in refused.value.message + refused.value.hint


def test_who_does_not_have_the_address_tells_nobody() -> None:
    """Not everybody has every webhook; their runs go on."""
    assert receivers_of([to_webhook()], Path(), {}, payload) == []


def test_a_program_reads_the_message_and_gets_no_secret_of_the_environment(tmp_path: Path) -> None:
    """It has what a command of a step has."""
    program(tmp_path, "tell", "cat > got; env > env")
    notification = Notification(kind="program", program="tell", on=("start",), at=AT)
    receivers = receivers_of([notification], tmp_path, {"PATH": "/usr/bin:/bin", "SUPABASE_DB_PASSWORD": "x7"}, payload)
    told = Notifier(receivers)
    told.send(START)
    assert told.close() == []
    assert json.loads((tmp_path / "got").read_text()) == START
    assert "SUPABASE_DB_PASSWORD" not in (tmp_path / "env").read_text()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo no route >&2; exit 3", "tell got no message: it ended with 3: no route"),
        (None, "tell got no message: No such file or directory"),
    ],
)
def test_a_program_that_fails_says_why(tmp_path: Path, script: str | None, said: str) -> None:
    """One line at the end, and the run is as it was."""
    if script:
        program(tmp_path, "tell", script)
    notification = Notification(kind="program", program="tell", at=AT)
    assert tell([notification], "", START, directory=tmp_path) == [said]
