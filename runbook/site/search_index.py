"""What the site's search worker loads, as scripts: a page opened from a disk may load a script, but not JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from runbook.search.index import build_index
from runbook.site.html_tokens import tokens
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


def pages_script(found: Sequence[tuple[str, str, str]]) -> str:
    """Return the script with the sections of all pages."""
    return f"self.runbookPages = {json.dumps(found, ensure_ascii=False, separators=(',', ':'))};\n"


def sections(url: str, html: str) -> Iterator[tuple[str, str, str]]:
    """Yield the address, title and text of each part of a page whose heading can be linked to."""
    for anchor, title, text in _parts(html):
        words = " ".join("".join(title).split()), " ".join("".join(text).split())
        if any(words):
            yield (f"{url}#{anchor}" if anchor else url, *words)


def _parts(html: str) -> list[tuple[str, list[str], list[str]]]:
    """Split a page at its headings: anchor, title and text. The first heading is the page's own."""
    found: list[tuple[str, list[str], list[str]]] = [("", [], [])]
    heading = ""  # the one that is open
    step: str | None = ""  # the id of the step whose heading has no id of its own
    unseen: list[str] = []
    for token in tokens(html):
        tag = token.tag
        if unseen:
            if tag == unseen[0]:
                unseen.pop() if token.is_end else unseen.append(tag)
            continue
        if tag and not token.is_end and (tag in _UNSEEN or 'class="headerlink"' in token.raw):
            unseen.append(tag)
            continue
        if tag and token.is_end:
            heading = "" if tag == heading else heading
        elif tag and ("id=" in token.raw or tag in _HEADINGS):
            values = token.attributes
            step = values.get("id", "") if "data-rb-step" in values else step
            anchor = values.get("id") or step
            if tag in _HEADINGS and anchor:
                heading, step = tag, ""
                if tag != "h1":
                    found.append((anchor, [], []))
        shown = token.text or ("" if tag in _INLINE else " ")
        _, titles, texts = found[-1]
        (titles if heading else texts).append(shown)
    return found
