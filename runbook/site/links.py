"""Links within a built site: every address and fragment must lead somewhere, and none may lead to another host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["Document", "dead_links", "read_document"]

_ADDRESSES = {"href", "src", "poster", "data"}


@dataclass(slots=True)
class Document:
    """What a page of HTML names: its ids, those that occur twice, and the addresses it points at."""

    ids: set[str] = field(default_factory=set)
    twice: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    """Addresses that a browser fetches by itself."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.document = Document()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if name := values.get("id"):
            (self.document.twice if name in self.document.ids else self.document.ids).add(name)
        for attribute in _ADDRESSES & values.keys():
            fetched = tag != "a" and values.get("rel") not in {"canonical", "next", "prev", "edit"}
            (self.document.loads if fetched else self.document.links).append(values[attribute])


def read_document(file: Path) -> Document:
    """Read one HTML file."""
    reader = _Reader()
    reader.feed(file.read_text(encoding="utf-8"))
    reader.close()
    return reader.document


def dead_links(site: Path) -> list[str]:
    """Return a sentence for each address within the site that leads nowhere, and each id that occurs twice."""
    documents = {file: read_document(file) for file in sorted(site.rglob("*.html"))}
    problems = []
    for file, document in documents.items():
        name = file.relative_to(site).as_posix()
        problems += [f"{name}: the id {one} occurs twice" for one in sorted(document.twice)]
        problems += [f"{name}: {problem}" for problem in _problems(site, file, document, documents)]
    return problems


def _problems(site: Path, file: Path, document: Document, documents: dict[Path, Document]) -> Iterator[str]:
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
