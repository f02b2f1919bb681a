"""The one comment on a pull request, with GitHub's API as it can behave."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from migration_support.github_stand_in import BOT, REPOSITORY, TOKEN, Failure, GitHubStandIn, github_stand_in

from runbook.errors import UsageError
from runbook.migration.github_api import GitHub, GitHubError
from runbook.migration.github_comment import MARKER, OneComment


@pytest.fixture
def github() -> Iterator[GitHubStandIn]:
    """Serve the stand-in."""
    with github_stand_in() as found:
        yield found


@pytest.fixture
def pauses() -> list[float]:
    """Collect how long the client would have waited."""
    return []


@pytest.fixture
def comment(github: GitHubStandIn, pauses: list[float]) -> OneComment:
    """Return the comment on pull request 7, by a client that doesn't wait."""
    return OneComment(GitHub(github.address, TOKEN, pause=pauses.append), REPOSITORY, 7)


# --- one comment ------------------------------------------------------------------------------------------------------


def test_the_comment_is_found_behind_a_hundred_others(github: GitHubStandIn, comment: OneComment) -> None:
    """It's created once, and updated on whatever page it is."""
    for number in range(250):
        github.add_comment(f"Comment {number}")
    comment.save("two errors", create=True)
    comment.save("one error", create=True)

    assert github.of_the_check == [f"{MARKER}\none error"]
    assert (github.count("POST"), github.count("PATCH")) == (1, 1)


def test_nothing_is_posted_without_news(github: GitHubStandIn, comment: OneComment) -> None:
    """A clean pull request gets no comment, and an existing one becomes clean."""
    comment.save("all clear", create=False)
    assert github.of_the_check == []

    comment.save("one error", create=True)
    comment.save("all clear", create=False)
    assert github.of_the_check == [f"{MARKER}\nall clear"]


def test_the_same_text_is_not_written_again(github: GitHubStandIn, comment: OneComment) -> None:
    """An edit without a change would only move the mark that says so."""
    comment.save("one\nerror", create=True)
    github.comments[0]["body"] = github.comments[0]["body"].replace("\n", "\r\n")
    comment.save("one\nerror", create=True)

    assert github.count("PATCH") == 0


def test_a_stranger_who_writes_the_marker_gets_no_say(github: GitHubStandIn, comment: OneComment) -> None:
    """Their comment would show the result, and they could edit it."""
    github.add_comment(f"{MARKER}\nall clear", {"login": "mallory", "type": "User"})
    github.add_comment(f"I saw {MARKER}", dict(BOT))
    comment.save("one error", create=True)

    assert github.of_the_check == [f"{MARKER}\nall clear", f"{MARKER}\none error"]


def test_a_users_own_token_finds_that_users_comment(github: GitHubStandIn, comment: OneComment) -> None:
    """A team may use a token of its own instead of the workflow's."""
    github.user = "release-robot"
    comment.save("one error", create=True)
    comment.save("two errors", create=True)

    assert github.of_the_check == [f"{MARKER}\ntwo errors"]


def test_two_runs_at_once_leave_one_comment(github: GitHubStandIn, comment: OneComment) -> None:
    """The other run posts after this one has looked, and before it posts."""

    def other_run() -> None:
        github.add_comment(f"{MARKER}\nfrom the other run", dict(BOT))

    github.before_post = other_run
    comment.save("one error", create=True)

    assert github.of_the_check == [f"{MARKER}\none error"]


def test_a_comment_that_somebody_deletes_meanwhile_is_no_problem(github: GitHubStandIn, comment: OneComment) -> None:
    """The other run has removed the extra one already."""
    for _ in range(2):
        github.add_comment(f"{MARKER}\nold", dict(BOT))
    github.failures.append(Failure("DELETE", 404, "Not Found"))
    comment.save("one error", create=True)

    assert github.of_the_check[0] == f"{MARKER}\none error"


# --- patience ---------------------------------------------------------------------------------------------------------


def test_a_server_error_is_tried_again(github: GitHubStandIn, comment: OneComment, pauses: list[float]) -> None:
    """Each pause is twice as long as the one before."""
    github.failures += [Failure("GET", 502), Failure("GET", 503)]
    comment.save("one error", create=True)

    assert github.of_the_check == [f"{MARKER}\none error"]
    assert pauses == [1, 2]


