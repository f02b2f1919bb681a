"""What the build refuses: blocks that wouldn't run, leftovers of blocks, and dead links.

It also refuses pages that don't match the book: a procedure without a page, a page without a procedure, lost parts or
steps.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from html import unescape
from itertools import accumulate
from pathlib import Path
from urllib.parse import unquote, urlsplit

from runbook.errors import Finding
from runbook.markup import unsafe_link_message, unsafe_links
from runbook.model import Book
from runbook.site.html_tokens import start_tags
from runbook.site.new_procedure import HEADINGS, anchor, page_heading
from runbook.site.project import SiteProject, nearest_project
from runbook.site.source import packaged_pages

__all__ = [
    "block_ids",
    "dead_links",
    "fence_problems",
    "leftovers",
    "missing_parts",
    "page_findings",
    "page_problems",
    "read_addresses",
    "unsafe_page_links",
]


# --- Generated blocks in a page's source: the only allowed form -------------------------------------------------------

_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<marks>`{3,}|~{3,})[ \t]*(?P<info>[^\n`]*)$", re.MULTILINE)
_BLOCK = re.compile(r'python exec="on" html="on" id="(?P<id>[a-z0-9]+(?:-[a-z0-9]+)*)"')
# Options of markdown-exec, and misspellings of `exec`: with any of these, an author meant the block to run.
_MEANT = re.compile(r"\b(exec|exce|exex|html|source|session|result|updatetoc|idprefix)\s*=", re.IGNORECASE)


def _opening_lines(source: str) -> list[tuple[int, str]]:
    """Return the line number and info string of each opening fence (a fence closes the one before it)."""
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
    """Find fences that are meant to run but would be published as they are, and ids used twice."""
    problems = [
        f'line {number}: write a generated block as ```python exec="on" html="on" id="…", not ```{info}'
        for number, info in _opening_lines(source)
        if _MEANT.search(info) and not _BLOCK.fullmatch(info)
    ]
    twice = [name for name, count in Counter(block_ids(source)).items() if count > 1]
    return problems + [f"two generated blocks have the id {name}" for name in twice]


# The pages for authors show blocks and placeholders on purpose.
_EXAMPLE = re.compile(r'<div class="[^"]*rb-example[^"]*">.*?</pre>|<code class="rb-template">.*?</code>', re.DOTALL)
_TAGS = re.compile(r"<[^>]+>")
_CODE_BLOCK = re.compile(r"<pre\b[^>]*>(?:<span></span>)?<code\b.*?</pre>", re.DOTALL)
_PROMPT = re.compile(r"^\s*[$%] \S", re.MULTILINE)
_SIGNS = {
    "Traceback (most recent call last)": "the traceback of a block is published",
    'exec="': "the source of a block is published",
    "exec=on": "the source of a block is published",
    "from runbook.": "the source of a block is published",
    "{{": "a placeholder is published unfilled",
    "{%": "a template is published unfilled",
    "```": "a fence is published",
    "~~~": "a fence is published",
    '=== "': "the mark of a tab is published",
    "???": "the mark of a folded note is published",
    "!!! ": "the mark of a note is published",
}


def leftovers(html: str) -> list[str]:
    """Find problems that only show in the result: blocks that didn't run, leftover Markdown, copied prompts."""
    shown = _EXAMPLE.sub("", html)
    visible = unescape(_TAGS.sub("", shown))
    found = {f"{problem} ({sign})" for sign, problem in _SIGNS.items() if sign in visible}
    # The text that the copy button copies.
    for code in _CODE_BLOCK.findall(shown):
        if _PROMPT.search(unescape(_TAGS.sub("", code))):
            found.add("a prompt is copied with its command ($ )")
    return sorted(found)


# --- Links: none inside the site may be dead, and none may load from another host -------------------------------------

_ADDRESSES = {"href", "src", "poster", "data"}


@dataclass(slots=True)
class PageAddresses:
    """The ids of an HTML page, the ids that occur twice, and the addresses that it points at."""

    ids: set[str] = field(default_factory=set)
    twice: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    """Addresses that a browser fetches by itself."""


def read_addresses(file: Path, *, only_content: bool = False) -> PageAddresses:
    """Read one HTML file, or only what the theme has put its header, navigation and footer around."""
    html = file.read_text(encoding="utf-8")
    document = PageAddresses()
    for tag, values in start_tags(html.partition("<article")[2].rpartition("</article>")[0] if only_content else html):
        if name := values.get("id"):
            (document.twice if name in document.ids else document.ids).add(name)
        for attribute in _ADDRESSES & values.keys():
            # These only name another page. Any other `<link>`, such as a stylesheet or an icon, is fetched.
            fetched = tag != "a" and values.get("rel") not in {"canonical", "next", "prev", "edit"}
            (document.loads if fetched else document.links).append(values[attribute])
    return document


_Reader = Callable[[Path], PageAddresses]


