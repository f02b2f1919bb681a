"""Collects what the checks find, each at the nearest place that the source tells."""

from __future__ import annotations

from runbook.errors import Finding
from runbook.loading.source_text import SourceText, TooManyError
from runbook.model import Book, Position

__all__ = ["FINDING_LIMIT", "Notes"]

FINDING_LIMIT = 500
"""Findings of one book's checks; more are not told."""


class Notes:
    """The findings of one check of a book."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._texts: dict[str, SourceText] = {}
        self._found: set[Finding] = set()

    def add(self, at: Position, message: str, *tokens: str) -> None:
        """Note a problem at the place where the tokens stand, each behind the one before, from `at` on.

        The model keeps the places of steps and commands only; what is written in them is looked for in the source.
        Raises TooManyError after FINDING_LIMIT findings.
        A token that is not to be found (it was folded or escaped) leaves the place where it is.
        """
        if len(self._found) >= FINDING_LIMIT:
            raise TooManyError
        source = self._source(at.file)
        offset, width, behind = source.offset(at), 1, source.offset(at)
        for token in tokens:
            found = source.text.find(token, behind) if token else -1
            if found >= 0:
                offset, width, behind = found, len(token), found + len(token)
        place = source.position(offset) if source.text else at
        line = source.line(place.line)
        width = max(1, min(width, len(line) - place.column + 1))
        self._found.add(Finding(place.file, place.line, place.column, message, line, width))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that was noted, sorted, each once."""
        return tuple(sorted(self._found))

    def _source(self, file: str) -> SourceText:
        if file not in self._texts:
            self._texts[file] = SourceText(file, self._book.sources.get(file, ""))
        return self._texts[file]
