"""What the search needs to know: synonyms, words to ignore, and pages that aren't made from procedures."""

from __future__ import annotations

from dataclasses import dataclass

from runbook.model.fields import LINE, LINES, ListOf, Shaped, Text, key, shape
from runbook.model.terms import Position

__all__ = ["SHAPES", "FoundPage", "SearchWords"]

_PAGE = Text(r"[a-z0-9]+(?:[-/][a-z0-9]+)*", "a page of the site without its ending, such as reference/exit-codes")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPage:
    """A page of the site that isn't a procedure, and the questions that it answers."""

    page: str = key(_PAGE, "The page, without its ending.")
    title: str = key(LINE, "What the page is called.")
    answers: tuple[str, ...] = key(LINES, "Questions that the page answers, and messages that it explains.")
    at: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchWords:
    """How search reads words, and which pages it finds besides the procedures."""

    synonyms: tuple[tuple[str, ...], ...] = key(
        ListOf(ListOf(LINE, 2), 0), "Groups of words that mean the same in a search.", default=()
    )
    ignored: tuple[str, ...] = key(ListOf(LINE, 0), "Words that a search ignores.", default=())
    pages: tuple[FoundPage, ...] = key(
        ListOf(Shaped("found-page"), 0), "Pages of the site to find besides the procedures.", default=()
    )
    at: Position


SHAPES = (
    shape(SearchWords, "search", "the search file", "How search reads words, and which other pages it finds."),
    shape(FoundPage, "found-page", "a page", "A page of the site that isn't a procedure."),
)
"""The search file."""
