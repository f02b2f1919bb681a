"""Read what GitHub says about the event that started a workflow."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from runbook.errors import UsageError

__all__ = ["Event", "read_event"]

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True)
class Event:
    """The facts of an event that the check needs. Outside a pull request, `number` is 0."""

    repository: str
    """OWNER/NAME."""
    number: int = 0
    """The pull request's number."""
    base: str = ""
    """The branch that the changes are for."""
    head: str = ""
    """The commit that the pull request ends with."""
    is_from_fork: bool = False
    server: str = "https://github.com"

    def address_of(self, file: str, line: int) -> str:
        """Return the address at which a person sees a line of a file, "" if the commit isn't known."""
        if not self.head:
            return ""
        place = f"#L{line}" if line else ""
        return f"{self.server}/{self.repository}/blob/{self.head}/{quote(file)}{place}"


def read_event(environ: Mapping[str, str]) -> Event:
    """Return the event that the variables of a workflow describe.

    Raises UsageError outside a workflow, and for an event whose checkout doesn't contain the pull request's files.
    """
    repository = environ.get("GITHUB_REPOSITORY", "")
    if not _REPOSITORY.fullmatch(repository):
        raise UsageError(
            "this isn't a workflow of GitHub: GITHUB_REPOSITORY isn't OWNER/NAME",
            hint="Elsewhere, run: runbook migration check",
        )
    if environ.get("GITHUB_EVENT_NAME") == "pull_request_target":
        raise UsageError(
            "on pull_request_target, the checkout is the base branch, without the files of the pull request",
            hint="Start the workflow on pull_request instead.",
        )
    event = _document(environ.get("GITHUB_EVENT_PATH", ""))
    server = environ.get("GITHUB_SERVER_URL") or "https://github.com"
    try:
        return _event(event, repository, server)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UsageError("the event's file doesn't describe a pull request as GitHub does") from error


def _document(path: str) -> Any:
    try:
        return json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"GITHUB_EVENT_PATH: '{path}' can't be read as JSON") from error


def _event(event: Any, repository: str, server: str) -> Event:
    if group := event.get("merge_group"):
        return Event(repository, base=str(group["base_ref"]).removeprefix("refs/heads/"), server=server)
    pull = event.get("pull_request")
    if not pull:
        return Event(repository, server=server)
    head = str(pull["head"]["sha"])
    if not _COMMIT.fullmatch(head):
        raise ValueError(head)
    # The head has no repository any more if somebody has deleted the fork.
    owner = (pull["head"].get("repo") or {}).get("full_name", "")
    return Event(repository, int(pull["number"]), str(pull["base"]["ref"]), head, owner != repository, server)
