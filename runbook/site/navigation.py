"""The order of the runbook's pages, by time, and their place in a project's navigation."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import yaml

from runbook.model import Book
from runbook.site.new_procedure import SECTION_TITLES
from runbook.site.source import DATA, for_one_build

__all__ = ["HOME", "TITLE", "packaged_paths", "paths_in", "procedure_order", "sections", "with_runbook"]

HOME = "index.md"
TITLE = "Runbook"
"""What the section is called in a navigation that has no entry for it."""

MOST_IN_SECTION = 100
"""The most pages of a section in the navigation, which the theme writes on every page. The home page lists them all."""

Nav = list[Any]
"""A navigation as `mkdocs.yml` has it: paths, and mappings of a title to a path or to more of them."""


@for_one_build
def _layout() -> dict[str, list[str]]:
    found: dict[str, list[str]] = yaml.safe_load((DATA / "nav.yaml").read_text(encoding="utf-8"))
    return found


def packaged_paths() -> frozenset[str]:
    """Return the paths of all pages of the packaged book, whether or not another book has them."""
    return frozenset(page for section in _layout().values() for page in section)


def sections(book: Book, pages: Collection[str]) -> list[tuple[str, list[str]]]:
    """Return the sections with those of the pages that belong there; pages without a place come last, under ""."""
    layout = _layout()
    listed = packaged_paths()
    found = {title: [page for page in section if page in pages] for title, section in layout.items()}
    for procedure in book.procedures.values():
        page = f"procedures/{procedure.id}.md"
        if page in pages and page not in listed:
            found[SECTION_TITLES[procedure.section]].append(page)
    placed = {page for section in found.values() for page in section}
    others = [page for page in pages if page not in placed]
    return [(title, section) for title, section in (*found.items(), ("", others)) if section]


def procedure_order(book: Book) -> list[str]:
    """Return the ids of all procedures in the order of the navigation."""
    pages = [f"procedures/{name}.md" for name in book.procedures]
    found = [page for _, section in sections(book, pages) for page in section]
    return [page.removeprefix("procedures/").removesuffix(".md") for page in found]


def paths_in(nav: object) -> Iterator[str]:
    """Yield each path of a navigation."""
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, dict | list):
        for each in nav.values() if isinstance(nav, dict) else nav:
            yield from paths_in(each)


def with_runbook(nav: Nav, directory: str, pages: Sequence[tuple[str, list[str]]]) -> Nav:
    """Return the navigation with the runbook's sections: in place of the entry that names the directory, or last.

    A navigation that lists pages of the runbook itself stays as it is.
    """
    listed = {*paths_in(nav)}
    if not directory:
        known = {page for title, section in pages if title for page in section} - {HOME}
        rest = [(title, [page for page in section if page not in listed]) for title, section in pages]
        return nav if known & listed else [*nav, *_entries(directory, rest)]
    entries = _entries(directory, pages)
    filled, has_entry = _filled(nav, directory, entries)
    if has_entry or any(path.startswith(directory) for path in listed):
        return filled
    return [*nav, {TITLE: entries}]


def _entries(directory: str, pages: Sequence[tuple[str, list[str]]]) -> Nav:
    entries: Nav = []
    for title, section in pages:
        # The home page comes first: with `navigation.indexes`, the theme shows it as the page of the section itself.
        inner = [directory + page for page in section if not (directory and page == HOME)][:MOST_IN_SECTION]
        entries += [{title: inner}] if title and inner else inner
    has_home = directory and any(HOME in section for _, section in pages)
    return [directory + HOME, *entries] if has_home else entries


def _filled(nav: Nav, directory: str, entries: Nav) -> tuple[Nav, bool]:
    """Return the navigation with the entries in place of the directory's name, and whether that was there."""
    found, has_entry = list[Any](), False
    for each in nav:
        title, inner = next(iter(each.items())) if isinstance(each, dict) and len(each) == 1 else (TITLE, each)
        if isinstance(inner, str) and inner in {directory, directory.removesuffix("/")}:
            found.append({title: entries})
            has_entry = True
        elif isinstance(each, dict) and isinstance(inner, list):
            replaced, has_it = _filled(inner, directory, entries)
            found.append({title: replaced})
            has_entry = has_entry or has_it
        else:
            found.append(each)
    return found, has_entry
