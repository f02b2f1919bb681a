"""Add the guard's hook to the settings of coding agents, and remove it without a trace.

Settings are edited as text: comments, layout and everything else in the file stay as they are. The hook's own line says
what else `install` added to the file, so that `uninstall` restores every byte, even on a colleague's machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from runbook.errors import RunbookError
from runbook.guard.hook_command import Hook, added_by, is_hook_line
from runbook.guard.jsonc import Document, Node, NotJsoncError, insert, is_open, newline_of, read_jsonc, remove
from runbook.guard.settings_files import UNCHANGED, Change, delete_file, missing_parents, read_text, write_text

__all__ = ["Change", "install_hook", "settings_path", "uninstall_hook"]

Settings: TypeAlias = dict[str, Any]

_SECONDS = 10
_OUTER = "hooks"
"""The key of the object with all hooks. It's the same for every agent."""

_LISTS: Mapping[str, tuple[str, ...]] = {
    "claude-code": ("PreToolUse",),
    "codex": ("PreToolUse",),
    "gemini": ("BeforeTool",),
    "cursor": ("beforeShellExecution", "beforeMCPExecution"),
    "copilot": ("preToolUse",),
    "windsurf": ("pre_run_command", "pre_mcp_tool_use"),
}
"""Agent → the lists of hooks that the guard's hook goes into, one for each event."""

_GEMINI_TOOLS = (
    "activate_skill|ask_user|cli_help|codebase_investigator|complete_task|enter_plan_mode|exit_plan_mode"
    "|get_internal_docs|glob|google_web_search|grep_search|list_directory|read_file|read_many_files|replace|save_memory"
    "|search_file_content|web_fetch|write_file|write_todos"
)
"""Gemini CLI's own tools that run no command. Its earlier versions give an MCP tool no name by which to tell it."""

_MATCHERS: Mapping[str, str] = {
    "claude-code": "Bash|PowerShell|Monitor|mcp__.*",
    "codex": r"^(functions\.)?(Bash|exec|exec_command|shell|shell_command|local_shell|write_stdin)$|^mcp__",
    "gemini": f"^(?!({_GEMINI_TOOLS})$)",
}
"""Agent → the names of the tools whose events the hook gets, as a regular expression. The other agents have none."""

_EARLIER_MATCHERS = frozenset({"Bash", "run_shell_command"})
"""What earlier versions wrote. Anything else was changed by a person, and stays."""

_PATHS: Mapping[str, tuple[str, str]] = {
    "claude-code": (".claude/settings.json", ".claude/settings.json"),
    "codex": (".codex/hooks.json", ".codex/hooks.json"),
    "gemini": (".gemini/settings.json", ".gemini/settings.json"),
    "cursor": (".cursor/hooks.json", ".cursor/hooks.json"),
    "copilot": (".github/hooks/runbook-guard.json", ".copilot/hooks/runbook-guard.json"),
    "windsurf": (".windsurf/hooks.json", ".codeium/windsurf/hooks.json"),
    "opencode": (".opencode/plugin/runbook-guard.js", ".config/opencode/plugin/runbook-guard.js"),
}
"""Agent → the file that has its hooks, in a project's directory and in a person's home."""

_VERSIONED = frozenset({"cursor", "copilot"})
"""Agents whose file states the version of its format."""


def settings_path(agent: str, *, user: bool) -> str:
    """Return the settings file of an agent, as seen from a project's directory or a person's home."""
    return _PATHS[agent][1 if user else 0]


def install_hook(hook: Hook, path: Path) -> Change:
    """Add the hook, or update it. Raises RunbookError if the file can't be understood."""
    if hook.agent == "opencode":
        from runbook.guard.opencode_plugin import install_plugin

        return install_plugin(hook, path)
    text = after = read_text(path)
    try:
        for event in _LISTS[hook.agent]:
            updated = _updated(after, hook, event) if after is not None else None
            after = _with_hook(after, hook, event, path) if updated is None else updated
    except NotJsoncError as error:
        raise _not_understood(path, error) from error
    assert after is not None  # every agent has an event
    if after == text:
        return Change(path, "unchanged")
    write_text(path, after)
    return Change(path, "written")


