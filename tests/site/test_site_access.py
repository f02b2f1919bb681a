"""For everybody: nothing that axe objects to, no sideways scrolling, valid HTML, no need of scripts or of a screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import html5lib
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from support.sites import ROOT, Visit, pages_of, serving, visiting

DOCS = ROOT / "docs"
COLOUR = ["color-contrast", "link-in-text-block"]
PAGES = ["404.html", *sorted(one.relative_to(DOCS).with_suffix(".html").as_posix() for one in DOCS.rglob("*.md"))]


@pytest.fixture(scope="module")
def reader(browser: Browser, site: Path) -> Iterator[Visit]:
    """Visit the site once for all pages: a page keeps nothing that the next one shows."""
    with serving(site) as base, visiting(browser, base) as visit:
        yield visit


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_violation(reader: Visit, name: str) -> None:
    """Every page, on a phone and on a desktop, in light and in dark; and no page scrolls sideways, on a tablet neither.

    A colour scheme changes colours and nothing else, so the rules about colour are enough for dark. They take most of
    the time, so they are held to each colour scheme once: to light on a desktop, to dark on a phone.
    """
    page = reader.open(name)
    page.add_style_tag(content="* { transition: none !important; animation: none !important }")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    for width in (768, 1280, 360):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width, timeout=5000)
        if width == 1280:
            page.emulate_media(color_scheme="light")
            assert _violations(page, {}) == [], f"{name} on a desktop, light"
    assert _violations(page, {"rules": {rule: {"enabled": False} for rule in COLOUR}}) == [], f"{name} on a phone"
    page.emulate_media(color_scheme="dark")
    assert _violations(page, {"runOnly": COLOUR}) == [], f"{name} on a phone, dark"
    page.close()


def _violations(page: Page, options: dict[str, object]) -> list[str]:
    found = Axe().run(page, options=options).response["violations"]
    return [f"{one['id']}: {node['target']} {node.get('failureSummary', '')}" for one in found for node in one["nodes"]]


def test_every_page_is_well_formed_html(site: Path) -> None:
    """A strict HTML5 parser accepts every page without one error."""
    for name in pages_of(site):
        html5lib.HTMLParser(strict=True).parse((site / name).read_text(encoding="utf-8"))


def test_a_page_can_be_read_without_scripts(browser: Browser, site: Path) -> None:
    """All steps, all branches, all commands on both CLIs are there; what would not work is not shown."""
    with serving(site) as base, visiting(browser, base, java_script_enabled=False) as visit:
        page = visit.open("procedures/emergency-rollback.html")
        for step in ("triage", "push-function--apply", "recover--see-backups"):
            if page.locator(f"#{step}").count():
                expect(page.locator(f"#{step} .rb-check").first).to_be_visible()
        assert page.locator(".rb-step").count() > 50
        expect(page.locator(".rb-progress")).to_be_hidden()


def test_on_paper_a_page_is_a_checklist(browser: Browser, site: Path) -> None:
    """Printed: boxes with borders, lines to write values on, every branch open, both CLIs, no navigation."""
    with serving(site) as base, visiting(browser, base) as visit:
        page = visit.open("procedures/emergency-rollback.html")
        page.locator("[data-rb-choice=what-broke] input").first.check()
        page.emulate_media(media="print")
        box = page.locator("#triage [data-rb-tick]")
        assert float(box.evaluate("one => parseFloat(getComputedStyle(one).borderTopWidth)")) >= 1
        assert page.locator(".rb-branch__steps:visible").count() == page.locator(".rb-branch__steps").count()
        expect(page.locator(".rb-paper")).to_be_visible()
        expect(page.locator("#triage .tabbed-block").nth(1)).to_be_visible()
        expect(page.locator(".md-sidebar").first).to_be_hidden()
        expect(page.locator(".rb-progress")).to_be_hidden()
        assert page.locator(".rb-field__blank:visible").count() == page.locator(".rb-field").count()


def test_the_first_page_is_light(browser: Browser, site: Path) -> None:
    """HTML, styles and scripts of the first page stay under 700 kB without the search index."""
    with serving(site) as base, visiting(browser, base) as visit:
        sizes: list[int] = []
        visit.context.on(
            "response",
            lambda answer: sizes.append(len(answer.body())) if "search_index" not in answer.url else None,
        )
        page = visit.open("index.html")
        page.wait_for_load_state("networkidle")

        assert 0 < sum(sizes) < 700_000
