"""What the site's search worker loads, as scripts: a page opened from a disk may load a script, but not JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser

from runbook.search.index import build_index
from runbook.site.source import book, for_one_build

__all__ = ["INDEX", "PAGES", "index_script", "pages_script", "sections"]

INDEX, PAGES = "assets/search-index.js", "assets/search-pages.js"
"""Where the worker finds the index of `runbook find`, and the texts of the pages."""

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_UNSEEN = frozenset({"script", "style", "svg", "template"})
_INLINE = frozenset({"abbr", "code", "em", "strong", "var", "wbr", "mark", "q"})
"""Elements that don't separate words. Any other counts as a space: a number, a title and a badge are three words."""


@for_one_build
def index_script(*, ending: str = ".html") -> str:
    """Return the script with the index and the ending of pages' addresses; the same for the same book."""
    record = json.dumps(build_index(book()).record, separators=(",", ":"))
    return f"self.runbookEnding = {json.dumps(ending)};\nself.runbookIndex = {record};\n"


def pages_script(pages: Mapping[str, str]) -> str:
    """Return the script with the sections of all pages, from the HTML of their contents, by address."""
    found = [section for url, html in pages.items() for section in sections(url, html)]
    return f"self.runbookPages = {json.dumps(found, ensure_ascii=False, separators=(',', ':'))};\n"


def sections(url: str, html: str) -> Iterator[tuple[str, str, str]]:
    """Yield the address, title and text of each part of a page whose heading can be linked to."""
    reader = _Sections()
    reader.feed(html)
    reader.close()
    for anchor, title, text in reader.found:
        words = " ".join("".join(title).split()), " ".join("".join(text).split())
        if any(words):
            yield (f"{url}#{anchor}" if anchor else url, *words)


class _Sections(HTMLParser):
    """Splits a page at its headings. The first heading is the page's own."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, list[str], list[str]]] = [("", [], [])]
        self._step = ""
        """The id of the current step, whose heading has no id of its own."""
        self._heading = ""
        self._unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if self._unseen or tag in _UNSEEN or values.get("class") == "headerlink":
            self._unseen += [tag] if not self._unseen or self._unseen[0] == tag else []
            return
        if "data-rb-step" in values:
            self._step = values.get("id") or ""
        anchor = values.get("id") or self._step
        if tag in _HEADINGS and anchor:
            self._heading, self._step = tag, ""
            if tag != "h1":
                self.found.append((anchor, [], []))
        self._space(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._unseen:
            if tag == self._unseen[0]:
                self._unseen.pop()
            return
        if tag == self._heading:
            self._heading = ""
        self._space(tag)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            _, title, text = self.found[-1]
            (title if self._heading else text).append(data)

    def _space(self, tag: str) -> None:
        if tag not in _INLINE:
            self.handle_data(" ")
