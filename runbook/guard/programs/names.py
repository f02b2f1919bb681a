"""What a program, a script or a task is called, and what its name says."""

from __future__ import annotations

import re

from runbook.guard.shell.texts import ANY, is_known, plain

__all__ = ["program_name", "says_reset"]

_SUFFIXES = (".exe", ".cmd", ".bat", ".ps1")
_SCRIPT_SUFFIX = re.compile(r"\.(sh|bash|zsh|fish|py|js|mjs|cjs|ts|rb|pl|php|sql)$")
_WIPES = frozenset({"reset", "wipe", "nuke", "destroy", "purge", "truncate", "drop", "rebuild"})
_DATABASES = frozenset({"db", "database", "databases", "supabase", "sb", "pg", "postgres", "postgresql", "schema"})
_AROUND = frozenset(
    {"remote", "linked", "local", "prod", "production", "staging", "dev", "test", "all", "hard", "force", "full", "yes"}
    | {"data", "and", "seed", "the", "my", "clean", "migrations", "migrate", "migration", "run", "do", "now", "tables"}
)


def program_name(word: str) -> str | None:
    """Return the bare name of the program that a word starts, None where that can't be told."""
    last = plain(word).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    if not is_known(last):
        return None
    name = last.lower()
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def says_reset(name: str, *, alone: bool = False) -> bool:
    """Whether a script's or task's name says that it wipes a database: `db:reset`, `reset-db.sh`.

    A name with any other word in it (`reset-password`, `reset_cache`) says something else. `alone`: `reset` without
    a word for the database is enough, as in `npm run reset`.
    """
    if ANY in name or not is_known(name):
        return False
    last = _SCRIPT_SUFFIX.sub("", name.rstrip("/").rsplit("/", 1)[-1])
    words = [word for word in re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "-", last).lower()) if word]
    if not words or set(words) - _WIPES - _DATABASES - _AROUND:
        return False
    return bool(set(words) & _WIPES) and (bool(set(words) & _DATABASES) or (alone and bool(set(words) & {"reset"})))