def uninstall_hook(agent: str, path: Path) -> Change:
    """Remove the hook, and what `install` added for it. Raises RunbookError if the file can't be understood."""
    if agent == "opencode":
        from runbook.guard.opencode_plugin import uninstall_plugin

        return uninstall_plugin(path)
    text = read_text(path)
    if text is None:
        return Change(path, "unchanged")
    try:
        document = read_jsonc(text)
        found = [place for event in _LISTS[agent] for place in _hooks_in(document, agent, event)]
        if not found:
            return Change(path, "unchanged")
        # The first hook was installed first, so its line says what was added to the file as a whole.
        added = _Added.of(found[0].line)
        for event in reversed(_LISTS[agent]):
            document = _without_hooks(document, agent, event)
        document = read_jsonc(_without_version(document, added))
    except NotJsoncError as error:
        raise _not_understood(path, error) from error
    is_empty = document.root is not None and not document.root.items
    copy = _earlier_copy(path, document) if added.by_earlier_version else None
    if copy is not None:
        write_text(path, copy)
        _copy_path(path).unlink()
    elif added.file and is_empty and not document.comments:
        delete_file(path, added.directories)
        return Change(path, "removed")
    else:
        write_text(path, _without_root(document) if added.document and is_empty else document.text)
    return Change(path, "written")


# --- what install added ----------------------------------------------------------------------------------------------


_BY_EARLIER = "earlier"


@dataclass(frozen=True, slots=True)
class _Added:
    """What `install` added besides the hook: keys, the whole document, the file, directories around it.

    `open`: the object or the list that the first of it went into was empty, but not on one line.
    """

    hooks: bool = False
    list: bool = False
    version: bool = False
    document: bool = False
    file: bool = False
    open: bool = False
    directories: int = 0
    by_earlier_version: bool = False
    """An earlier version rendered the file again, and may have saved a copy of it. It removed what the hook left empty,
    and so does this one after it."""

    @classmethod
    def of(cls, line: str) -> _Added:
        """Return what the hook's line says."""
        words = added_by(line)
        if words in {None, _BY_EARLIER}:
            return cls(hooks=True, list=True, version=True, file=True, by_earlier_version=True)
        found = set((words or "").split(","))
        directories = next((int(word[5:]) for word in found if word.startswith("dirs=") and word[5:].isdecimal()), 0)
        names = ("hooks", "list", "version", "document", "file", "open")
        return cls(**{name: name in found for name in names}, directories=directories)

    def __str__(self) -> str:
        """Render for the hook's line."""
        if self.by_earlier_version:
            return _BY_EARLIER
        names = [name for name in ("hooks", "list", "version", "document", "file", "open") if getattr(self, name)]
        return ",".join([*names, *([f"dirs={self.directories}"] if self.directories else [])])


# --- install ---------------------------------------------------------------------------------------------------------


def _hook_entry(hook: Hook, line: str) -> Settings:
    """Return the hook's entry for its agent's settings."""
    if hook.agent == "copilot":
        return {"type": "command", "bash": line, "timeoutSec": _SECONDS}
    if hook.agent == "cursor":
        return {"command": line, "timeout": _SECONDS, "failClosed": True}
    if hook.agent == "windsurf":  # it has no timeout, and without `show_output` nobody sees the reason
        return {"command": line, "show_output": True}
    entry: Settings = {"type": "command", "command": line, "timeout": _SECONDS}
    if hook.agent == "gemini":  # its timeout is in milliseconds
        entry = {"name": "runbook-guard", **entry, "timeout": _SECONDS * 1000}
    if hook.agent == "claude-code":
        entry["onFailure"] = "block"
    return {"matcher": _MATCHERS[hook.agent], "hooks": [entry]}


