"""Answer the hooks of coding agents.

Sources: the agents' own hook references (Claude Code, Codex, Gemini CLI, Cursor, Copilot, Windsurf, OpenCode), read in
November 2026. None of them treats silence or a broken answer as a refusal, so every failure here is answered like a
refusal.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runbook.guard.events import LARGEST, Event, Language, Text, UnreadableEventError, read_event
from runbook.guard.judging import judge_event
from runbook.guard.messages import as_sentence, hidden, project_line
from runbook.model import Verdict
from runbook.printable import printable

__all__ = ["AGENTS", "LARGEST", "HookAnswer", "answer_event", "answer_failure"]

AGENTS: Mapping[str, str] = {
    "claude-code": "Claude Code",
    "codex": "Codex",
    "gemini": "Gemini CLI",
    "cursor": "Cursor",
    "copilot": "GitHub Copilot",
    "windsurf": "Windsurf",
    "opencode": "OpenCode",
}
"""The word on the command line → the agent's name."""

_ASKING_MODES: Mapping[str, frozenset[str]] = {"claude-code": frozenset({"default", "manual", "plan", "acceptEdits"})}
"""Agents that ask the person if a hook wants it, and the modes in which they do. In its other modes, Claude Code has
run commands in spite of the question. Codex, Gemini CLI, Windsurf and OpenCode have no such answer, Copilot's cloud
agent has nobody to ask, and Cursor doesn't say whether it runs commands by itself."""
_LONGEST_LINE = 500


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """What a hook prints on each stream, and its exit code."""

    stdout: str
    stderr: str = ""
    code: int = 0


def answer_event(agent: str, data: bytes, *, book: str | None) -> HookAnswer:
    """Judge what an agent's event would do. No event can make this raise.

    An agent that isn't known gets the answer that most agents understand: the exit code.
    """
    try:
        event = read_event(data, is_known=agent in AGENTS)
        judged = judge_event(event, book=book, face=agent) if event.actions else None
    except UnreadableEventError as error:
        return answer_failure(agent, str(error))
    if judged is None or judged.verdict is Verdict.ALLOW:
        return _without_opinion(agent, project_line(judged, event.directory) if judged else "")
    text = as_sentence(judged, event.directory)
    if judged.verdict is Verdict.REFUSE:
        return _blocking(agent, text)
    if event.mode in _ASKING_MODES.get(agent, ()):
        return HookAnswer(_json(_claude("ask", text)))
    return _blocking(agent, f"{text} {_way_for_a_person(event)}")


def answer_failure(agent: str, why: str) -> HookAnswer:
    """Return the answer that blocks the command, with the reason that the guard failed."""
    return _blocking(agent, f"runbook guard: {why.rstrip('.')}. Run it yourself in a terminal if you are sure.")


def _way_for_a_person(event: Event) -> str:
    """Return how a person can do what nobody will be asked about."""
    line = hidden(_typed(event)).strip()
    if not line:
        return "Nobody is asked here. A person can do it in a terminal or in the dashboard."
    shown = f" The line: {printable(line)}" if len(line) <= _LONGEST_LINE else ""
    return f"Nobody is asked here. A person can run it in a terminal.{shown}"


def _typed(event: Event) -> str:
    """Return what a person would type to do the same, "" if that isn't one line of a shell."""
    match event.actions:
        case (Text(text, Language.SHELL | Language.POWERSHELL | Language.KEYS),):
            return text
        case (tuple() as argv,):
            return shlex.join(argv)
    return ""


_SHOWS_MESSAGES = frozenset({"claude-code", "codex", "gemini"})
"""Agents that show a person the `systemMessage` of an answer."""


def _without_opinion(agent: str, message: str) -> HookAnswer:
    """Return the answer with which the agent's own permissions decide. Answering "allow" would skip them.

    `message` names the project that the command writes to.
    """
    if message and agent in _SHOWS_MESSAGES:
        return HookAnswer(_json({"systemMessage": message}))
    if agent in AGENTS:
        # Windsurf shows what a hook prints.
        return HookAnswer("" if agent == "windsurf" else "{}")
    return HookAnswer("", f"runbook guard: there is no agent '{printable(agent)}'. Known agents: {', '.join(AGENTS)}.")


def _blocking(agent: str, text: str) -> HookAnswer:
    """Return a refusal. If exit code 2 also blocks, use both, in case one of them doesn't work."""
    if agent == "copilot":
        # No exit code blocks here: the answer alone does. Visual Studio Code reads it in Claude Code's form.
        return HookAnswer(_json({**_copilot(text), **_claude("deny", text)}), text)
    if agent == "gemini":
        return HookAnswer(_json(_gemini(text)), text, 2)
    if agent == "cursor":
        return HookAnswer(_json(_cursor(text)), text, 2)
    if agent in {"claude-code", "codex"}:
        return HookAnswer(_json(_claude("deny", text)), text, 2)
    if agent in AGENTS:
        # For Windsurf and OpenCode, the exit code decides, and the reason is on standard error.
        return HookAnswer("", text, 2)
    every_form = {**_gemini(text), **_cursor(text), **_copilot(text), **_claude("deny", text)}
    return HookAnswer(_json(every_form), text, 2)


def _copilot(text: str) -> dict[str, Any]:
    return {"permissionDecision": "deny", "permissionDecisionReason": text}


def _cursor(text: str) -> dict[str, Any]:
    return {"permission": "deny", "user_message": text, "agent_message": text}


def _gemini(text: str) -> dict[str, Any]:
    return {"decision": "deny", "reason": text}


def _claude(decision: str, text: str) -> dict[str, Any]:
    return {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": decision,
            "permissionDecisionReason": text,
        }
    }


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value)  # ASCII only: some streams can't encode more
