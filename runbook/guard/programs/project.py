"""Find out what a project says: the major of the Supabase CLI that its package runners start."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

from runbook.guard.shell.call import Call

__all__ = ["installed_major", "major_in"]


def installed_major(call: Call) -> int | None:
    """Return the major of the Supabase CLI that a package runner finds for a command, or None if that isn't known."""

    def read(path: str) -> str | None:
        texts = call.shell.contents(path, call.state)
        return texts[0] if texts is not None and len(texts) == 1 else None

    return major_in(call.state.directories_above(), read)


def major_in(directories: Iterable[str], read: Callable[[str], str | None]) -> int | None:
    """Return the major of the Supabase CLI that a package runner finds in a directory, or None if that isn't known.

    `directories` are that directory and those above it. `read` returns the text of the file at a path, None if there is
    none that can be read.
    """
    for directory in directories:
        # In each directory, the installed version takes precedence over the one that the project asks for.
        for path, key in (("node_modules/supabase/package.json", "version"), ("package.json", "")):
            text = read(f"{directory.rstrip('/')}/{path}")
            major = None if text is None else _major_in(text, key)
            if major is not None:
                return major
    return None


def _major_in(text: str, key: str) -> int | None:
    try:
        data = json.loads(text)
        groups = (data,) if key else (data.get("dependencies", {}), data.get("devDependencies", {}))
        spec = next((str(group[key or "supabase"]) for group in groups if (key or "supabase") in group), "")
    except (ValueError, AttributeError, TypeError, RecursionError):
        return None
    # A range such as >=2 may install any later major.
    match = re.match(r"[v=^~]?(\d+)(?:\.|$)", spec)
    return int(match[1]) if match else None