def dead_links(
    site: Path,
    pages: Collection[Path] | None = None,
    *,
    each: Callable[[_Reader, Sequence[Path]], Iterable[PageAddresses]] = map,
) -> list[str]:
    """Return a sentence for each dead address inside the site, and for each id that occurs twice.

    If `pages` are given, only their contents are checked, not the rest of the site that is around them. `each` reads
    many files, as `map` does.
    """
    files = sorted(site.rglob("*.html"))
    documents = dict(zip(files, each(read_addresses, files), strict=True))
    find = cache(partial(_target, site))  # every page leads to those in the navigation
    problems = []
    for file in documents if pages is None else [file for file in documents if file in {*pages}]:
        document = documents[file] if pages is None else read_addresses(file, only_content=True)
        name = file.relative_to(site).as_posix()
        problems += [f"{name}: the id {one} occurs twice" for one in sorted(document.twice)]
        problems += [f"{name}: {problem}" for problem in _problems(find, file, document, documents)]
    return problems


def _problems(
    find: Callable[[Path, str], Path | None],
    file: Path,
    document: PageAddresses,
    documents: Mapping[Path, PageAddresses],
) -> Iterator[str]:
    for address in document.loads:
        if urlsplit(address).netloc:
            yield f"it loads {address} from another host"
    for address in dict.fromkeys(document.links + document.loads):
        parts = urlsplit(address)
        # `/` is the first page of the server, which belongs to another site if this one is below a path.
        if parts.scheme or parts.netloc or address == "/":
            continue
        path = unquote(parts.path)
        target = find(file.parent, path) if path else file
        if target is None:
            yield f"{address} leads nowhere"
        elif parts.fragment and target in documents and unquote(parts.fragment) not in documents[target].ids:
            yield f"{address}: that page has no such anchor"


def _target(site: Path, directory: Path, path: str) -> Path | None:
    found = (site / path.lstrip("/") if path.startswith("/") else directory / path).resolve()
    if found.is_dir():
        found /= "index.html"
    # A path that leaves the site would be found on this disk, but on no server.
    return found if found.is_file() and found.is_relative_to(site.resolve()) else None


# --- The book: pages show procedures that exist, with all their parts -------------------------------------------------


def page_problems(book: Book, docs: Path, project: Path) -> tuple[Finding, ...]:
    """Compare the book with a project's own pages of the runbook, in `docs`; a page that it lacks is generated."""
    known = {*packaged_pages(), *(f"procedures/{name}.md" for name in book.procedures)}
    found = [
        Finding(
            each.at.file, each.at.line, each.at.column, f"search finds '{each.page}', but the site has no such page"
        )
        for each in book.search.pages
        if f"{each.page}.md" not in known and not (docs / f"{each.page}.md").is_file()
    ]
    for page in (docs / "procedures").glob("*.md"):
        procedure = book.procedures.get(page.stem)
        told = []
        if procedure is None:
            told.append("this page doesn't show any procedure of the book")
        else:
            source = page.read_text(encoding="utf-8")
            if f"\n{page_heading(procedure.title)}\n" not in f"\n{source}":
                told.append(f"its heading isn't the procedure's title, '{page_heading(procedure.title)}'")
            if page.stem not in block_ids(source):
                told.append(f"it lacks the generated block {page.stem}")
        found += [Finding(_shown(page, project), 1, 1, problem) for problem in told]
    return tuple(sorted(found))


def page_findings(book: Book) -> tuple[Finding, ...]:
    """Compare the book with the site that shows it; find nothing if no MkDocs project around it uses the plugin."""
    project = nearest_project(Path(book.directory).resolve())
    if project is None:
        return ()
    problems = page_problems(book, project.pages, project.config.parent)
    return tuple(sorted({*problems, *unsafe_page_links(project)}))


def unsafe_page_links(project: SiteProject) -> Iterator[Finding]:
    """Yield each unsafe link in the project's own pages of the runbook."""
    for page in sorted(project.pages.rglob("*.md")):
        text, name = page.read_text(encoding="utf-8"), _shown(page, project.config.parent)
        # Only line feeds count, as in an editor; a page may contain other characters that end lines in Python.
        lines = text.split("\n")
        starts = [0, *accumulate(len(line) + 1 for line in lines)]
        for offset, address in unsafe_links(text):
            line = bisect_right(starts, offset)
            column, message = offset - starts[line - 1] + 1, unsafe_link_message(address)
            yield Finding(name, line, column, message, lines[line - 1], len(address))


def _shown(page: Path, project: Path) -> str:
    return page.relative_to(project).as_posix() if page.is_relative_to(project) else str(page)


def missing_parts(
    book: Book, site: Path, pages: Mapping[str, Path], steps: Callable[[str], Sequence[str]]
) -> list[str]:
    """Return the pages, parts of pages and steps that are missing from the built site.

    `pages` has the built files by the paths of their sources below the runbook's directory; `steps` returns the paths
    of the steps that belong on the page of such a source.
    """
    found = []
    for procedure in book.procedures.values():
        page = pages.get(f"procedures/{procedure.id}.md")
        if page is None or not page.is_file():
            found.append(f"the page of {procedure.id} was not built")
            continue
        html, shown = page.read_text(encoding="utf-8"), page.relative_to(site).as_posix()
        lost = [
            path
            for path in steps(f"procedures/{procedure.id}.md")
            if f'data-rb-step="{procedure.id}/{path}"' not in html
        ]
        found += [f"{shown} lacks the steps {', '.join(lost)}"] if lost else []
        # A page split into blocks may end too early or show a part twice, so each heading must be there once.
        parts = [heading for _, heading in HEADINGS if heading and html.count(f'id="{anchor(heading)}"') != 1]
        found += [f"{shown} lacks or repeats the parts {', '.join(parts)}"] if parts else []
    return found
