"""What happens to a page between its source and its HTML: links, contents, description, rank, link to its source."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from html import unescape

from mkdocs.structure.toc import AnchorLink, TableOfContents
from mkdocs.utils import get_relative_url

from runbook.model import Section
from runbook.site.prose import plain
from runbook.site.source import EMERGENCY, book

__all__ = ["anchors", "edit_url", "list_headings", "meta", "relink", "shown_procedure", "valid"]

_MD_LINK = re.compile(r'href="(?P<path>[^":#]*\.(?:md|yaml\.txt))(?P<fragment>#[^"]*)?"')
_HEADING = re.compile(r'<h(?P<level>[123])[^>]*? id="(?P<id>[^"]+)"[^>]*>(?P<title>.*?)</h(?P=level)>', re.DOTALL)
_ID = re.compile(r'<[^>]* id="([^"]+)"')
# The sign that `toc` puts behind a heading; in the contents it would be a part of the title.
_PERMALINK = re.compile(r'<a class="headerlink".*?</a>', re.DOTALL)
_NO_TABINDEX = re.compile(r' tabindex(?:="")?(?=[\s>])')
_NO_AUTOCOMPLETE = re.compile(r'(<input [^>]*type="checkbox"[^>]*) autocomplete="off"')
_TAGS = re.compile(r"<[^>]+>")
# Whoever searches in an emergency must find the way out above all pages that only mention it.
_BOOST = {Section.WRONG: 6.0, Section.START: 1.5}


def shown_procedure(page: str) -> str | None:
    """Return the id of the procedure that a page (by its source path) shows."""
    directory, name = posixpath.split(page)
    stem, extension = posixpath.splitext(name)
    return stem if directory == "procedures" and extension == ".md" and stem in book().procedures else None


def meta(page: str, given: Mapping[str, object]) -> dict[str, object]:
    """Return a procedure page's description and search rank from the book; what the page says itself stays."""
    name = shown_procedure(page)
    if name is None:
        return {}
    procedure = book().procedure(name)
    boost = 12.0 if name == EMERGENCY else _BOOST.get(procedure.section, 3.0)
    made: dict[str, object] = {"description": plain(procedure.summary), "search": {"boost": boost}}
    return {key: value for key, value in made.items() if key not in given}


def relink(html: str, page: str, url: str, urls: Mapping[str, str]) -> tuple[str, list[str]]:
    """Turn links to source pages into links to the site's pages; return the HTML and the targets that don't exist."""
    dead: list[str] = []

    def replaced(match: re.Match[str]) -> str:
        path = unescape(match["path"])
        target = path[1:] if path.startswith("/") else posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
        if target not in urls:
            dead.append(path)
            return match[0]
        return f'href="{get_relative_url(urls[target], url)}{match["fragment"] or ""}"'

    return _MD_LINK.sub(replaced, html), dead


def list_headings(html: str, toc: TableOfContents) -> None:
    """Make the contents anew from the finished HTML, so that generated headings are in it too."""
    top: list[AnchorLink] = []
    open_entries: list[AnchorLink] = []
    for match in _HEADING.finditer(html):
        title = _TAGS.sub("", _PERMALINK.sub("", match["title"])).strip()
        entry = AnchorLink(title, match["id"], int(match["level"]))
        # A heading ends all that are open at its level or deeper.
        while open_entries and open_entries[-1].level >= entry.level:
            open_entries.pop()
        (open_entries[-1].children if open_entries else top).append(entry)
        open_entries.append(entry)
    toc.items = top


def anchors(html: str) -> set[str]:
    """Return the ids of all elements."""
    return set(_ID.findall(html))


def edit_url(page: str, edit_uri: str | None, given: str | None) -> str | None:
    """Return where a page is edited: a procedure in its YAML, not in the stub around it."""
    name = shown_procedure(page)
    if name is None or not edit_uri:
        return given if edit_uri else None
    return f"{edit_uri.removesuffix('docs/')}runbook/book/procedures/{name}.yaml"


def valid(html: str) -> str:
    """Drop empty `tabindex` attributes and `autocomplete` on tick boxes: the theme's, valid in no HTML."""
    return _NO_TABINDEX.sub("", _NO_AUTOCOMPLETE.sub(r"\1", html))
