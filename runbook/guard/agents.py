"""Coding agents: what each one's hook sends, and the answer that it understands.

Sources: the agents' own hook references (Claude Code, Codex, Gemini CLI, Cursor, Copilot), read in November 2026.
None of them treats silence or a broken answer as a refusal, so every failure here is answered like a refusal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runbook.guard.asking import judge_argv, judge_line
from runbook.guard.telling import as_sentence
from runbook.model import Verdict
from runbook.policy.judgement import Judgement

__all__ = ["AGENTS", "LARGEST", "Answer", "answer_event", "answer_failure"]

AGENTS: Mapping[str, str] = {
    "claude-code": "Claude Code",
    "codex": "Codex",
    "gemini": "Gemini CLI",
    "cursor": "Cursor",
    "copilot": "GitHub Copilot",
}
"""The word on the command line → the agent's name."""

LARGEST = 512 * 1024
"""Bytes of an event that are read; a longer one is not judged but blocked."""

_SHELL_TOOLS = frozenset(
    {"bash", "shell", "powershell", "pwsh", "run_shell_command", "exec_command", "local_shell", "unified_exec"}
    | {"run_terminal_cmd", "run_in_terminal", "terminal", "zsh", "sh", "write_stdin"}
)
_COMMANDS = ("command", "cmd", "commandLine", "script")
_ASKS = frozenset({"claude-code", "cursor"})
"""Agents whose hook can hand the question to the person. Codex runs what a hook "asks" about, and Copilot's cloud
agent has nobody to ask; Gemini CLI has no such answer."""
_NOT_A_COMMAND = "The guard could not read what this would run, so it does not run."


@dataclass(frozen=True, slots=True)
class Answer:
    """What a hook prints on each stream, and its exit code."""

    stdout: str
    stderr: str = ""
    code: int = 0


class _UnreadableEventError(Exception):
    """The event names no command that could be judged."""


def answer_event(agent: str, data: bytes, *, book: str | None) -> Answer:
    """Judge the command in an agent's event. Raises nothing that the event could cause."""
    try:
        command, directory = _command_in(data)
    except _UnreadableEventError as error:
        return answer_failure(agent, str(error))
    if command is None:
        return _silent()
    if isinstance(command, tuple):
        judged = judge_argv(command, book=book, face=agent)
    else:
        judged = judge_line(command, book=book, face=agent, directory=directory)
    return _answer_judged(agent, judged, directory)


def answer_failure(agent: str, why: str) -> Answer:
    """Return the answer that blocks, for whatever went wrong."""
    return _blocking(agent, f"runbook guard: {why} Run it yourself in a terminal if you are sure.")


def _command_in(data: bytes) -> tuple[str | tuple[str, ...] | None, str | None]:
    """Return the command of an event and where it would run; None for a tool that runs no command."""
    if len(data) > LARGEST:
        raise _UnreadableEventError(f"The event is longer than {LARGEST // 1024} KB.")
    try:
        event = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _UnreadableEventError("The event is no JSON.") from error
    if not isinstance(event, dict):
        raise _UnreadableEventError("The event is no JSON object.")
    tool = event.get("tool_name", event.get("toolName"))
    given = event.get("tool_input", event.get("toolArgs"))
    arguments = _arguments(given, strict=_is_shell(tool)) if "command" not in event or given is not None else event
    command = next((arguments[name] for name in _COMMANDS if name in arguments), None)
    if command is None and isinstance(tool, str) and not _is_shell(tool):
        return None, None
    return _readable(command), _directory(event, arguments)


def _is_shell(tool: object) -> bool:
    return isinstance(tool, str) and tool.lower() in _SHELL_TOOLS


def _arguments(given: object, *, strict: bool) -> dict[str, Any]:
    """Return a tool's arguments; Copilot sends them as a JSON text."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            given = None
    if isinstance(given, dict):
        return given
    if strict:
        raise _UnreadableEventError(_NOT_A_COMMAND)
    return {}


def _readable(command: object) -> str | tuple[str, ...]:
    if isinstance(command, str) and command.strip():
        return command
    if isinstance(command, list) and command and all(isinstance(word, str) for word in command):
        return tuple(command)
    raise _UnreadableEventError(_NOT_A_COMMAND)


def _directory(event: dict[str, Any], arguments: dict[str, Any]) -> str | None:
    for place in (arguments, event):
        for name in ("workdir", "cwd", "dir_path", "directory"):
            given = place.get(name)
            if isinstance(given, str) and given.startswith("/"):
                return given
    return None


def _answer_judged(agent: str, judged: Judgement, directory: str | None) -> Answer:
    if judged.verdict is Verdict.ALLOW:
        return _silent()
    text = as_sentence(judged, directory)
    if judged.verdict is Verdict.REFUSE:
        return _blocking(agent, text)
    if agent in _ASKS:
        return _asking(agent, text)
    return _blocking(agent, f"{text} A person can run it in a terminal.")


def _silent() -> Answer:
    """Return "no opinion": the agent's own permissions decide. To say "allow" would skip them."""
    return Answer("{}")


def _asking(agent: str, text: str) -> Answer:
    if agent == "cursor":
        return Answer(_json({"permission": "ask", "user_message": text, "agent_message": text}))
    return Answer(_json(_claude("ask", text)))


def _blocking(agent: str, text: str) -> Answer:
    """Return a refusal. Where exit code 2 blocks too, it is used as well: two locks on one door."""
    if agent == "copilot":
        return Answer(_json({"permissionDecision": "deny", "permissionDecisionReason": text}), text)
    if agent == "gemini":
        return Answer(_json({"decision": "deny", "reason": text}), text, 2)
    if agent == "cursor":
        return Answer(_json({"permission": "deny", "user_message": text, "agent_message": text}), text, 2)
    return Answer(_json(_claude("deny", text)), text, 2)


def _claude(decision: str, text: str) -> dict[str, Any]:
    return {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": decision,
            "permissionDecisionReason": text,
        }
    }


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
