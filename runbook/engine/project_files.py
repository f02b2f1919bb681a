"""Which files of a project a run depends on: whoever continues it elsewhere must have the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from runbook.steps.migration_files import MIGRATIONS

__all__ = ["compare_files", "files_of"]

_FUNCTIONS = "supabase/functions"
_CONFIG = "supabase/config.toml"
_MOST = 5000
"""Files of a project. One with more has other things in these folders, and nothing is compared."""


def files_of(directory: Path) -> dict[str, str]:
    """Return a digest for each migration, for the sources of each edge function, and for the CLI's settings.

    A file that can't be read is left out: what needs it says so.
    """
    found: dict[str, str] = {}
    functions: dict[str, list[str]] = {}
    for number, path in enumerate(_paths(directory)):
        if number == _MOST:
            return {}
        name = path.relative_to(directory).as_posix()
        with suppress(OSError):
            digest = sha256(path.read_bytes()).hexdigest()[:12]
            if name.startswith(f"{_FUNCTIONS}/"):
                functions.setdefault("/".join(name.split("/")[:3]), []).append(f"{name} {digest}")
            else:
                found[name] = digest
    digests = {name: sha256("\n".join(sorted(each)).encode()).hexdigest()[:12] for name, each in functions.items()}
    return {**found, **digests}


def compare_files(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return a line for each file that one side lacks (`-` here, `+` there) or that differs."""
    return [
        *(f"-{name} is missing here" for name in sorted(before.keys() - now.keys())),
        *(f"+{name} is only here" for name in sorted(now.keys() - before.keys())),
        *(f"!{name} is different here" for name in sorted(before.keys() & now.keys()) if before[name] != now[name]),
    ]


def _paths(directory: Path) -> Iterator[Path]:
    for path in sorted((directory / MIGRATIONS).glob("*.sql")):
        if path.is_file():
            yield path
    for path in sorted((directory / _FUNCTIONS).rglob("*")):
        if path.is_file() and "node_modules" not in path.parts:
            yield path
    if (directory / _CONFIG).is_file():
        yield directory / _CONFIG
