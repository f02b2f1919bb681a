"""What the pages are made from: the checkout, the book, the glossary, the results of drills, and today's date."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from runbook.checks import open_book
from runbook.errors import RunbookError
from runbook.model import Book, Procedure

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper

__all__ = [
    "EMERGENCY",
    "DrillResult",
    "Term",
    "book",
    "checkout",
    "drilled",
    "due",
    "for_one_build",
    "forget",
    "source_page",
    "terms",
    "today",
]

EMERGENCY = "emergency-rollback"
"""The procedure that is found first, wherever one looks."""
_TERM = re.compile(r"^\*\[(?P<word>[^\]]+)\]:\s*(?P<meaning>.+)$", re.MULTILINE)

_T = TypeVar("_T")
_KEPT: list[_lru_cache_wrapper[object]] = []


def for_one_build(function: Callable[..., _T]) -> _lru_cache_wrapper[_T]:
    """Keep what a function returns until `forget`."""
    kept = cache(function)
    _KEPT.append(kept)
    return kept


def forget() -> None:
    """Read everything anew the next time: the book has changed."""
    for kept in _KEPT:
        kept.cache_clear()


def checkout() -> Path:
    """Return the directory of `mkdocs.yml`, which markdown-exec names while it builds."""
    named = os.environ.get("MKDOCS_CONFIG_DIR")
    return Path(named) if named else Path(__file__).resolve().parents[2]


@for_one_build
def book() -> Book:
    """Open the book once per build. Raises BookError with every problem in it."""
    return open_book(None)


@dataclass(frozen=True, slots=True)
class Term:
    """A word and what it means, in one sentence."""

    word: str
    meaning: str


@for_one_build
def terms() -> tuple[Term, ...]:
    """Return the glossary in alphabetical order, from `includes/glossary.md`, where Markdown finds it too."""
    written = (checkout() / "includes" / "glossary.md").read_text(encoding="utf-8")
    found = [Term(match["word"], match["meaning"].strip()) for match in _TERM.finditer(written)]
    return tuple(sorted(found, key=lambda term: term.word.lower()))


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillResult:
    """How one drill went the last time. `seconds` is wall time."""

    name: str
    cli: str
    postgres: str
    seconds: float
    at: str
    passed: bool
    digest: str
    """Of the procedure that was drilled: another one than today's proves less."""


@for_one_build
def _results() -> Mapping[str, Mapping[str, Mapping[str, object]]]:
    file = checkout() / "docs" / "drills.json"
    if not file.exists():
        return {}
    try:
        read: Mapping[str, Mapping[str, Mapping[str, object]]] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunbookError(
            f"{file} can't be read: {error}", hint="Delete it, or write it anew: runbook drill --all --auto --cli both"
        ) from error
    return read


def drilled(procedure: str) -> tuple[DrillResult, ...]:
    """Return the last result of each drill of a procedure, in order of name."""
    results = _results().get(procedure, {})
    return tuple(
        DrillResult(
            name=name,
            cli=str(result["cli"]),
            postgres=str(result["postgres"]),
            seconds=float(str(result["seconds"])),
            at=str(result["at"]),
            passed=result["passed"] is True,
            digest=str(result.get("digest", "")),
        )
        for name, result in sorted(results.items())
    )


def today() -> date:
    """Return the date of the build; `SOURCE_DATE_EPOCH` fixes it."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(fixed), UTC).date() if fixed else datetime.now(UTC).date()


def due(procedure: Procedure) -> date:
    """Return the day by which a procedure must be reviewed again."""
    return date.fromordinal(procedure.reviewed.toordinal() + procedure.review_days)


def source_page(procedure: str) -> str:
    """Return the path of a procedure's YAML in the site, readable without any other host."""
    # `.txt`, so that a browser shows it.
    return f"source/{procedure}.yaml.txt"
