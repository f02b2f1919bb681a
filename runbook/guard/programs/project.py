"""Find out what a project says: the major of the Supabase CLI that its package runners start."""

from __future__ import annotations

import json
import re

from runbook.guard.shell.call import Call

__all__ = ["installed_major"]


def installed_major(call: Call) -> int | None:
    """Return the major of the Supabase CLI that a package runner finds here, or None if that isn't known."""
    for directory in call.state.directories_above():
        # In each directory, the installed version takes precedence over the one that the project asks for.
        for path, key in (("node_modules/supabase/package.json", "version"), ("package.json", "")):
            major = _major_in(call, f"{directory}/{path}", key)
            if major is not None:
                return major
    return None


def _major_in(call: Call, path: str, key: str) -> int | None:
    texts = call.shell.contents(path, call.state)
    if texts is None or len(texts) != 1:
        return None
    try:
        data = json.loads(texts[0])
        groups = (data,) if key else (data.get("dependencies", {}), data.get("devDependencies", {}))
        spec = next((str(group[key or "supabase"]) for group in groups if (key or "supabase") in group), "")
    except (ValueError, AttributeError, TypeError):
        return None
    # A range such as >=2 may install any later major.
    match = re.match(r"[v=^~]?(\d+)(?:\.|$)", spec)
    return int(match[1]) if match else None
