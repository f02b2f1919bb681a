"""What the check learns from the event that started a workflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runbook.errors import UsageError
from runbook.migration.github_event import Event, read_event

HEAD = "b" * 40


def _pull(**head: Any) -> dict[str, Any]:
    return {"pull_request": {"number": 7, "base": {"ref": "release/2"}, "head": {"sha": HEAD, **head}}}


def _read(folder: Path, event: object, **more: str) -> Event:
    file = folder / "event.json"
    file.write_text(event if isinstance(event, str) else json.dumps(event), encoding="utf-8")
    return read_event({"GITHUB_REPOSITORY": "acme/shop", "GITHUB_EVENT_PATH": str(file), **more})


def test_a_pull_request_has_a_number_a_base_and_a_head(tmp_path: Path) -> None:
    """The server may be a company's own."""
    event = _read(tmp_path, _pull(repo={"full_name": "acme/shop"}), GITHUB_SERVER_URL="https://git.example.com")

    assert event == Event("acme/shop", 7, "release/2", HEAD, is_from_fork=False, server="https://git.example.com")
    assert event.address_of("a b/#.sql", 4) == f"https://git.example.com/acme/shop/blob/{HEAD}/a%20b/%23.sql#L4"


@pytest.mark.parametrize("repo", [{"full_name": "mallory/shop"}, None], ids=["fork", "deleted fork"])
def test_a_fork_is_recognized(repo: object, tmp_path: Path) -> None:
    """Also one that was deleted since."""
    assert _read(tmp_path, _pull(repo=repo)).is_from_fork


def test_other_events_have_no_pull_request(tmp_path: Path) -> None:
    """A merge queue has a base, and a push has nothing to compare with."""
    assert _read(tmp_path, {"ref": "refs/heads/main"}) == Event("acme/shop")
    queue = {"merge_group": {"base_ref": "refs/heads/main", "base_sha": HEAD}}
    assert _read(tmp_path, queue) == Event("acme/shop", base="main")


@pytest.mark.parametrize(
    "event",
    ["", "[]", "{", '{"pull_request": 7}', '{"pull_request": {"number": 7}}', "[" * 100_000, _pull(sha="x; rm -rf")],
    ids=["empty", "list", "cut", "number", "part", "deep", "head"],
)
def test_an_event_that_is_not_githubs_is_an_error(event: object, tmp_path: Path) -> None:
    """One sentence, no traceback."""
    with pytest.raises(UsageError, match=r"event|GITHUB_EVENT_PATH"):
        _read(tmp_path, event)


def test_outside_a_workflow_the_error_names_the_other_command(tmp_path: Path) -> None:
    """Somebody tries the command at a terminal."""
    with pytest.raises(UsageError) as caught:
        read_event({})
    assert "runbook migration check" in caught.value.hint


def test_a_workflow_with_the_rights_of_the_base_is_refused(tmp_path: Path) -> None:
    """Its checkout lacks the pull request's files, so every pull request would be all clear."""
    with pytest.raises(UsageError, match="pull_request_target"):
        _read(tmp_path, _pull(), GITHUB_EVENT_NAME="pull_request_target")
