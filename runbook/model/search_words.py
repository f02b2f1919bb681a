"""What helps a search: words that mean the same, words that mean nothing, and pages that no procedure makes."""

from __future__ import annotations

from dataclasses import dataclass

from runbook.model.fields import LINE, LINES, ListOf, Shaped, Text, key, shape
from runbook.model.terms import Position

__all__ = ["SHAPES", "FoundPage", "SearchWords"]

_PAGE = Text(r"[a-z0-9]+(?:[-/][a-z0-9]+)*", "a page of the site without its ending, such as reference/exit-codes")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPage:
    """A page of the site that is no procedure, and what it answers."""

    page: str = key(_PAGE, "The page, without its ending.")
    title: str = key(LINE, "What the page is called.")
    answers: tuple[str, ...] = key(LINES, "What people ask or see that the page answers.")
    at: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchWords:
    """How search reads words, and which pages beside the procedures it finds."""

    synonyms: tuple[tuple[str, ...], ...] = key(
        ListOf(ListOf(LINE, 2), 0), "Groups of words that mean the same in a search.", default=()
    )
    ignored: tuple[str, ...] = key(ListOf(LINE, 0), "Words that tell nothing in a search.", default=())
    pages: tuple[FoundPage, ...] = key(
        ListOf(Shaped("found-page"), 0), "Pages of the site that are found beside the procedures.", default=()
    )
    at: Position


SHAPES = (
    shape(SearchWords, "search", "the search file", "How search reads words, and which other pages it finds."),
    shape(FoundPage, "found-page", "a page", "A page of the site that is no procedure."),
)
"""The search file."""
