"""What happens to a page between its source and its HTML: links, contents, description, rank, link to its source."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Collection, Mapping
from html import unescape
from html.parser import HTMLParser
from itertools import accumulate

from markupsafe import escape
from mkdocs.structure.toc import AnchorLink, TableOfContents
from mkdocs.utils import get_relative_url

from runbook.markup import LINK_ATTRIBUTES, is_safe_link
from runbook.printable import printable
from runbook.site.prose import plain
from runbook.site.source import book
from runbook.site.templating import macro

__all__ = [
    "anchors",
    "list_headings",
    "meta",
    "relink",
    "rootless",
    "shown_procedure",
    "target_of",
    "unlink",
    "valid",
    "with_few_landmarks",
    "with_icons",
    "with_labelled_cells",
    "with_own_search",
    "without_dead_links",
    "without_other_hosts",
]

_MD_LINK = re.compile(r'href="(?P<path>[^":#]*\.(?:md|yaml\.txt))(?P<fragment>#[^"]*)?"')
_LINK = re.compile(r'<a [^>]*?href="(?P<path>[^"#]*)(?:#[^"]*)?"[^>]*>(?P<text>.*?)</a>', re.DOTALL)
_LINKING = rf"(?:{'|'.join(LINK_ATTRIBUTES)})\s*=\s*(?P<quoted>\"(?P<address>[^\"]*)\")?"
_LINKING_IN_LOWER_CASE, _LINKING_IN_ANY_CASE = re.compile(_LINKING), re.compile(_LINKING, re.IGNORECASE)
_HEADING = re.compile(r'<h(?P<level>[123])[^>]*? id="(?P<id>[^"]+)"[^>]*>(?P<title>.*?)</h(?P=level)>', re.DOTALL)
_ID = re.compile(r'<[^>]* id="([^"]+)"')
# The sign that `toc` puts after a heading; in the contents, it would be part of the title.
_PERMALINK = re.compile(r'<a class="headerlink".*?</a>', re.DOTALL)
_NO_TABINDEX = re.compile(r' tabindex(?:="")?(?=[\s>])')
_NO_AUTOCOMPLETE = re.compile(r'(<input [^>]*type="checkbox"[^>]*) autocomplete="off"')
_ICON = re.compile(r'<use href="#icon-([a-z]+)"')
_NAV = re.compile(r"<(?P<end>/?)nav\b")
_TAGS = re.compile(r"<[^>]+>")
_PLAIN_TABLE = re.compile(r"<table>(?P<head>.*?</thead>)(?P<body>.*?)</table>", re.DOTALL)
_COLUMN = re.compile(r"<th\b[^>]*>(.*?)</th>", re.DOTALL)
_ROW = re.compile(r"<tr>.*?</tr>", re.DOTALL)
_MOST_COLUMNS = 2
"""The most columns that a phone can show beside each other."""
_OTHER_HOST = r'(?:href|src)="(?:https?:)?//[^"]*"[^>]*'
_LOADED_ELSEWHERE = re.compile(
    rf"<script\b[^>]*? {_OTHER_HOST}>\s*</script>"
    rf"|<(?:img|source)\b[^>]*? {_OTHER_HOST}>"
    rf"|<iframe\b[^>]*? {_OTHER_HOST}>\s*</iframe>"
    r'|<link\b(?=[^>]*? rel="(?:stylesheet|preconnect|preload|dns-prefetch|prefetch|modulepreload|icon)")'
    rf"[^>]*? {_OTHER_HOST}>"
)
_SOURCE_FACTS = ' data-md-component="source"'
"""What makes the theme's script ask a host for the stars of the repository."""
_THEME_WORKER = re.compile(r"assets/javascripts/workers/search\.[0-9a-f]+\.min\.js")
_OWN_WORKER = "assets/js/search/worker.js"


