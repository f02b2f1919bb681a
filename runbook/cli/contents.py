"""A quick reader for the list of procedures: it parses only the head of each file, without loading the full reader.

The first command that somebody types in an emergency should answer at once. Anything unexpected is left to the full
reader, which says what is wrong and where.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from runbook.cache import entry_of, find_kept, keep
from runbook.loading.place import PACKAGED_BOOK, is_team_book
from runbook.printable import one_line

__all__ = ["SECTIONS", "Heading", "read_contents"]

SECTIONS = {
    "wrong": "When it goes wrong",
    "before": "Before a migration",
    "during": "During a migration",
    "functions": "Edge functions",
    "start": "Start here",
}
"""Titles of the sections by the word in the files, the emergency first."""

_LARGEST = 512 * 1024


class Heading(NamedTuple):
    """What the list shows of a procedure."""

    id: str
    summary: str
    section: str
    minutes: int
    is_emergency: bool
    """It is offered first."""


def read_contents(directory: Path) -> list[Heading] | None:
    """Return the headings of all procedures, or None if there are none or something is unexpected.

    A team's book also has the packaged ones. If it changes any of them, the full reader takes over.
    """
    is_team = is_team_book(directory)
    folders = [*([PACKAGED_BOOK / "procedures"] if is_team else []), directory / "procedures"]
    try:
        if is_team and any((directory / "changes").glob("*.yaml")):
            return None
        heads = {path.stem: _head(path) for folder in folders for path in sorted(folder.glob("*.yaml"))}
    except (OSError, ValueError):
        return None
    entry = entry_of(json.dumps(heads).encode(), use="contents", code=("cli/contents.py",))
    with suppress(TypeError, ValueError):  # the cache has no entry, or a damaged one
        return [_heading(name, *kept) for name, kept in zip(heads, find_kept(entry), strict=True)] or None
    found = _parse(heads)
    if found:
        keep(entry, [each[1:] for each in found])
    return found or None


def _head(path: Path) -> str:
    """Return the part of a procedure that the list needs. If a key is further down, the full reader takes over."""
    if path.stat().st_size > _LARGEST:
        raise ValueError(path)
    return path.read_text(encoding="utf-8").partition("\nsteps:")[0]


def _parse(heads: Mapping[str, str]) -> list[Heading] | None:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return [_parsed(name, yaml.load(head, loader)) for name, head in heads.items()]  # noqa: S506 - both are safe
    except (ValueError, KeyError, TypeError, RecursionError, yaml.YAMLError):
        return None


def _parsed(name: str, record: object) -> Heading:
    if not isinstance(record, Mapping) or not isinstance(record["title"], str):
        raise TypeError(name)
    is_emergency = record.get("emergency", False)
    return _heading(name, record["summary"], record["section"], record["minutes"], is_emergency)


def _heading(name: str, summary: object, section: object, minutes: object, is_emergency: object) -> Heading:
    if not isinstance(summary, str) or not isinstance(section, str) or not isinstance(minutes, int):
        raise TypeError(name)
    if not isinstance(is_emergency, bool):
        raise TypeError(name)
    if section not in SECTIONS:
        raise ValueError(section)
    return Heading(name, one_line(summary), section, minutes, is_emergency)
