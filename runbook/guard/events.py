"""Read the event that a coding agent sends before it acts: what would run, where, and whether a person would be asked.

The agents name the same things differently, so the fields of all of them are read. Sources: the agents' own hook
references, read in November 2026; `tests/guard/data/events` has an example of each event, with its source.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, TypeAlias, TypeGuard

__all__ = [
    "LARGEST",
    "Action",
    "Event",
    "Language",
    "Text",
    "ToolCall",
    "UnreadableEventError",
    "actions_of_call",
    "directory_of",
    "read_event",
]

LARGEST = 2 * 1024 * 1024
"""How many bytes of an event are read. A longer event is blocked without being judged."""


class Language(StrEnum):
    """What a text is written in."""

    SHELL = "shell"
    POWERSHELL = "PowerShell"
    JAVASCRIPT = "JavaScript"
    UNKNOWN = "unknown"
    KEYS = "keys"
    """Typed into a program that runs already, perhaps a shell or a database client."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text that would run."""

    text: str
    language: Language = Language.SHELL


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool that isn't the agent's own.

    `name` is the tool's name as the agent states it, often with its server's. `server` is what else is known about the
    server: its name, its address, or the command that started it.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    server: str = ""


Action: TypeAlias = Text | tuple[str, ...] | ToolCall
"""What an event would do: run a text or an argv, or call a tool."""


@dataclass(frozen=True, slots=True)
class Event:
    """What an agent is about to do (nothing, if it's none of the guard's business), and in which directory.

    `mode` is the agent's permission mode, "" if the event doesn't state it.
    """

    actions: tuple[Action, ...]
    directory: str | None = None
    mode: str = ""


class UnreadableEventError(Exception):
    """The event has no command that can be judged."""


_NOT_A_COMMAND = "The guard couldn't read the command in this event, so it doesn't run."

_SHELLS = frozenset(
    {"bash", "zsh", "sh", "shell", "terminal", "monitor", "run_shell_command", "exec_command", "local_shell"}
    | {"unified_exec", "shell_command", "run_terminal_cmd", "run_terminal_command", "run_in_terminal"}
    | {"execute_command", "run_command", "container.exec"}
)
"""The tools of all agents that run shell text."""
_POWERSHELLS = frozenset({"powershell", "pwsh", "run_powershell"})
_KEYBOARDS = frozenset({"write_stdin", "write_bash", "write_powershell", "send_to_terminal"})
_CODE_TOOLS = frozenset({"exec", "code_mode"})
_FILE_TOOLS = frozenset(
    {"apply_patch", "applypatch", "patch", "edit", "write", "create", "view", "read", "str_replace_editor"}
    | {"str_replace_based_edit_tool", "text_editor", "skill", "slashcommand"}
)
"""Tools that start no program, whatever their arguments are called."""
_PREFIX = re.compile(r"^(?:functions|default_api)(?:\.|__|:)")

_COMMANDS = ("command", "cmd", "commandLine", "command_line", "script", "shell_command", "shellCommand")
_TYPED = ("chars", "input", "text", "keys", "command", "data")
_CODES = ("input", "code", "source", "script", "javascript", "command", "cmd")
_CODES_OF_TOOLS = ("code", "python", "javascript", "typescript", "js")
"""Arguments of other tools that are code. A `script` counts as a command."""
_PLACES = ("workdir", "cwd", "dir_path", "directory", "working_directory", "workingDirectory")
_INPUTS = ("tool_input", "toolArgs", "toolInput", "tool_info", "args", "arguments", "parameters")
_TOOLS = ("tool_name", "toolName", "tool")
_KINDS = ("hook_event_name", "hookEventName", "agent_action_name", "event")

_OF_SHELL = frozenset({"beforeshellexecution", "pre_run_command"})
_OF_MCP = frozenset({"beforemcpexecution", "pre_mcp_tool_use"})
_OF_TOOLS = frozenset({"pretooluse", "pre_tool_use", "beforetool", "permissionrequest", "tool.execute.before"})
_KEY = re.compile(
    r"(?<!\$)\{(?:enter|return|up|down|left|right|tab|esc|escape|backspace|delete|space|home|end|pageup|pagedown"
    r"|(?:ctrl|alt|shift)\+\w+)\}",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z~]|[\x00-\x08\x0b-\x1f\x7f]")
_DEEPEST = 5


