"""Read searches that people made, with the page that each must find, and rate the search by them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from runbook.model import Book
from runbook.search.ranking import Hit

__all__ = ["Search", "leads_to", "read_searches", "score"]

_DATA = Path(__file__).resolve().parents[1] / "find" / "data"


class Search(NamedTuple):
    """What a person has in front of them, and the pages any of which is right."""

    text: str
    pages: frozenset[str]


def read_searches(name: str) -> list[Search]:
    """Read a file of searches. A line end within a search is written as backslash and n."""
    lines = (_DATA / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    parts = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [Search(re.sub(r"\\(.)", _unescaped, text), frozenset(pages.split())) for text, pages in parts]


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else found[1]


def leads_to(hit: Hit, book: Book) -> frozenset[str]:
    """Return all names by which a file of searches may call what was found."""
    entry = hit.entry
    names = {entry.id if entry.kind in {"procedure", "page"} else f"{entry.kind}:{entry.id}"}
    if entry.kind == "error":
        names |= {entry.see} if entry.see else set()
        names |= {f"sqlstate:{state}" for error in book.errors if error.id == entry.id for state in error.sqlstates}
    return frozenset(names)


def score(searches: Iterable[Search], find: Callable[[str], Sequence[Hit]], book: Book) -> list[tuple[Search, int]]:
    """Return each search with the rank of the first right page, 0 where it isn't among the hits."""
    ranked = []
    for search in searches:
        hits = find(search.text)
        ranks = [rank for rank, hit in enumerate(hits, start=1) if leads_to(hit, book) & search.pages]
        ranked.append((search, ranks[0] if ranks else 0))
    return ranked
