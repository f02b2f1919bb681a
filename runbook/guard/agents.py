"""Answer the hooks of coding agents, and add and remove the hooks in the agents' settings.

Sources: the agents' own hook references (Claude Code, Codex, Gemini CLI, Cursor, Copilot), read in November 2026.
None of them treats silence or a broken answer as a refusal, so every failure here is answered like a refusal. Changing
a settings file leaves everything else in it as it was.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from runbook.errors import RunbookError
from runbook.guard.judging import judge_argv, judge_line
from runbook.guard.messages import as_sentence
from runbook.model import Verdict

# --- events and answers ----------------------------------------------------------------------------------------------


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


# --- settings files --------------------------------------------------------------------------------------------------


Settings: TypeAlias = dict[str, Any]

_BACKUP = ".before-runbook"
_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a file: `written`, `unchanged` or `removed`, and the copy of its previous content."""

    path: Path
    action: str
    backup: Path | None = None


_KEYS: Mapping[str, tuple[str, ...]] = {
    "claude-code": ("hooks", "PreToolUse"),
    "codex": ("hooks", "PreToolUse"),
    "gemini": ("hooks", "BeforeTool"),
    "cursor": ("hooks", "beforeShellExecution"),
    "copilot": ("hooks", "preToolUse"),
}
"""Agent → the keys that lead to its list of hooks."""

_PATHS: Mapping[str, tuple[str, str]] = {
    "claude-code": (".claude/settings.json", ".claude/settings.json"),
    "codex": (".codex/hooks.json", ".codex/hooks.json"),
    "gemini": (".gemini/settings.json", ".gemini/settings.json"),
    "cursor": (".cursor/hooks.json", ".cursor/hooks.json"),
    "copilot": (".github/hooks/runbook-guard.json", ".copilot/hooks/runbook-guard.json"),
}
"""Agent → the file that has its hooks, in a project's directory and in a person's home."""

_VERSIONED = frozenset({"cursor", "copilot"})
"""Agents whose file states the version of its format."""


def _hook_entry(agent: str, command: str) -> Settings:
    """Return the hook's entry for an agent's settings."""
    if agent == "copilot":
        denied = json.dumps({"permissionDecision": "deny", "permissionDecisionReason": "runbook guard did not answer"})
        return {"type": "command", "bash": f"{command} || echo {shlex.quote(denied)}", "timeoutSec": _SECONDS}
    # A hook that is missing or dies exits with some other code, which agents take for consent.
    closed = f"{command} || exit 2"
    if agent == "cursor":
        return {"command": closed, "timeout": _SECONDS, "failClosed": True}
    hook: Settings = {"type": "command", "command": closed, "timeout": _SECONDS}
    if agent == "gemini":  # its timeout is in milliseconds
        hook = {"name": "runbook-guard", **hook, "timeout": _SECONDS * 1000}
    if agent == "claude-code":
        hook["onFailure"] = "block"
    return {"matcher": "run_shell_command" if agent == "gemini" else "Bash", "hooks": [hook]}


def settings_path(agent: str, base: Path, *, user: bool) -> Path:
    """Return the settings file of an agent, in a project's directory or a person's home."""
    return base / _PATHS[agent][1 if user else 0]


def install_hook(agent: str, path: Path, program: str) -> Change:
    """Add the hook, or update it. Raises RunbookError if the file can't be understood.

    `program` is the shell text that starts `runbook`.
    """
    before = _read(path)
    # A deep copy, because the original is compared with it before anything is written.
    settings = json.loads(json.dumps(before)) if before is not None else {}
    if agent in _VERSIONED:
        settings.setdefault("version", 1)
    entries = _entries(settings, _KEYS[agent], path)
    entry = _hook_entry(agent, f"{program} guard hook {agent}")
    ours = [number for number, each in enumerate(entries) if _is_ours(each, agent)]
    if ours:
        entries[ours[0]] = entry
        # A file that was merged by hand may contain the hook twice.
        for number in reversed(ours[1:]):
            del entries[number]
    else:
        entries.append(entry)
    return _write(path, before, settings)