def _updated(text: str, hook: Hook, event: str) -> str | None:
    """Return the text with the hook for an event as it should be, or None if the hook isn't in it."""
    document = read_jsonc(text)
    found = _hooks_in(document, hook.agent, event)
    if not found:
        return None
    # A file that was merged by hand may contain the hook twice.
    for extra in reversed(found[1:]):
        document = read_jsonc(_without(document, extra, _Added()))
    first = _hooks_in(document, hook.agent, event)[0]
    line = hook.line(str(_Added.of(first.line)))
    matcher = _earlier_matcher(first)
    if matcher is not None and _is_shared(first):
        # The matcher decides when another hook runs, too, so this one gets an entry of its own.
        document = read_jsonc(_without(document, first, _Added()))
        entries = _lists(document, _object(document, document.root, "the file"), event)[1]
        assert entries is not None  # the shared entry is still in it
        return insert(document, entries, _hook_entry(hook, line))
    changes = [(first.string, line)] if first.line != line else []
    changes += [(matcher, _MATCHERS[hook.agent])] if matcher is not None else []
    after = document.text
    for node, value in sorted(changes, key=lambda change: change[0].start, reverse=True):
        after = after[: node.start] + json.dumps(value, ensure_ascii=False) + after[node.end :]
    return after


def _earlier_matcher(place: _Place) -> Node | None:
    """Return the matcher of a hook's entry if an earlier version wrote it."""
    container, index = place.chain[2]
    matcher = _member(container.items[index].node, "matcher")
    return matcher if matcher is not None and matcher.value in _EARLIER_MATCHERS else None


def _is_shared(place: _Place) -> bool:
    """Whether a hook's entry has other hooks, too."""
    return len(place.chain) > 3 and len(place.chain[3][0].items) > 1


def _with_hook(text: str | None, hook: Hook, event: str, path: Path) -> str:
    """Return the text with the hook as the last one of an event's list."""
    added = _Added()
    if text is None:
        added = _Added(file=True, directories=missing_parents(path))
    document = read_jsonc(text or "")
    if document.root is None:
        mark = "\ufeff" if document.text.startswith("\ufeff") else ""
        document = read_jsonc(f"{mark}{{}}{newline_of(document.text)}{document.text[len(mark) :]}")
        added = replace(added, document=not added.file)
    root = _object(document, document.root, "the file")
    if hook.agent in _VERSIONED and "version" not in root.value:
        added = replace(added, version=True, open=not root.items and is_open(document, root))
        document = read_jsonc(insert(document, root, 1, key="version"))
        root = _object(document, document.root, "the file")
    hooks, entries = _lists(document, root, event)
    container = entries or hooks or root
    is_opened = added.open or (not container.items and is_open(document, container))
    added = replace(added, hooks=hooks is None, list=hooks is not None and entries is None, open=is_opened)
    entry = _hook_entry(hook, hook.line(str(added)))
    if entries is not None:
        return insert(document, entries, entry)
    if hooks is not None:
        return insert(document, hooks, [entry], key=event)
    return insert(document, root, {event: [entry]}, key=_OUTER)


# --- uninstall -------------------------------------------------------------------------------------------------------


def _without_hooks(document: Document, agent: str, event: str) -> Document:
    """Return the document without the hooks for an event."""
    found = _hooks_in(document, agent, event)
    added = _Added.of(found[0].line) if found else _Added()
    while found:
        document = read_jsonc(_without(document, found[-1], added))
        found = _hooks_in(document, agent, event)
    return document


def _without(document: Document, place: _Place, added: _Added) -> str:
    """Return the text without a hook, and without what `install` added around it and nobody else used."""
    # From the outside: the root, the object of hooks, the list of entries, the hooks of one entry.
    depth = len(place.chain) - 1
    removable = {3: True, 2: added.list or added.hooks, 1: added.hooks}
    while removable.get(depth):
        container, _ = place.chain[depth]
        entry = container.items[0]
        # A comment in it would be lost.
        own = (container.start, entry.start), (entry.end, container.end)
        is_commented = depth < 3 and any(document.has_comment(*span) for span in own)
        if len(container.items) > 1 or is_commented:
            break
        depth -= 1
    return remove(document, *place.chain[depth], closes_up=not added.open)


