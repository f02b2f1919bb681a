"""Call GitHub's API: with time limits, and again if it asks for patience. The token appears in no message."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from runbook.errors import RunbookError, UsageError
from runbook.printable import one_line, shortened

if TYPE_CHECKING:
    from runbook.steps.request import Response

__all__ = ["GitHub", "GitHubError", "pause_before"]

_WITHIN = 20.0
"""How many seconds one request may take."""
_ATTEMPTS = 4
_PATIENCE = 150
"""How many seconds a call waits between its attempts, all in all."""
_LIMITED = 60
"""How many seconds to wait for a limit that doesn't say when it ends, as GitHub's documentation asks."""
_LARGEST = 16 * 1024 * 1024
"""The most bytes of an answer. A page has up to 100 comments of 64 KB."""
_PAGE = 100
_MOST_PAGES = 100
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class GitHubError(RunbookError):
    """GitHub refused a call, or didn't answer it."""

    def __init__(self, message: str, status: int = 0, *, wait: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        """0 if there was no answer."""
        self.wait = wait
        """How many seconds to wait before the next attempt: None by default, below 0 if another one won't help."""

    @property
    def is_refusal(self) -> bool:
        """Whether the token may not do this."""
        return self.status in {401, 403, 404}

    @property
    def may_have_worked(self) -> bool:
        """Whether GitHub may have done what it was asked, although it didn't say so."""
        return self.status == 0 or self.status >= 500


class GitHub:
    """The API at an address, called with a token."""

    def __init__(self, address: str, token: str, *, pause: Callable[[float], None] = time.sleep) -> None:
        """Raise UsageError for an address to which no token should go, and a token that no header can carry."""
        parts = urlsplit(address)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise UsageError(f"GITHUB_API_URL: '{address}' isn't an https:// address")
        # Python's own message would contain the token.
        if not (token.isascii() and token.isprintable() and " " not in token and token):
            raise UsageError("the token is empty, or has spaces or other characters that no token has")
        self._address = address.rstrip("/")
        self._token = token
        self.pause = pause

    def call(self, method: str, path: str, body: object = None, *, repeatable: bool = True) -> Any:
        """Return the API's answer as JSON, None if it's empty.

        A call that isn't `repeatable` is sent again only if it certainly had no effect. Raises GitHubError.
        """
        waited = 0.0
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._attempt(method, path, body)
            except GitHubError as error:
                wait = pause_before(attempt + 1) if error.wait is None else error.wait
                waited += wait
                final = wait < 0 or attempt == _ATTEMPTS or waited > _PATIENCE
                if final or (error.may_have_worked and not repeatable):
                    raise
            self.pause(wait)
        raise AssertionError("a call has at least one attempt")

    def pages(self, path: str) -> Iterator[Any]:
        """Yield the items of a list, page by page. Raises GitHubError."""
        for number in range(1, _MOST_PAGES + 1):
            items = self.call("GET", f"{path}?per_page={_PAGE}&page={number}")
            if not isinstance(items, list):
                raise GitHubError(f"GET {path}: the answer isn't a list", 200)
            yield from items
            if len(items) < _PAGE:
                return

    def _attempt(self, method: str, path: str, body: object) -> Any:
        from http.client import HTTPException

        from runbook.steps.request import send

        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "User-Agent": "migration-runbook",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        text = json.dumps(body) if body is not None else ""
        try:
            answer = send(method, f"{self._address}{path}", _WITHIN, headers, text, largest=_LARGEST)
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            why = f"no answer within {_WITHIN:g} s" if isinstance(reason, TimeoutError) else f"no answer: {reason}"
            raise GitHubError(f"{method} {path}: {one_line(why)}") from error
        if not 200 <= answer.status < 300:
            said = _message(answer)
            problem = f"{method} {path}: {answer.status}{f' {said}' if said else ''}"
            raise GitHubError(problem, answer.status, wait=_wait(answer, said))
        try:
            return json.loads(answer.text) if answer.text else None
        except (ValueError, RecursionError) as error:
            raise GitHubError(f"{method} {path}: the answer isn't JSON", answer.status, wait=-1) from error


def pause_before(attempt: int) -> float:
    """Return how many seconds to wait before the second attempt, the third, and so on."""
    return 2.0 ** (attempt - 2)


def _message(answer: Response) -> str:
    try:
        return shortened(one_line(str(json.loads(answer.text)["message"])), 200)
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _wait(answer: Response, said: str) -> float | None:
    """Return how long to wait after a failure: None by default, below 0 if another attempt won't help."""
    asked = answer.headers.get("retry-after", "")
    if asked.isascii() and asked.isdigit():
        return float(asked)
    if answer.status >= 500:
        return None
    if answer.status not in {403, 429}:
        return -1
    if answer.headers.get("x-ratelimit-remaining") == "0":
        reset = answer.headers.get("x-ratelimit-reset", "")
        return max(1.0, float(reset) - time.time()) if reset.isascii() and reset.isdigit() else _LIMITED
    return _LIMITED if answer.status == 429 or "rate limit" in said.lower() else -1
