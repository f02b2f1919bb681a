"""The sources of the pages: the book, the glossary, the results of drills, the readiness, and today's date."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from runbook.checks import open_book
from runbook.errors import RunbookError
from runbook.loading.place import READINESS, RESULTS, is_team_book
from runbook.model import Book
from runbook.reports.readiness import Readiness
from runbook.reports.readiness_export import from_json

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper

__all__ = [
    "DATA",
    "PAGES",
    "begin_build",
    "book",
    "drilled",
    "exported_readiness",
    "for_one_build",
    "forget",
    "packaged_pages",
    "source_page",
    "terms",
    "today",
]

_PACKAGE = Path(__file__).parent
PAGES = _PACKAGE / "pages"
"""The Markdown of the pages that every site has."""
DATA = _PACKAGE / "data"
"""What the pages show besides the book: the glossary, corrections, changes, results of drills and recordings."""

_TERM = re.compile(r"^\*\[(?P<word>[^\]]+)\]:\s*(?P<meaning>.+)$", re.MULTILINE)

_T = TypeVar("_T")
_KEPT: list[_lru_cache_wrapper[object]] = []


def for_one_build(function: Callable[..., _T]) -> _lru_cache_wrapper[_T]:
    """Cache what a function returns until `forget`."""
    kept = cache(function)
    _KEPT.append(kept)
    return kept


def forget() -> None:
    """Read everything again next time, because the book has changed."""
    for kept in _KEPT:
        kept.cache_clear()


@dataclass(slots=True)
class _Build:
    """What the current build shows. The blocks of pages are code without arguments, so it is kept here for them."""

    book: Path | None = None
    results: Path | None = None


_build = _Build()


def begin_build(*, book: Path | None = None, results: Path | None = None) -> None:
    """Show this book (None: the one that commands open) and these results of drills besides the packaged ones."""
    _build.book, _build.results = book, results
    forget()


@for_one_build
def book() -> Book:
    """Open the book once per build. Raises BookError with every problem in it."""
    return open_book(None if _build.book is None else str(_build.book))


@for_one_build
def terms() -> Mapping[str, str]:
    """Return the glossary's words with their meanings, alphabetically. Markdown also reads `data/glossary.md`."""
    written = (DATA / "glossary.md").read_text(encoding="utf-8")
    found = ((match["word"], match["meaning"].strip()) for match in _TERM.finditer(written))
    return dict(sorted(found, key=lambda term: term[0].lower()))


_RESULT_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "cli": str,
    "postgres": str,
    "seconds": (int, float),
    "at": str,
    "passed": bool,
}
"""The fields of a drill's result that the page of a drilled procedure shows."""
_RENEW = "Delete it, or renew it: runbook drill --all --auto --cli both"


@for_one_build
def _results() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    packaged, opened = _read_results(DATA / RESULTS), Path(book().directory)
    own = _build.results or (opened / RESULTS if is_team_book(opened) else None)
    return packaged | _read_results(own) if own else packaged


def _read_results(file: Path) -> dict[str, Mapping[str, Mapping[str, Any]]]:
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RunbookError(f"{file} can't be read: {error}", hint=_RENEW) from error
    if not _is_map(read, lambda drills: _is_map(drills, _is_result)):
        raise RunbookError(f"{file} can't be read: a field is missing or has the wrong type", hint=_RENEW)
    results: dict[str, Mapping[str, Mapping[str, Any]]] = read
    return results


def _is_map(value: object, holds: Callable[[object], bool]) -> bool:
    return isinstance(value, dict) and all(map(holds, value.values()))


def _is_result(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(name), kind) for name, kind in _RESULT_TYPES.items())


def drilled(procedure: str) -> tuple[Mapping[str, Any], ...]:
    """Return the last result of each drill of a procedure, as written by `runbook drill`, sorted by `name`."""
    return tuple({"digest": "", **one, "name": name} for name, one in sorted(_results().get(procedure, {}).items()))


@for_one_build
def exported_readiness() -> Readiness | None:
    """Return the readiness that the team exported into its book; None if it didn't. Raises RunbookError."""
    opened = Path(book().directory)
    file = opened / READINESS
    if not is_team_book(opened) or not file.exists():
        return None
    try:
        return from_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        renew = f"Delete it, or renew it: runbook readiness --format json --output {file}"
        raise RunbookError(f"{file} can't be read: {error}", hint=renew) from error


def today() -> date:
    """Return the date of the build; `SOURCE_DATE_EPOCH` fixes it."""
    # It makes two builds of one commit identical, whatever the day (reproducible-builds.org).
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(fixed), UTC).date() if fixed else datetime.now(UTC).date()


def packaged_pages() -> Iterator[str]:
    """Yield the paths of the pages that every book has, below the folder of pages: all but those of procedures."""
    for file in sorted(PAGES.resolve().rglob("*.md")):
        path = file.relative_to(PAGES.resolve()).as_posix()
        if not path.startswith("procedures/"):
            yield path


def source_page(procedure: str) -> str:
    """Return the path of a procedure's YAML in the site, which can be read without any other host."""
    # `.txt` makes a browser show it.
    return f"source/{procedure}.yaml.txt"