def test_a_post_that_worked_behind_an_error_is_not_repeated(github: GitHubStandIn, comment: OneComment) -> None:
    """A gateway may answer 502 after the comment was created. One that didn't work is repeated."""
    github.failures.append(Failure("POST", 502, is_done=True))
    comment.save("one error", create=True)
    assert (len(github.of_the_check), github.count("POST")) == (1, 1)

    github.comments.clear()
    github.failures.append(Failure("POST", 502))
    comment.save("one error", create=True)
    assert (len(github.of_the_check), github.count("POST")) == (1, 3)


@pytest.mark.parametrize(
    ("failure", "pause"),
    [
        (Failure("POST", 403, "You have exceeded a secondary rate limit", (("Retry-After", "7"),)), 7),
        (Failure("POST", 403, "You have exceeded a secondary rate limit"), 60),
        (Failure("PATCH", 429, "Too many requests"), 60),
        (Failure("GET", 403, "API rate limit exceeded", (("x-ratelimit-remaining", "0"),)), 60),
        (Failure("GET", 503, "Busy", (("Retry-After", "3"),)), 3),
    ],
    ids=lambda each: getattr(each, "message", None),
)
def test_a_limit_is_waited_out(
    failure: Failure, pause: float, github: GitHubStandIn, comment: OneComment, pauses: list[float]
) -> None:
    """As long as GitHub says, or a minute."""
    if failure.method == "PATCH":
        github.add_comment(f"{MARKER}\nold", dict(BOT))
    github.failures.append(failure)
    comment.save("one error", create=True)

    assert github.of_the_check == [f"{MARKER}\none error"]
    assert pauses == [pause]


def test_nobody_waits_an_hour_for_a_comment(github: GitHubStandIn, comment: OneComment, pauses: list[float]) -> None:
    """The limit of a repository can last that long. Then the error says so."""
    reset = (("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", str(int(time.time()) + 3600)))
    github.failures.append(Failure("GET", 403, "API rate limit exceeded", reset))

    with pytest.raises(GitHubError, match="403 API rate limit exceeded"):
        comment.save("one error", create=True)
    assert pauses == []


def test_a_server_that_stays_down_ends_the_attempts(
    github: GitHubStandIn, comment: OneComment, pauses: list[float]
) -> None:
    """Four attempts, then the reason."""
    github.failures += [Failure("GET", 500)] * 9

    with pytest.raises(GitHubError, match=r"GET /repos/acme/shop/issues/7/comments.*: 500 Server Error"):
        comment.save("one error", create=True)
    assert pauses == [1, 2, 4]


def test_no_answer_at_all_is_an_error_with_the_reason(pauses: list[float]) -> None:
    """Nobody listens at that port."""
    with github_stand_in() as gone:
        address = gone.address

    with pytest.raises(GitHubError, match=r"no answer: .*refused"):
        OneComment(GitHub(address, TOKEN, pause=pauses.append), REPOSITORY, 7).save("one error", create=True)


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_a_token_that_can_only_read_is_a_refusal_at_once(
    github: GitHubStandIn, comment: OneComment, pauses: list[float]
) -> None:
    """Another attempt wouldn't help."""
    github.is_read_only = True

    with pytest.raises(GitHubError) as caught:
        comment.save("one error", create=True)
    assert caught.value.is_refusal
    assert pauses == []
    assert github.count("POST") == 1


@pytest.mark.parametrize(
    "address", ["http://api.example.com", "ftp://api.example.com", "", "http://127.0.0.1@evil.test"]
)
def test_no_token_goes_to_an_address_without_encryption(address: str) -> None:
    """Except on this machine."""
    with pytest.raises(UsageError, match="GITHUB_API_URL"):
        GitHub(address, TOKEN)


@pytest.mark.parametrize("token", ["", "ghs_a\nX-Evil: 1", "ghs_a b", "ghs_ä"])
def test_an_odd_token_is_refused_without_showing_it(token: str) -> None:
    """Python's error about a header would contain it."""
    with pytest.raises(UsageError, match="token") as caught:
        GitHub("https://api.example.com", token)
    assert not token or token not in str(caught.value)


def test_an_answer_that_is_not_json_is_an_error(pauses: list[float]) -> None:
    """As from a proxy that shows a page of its own."""
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>Log in</html>")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(GitHubError, match="the answer isn't JSON"):
            GitHub(f"http://127.0.0.1:{server.server_port}", TOKEN, pause=pauses.append).call("GET", "/x")
        thread.join()
