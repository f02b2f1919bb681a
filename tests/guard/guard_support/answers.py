"""What an agent understands when a hook answers."""

from __future__ import annotations

import json

BY_EXIT_CODE = frozenset({"windsurf", "opencode"})
"""Agents that read the exit code alone, and the reason on standard error."""


def decision_of(agent: str, stdout: str, stderr: str, code: int) -> str:
    """Return allow (no opinion), ask or deny. A test fails if the answer has no reason, or two parts that disagree."""
    if agent in BY_EXIT_CODE:
        assert (stdout, bool(stderr)) in {("", code != 0), ("{}", False)}
        return "allow" if code == 0 else "deny"
    found = json.loads(stdout)
    if found == {}:
        assert code == 0
        return "allow"
    if agent in {"claude-code", "codex"}:
        inner = found["hookSpecificOutput"]
        assert inner["hookEventName"] == "PreToolUse"
        decided, reason = inner["permissionDecision"], inner["permissionDecisionReason"]
    elif agent == "gemini":
        decided, reason = found["decision"], found["reason"]
    elif agent == "cursor":
        assert found["agent_message"] == found["user_message"]
        decided, reason = found["permission"], found["agent_message"]
    else:
        decided, reason = found["permissionDecision"], found["permissionDecisionReason"]
        assert found["hookSpecificOutput"]["permissionDecision"] == decided
    assert reason
    # Copilot takes any exit code for a hook that failed, and runs the command.
    assert code == (2 if decided == "deny" and agent != "copilot" else 0)
    return str(decided)