def shown_procedure(page: str) -> str | None:
    """Return the id of the procedure that a page shows, given its path below the runbook's directory."""
    directory, name = posixpath.split(page)
    stem, extension = posixpath.splitext(name)
    return stem if directory == "procedures" and extension == ".md" and stem in book().procedures else None


def meta(page: str, given: Mapping[str, object]) -> dict[str, object]:
    """Return a page's metadata, escaped for HTML because the theme's templates escape nothing.

    A procedure's page gets its description from the book, unless its front matter sets it.
    """
    found = dict(given)
    if name := shown_procedure(page):
        found = {"description": plain(book().procedure(name).summary), **found}
    return {key: escape(printable(value)) if isinstance(value, str) else value for key, value in found.items()}


def relink(html: str, page: str, urls: Mapping[str, str], *, root: str = "") -> tuple[str, list[str]]:
    """Turn links to source pages into links to the site's pages; return the HTML and the targets that don't exist.

    `urls` has the addresses of all pages by their source paths; a link that begins with `/` begins at `root`.
    """
    dead: list[str] = []

    def replaced(match: re.Match[str]) -> str:
        path = unescape(match["path"])
        target = target_of(path, page, root=root)
        if target not in urls:
            dead.append(path)
            return match[0]
        return f'href="{get_relative_url(urls[target], urls[page])}{match["fragment"] or ""}"'

    return _MD_LINK.sub(replaced, html), dead


def target_of(path: str, page: str, *, root: str = "") -> str:
    """Return the source path that a link on a page means."""
    if path.startswith("/"):
        return root + path[1:]
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), path))


def without_dead_links(html: str, targets: Collection[str]) -> str:
    """Turn links to these targets into plain text, for packaged pages in a book that lacks what they mention."""
    return _LINK.sub(lambda match: match["text"] if unescape(match["path"]) in targets else match[0], html)