def _without_version(document: Document, added: _Added) -> str:
    """Return the text without the version of the format, if `install` added it and nobody changed it."""
    root = document.root
    index = next((n for n, item in enumerate(root.items) if item.key == "version"), None) if root else None
    if root is None or index is None or not added.version or root.items[index].node.value != 1:
        return document.text
    if added.by_earlier_version and len(root.items) > 1:
        return document.text
    return remove(document, root, index, closes_up=not added.open)


def _without_root(document: Document) -> str:
    """Return the text without the empty object that `install` put into a file without one."""
    text, root = document.text, document.root
    if root is None or document.has_comment(root.start, root.end):
        return text
    rest = text[root.end :]
    return text[: root.start] + rest.removeprefix("\r\n" if rest.startswith("\r") else "\n")


def _earlier_copy(path: Path, document: Document) -> str | None:
    """Return the copy that an earlier version saved, if the file has the same values again."""
    text = read_text(_copy_path(path))
    try:
        copy = read_jsonc(text or "")
    except NotJsoncError:
        return None
    same = copy.root is not None and document.root is not None and copy.root.value == document.root.value
    return text if same else None


def _copy_path(path: Path) -> Path:
    real = path.resolve()
    return real.with_name(f"{real.name}.before-runbook")


# --- settings files --------------------------------------------------------------------------------------------------


class _Place(NamedTuple):
    """A hook in a document: its line, the string that holds it, and the containers around it, the root first."""

    line: str
    string: Node
    chain: tuple[tuple[Node, int], ...]


def _hooks_in(document: Document, agent: str, event: str) -> list[_Place]:
    """Return every hook of the guard for an event."""
    if document.root is None:
        return []
    root = _object(document, document.root, "the file")
    hooks, entries = _lists(document, root, event)
    if hooks is None or entries is None:
        return []
    above = ((root, _index(root, _OUTER)), (hooks, _index(hooks, event)))
    found: list[_Place] = []
    for number, entry in enumerate(entries.items):
        chain = (*above, (entries, number))
        found += _lines_of(entry.node, agent, chain)
        # Some agents have a list of hooks in each entry, where people add their own.
        nested = _member(entry.node, "hooks")
        for at, each in enumerate(nested.items if nested else ()):
            found += _lines_of(each.node, agent, (*chain, (nested or entry.node, at)))
    return found


def _lines_of(node: Node, agent: str, chain: tuple[tuple[Node, int], ...]) -> list[_Place]:
    # A hook is found by its line, because people move the program and change the timeout.
    strings = (item.node for item in node.items if item.key in {"command", "bash"} and isinstance(item.node.value, str))
    # One hook may have the line twice, for two systems.
    return [_Place(string.value, string, chain) for string in strings if is_hook_line(string.value, agent)][:1]


def _lists(document: Document, root: Node, event: str) -> tuple[Node | None, Node | None]:
    """Return the object of all hooks and the list of hooks for an event, None for what is missing."""
    hooks = _member(root, _OUTER)
    if hooks is None:
        return None, None
    entries = _member(_object(document, hooks, f"'{_OUTER}'"), event)
    if entries is not None and not isinstance(entries.value, list):
        raise document.error_at(entries.start, f"'{_OUTER}.{event}' isn't a list")
    return hooks, entries


def _object(document: Document, node: Node | None, name: str) -> Node:
    if node is None or not isinstance(node.value, dict):
        raise document.error_at(node.start if node else 0, f"{name} isn't a JSON object")
    return node


def _member(node: Node, key: str) -> Node | None:
    return next((item.node for item in node.items if item.key == key), None)


def _index(node: Node, key: str) -> int:
    return next(number for number, item in enumerate(node.items) if item.key == key)


def _not_understood(path: Path, error: NotJsoncError) -> RunbookError:
    return RunbookError(
        f"{path}:{error.line}:{error.column}: {error.message}",
        hint=f"{UNCHANGED} Correct {path}, or add a hook that runs `runbook guard hook` by hand.",
    )