def read_event(data: bytes, *, is_known: bool = True) -> Event:
    """Return what an event says. Raises UnreadableEventError if it may run something that can't be read.

    `is_known`: it comes from an agent whose events are known. Of another agent's, any text may be a command.
    """
    event = _object_in(data)
    kind = _text_of(event, _KINDS)
    directory = _directory(event)
    tool = _text_of(event, _TOOLS)
    given = next((event[name] for name in _INPUTS if event.get(name) is not None), None)
    mode = _text_of(event, ("permission_mode", "permissionMode"))
    actions = tuple(_actions(event, kind.lower(), tool, given, is_known=is_known))
    if not is_known and not _is_over(kind.lower()):
        more = dict.fromkeys(each for value in (event, _arguments(given)) for each in _commands_below(value))
        actions += tuple(each for each in more if each not in actions)
    return Event(actions, directory_of(given, directory), mode)


def _object_in(data: bytes) -> dict[str, Any]:
    # The reader stops one byte past the limit, so a longer event is cut off and can't be parsed.
    if len(data) > LARGEST:
        raise UnreadableEventError(f"The event is longer than {LARGEST // 1024} KB.")
    try:
        # A byte that isn't UTF-8, as in the text of a file, leaves the rest readable.
        event = json.loads(data.decode(json.detect_encoding(data), "replace"))
    # Deeply nested JSON exhausts the stack of the parser.
    except (ValueError, RecursionError) as error:
        raise UnreadableEventError("The event isn't JSON.") from error
    if not isinstance(event, dict):
        raise UnreadableEventError("The event isn't a JSON object.")
    return event


def _actions(event: dict[str, Any], kind: str, tool: str, given: object, *, is_known: bool) -> Iterator[Action]:
    if _is_over(kind):
        return
    arguments = _arguments(given)
    if kind in _OF_MCP:
        call = _mcp_call(event, tool, arguments)
        yield from _code_in(call.arguments)
        yield call
    elif tool:
        yield from _of_tool(tool, given, arguments, server=_server_of(event.get("mcp_context")))
    elif kind in _OF_SHELL:
        yield from _commands_in(arguments or event, strict=True)
    else:
        found = tuple(_commands_below(event))
        # An event that announces no tool, such as a prompt or a file that is read, passes.
        if is_known and not found and (not kind or kind in _OF_TOOLS):
            raise UnreadableEventError(_NOT_A_COMMAND)
        yield from found
        if not is_known and not kind:
            yield Text(json.dumps(event, ensure_ascii=False), Language.UNKNOWN)


def _is_over(kind: str) -> bool:
    """Whether it happened already: nothing can stop it, and an answer would only confuse."""
    return kind.startswith(("post", "after"))


def _mcp_call(event: dict[str, Any], tool: str, arguments: Mapping[str, Any]) -> ToolCall:
    """Return the call in an event for MCP tools. Cursor states the server's address or command, Windsurf its name."""
    if "mcp_tool_name" in arguments:
        inner = arguments.get("mcp_tool_arguments")
        return ToolCall(str(arguments["mcp_tool_name"]), _arguments(inner), str(arguments.get("mcp_server_name", "")))
    return ToolCall(tool, arguments, _server_of(event))


def _server_of(context: object) -> str:
    """Return what a part of an event says about an MCP server."""
    found = context if isinstance(context, dict) else {}
    told = (found.get(name) for name in ("mcp_server_name", "server_name", "server", "url", "command"))
    return " ".join(text for text in told if isinstance(text, str))


def actions_of_call(tool: str, given: object) -> tuple[Action, ...]:
    """Return what the call of a tool would do. Raises UnreadableEventError if it may run something unreadable."""
    return tuple(_of_tool(tool, given, _arguments(given)))


def _of_tool(tool: str, given: object, arguments: Mapping[str, Any], *, server: str = "") -> Iterator[Action]:
    """Yield what a tool would do."""
    name = _PREFIX.sub("", tool).lower()
    if name in _KEYBOARDS:
        typed = next((arguments[each] for each in _TYPED if isinstance(arguments.get(each), str)), "")
        typed = _CONTROL.sub("", _KEY.sub("\n", typed))
        if typed.strip():
            yield Text(typed, Language.KEYS)
    elif name in _CODE_TOOLS:
        yield from _of_code(tool, given, arguments)
    elif name in _POWERSHELLS or _is_powershell(arguments.get("shell")):
        for action in _commands_in(arguments, strict=True):
            yield Text(action.text, Language.POWERSHELL) if isinstance(action, Text) else action
    elif name in _SHELLS:
        yield from _commands_in(arguments, strict=True)
    elif name not in _FILE_TOOLS:
        # A tool that nobody knows may run what it's given, and be a tool of an MCP server.
        yield from _commands_in(arguments, strict=False)
        yield from _code_in(arguments)
        yield ToolCall(_PREFIX.sub("", tool), arguments, server)


