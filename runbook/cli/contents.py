"""A quick look at a book: only the head of each procedure, and nothing of the reader is loaded for it.

What is the first thing typed in an emergency should answer at once. Anything that is not as expected is left to the
reader, which says what is wrong and where.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Heading:
    """What the list shows of a procedure."""

    id: str
    summary: str
    section: str
    minutes: int


def read_contents(directory: Path) -> list[Heading] | None:
    """Return the headings of all procedures, None if something is not as it should be or nothing is there."""
    import yaml

    try:
        found = [_heading(path) for path in sorted((directory / "procedures").glob("*.yaml"))]
    except (OSError, ValueError, KeyError, TypeError, RecursionError, yaml.YAMLError):
        return None
    return found or None


def _heading(path: Path) -> Heading:
    import yaml

    if path.stat().st_size > _LARGEST:
        raise ValueError(path)
    # What the list needs stands above the steps; a file where it does not makes the reader look.
    head = path.read_text(encoding="utf-8").partition("\nsteps:")[0]
    record = yaml.load(head, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    if not isinstance(record, Mapping) or record["section"] not in SECTIONS:
        raise ValueError(path)
    summary, minutes = record["summary"], record["minutes"]
    if not isinstance(summary, str) or not isinstance(minutes, int) or not isinstance(record["title"], str):
        raise TypeError(path)
    return Heading(path.stem, " ".join(summary.split()), record["section"], minutes)
