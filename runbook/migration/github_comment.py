"""Keep one comment on a pull request: found again by its first line, updated, and never posted twice."""

from __future__ import annotations

from typing import Any, NamedTuple

from runbook.migration.github_api import GitHub, GitHubError, pause_before

__all__ = ["MARKER", "OneComment"]

MARKER = "<!-- runbook migration check -->"
"""The first line of the comment, which no reader sees."""
_ATTEMPTS = 3


class _Comment(NamedTuple):
    number: int
    text: str


class OneComment:
    """The comment of the check on a pull request."""

    def __init__(self, github: GitHub, repository: str, number: int) -> None:
        self._github = github
        self._comments = f"/repos/{repository}/issues/{number}/comments"
        self._comment = f"/repos/{repository}/issues/comments"

    def save(self, text: str, *, create: bool) -> None:
        """Make the comment say this. If there is none yet, `create` decides whether one is posted.

        Raises GitHubError.
        """
        body = f"{MARKER}\n{text}"
        own = self._own()
        if not own:
            if not create:
                return
            self._create(body)
            own = self._own()
            if len(own) < 2:
                return
            # Another run has posted at the same moment. Both keep the older comment.
        if own[0].text.replace("\r\n", "\n") != body:
            self._github.call("PATCH", f"{self._comment}/{own[0].number}", {"body": body})
        for extra in own[1:]:
            self._delete(extra)

    def _create(self, body: str) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._github.call("POST", self._comments, {"body": body}, repeatable=False)
            except GitHubError as error:
                if not error.may_have_worked or attempt == _ATTEMPTS:
                    raise
                self._github.pause(pause_before(attempt + 1))
                if self._own():
                    return
            else:
                return

    def _delete(self, comment: _Comment) -> None:
        try:
            self._github.call("DELETE", f"{self._comment}/{comment.number}")
        except GitHubError as error:
            if error.status != 404:  # the other run was faster
                raise

    def _own(self) -> list[_Comment]:
        """Return the comments of this check, oldest first.

        Anyone can write the marker into a comment. So it counts only in a bot's, or in one of the token's own user.
        """
        found, user = [], None
        for each in self._github.pages(self._comments):
            if not _text(each).startswith(MARKER):
                continue
            author = each.get("user") or {}
            if author.get("type") != "Bot":
                user = self._user() if user is None else user
                if not user or author.get("login") != user:
                    continue
            found.append(_Comment(int(each["id"]), _text(each)))
        return sorted(found)

    def _user(self) -> str:
        """Return whose token this is, "" if it's that of a workflow or an app."""
        try:
            return str(self._github.call("GET", "/user")["login"])
        except GitHubError as error:
            if error.is_refusal:
                return ""
            raise


def _text(comment: Any) -> str:
    return str(comment.get("body") or "") if isinstance(comment, dict) else ""