class _UnsafeLinks(HTMLParser):
    """Collects the start tags with unsafe links: line and column, length, the tag's name, and the addresses."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[tuple[int, int], int, str, list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        unsafe = [value or "" for name, value in attrs if name in LINK_ATTRIBUTES and not is_safe_link(value or "")]
        # An empty address is the page itself.
        if unsafe := [address for address in unsafe if address.strip()]:
            self.found.append((self.getpos(), len(self.get_starttag_text() or ""), tag, unsafe))


def unlink(html: str) -> tuple[str, list[str]]:
    """Remove all attributes from each tag with an unsafe link; return the HTML and the refused addresses."""
    return _without_unsafe_links(html) if _may_link_unsafely(html) else (html, [])


def _may_link_unsafely(html: str) -> bool:
    """Return whether anything could be an unsafe link: a quick look, which takes code and other texts for tags, too."""
    # A search in any case takes seven times as long, and hardly any page has such an attribute in capitals.
    lower = html.lower()
    is_lower = all(html.count(name) == lower.count(name) for name in LINK_ATTRIBUTES)
    linking = _LINKING_IN_LOWER_CASE if is_lower else _LINKING_IN_ANY_CASE
    at = 0
    while match := linking.search(html, at):
        # A name within the quotes may be an attribute, so they are searched again.
        at = match.start("quoted") if match["quoted"] else match.end()
        address = unescape(match["address"] or "")
        if match["quoted"] is None or (address.strip() and not is_safe_link(address)):
            return True
    return False


def _without_unsafe_links(html: str) -> tuple[str, list[str]]:
    reader = _UnsafeLinks()
    reader.feed(html)
    reader.close()
    # The parser counts lines by this character alone.
    starts = [0, *accumulate(len(line) + 1 for line in html.split("\n"))]
    parts, refused, end = list[str](), list[str](), 0
    for (line, column), length, tag, addresses in reader.found:
        at = starts[line - 1] + column
        parts += (html[end:at], f"<{tag}>")
        refused += addresses
        end = at + length
    return "".join([*parts, html[end:]]), refused


def list_headings(html: str, toc: TableOfContents) -> None:
    """Rebuild the contents from the finished HTML, so that they include generated headings."""
    top: list[AnchorLink] = []
    open_entries: list[AnchorLink] = []
    for match in _HEADING.finditer(html):
        title = _TAGS.sub("", _PERMALINK.sub("", match["title"])).strip()
        entry = AnchorLink(title, match["id"], int(match["level"]))
        # A heading ends all open ones at its level or deeper.
        while open_entries and open_entries[-1].level >= entry.level:
            open_entries.pop()
        (open_entries[-1].children if open_entries else top).append(entry)
        open_entries.append(entry)
    toc.items = top


def with_labelled_cells(html: str) -> str:
    """Let a phone stack the cells of Markdown's wide tables below each other, each after its column's heading."""

    def labelled(match: re.Match[str]) -> str:
        columns = [_TAGS.sub("", one) for one in _COLUMN.findall(match["head"])]
        if len(columns) <= _MOST_COLUMNS:
            return match[0]

        def row(found: re.Match[str]) -> str:
            # The first cell is the row's own heading.
            first, *others = found[0].split("<td")[1:]
            cells = (f'<td data-label="{name}"{cell}' for name, cell in zip(columns[1:], others, strict=True))
            return "".join((f"<tr><td{first}", *cells))

        return f"<table data-rb-stacked>{match['head']}{_ROW.sub(row, match['body'])}</table>"

    return _PLAIN_TABLE.sub(labelled, html)


def anchors(html: str) -> set[str]:
    """Return the ids of all elements."""
    return set(_ID.findall(html))


def rootless(html: str, root: str) -> str:
    """Make the addresses of the page for missing pages relative, because MkDocs begins them with the site's root."""
    begun = re.compile(rf'((?:href|src|action)="|"search": ?"){re.escape(root)}(?=[^/"])')
    bare = re.compile(rf'("base": ?|new URL\(){re.escape(json.dumps(root.removesuffix("/") or "/"))}')
    return bare.sub(r'\1"."', begun.sub(r"\1", html)).replace(f'new URL("{root}",', 'new URL(".",')


def with_own_search(html: str) -> str:
    """Make the theme's search box use this project's worker, for which the theme has no setting."""
    return _THEME_WORKER.sub(_OWN_WORKER, html)


def with_icons(html: str) -> str:
    """Add the drawings of the icons that a page uses at its end, each once."""
    names = dict.fromkeys(_ICON.findall(html))
    if not names:
        return html
    # Instant navigation exchanges the content and nothing else, so the drawings belong to it.
    end = "</article>" if "</article>" in html else "</body>"
    return html.replace(end, f"{macro('drawings', 'icons.html')(list(names))}{end}", 1)


def without_other_hosts(html: str) -> str:
    """Drop what the page around the contents would load from other hosts: scripts, styles, fonts and pictures."""
    before, start, rest = html.partition("<article")
    content, end, after = rest.rpartition("</article>")
    if not end:
        before, start, content, after = html, "", "", ""
    around = (_LOADED_ELSEWHERE.sub("", each).replace(_SOURCE_FACTS, "") for each in (before, after))
    return f"{start}{content}{end}".join(around)


def with_few_landmarks(html: str) -> str:
    """Turn each navigation inside another one into a group, because its sections shouldn't be landmarks."""
    depth = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal depth
        depth += 0 if match["end"] else 1
        is_inner = depth > 1
        depth -= 1 if match["end"] else 0
        if not is_inner:
            return match[0]
        return "</div" if match["end"] else '<div role="group"'

    return _NAV.sub(replaced, html)


def valid(html: str) -> str:
    """Drop the theme's empty `tabindex` attributes and `autocomplete` on tick boxes, which aren't valid HTML."""
    return _NO_TABINDEX.sub("", _NO_AUTOCOMPLETE.sub(r"\1", html))
