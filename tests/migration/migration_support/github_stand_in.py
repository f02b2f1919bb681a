"""Provide a stand-in for GitHub's API on this machine, with the comments of one pull request."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["BOT", "REPOSITORY", "TOKEN", "Failure", "GitHubStandIn", "github_stand_in"]

REPOSITORY = "acme/shop"
TOKEN = "ghs_secretOfTheWorkflow"
BOT = {"login": "github-actions[bot]", "type": "Bot"}


@dataclass(frozen=True)
class Failure:
    """How the next request of a method is answered. `is_done` says whether it has its effect all the same."""

    method: str
    status: int
    message: str = "Server Error"
    headers: tuple[tuple[str, str], ...] = ()
    is_done: bool = False


@dataclass
class GitHubStandIn:
    """What the API knows, and what it was asked."""

    address: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    user: str = ""
    """The user whose token it is; "" for that of a workflow."""
    is_read_only: bool = False
    before_post: Callable[[], None] = lambda: None

    def add_comment(self, body: str, user: dict[str, str] | None = None) -> int:
        """Add a comment by somebody, and return its number."""
        number = 1000 + max((each["id"] - 1000 for each in self.comments), default=0) + 1
        self.comments.append({"id": number, "body": body, "user": user or {"login": "ada", "type": "User"}})
        return number

    @property
    def of_the_check(self) -> list[str]:
        """The texts of the comments that the check has written."""
        return [each["body"] for each in self.comments if each["body"].startswith("<!-- runbook migration check -->")]

    def count(self, method: str) -> int:
        """Return how many requests had a method."""
        return sum(asked == method for asked, _ in self.requests)


@contextmanager
def github_stand_in() -> Iterator[GitHubStandIn]:
    """Serve the API until the block ends."""
    known = GitHubStandIn()

    class Handler(_Handler):
        github = known

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    known.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    github: GitHubStandIn

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PATCH(self) -> None:
        self._answer("PATCH")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep the output of tests clean."""

    def _answer(self, method: str) -> None:
        github = self.github
        github.requests.append((method, self.path))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._send(401, {"message": "Bad credentials"})
            return
        failure = next((each for each in github.failures if each.method == method), None)
        if failure:
            github.failures.remove(failure)
            if failure.is_done:
                self._do(method, body)
            self._send(failure.status, {"message": failure.message}, failure.headers)
        elif github.is_read_only and method != "GET":
            self._send(403, {"message": "Resource not accessible by integration"})
        else:
            self._send(*self._do(method, body))

    def _do(self, method: str, body: bytes) -> tuple[int, object]:
        github, parts = self.github, urlsplit(self.path)
        if parts.path == "/user":
            return (200, {"login": github.user}) if github.user else (403, {"message": "Resource not accessible"})
        if parts.path == f"/repos/{REPOSITORY}/issues/7/comments":
            if method == "POST":
                github.before_post()
                text = json.loads(body)["body"]
                assert len(text) <= 65_536
                author = {"login": github.user, "type": "User"} if github.user else BOT
                return 201, {"id": github.add_comment(text, author)}
            asked = parse_qs(parts.query)
            size, page = int(asked["per_page"][0]), int(asked["page"][0])
            return 200, github.comments[size * (page - 1) : size * page]
        number = int(parts.path.rpartition("/")[2])
        found = next((each for each in github.comments if each["id"] == number), None)
        if not parts.path.startswith(f"/repos/{REPOSITORY}/issues/comments/") or found is None:
            return 404, {"message": "Not Found"}
        if method == "DELETE":
            github.comments.remove(found)
            return 204, None
        found["body"] = json.loads(body)["body"]
        return 200, found

    def _send(self, status: int, document: object, headers: tuple[tuple[str, str], ...] = ()) -> None:
        data = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
