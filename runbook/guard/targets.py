"""The name of what a command would hit: a project's reference, a host, the local stack."""

from __future__ import annotations

import os
from pathlib import Path

from runbook.model import TargetKind
from runbook.policy.argv import host_of
from runbook.policy.judgement import Judgement

__all__ = ["described_target", "name_of_target"]

_PROJECT_FLAGS = frozenset({"--project-ref", "--remote"})
_HOST_FLAGS = frozenset({"-h", "--host"})


def name_of_target(judged: Judgement, directory: str | None) -> str:
    """Return the word that a person types before something is destroyed: never empty, never with a blank."""
    if judged.target is TargetKind.LOCAL:
        return "local"
    return _named(judged) or _linked(directory) or "production"


def described_target(judged: Judgement, directory: str | None) -> str:
    """Return what a command would hit, in words."""
    if judged.target is TargetKind.LOCAL:
        return "the local stack on this machine"
    if judged.target is TargetKind.DRILL:
        return "a drill's throwaway database"
    named = _named(judged)
    if named:
        return f"{named} (hosted)"
    linked = _linked(directory)
    return f"the hosted project {linked} that this directory is linked to" if linked else "a hosted project"


def _named(judged: Judgement) -> str | None:
    """Return the project or host that the command itself names."""
    words = judged.commands[0] if judged.commands else ()
    for word, following in zip(words, (*words[1:], ""), strict=True):
        flag, equals, inline = word.partition("=")
        value = inline if equals else following
        if flag in _PROJECT_FLAGS | _HOST_FLAGS | {"--db-url"} and value and not value.startswith("-"):
            found: str | None = host_of(value) or value
        else:
            found = host_of(word) if "://" in word else None
        if found and all(letter.isalnum() or letter in ".-_" for letter in found):
            return found
    return None


def _linked(directory: str | None) -> str | None:
    """Return the project that the environment names, or that this directory or one above it is linked to."""
    given = os.environ.get("SUPABASE_PROJECT_ID", "")
    if given.isalnum():
        return given
    here = Path(directory) if directory else None
    for each in (here, *here.parents) if here else ():
        try:
            found = (each / "supabase/.temp/project-ref").read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            continue
        return found if found.isalnum() else None
    return None
