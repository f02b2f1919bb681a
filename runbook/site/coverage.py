"""Pages and procedures must match: none without the other, each in the section of the nav that it belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from runbook.errors import Finding
from runbook.expansion import EveryWay, expand
from runbook.model import Book, Procedure
from runbook.site.build_checks import block_ids
from runbook.site.new_procedure import HEADINGS, SECTION_TITLES, anchor
from runbook.site.value_markers import marked_scope

__all__ = ["missing", "nav_entries", "page_findings", "problems"]

_ENTRY = re.compile(r"^\s*-\s+(?:.*:\s+)?procedures/(?P<name>[\w-]+)\.md\s*$")
_SECTION = re.compile(r"^\s{2}-\s+(?P<title>[^:]+):")


def problems(book: Book, config: Path) -> tuple[Finding, ...]:
    """Compare the book with the sources of the site. `config` is `mkdocs.yml`."""
    pages = {page.stem: page for page in (config.parent / "docs" / "procedures").glob("*.md")}
    nav = nav_entries(config)
    found = [
        Finding(one.at.file, 1, 1, f"{name} has no page on the site: `runbook new page {name}` writes one")
        for name, one in book.procedures.items()
        if name not in pages
    ]
    for name, page in sorted(pages.items()):
        shown = book.procedures.get(name)
        told = _page_problems(shown, page, nav) if shown else ["this page shows no procedure of the book"]
        found += [Finding(page.relative_to(config.parent).as_posix(), 1, 1, problem) for problem in told]
    return tuple(sorted(found))


def page_findings(book: Book) -> tuple[Finding, ...]:
    """Compare the book with the site of the checkout it lies in; nothing where there is no site."""
    directory = Path(book.directory).resolve()
    config = next((one / "mkdocs.yml" for one in directory.parents if (one / "mkdocs.yml").is_file()), None)
    return problems(book, config) if config else ()


def nav_entries(config: Path) -> dict[str, str]:
    """Return the procedures in the nav of `mkdocs.yml`, in its order, each with its section's title."""
    entries = {}
    section = ""
    for written in config.read_text(encoding="utf-8").partition("\nnav:\n")[2].splitlines():
        if heading := _SECTION.match(written):
            section = heading["title"].strip()
        if entry := _ENTRY.match(written):
            entries[entry["name"]] = section
    return entries


def _page_problems(procedure: Procedure, page: Path, nav: dict[str, str]) -> Iterator[str]:
    source = page.read_text(encoding="utf-8")
    if f"\n# {procedure.title}\n" not in f"\n{source}":
        yield f"its heading is not the procedure's title, '{procedure.title}'"
    if procedure.id not in block_ids(source):
        yield f"it lacks the generated block {procedure.id}"
    wanted = SECTION_TITLES[procedure.section]
    if nav.get(procedure.id) != wanted:
        yield f"in the nav it belongs under '{wanted}', not under '{nav.get(procedure.id, 'nothing')}'"


def missing(book: Book, site: Path) -> list[str]:
    """Return what the built site lacks: pages, parts of pages, steps."""
    found = []
    for procedure in book.procedures.values():
        page = site / "procedures" / f"{procedure.id}.html"
        if not page.is_file():
            found.append(f"procedures/{procedure.id}.html was not built")
            continue
        html = page.read_text(encoding="utf-8")
        paths = [place.path for place in expand(procedure, EveryWay(), marked_scope(procedure.parameters)).places]
        lost = [path for path in paths if f'data-rb-step="{procedure.id}/{path}"' not in html]
        found += [f"procedures/{procedure.id}.html lacks the steps {', '.join(lost)}"] if lost else []
        parts = [heading for _, heading in HEADINGS if heading and html.count(f'id="{anchor(heading)}"') != 1]
        found += [f"procedures/{procedure.id}.html lacks or repeats the parts {', '.join(parts)}"] if parts else []
    return found
