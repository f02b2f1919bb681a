"""The events that agents document, one by one: each gets the answer that is written beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from guard_support.answers import decision_of

from runbook.guard import agents
from runbook.guard.agent_settings import settings_path

EVENTS = Path(__file__).parent / "data/events"
GUIDE = Path(__file__).parents[2] / "docs/reference/guard.md"
ANSWERS = {"pass": "allow", "ask": "ask", "deny": "deny"}


def events_of(agent: str) -> list[dict[str, Any]]:
    """Return the events of an agent: name, source, what it shows, the event, and the answer."""
    found: list[dict[str, Any]] = yaml.safe_load((EVENTS / f"{agent}.yaml").read_text())
    return found


ALL = [pytest.param(agent, each, id=f"{agent}: {each['name']}") for agent in agents.AGENTS for each in events_of(agent)]


@pytest.fixture(autouse=True, scope="module")
def _state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the log of what is stopped away from the person's own, in a home that has read the policy once."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_STATE_HOME", str(home / "state"))
        yield


@pytest.mark.parametrize(("agent", "recorded"), ALL)
def test_a_documented_event_gets_the_answer_beside_it(agent: str, recorded: dict[str, Any]) -> None:
    """The agent understands the answer, and it says what it must."""
    given = agents.answer_event(agent, json.dumps(recorded["event"]).encode(), book=None)

    assert decision_of(agent, given.stdout, given.stderr, given.code) == ANSWERS[recorded["answer"]]
    assert recorded.get("says", "") in given.stdout + given.stderr


def test_every_agent_has_events_with_their_source() -> None:
    """Each file belongs to an agent, and each agent has a command and an MCP tool, stopped and passed."""
    assert {path.stem for path in EVENTS.glob("*.yaml")} == set(agents.AGENTS)
    for agent in agents.AGENTS:
        found = events_of(agent)
        assert {"pass", "deny"} <= {each["answer"] for each in found}
        assert [each["name"] for each in found if not each["source"].startswith("https://")] == []
        assert all(each["shows"].endswith(".") for each in found)
        assert any("MCP" in each["name"] for each in found)


def test_the_guide_has_each_agent_with_its_file() -> None:
    """A reader finds how to install it, the file, what the guard sees, and whether the agent asks."""
    text = GUIDE.read_text(encoding="utf-8")
    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("| ")}
    for agent, name in agents.AGENTS.items():
        assert f"runbook guard install {agent}" in text
        _, _, file, sees, misses, asks, _ = (cell.strip() for cell in rows[name].split("|"))
        assert f"`{settings_path(agent, user=False)}`" in file
        assert "MCP tools" in sees
        assert misses
        assert ("it asks" in asks) == any(each["answer"] == "ask" for each in events_of(agent))
