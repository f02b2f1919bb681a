"""The guard stops what public reports say wiped a database, and lets through what other guards stopped for nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from guard_support.lines import Incident, read_incidents

from runbook.guard.agents import answer_event
from runbook.guard.command_line import judge

DATA = Path(__file__).parent / "data"
INCIDENTS = read_incidents(DATA / "incidents.tsv")
AGENT = "claude-code"
VERDICTS = {"deny": "refuse", "ask": "confirm"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project that every line runs in, as a repository with one commit."""
    path = tmp_path_factory.mktemp("incidents") / "harbour"
    shutil.copytree(DATA / "incident-project", path)
    author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    for words in (("init", "-q"), ("add", "--all", "--force"), (*author, "commit", "-q", "-m", "Start")):
        subprocess.run(["git", *words], cwd=path, check=True)
    return path


def verdict_of(incident: Incident, project: Path) -> str:
    """Return the verdict on a line, or on a tool call that an agent reports in JSON."""
    if not incident.line.startswith('{"tool_name"'):
        return judge(incident.line, cwd=str(project), env={}).verdict
    event = json.loads(incident.line) | {"hook_event_name": "PreToolUse", "cwd": str(project)}
    answer = json.loads(answer_event(AGENT, json.dumps(event).encode(), book=None).stdout)
    decision = answer.get("hookSpecificOutput", {}).get("permissionDecision")
    return VERDICTS[decision] if decision else "allow"


@pytest.mark.parametrize("incident", INCIDENTS, ids=[f"{each.kind}-{n}" for n, each in enumerate(INCIDENTS, 2)])
def test_each_line_gets_the_verdict_that_a_careful_engineer_wants(
    incident: Incident, project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The number in a test's name is the line in the table. Every line was written before the guard was tried on it."""
    monkeypatch.setenv("HOME", str(tmp_path))  # the guard's log

    verdict = verdict_of(incident, project)

    if incident.verdict == "stop":
        assert verdict in {"confirm", "refuse"}, incident
    else:
        assert verdict == incident.verdict, incident


def test_each_kind_has_lines_and_no_line_is_there_twice() -> None:
    """There are over 300 lines, a third of them harmless."""
    verdicts = Counter(each.verdict for each in INCIDENTS)
    kinds = Counter(each.kind for each in INCIDENTS if each.verdict != "allow")

    assert len({each.line for each in INCIDENTS}) == len(INCIDENTS) > 300
    assert verdicts["allow"] > 100
    assert min(kinds.values()) >= 10, kinds
