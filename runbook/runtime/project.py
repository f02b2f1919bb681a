"""The Supabase project in a directory, read from its files: no network, no Node."""

from __future__ import annotations

import json
import re
from pathlib import Path

from runbook.errors import UsageError
from runbook.model.team import REF

__all__ = ["api_port", "dotenv_texts", "find_project", "installed_version", "linked_ref"]

_API_PORT = 54321
"""The local stack's port, unless supabase/config.toml names another."""
# `supabase link` writes the ref here; anything else in the file isn't a ref.
_REF = re.compile(REF)


def find_project(start: Path) -> Path:
    """Return the nearest directory, from `start` upward, that holds a Supabase project. Raises UsageError."""
    for directory in (start.resolve(), *start.resolve().parents):
        if (directory / "supabase" / "config.toml").is_file():
            return directory
    raise UsageError(
        f"there is no Supabase project in {start.resolve()} or above it (no supabase/config.toml)",
        hint="Run it in the project's directory.",
    )


def linked_ref(directory: Path) -> str:
    """Return the ref of the project that is linked there, empty if none is."""
    try:
        ref = (directory / "supabase" / ".temp" / "project-ref").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return ref if _REF.fullmatch(ref) else ""


def api_port(directory: Path) -> int:
    """Return the port of the local stack's API. Raises UsageError if supabase/config.toml can't be read."""
    import tomllib  # `runbook show` asks only where the project is

    file = directory / "supabase" / "config.toml"
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"can't read {file}: {error}", hint="It names the local stack's ports.") from error
    api = settings.get("api", {})
    port = api.get("port", _API_PORT) if isinstance(api, dict) else None
    if not isinstance(port, int):
        raise UsageError(f"[api] port in {file} isn't a number: {port!r}", hint=f"For example: port = {_API_PORT}")
    return port


def installed_version(directory: Path) -> str:
    """Return the version of the CLI in the nearest node_modules, as npx finds it; empty if there is none."""
    for above in (directory, *directory.parents):
        package = above / "node_modules" / "supabase" / "package.json"
        try:
            return str(json.loads(package.read_text(encoding="utf-8")).get("version", ""))
        except (OSError, ValueError, AttributeError):
            continue
    return ""


def dotenv_texts(directory: Path) -> dict[str, str]:
    """Return the `.env` files that the CLI may read there, by path; examples and templates are left out."""
    texts: dict[str, str] = {}
    for file in (*sorted(directory.glob(".env*")), *sorted((directory / "supabase").glob(".env*"))):
        if file.is_file() and not file.name.endswith((".example", ".sample", ".template")):
            try:
                texts[str(file)] = file.read_text(encoding="utf-8", errors="replace")
            except OSError:
                texts[str(file)] = ""  # the CLI, run by this same user, can't read it either
    return texts