def uninstall_hook(agent: str, path: Path) -> Change:
    """Remove the hook, and what it leaves empty. Raises RunbookError if the file can't be understood."""
    keys = _KEYS[agent]
    before = _read(path)
    if before is None:
        return Change(path, "unchanged")
    settings = json.loads(json.dumps(before))
    entries = _entries(settings, keys, path)
    entries[:] = [each for each in entries if not _is_ours(each, agent)]
    # Drop the list and the objects around it if they are empty now.
    places = [settings]
    for key in keys[:-1]:
        places.append(places[-1][key])
    for place, key in reversed(list(zip(places, keys, strict=True))):
        if not place[key]:
            del place[key]
    # Everything that is left was put there by the guard.
    if settings in ({}, {"version": 1}):
        path.unlink()
        return Change(path, "removed")
    return _write(path, before, settings)


def _is_ours(entry: object, agent: str) -> bool:
    # The entry is found by its command, because people move the program and change the timeout.
    return bool(re.search(rf"guard hook {re.escape(agent)}\b", json.dumps(entry)))


def _read(path: Path) -> Settings | None:
    """Return the settings in a file, or None if there is no file. Raises RunbookError if it isn't a JSON object."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise RunbookError(f"can't read {path}: {error}", hint="Nothing was changed.") from error
    hint = f"Nothing was changed. Correct {path}, or add a hook that runs `runbook guard hook` by hand."
    try:
        # The json module silently keeps the last of two equal keys, so writing would lose the first.
        settings = json.loads(text or "{}", object_pairs_hook=_without_doubles)
    except json.JSONDecodeError as error:
        raise RunbookError(f"{path}:{error.lineno}:{error.colno}: not valid JSON: {error.msg}", hint=hint) from error
    except ValueError as error:
        raise RunbookError(f"{path}: {error}", hint=hint) from error
    if not isinstance(settings, dict):
        raise RunbookError(f"{path} isn't a JSON object", hint=hint)
    return settings


def _without_doubles(pairs: list[tuple[str, Any]]) -> Settings:
    found: Settings = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key '{key}' appears twice, and one of them would be lost")
        found[key] = value
    return found


def _entries(settings: Settings, keys: tuple[str, ...], path: Path) -> list[Any]:
    """Return the list of hooks for the event. Create it if it's missing."""
    place = settings
    for key in keys[:-1]:
        place = place.setdefault(key, {})
        if not isinstance(place, dict):
            raise RunbookError(f"{path}: '{key}' isn't a JSON object", hint="Nothing was changed.")
    entries = place.setdefault(keys[-1], [])
    if not isinstance(entries, list):
        raise RunbookError(f"{path}: '{'.'.join(keys)}' isn't a list", hint="Nothing was changed.")
    return entries


def _write(path: Path, before: Settings | None, settings: Settings) -> Change:
    """Write settings if they changed, and keep a copy of the file from before the first change."""
    if settings == before:
        return Change(path, "unchanged")
    target = path.resolve()  # a link to a file elsewhere stays a link
    text = target.read_text(encoding="utf-8") if target.exists() else ""
    backup = target.with_name(target.name + _BACKUP) if before is not None else None
    try:
        # Keep the first copy: later ones would already contain the hook.
        if backup is not None and not backup.exists():
            shutil.copy(target, backup)  # with its mode: settings may contain tokens
        target.parent.mkdir(parents=True, exist_ok=True)
        # Write a new file beside it and rename that, so that an agent never reads half a file.
        temporary = target.with_name(f"{target.name}.runbook-new")
        found = re.search(r"^([ \t]+)\S", text, re.MULTILINE)  # the file keeps its indentation
        rendered = json.dumps(settings, indent=found[1] if found else 2, ensure_ascii=False)
        temporary.touch(0o600 if target.exists() else 0o666)
        temporary.write_text(rendered + "\n", encoding="utf-8")
        # Keep the mode: whoever couldn't read the settings before still can't.
        if target.exists():
            temporary.chmod(target.stat().st_mode)
        temporary.replace(target)
    except OSError as error:
        raise RunbookError(f"can't write {path}: {error}", hint="Nothing was changed.") from error
    return Change(path, "written", backup)
