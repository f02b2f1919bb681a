"""What the build refuses: blocks that would not run, what they leave behind, and links that lead nowhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["PageAddresses", "block_ids", "dead_links", "fence_problems", "leftovers", "read_addresses"]


# --- Generated blocks in a page's source: their one allowed form ------------------------------------------------------

_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<marks>`{3,}|~{3,})[ \t]*(?P<info>[^\n`]*)$", re.MULTILINE)
_BLOCK = re.compile(r'python exec="on" html="on" id="(?P<id>[a-z0-9]+(?:-[a-z0-9]+)*)"')
_MEANT = re.compile(r"\b(exec|exce|exex|html|source|session|result|updatetoc|idprefix)\s*=", re.IGNORECASE)


def _opening_lines(source: str) -> list[tuple[int, str]]:
    """Return line number and info string of each fence that opens (a fence closes the one before it)."""
    found = []
    closing = ""
    for match in _FENCE.finditer(source):
        marks, info = match["marks"], match["info"].strip()
        if closing:
            if not info and marks.startswith(closing):
                closing = ""
            continue
        closing = marks
        found.append((source.count("\n", 0, match.start()) + 1, info))
    return found


def block_ids(source: str) -> list[str]:
    """Return the ids of all generated blocks in order."""
    return [match["id"] for _, info in _opening_lines(source) if (match := _BLOCK.fullmatch(info))]


def fence_problems(source: str) -> list[str]:
    """Find fences that are meant to run but would be published as they stand, and ids used twice."""
    problems = [
        f'line {number}: write a generated block as ```python exec="on" html="on" id="…", not ```{info}'
        for number, info in _opening_lines(source)
        if _MEANT.search(info) and not _BLOCK.fullmatch(info)
    ]
    twice = [name for name, count in Counter(block_ids(source)).items() if count > 1]
    return problems + [f"two generated blocks have the id {name}" for name in twice]


_EXAMPLE = re.compile(r'<div class="[^"]*rb-example[^"]*">.*?</pre>|<code class="rb-template">.*?</code>', re.DOTALL)
_TAGS = re.compile(r"<[^>]+>")
_SIGNS = {
    "Traceback (most recent call last)": "the traceback of a block is published",
    'exec="': "the source of a block is published",
    "exec=on": "the source of a block is published",
    "from runbook.": "the source of a block is published",
    "{{": "a placeholder is published unfilled",
}


def leftovers(html: str) -> list[str]:
    """Find what only shows in the result: tracebacks and sources of blocks that did not run."""
    visible = unescape(_TAGS.sub("", _EXAMPLE.sub("", html)))
    return sorted({f"{problem} ({sign})" for sign, problem in _SIGNS.items() if sign in visible})


# --- Links: none within the site may be dead, none may load from another host -----------------------------------------

_ADDRESSES = {"href", "src", "poster", "data"}


@dataclass(slots=True)
class PageAddresses:
    """What a page of HTML names: its ids, those that occur twice, and the addresses it points at."""

    ids: set[str] = field(default_factory=set)
    twice: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    """Addresses that a browser fetches by itself."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.document = PageAddresses()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if name := values.get("id"):
            (self.document.twice if name in self.document.ids else self.document.ids).add(name)
        for attribute in _ADDRESSES & values.keys():
            fetched = tag != "a" and values.get("rel") not in {"canonical", "next", "prev", "edit"}
            (self.document.loads if fetched else self.document.links).append(values[attribute])


def read_addresses(file: Path) -> PageAddresses:
    """Read one HTML file."""
    reader = _Reader()
    reader.feed(file.read_text(encoding="utf-8"))
    reader.close()
    return reader.document


def dead_links(site: Path) -> list[str]:
    """Return a sentence for each address within the site that leads nowhere, and each id that occurs twice."""
    documents = {file: read_addresses(file) for file in sorted(site.rglob("*.html"))}
    problems = []
    for file, document in documents.items():
        name = file.relative_to(site).as_posix()
        problems += [f"{name}: the id {one} occurs twice" for one in sorted(document.twice)]
        problems += [f"{name}: {problem}" for problem in _problems(site, file, document, documents)]
    return problems


def _problems(site: Path, file: Path, document: PageAddresses, documents: dict[Path, PageAddresses]) -> Iterator[str]:
    for address in document.loads:
        if urlsplit(address).netloc:
            yield f"it loads {address} from another host"
    for address in dict.fromkeys(document.links + document.loads):
        parts = urlsplit(address)
        if parts.scheme or parts.netloc or (file.name == "404.html" and parts.path.startswith("/")):
            continue
        target = _target(site, file, unquote(parts.path))
        if target is None:
            yield f"{address} leads nowhere"
        elif parts.fragment and target in documents and unquote(parts.fragment) not in documents[target].ids:
            yield f"{address}: there is no such place on that page"


def _target(site: Path, file: Path, path: str) -> Path | None:
    if not path:
        return file
    found = (site / path.lstrip("/") if path.startswith("/") else file.parent / path).resolve()
    if found.is_dir():
        found /= "index.html"
    return found if found.is_file() and found.is_relative_to(site.resolve()) else None
