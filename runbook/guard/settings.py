"""Put the hook into an agent's configuration and take it out again, without harm to what else is there."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from runbook.errors import RunbookError

__all__ = ["Change", "install", "settings_path", "uninstall"]

Settings: TypeAlias = dict[str, Any]

_BACKUP = ".before-runbook"
_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a file: `written`, `unchanged` or `removed`, and the copy of what was there before."""

    path: Path
    action: str
    backup: Path | None = None


@dataclass(frozen=True, slots=True)
class _Agent:
    """Where an agent keeps its hooks, and what an entry looks like. `keys` lead to the list of entries."""

    project: str
    user: str
    keys: tuple[str, ...]
    entry: Callable[[str], Settings]
    version: bool = False


def _claude(command: str) -> Settings:
    hook = {"type": "command", "command": _closed(command), "timeout": _SECONDS, "onFailure": "block"}
    return {"matcher": "Bash", "hooks": [hook]}


def _codex(command: str) -> Settings:
    return {"matcher": "Bash", "hooks": [{"type": "command", "command": _closed(command), "timeout": _SECONDS}]}


def _gemini(command: str) -> Settings:
    hook = {"name": "runbook-guard", "type": "command", "command": _closed(command), "timeout": _SECONDS * 1000}
    return {"matcher": "run_shell_command", "hooks": [hook]}


def _cursor(command: str) -> Settings:
    return {"command": _closed(command), "timeout": _SECONDS, "failClosed": True}


def _copilot(command: str) -> Settings:
    denied = json.dumps({"permissionDecision": "deny", "permissionDecisionReason": "runbook guard did not answer"})
    return {"type": "command", "bash": f"{command} || echo {shlex.quote(denied)}", "timeoutSec": _SECONDS}


def _closed(command: str) -> str:
    # A hook that is missing or dies ends with some other code, and agents take that for consent.
    return f"{command} || exit 2"


_AGENTS: Mapping[str, _Agent] = {
    "claude-code": _Agent(".claude/settings.json", ".claude/settings.json", ("hooks", "PreToolUse"), _claude),
    "codex": _Agent(".codex/hooks.json", ".codex/hooks.json", ("hooks", "PreToolUse"), _codex),
    "gemini": _Agent(".gemini/settings.json", ".gemini/settings.json", ("hooks", "BeforeTool"), _gemini),
    "cursor": _Agent(".cursor/hooks.json", ".cursor/hooks.json", ("hooks", "beforeShellExecution"), _cursor, True),
    "copilot": _Agent(
        ".github/hooks/runbook-guard.json",
        ".copilot/hooks/runbook-guard.json",
        ("hooks", "preToolUse"),
        _copilot,
        True,
    ),
}


def settings_path(agent: str, base: Path, *, user: bool) -> Path:
    """Return the file for an agent, below a project's directory or a person's home."""
    about = _AGENTS[agent]
    return base / (about.user if user else about.project)


def install(agent: str, path: Path, program: str) -> Change:
    """Add the hook, or bring it up to date. Raises RunbookError where the file can't be understood.

    `program` is the shell text that starts `runbook`.
    """
    about = _AGENTS[agent]
    before = _read(path)
    settings = json.loads(json.dumps(before)) if before is not None else {}
    if about.version:
        settings.setdefault("version", 1)
    entries = _entries(settings, about.keys, path)
    entry = about.entry(f"{program} guard hook {agent}")
    ours = [number for number, each in enumerate(entries) if _is_ours(each, agent)]
    if ours:
        entries[ours[0]] = entry
        for number in reversed(ours[1:]):
            del entries[number]
    else:
        entries.append(entry)
    return _write(path, before, settings)


def uninstall(agent: str, path: Path) -> Change:
    """Take the hook out, and what it leaves empty. Raises RunbookError where the file can't be understood."""
    about = _AGENTS[agent]
    before = _read(path)
    if before is None:
        return Change(path, "unchanged")
    settings = json.loads(json.dumps(before))
    entries = _entries(settings, about.keys, path)
    entries[:] = [each for each in entries if not _is_ours(each, agent)]
    _prune(settings, about.keys)
    if settings in ({}, {"version": 1}):
        path.unlink()
        return Change(path, "removed")
    return _write(path, before, settings)


def _is_ours(entry: object, agent: str) -> bool:
    return bool(re.search(rf"guard hook {re.escape(agent)}\b", json.dumps(entry)))


def _read(path: Path) -> Settings | None:
    """Return the settings in a file, None where there is none. Raises RunbookError for anything but a JSON object."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise RunbookError(f"{path} can't be read: {error}", hint="Nothing was changed.") from error
    hint = f"Nothing was changed. Correct it, or add the hook by hand: `runbook guard hook` is what it runs ({path})."
    try:
        settings = json.loads(text or "{}", object_pairs_hook=_without_doubles)
    except json.JSONDecodeError as error:
        raise RunbookError(f"{path}:{error.lineno}:{error.colno}: no JSON: {error.msg}", hint=hint) from error
    except ValueError as error:
        raise RunbookError(f"{path}: {error}", hint=hint) from error
    if not isinstance(settings, dict):
        raise RunbookError(f"{path}: it holds no JSON object", hint=hint)
    return settings


def _without_doubles(pairs: list[tuple[str, Any]]) -> Settings:
    found: Settings = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key '{key}' is there twice, and one of them would be lost")
        found[key] = value
    return found


def _entries(settings: Settings, keys: tuple[str, ...], path: Path) -> list[Any]:
    """Return the list of hooks for the event, made where it is missing."""
    place = settings
    for key in keys[:-1]:
        place = place.setdefault(key, {})
        if not isinstance(place, dict):
            raise RunbookError(f"{path}: '{key}' is no JSON object", hint="Nothing was changed.")
    entries = place.setdefault(keys[-1], [])
    if not isinstance(entries, list):
        raise RunbookError(f"{path}: '{'.'.join(keys)}' is no list", hint="Nothing was changed.")
    return entries


def _prune(settings: Settings, keys: tuple[str, ...]) -> None:
    """Drop the list and the objects around it where they are empty now."""
    places = [settings]
    for key in keys[:-1]:
        places.append(places[-1][key])
    for place, key in reversed(list(zip(places, keys, strict=True))):
        if not place[key]:
            del place[key]


def _write(path: Path, before: Settings | None, settings: Settings) -> Change:
    """Write settings if they changed, and keep a copy of the file as it was before the first change."""
    if settings == before:
        return Change(path, "unchanged")
    target = path.resolve()  # a link to a file elsewhere stays a link
    text = target.read_text(encoding="utf-8") if target.exists() else ""
    backup = None
    if before is not None:
        backup = target.with_name(target.name + _BACKUP)
        if not backup.exists():
            backup.write_text(text, encoding="utf-8")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f"{target.name}.runbook-new")
        temporary.write_text(_rendered(settings, text), encoding="utf-8")
        if target.exists():
            temporary.chmod(target.stat().st_mode)
        temporary.replace(target)
    except OSError as error:
        raise RunbookError(f"{path} can't be written: {error}", hint="Nothing was changed.") from error
    return Change(path, "written", backup)


def _rendered(settings: Settings, before: str) -> str:
    """Return settings as text, indented as the file was."""
    found = re.search(r"^([ \t]+)\S", before, re.MULTILINE)
    indent: int | str = 2
    if found:
        indent = found[1] if "\t" in found[1] else len(found[1])
    return json.dumps(settings, indent=indent, ensure_ascii=False) + "\n"
