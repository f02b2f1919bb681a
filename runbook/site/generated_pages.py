"""The pages that a project gets without writing them: one for each procedure, and those that the package brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mkdocs.utils import meta

from runbook.model import Book, Procedure
from runbook.site import new_procedure
from runbook.site.source import PAGES, packaged_pages

__all__ = ["GeneratedPage", "generated_pages"]

_NEEDS = "needs"
"""The key in a page's front matter for the procedures without which the page can't be made."""


@dataclass(frozen=True)
class GeneratedPage:
    """The source of a page, and the file to edit to change the page."""

    text: str
    file: Path

    @cached_property
    def _parts(self) -> tuple[str, dict[str, Any]]:
        return meta.get_data(self.text)

    @property
    def markdown(self) -> str:
        """Its Markdown, without the front matter."""
        return self._parts[0]

    @property
    def meta(self) -> Mapping[str, Any]:
        """Its front matter."""
        return self._parts[1]

    @property
    def heading(self) -> str:
        """The line with its title. That is all the Markdown that the project's own extensions render."""
        return next(line for line in self.markdown.splitlines() if line.startswith("# "))


def generated_pages(book: Book) -> dict[str, GeneratedPage]:
    """Return the pages of a book by their paths, except those about a procedure that the book doesn't have."""
    found = {}
    for path in packaged_pages():
        file = PAGES.resolve() / path
        page = GeneratedPage(file.read_text(encoding="utf-8"), file)
        if {*page.meta.get(_NEEDS, ())} <= book.procedures.keys():
            found[path] = page
    for name, procedure in book.procedures.items():
        found[f"procedures/{name}.md"] = GeneratedPage(_text_of(procedure), Path(procedure.at.file).resolve())
    return found


def _text_of(procedure: Procedure) -> str:
    """Return the packaged page of a procedure, which may have prose around the block, else one with the block alone."""
    file = PAGES.resolve() / "procedures" / f"{procedure.id}.md"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    # A team's procedure of the same name is another one, unless it keeps the title.
    if new_procedure.page_heading(procedure.title) in text.splitlines():
        return text
    return new_procedure.page(procedure.id, procedure.title)
