"""What the site costs beside the same as plain Markdown: its build, its pages, and how soon a reader can use one.

The plain site has the same theme with the same settings, and each procedure as `show --format md` prints it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from benchmarks.books import COPIED, SIZES, make_book
from benchmarks.environments import ROOT, installed_runbook
from benchmarks.figures import Figure, Figures
from benchmarks.timing import Measure, Sample, in_turns, spread, with_memory
from benchmarks.workplace import Workplace, workplace

sys.path.insert(0, str(ROOT / "tests"))

from support.sites import chromium, serving

__all__ = ["measure"]

GROUP = "Site"
LARGEST = max(SIZES)
SLOWER = 4
"""How many times slower a phone's processor is."""
PAGE = "emergency-rollback"


def measure(figures: Figures, rounds: int) -> None:
    """Measure the builds of each size, then the pages of the smallest one in a browser."""
    with tempfile.TemporaryDirectory(prefix="runbook-bench-") as directory, workplace() as place:
        for size in SIZES:
            whole = Path(directory) / str(size)
            whole.mkdir()
            _measure_builds(figures, 2 if size == LARGEST else 5, place, whole, size)
        _measure_pages(figures, rounds, Path(directory) / str(min(SIZES)))


def _measure_builds(figures: Figures, rounds: int, place: Workplace, directory: Path, size: int) -> None:
    bin_ = installed_runbook()
    book = make_book(directory / "book", size)
    environment = {**place.environment, "RUNBOOK_BOOK": str(book)}
    _write_plain(bin_, book, directory / "plain", environment)
    ours, plain = f"build, {size} procedures", "as plain Markdown"

    def built(argv: Sequence[str], where: Path) -> Measure:
        return with_memory(argv, environment=environment, directory=where)

    candidates = {
        ours: built([str(bin_ / "runbook"), "site", "build", "-o", str(directory / "ours")], ROOT),
        plain: built([str(bin_ / "mkdocs"), "build", "-q", "-d", str(directory / "plain-site")], directory / "plain"),
    }
    samples = in_turns(candidates, rounds, warm_up=size != LARGEST)
    figures.compare(
        GROUP, samples, {ours: (plain, 1.3 if size == LARGEST else None)}, by=lambda one: one.seconds, unit="s"
    )
    figures.compare(
        f"{GROUP}: memory", samples, {ours: (plain, None)}, by=lambda one: one.memory / 1e6, unit="MB",
        notes={ours: "of the largest of its processes"},
    )  # fmt: skip
    weighed = {
        f"page {COPIED}-0, {size}": (f"ours/procedures/{COPIED}-0.html", f"plain-site/{COPIED}-0.html"),
        f"search index, {size}": ("ours/assets/search-pages.js", "plain-site/search/search_index.json"),
    }
    for what, files in weighed.items():
        _add_weight(figures, what, *((directory / file).stat().st_size / 1000 for file in files))


def _add_weight(figures: Figures, what: str, ours: float, plain: float) -> None:
    values = {what: [Sample(ours)], "as plain Markdown": [Sample(plain)]}
    figures.compare(
        f"{GROUP}: weight", values, {what: ("as plain Markdown", None)}, by=lambda one: one.seconds, unit="kB"
    )


def _write_plain(bin_: Path, book: Path, directory: Path, environment: dict[str, str]) -> None:
    """Write the project with plain Markdown: one page for each procedure, and a first page."""
    docs = directory / "docs"
    docs.mkdir(parents=True)
    (docs / "index.md").write_text("# Runbook\n", encoding="utf-8")
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    theme = settings.partition("\ntheme:")[2]
    theme = re.sub(r"^  (logo|favicon):.*\n", "", theme.partition("\nplugins:")[0], flags=re.MULTILINE)
    (directory / "mkdocs.yml").write_text(
        f"site_name: Plain\nuse_directory_urls: false\ntheme:{theme}\nplugins: [search, offline]\n"
        "markdown_extensions: [admonition, attr_list, def_list, md_in_html, tables, {toc: {permalink: true}},"
        " pymdownx.details, pymdownx.superfences, pymdownx.highlight, pymdownx.inlinehilite]\n",
        encoding="utf-8",
    )
    script = (
        "import pathlib, sys\nfrom runbook.checks import open_book\n"
        "from runbook.rendering.markdown import markdown_page\n"
        "from runbook.rendering.shown_procedure import read_with_examples\n"
        "book = open_book(sys.argv[1])\n"
        "for name, procedure in book.procedures.items():\n"
        "    shown = read_with_examples(procedure, book.policy, max(book.policy.majors), '<project_ref>')\n"
        "    page = markdown_page(shown)\n"
        "    pathlib.Path(sys.argv[2], f'{name}.md').write_text(page, encoding='utf-8')\n"
    )
    subprocess.run([str(bin_ / "python"), "-c", script, str(book), str(docs)], env=environment, check=True)


# --- in a browser ---------------------------------------------------------------------------------------------------


def _measure_pages(figures: Figures, rounds: int, directory: Path) -> None:
    with (
        sync_playwright() as playwright,
        serving(directory / "ours") as ours,
        serving(directory / "plain-site") as plain,
    ):
        browser = chromium(playwright)

        def opened(address: str) -> Measure:
            return lambda: Sample(_interactive(browser, address))

        what, beside = f"{PAGE} interactive, processor {SLOWER} times slower", "as a plain page"
        candidates = {what: opened(f"{ours}/procedures/{PAGE}.html"), beside: opened(f"{plain}/{PAGE}.html")}
        figures.compare(f"{GROUP}: in Chromium", in_turns(candidates, rounds), {what: (beside, 1.5)})
        found = [_first_result(browser, f"{ours}/index.html") * 1000 for _ in range(rounds)]
        figures.add(
            Figure(
                group=f"{GROUP}: in Chromium",
                what="first search result after the last key",
                unit="ms",
                value=spread(found),
            )
        )
        browser.close()


def _interactive(browser: Browser, address: str) -> float:
    """Return the seconds from the navigation's start until every script has run and the page is painted."""
    with _slow_page(browser) as page:
        page.goto(address, wait_until="load")
        milliseconds: float = page.evaluate(
            "new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"
        )
    return milliseconds / 1000


def _first_result(browser: Browser, address: str) -> float:
    with _slow_page(browser) as page:
        page.goto(address, wait_until="load")
        page.click("[data-md-component=search-query]")
        page.keyboard.type("rows missin")
        page.wait_for_selector(".md-search-result__item")
        began = time.perf_counter()
        page.keyboard.type("g")
        page.wait_for_selector(".md-search-result__item")
        return time.perf_counter() - began


@contextmanager
def _slow_page(browser: Browser) -> Iterator[Any]:
    context = browser.new_context()
    page = context.new_page()
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    try:
        yield page
    finally:
        context.close()
