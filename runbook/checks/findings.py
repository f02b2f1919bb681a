"""Collect the findings of the checks, each at the nearest place known in the source."""

from __future__ import annotations

from runbook.errors import Finding
from runbook.loading.source_text import SourceText, TooManyError
from runbook.model import Book, Position

__all__ = ["FINDING_LIMIT", "Notes"]

FINDING_LIMIT = 500
"""The most findings that the checks of one book report."""


class Notes:
    """The findings of one check of a book."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._texts: dict[str, SourceText] = {}
        self._found: set[Finding] = set()

    def add(self, at: Position, message: str, *tokens: str) -> None:
        """Note a problem at the last of the tokens, each searched for after the one before, starting at `at`.

        The model keeps only the places of steps and commands, so anything in them is searched for in the source.
        A token that isn't found (because it was folded or escaped) leaves the place unchanged.
        Raises TooManyError after FINDING_LIMIT findings.
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
        """All findings, sorted, without duplicates."""
        return tuple(sorted(self._found))

    def _source(self, file: str) -> SourceText:
        if file not in self._texts:
            self._texts[file] = SourceText(file, self._book.sources.get(file, ""))
        return self._texts[file]
