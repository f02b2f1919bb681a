"""Answer the hooks of coding agents.

Sources: the agents' own hook references (Claude Code, Codex, Gemini CLI, Cursor, Copilot), read in November 2026.
None of them treats silence or a broken answer as a refusal, so every failure here is answered like a refusal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runbook.guard.judging import judge_argv, judge_line
from runbook.guard.messages import as_sentence
from runbook.model import Verdict

AGENTS: Mapping[str, str] = {
    "claude-code": "Claude Code",
    "codex": "Codex",
    "gemini": "Gemini CLI",
    "cursor": "Cursor",
    "copilot": "GitHub Copilot",
}
"""The word on the command line → the agent's name."""

LARGEST = 512 * 1024
"""How many bytes of an event are read. A longer event is blocked without being judged."""

# The tools of all agents that run shell text. Events of other tools pass, unless they carry a command.
_SHELL_TOOLS = frozenset(
    {"bash", "shell", "powershell", "pwsh", "run_shell_command", "exec_command", "local_shell", "unified_exec"}
    | {"run_terminal_cmd", "run_in_terminal", "terminal", "zsh", "sh", "write_stdin"}
)
_COMMANDS = ("command", "cmd", "commandLine", "script")
_ASKS = frozenset({"claude-code", "cursor"})
"""Agents whose hook can pass the question on to the person. Codex runs a command when a hook answers "ask", Copilot's
cloud agent has nobody to ask, and Gemini CLI has no such answer."""
_NOT_A_COMMAND = "The guard couldn't read the command in this event, so it doesn't run."


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """What a hook prints on each stream, and its exit code."""

    stdout: str
    stderr: str = ""
    code: int = 0


class _UnreadableEventError(Exception):
    """The event has no command that can be judged."""


def answer_event(agent: str, data: bytes, *, book: str | None) -> HookAnswer:
    """Judge the command in an agent's event. No event can make this raise."""
    try:
        command, directory = _command_in(data)
    except _UnreadableEventError as error:
        return answer_failure(agent, str(error))
    judged = None
    if isinstance(command, str):
        judged = judge_line(command, book=book, face=agent, directory=directory)
    elif command is not None:
        judged = judge_argv(command, book=book, face=agent, directory=directory)
    if judged is None or judged.verdict is Verdict.ALLOW:
        # No opinion: the agent's own permissions decide. Answering "allow" would skip them.
        return HookAnswer("{}")
    text = as_sentence(judged, directory)
    if judged.verdict is Verdict.REFUSE:
        return _blocking(agent, text)
    if agent not in _ASKS:
        return _blocking(agent, f"{text} A person can run it in a terminal.")
    if agent == "cursor":
        return HookAnswer(_json({"permission": "ask", "user_message": text, "agent_message": text}))
    return HookAnswer(_json(_claude("ask", text)))


def answer_failure(agent: str, why: str) -> HookAnswer:
    """Return the answer that blocks the command, with the reason that the guard failed."""
    return _blocking(agent, f"runbook guard: {why} Run it yourself in a terminal if you are sure.")


def _command_in(data: bytes) -> tuple[str | tuple[str, ...] | None, str | None]:
    """Return the command of an event and the directory it would run in; None for a tool that runs no command."""
    # The reader stops one byte past the limit, so a longer event is cut off and can't be parsed.
    if len(data) > LARGEST:
        raise _UnreadableEventError(f"The event is longer than {LARGEST // 1024} KB.")
    try:
        event = json.loads(data)
    # Deeply nested JSON exhausts the stack of the parser.
    except (ValueError, RecursionError) as error:
        raise _UnreadableEventError("The event isn't JSON.") from error
    if not isinstance(event, dict):
        raise _UnreadableEventError("The event isn't a JSON object.")
    # Cursor sends the command at the top level. The others nest it in the tool's input, Copilot in camel case.
    tool = event.get("tool_name", event.get("toolName"))
    given = event.get("tool_input", event.get("toolArgs"))
    arguments = _arguments(given, strict=_is_shell(tool)) if "command" not in event or given is not None else event
    command = next((arguments[name] for name in _COMMANDS if name in arguments), None)
    # A tool for files or searches passes. A shell tool without a command doesn't: it is blocked.
    if command is None and isinstance(tool, str) and not _is_shell(tool):
        return None, None
    places = [place.get(name) for place in (arguments, event) for name in ("workdir", "cwd", "dir_path", "directory")]
    directory = next((place for place in places if isinstance(place, str) and place.startswith("/")), None)
    if isinstance(command, str) and command.strip():
        return command, directory
    if isinstance(command, list) and command and all(isinstance(word, str) for word in command):
        return tuple(command), directory
    raise _UnreadableEventError(_NOT_A_COMMAND)


def _is_shell(tool: object) -> bool:
    return isinstance(tool, str) and tool.lower() in _SHELL_TOOLS


def _arguments(given: object, *, strict: bool) -> dict[str, Any]:
    """Return a tool's arguments. Copilot sends them as JSON in a string."""
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


def _blocking(agent: str, text: str) -> HookAnswer:
    """Return a refusal. If exit code 2 also blocks, use both, in case one of them doesn't work."""
    if agent == "copilot":
        # No exit code blocks here: the answer alone does.
        return HookAnswer(_json({"permissionDecision": "deny", "permissionDecisionReason": text}), text)
    if agent == "gemini":
        return HookAnswer(_json({"decision": "deny", "reason": text}), text, 2)
    if agent == "cursor":
        return HookAnswer(_json({"permission": "deny", "user_message": text, "agent_message": text}), text, 2)
    return HookAnswer(_json(_claude("deny", text)), text, 2)


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