def _code_in(arguments: Mapping[str, Any]) -> Iterator[Text]:
    """Yield the code among the arguments of a tool that nobody knows."""
    for name in _CODES_OF_TOOLS:
        value = arguments.get(name)
        if isinstance(value, str) and value.strip():
            yield Text(value, Language.UNKNOWN)


def _of_code(tool: str, given: object, arguments: Mapping[str, Any]) -> Iterator[Action]:
    """Yield what the tool for code would run. In other agents, a tool of the same name runs shell text."""
    if any(isinstance(arguments.get(name), list) for name in _COMMANDS):
        yield from _commands_in(arguments, strict=True)
        return
    code = given if isinstance(given, str) and not arguments else None
    code = code or next((arguments[each] for each in _CODES if isinstance(arguments.get(each), str)), "")
    if not code.strip():
        raise UnreadableEventError(_NOT_A_COMMAND)
    is_shell = "tools" not in code and not _PREFIX.match(tool) and not {"command", "cmd"}.isdisjoint(arguments)
    yield Text(code, Language.SHELL if is_shell else Language.JAVASCRIPT)


def _is_powershell(shell: object) -> bool:
    return isinstance(shell, str) and PurePosixPath(shell.replace("\\", "/")).stem.lower() in _POWERSHELLS


def _commands_in(arguments: Mapping[str, Any], *, strict: bool) -> Iterator[Text | tuple[str, ...]]:
    """Yield the commands among a tool's arguments. If `strict`, there must be one that can be read."""
    found = False
    for name in _COMMANDS:
        value = arguments.get(name)
        if isinstance(value, str) and value.strip() and _are_words(arguments.get("args")):
            yield (value, *arguments["args"])
        elif isinstance(value, str) and value.strip():
            # In a tool that isn't known, it's a script of any language.
            yield Text(value, Language.UNKNOWN if name == "script" and not strict else Language.SHELL)
        elif _are_words(value):
            yield tuple(value)
        elif strict and name in arguments:
            raise UnreadableEventError(_NOT_A_COMMAND)
        else:
            continue
        found = True
    if strict and not found:
        below = tuple(_commands_below({name: each for name, each in arguments.items() if isinstance(each, dict)}))
        if not below:
            raise UnreadableEventError(_NOT_A_COMMAND)
        yield from below


def _are_words(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and bool(value) and all(isinstance(word, str) for word in value)


def _commands_below(value: object, depth: int = 0) -> Iterator[Text | tuple[str, ...]]:
    """Yield every command in an event of a form that nobody knows."""
    if depth > _DEEPEST:
        raise UnreadableEventError("The event is nested too deeply.")
    if isinstance(value, dict):
        yield from _commands_in(value, strict=False)
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(each, dict | list):
            yield from _commands_below(each, depth + 1)


def _arguments(given: object) -> dict[str, Any]:
    """Return a tool's arguments. Some agents send them as JSON in a string."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return {}
    return given if isinstance(given, dict) else {}


def _text_of(event: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((event[name] for name in names if isinstance(event.get(name), str)), "")


def _directory(event: Mapping[str, Any]) -> str | None:
    """Return the agent's directory. Cursor may leave it empty and state the roots of the workspace."""
    roots = event.get("workspace_roots")
    places = [event.get(name) for name in _PLACES] + (roots if isinstance(roots, list) else [])
    return next((place for place in places if isinstance(place, str) and place.startswith("/")), None)


def directory_of(given: object, directory: str | None) -> str | None:
    """Return the directory that a tool's arguments name, as seen from the agent's."""
    arguments = _arguments(given)
    for name in _PLACES:
        place = arguments.get(name)
        if isinstance(place, str) and place.startswith("/"):
            return place
        if isinstance(place, str) and place and directory is not None:
            return str(PurePosixPath(directory) / place)
    return directory
