"""For everybody: nothing that axe objects to, no sideways scrolling, valid HTML, no need of scripts or of a screen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import html5lib
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from support.sites import ROOT, open_all, pages_of, serving, visiting

DOCS = ROOT / "docs"
PAGES = ["404.html", *sorted(one.relative_to(DOCS).with_suffix(".html").as_posix() for one in DOCS.rglob("*.md"))]
KINDS = [
    *("index.html", "404.html", "start/using.html", "procedures/push-migration.html"),
    *("procedures/emergency-rollback.html", "reference/commands.html", "reference/guard.html"),
    *("start/recorded-drill.html", "reference/owners.html", "reference/speed.html"),
]
"""Pages of every kind: what stands on the others is made by the same templates and styles."""
SHORTEN = """() => {
  const lists = new Set([...document.querySelectorAll("tbody > tr, article article")].map(entry => entry.parentNode));
  lists.forEach(list => [...list.children].slice(5).forEach(entry => entry.remove()));
}"""
"""Drops entries of long lists. They are made alike, and the first test looks at all of them."""
COLOURS = ("color-contrast", "link-in-text-block")
"""The rules about colours."""
STILL = "* { transition: none !important; animation: none !important }"


def test_axe_finds_no_violation(browser: Browser, site: Path) -> None:
    """No page has any, with all that is folded opened, and no page scrolls sideways on a phone.

    Colours are looked at on one page of each kind: no page has colours of its own.
    """
    with serving(site) as base, visiting(browser, base) as visit:
        page = visit.context.new_page()
        for name in PAGES:
            page.set_viewport_size({"width": 1280, "height": 900})
            visit.go(page, name)
            page.add_style_tag(content=STILL)
            open_all(page)
            assert _violations(page, skipped=["color-contrast"]) == [], name
            _expect_no_sideways_scrolling(page, 360)


@pytest.mark.parametrize(("name", "light_at"), [(name, (360, 768)[at % 2]) for at, name in enumerate(KINDS)])
def test_axe_finds_no_violation_at_any_width_in_any_colours(
    browser: Browser, site: Path, name: str, light_at: int
) -> None:
    """On a phone and a tablet too, and in dark. On a procedure's page also as it is opened, and with an answer picked.

    A colour scheme changes colours and nothing else, so the rules about colour are enough for it. To judge a colour
    takes ten times as long as everything else, so it is judged at one width in light and at the other in dark.
    """
    with serving(site) as base, visiting(browser, base) as visit:
        page = visit.open(name)
        page.add_style_tag(content=STILL)
        page.evaluate(SHORTEN)
        if page.locator("#answer-3a").count():
            assert _violations(page, skipped=["color-contrast"]) == [], f"{name}, folded"
            page.locator("#answer-3a > summary").click()
        else:
            open_all(page)
        for width in (360, 768):
            _expect_no_sideways_scrolling(page, width)
            assert _violations(page, skipped=["color-contrast"]) == [], f"{name} at {width} px"
            scheme: Literal["light", "dark"] = "light" if width == light_at else "dark"
            page.emulate_media(color_scheme=scheme)
            assert _violations(page, *COLOURS) == [], f"{name} at {width} px, {scheme}"


def _expect_no_sideways_scrolling(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width, timeout=5000)


def _violations(page: Page, *rules: str, skipped: Sequence[str] = ()) -> list[str]:
    options: dict[str, object] = {"resultTypes": ["violations"]}  # to describe what is right takes most of the time
    options |= {"rules": {rule: {"enabled": False} for rule in skipped}, **({"runOnly": list(rules)} if rules else {})}
    options["resultTypes"] = [
        "violations"
    ]  # else it describes every element that is right, which takes most of the time
    found = Axe().run(page, options=options).response["violations"]
    return [f"{one['id']}: {node['target']} {node.get('failureSummary', '')}" for one in found for node in one["nodes"]]


def test_every_page_is_well_formed_html(site: Path) -> None:
    """A strict HTML5 parser accepts every page without one error."""
    for name in pages_of(site):
        html5lib.HTMLParser(strict=True).parse((site / name).read_text(encoding="utf-8"))


def test_a_page_can_be_read_without_scripts(browser: Browser, site: Path) -> None:
    """Answers open one at a time, a link opens them, the CLI can be switched; what would not work is not shown."""
    with serving(site) as base, visiting(browser, base, java_script_enabled=False) as visit:
        page = visit.open("procedures/emergency-rollback.html")
        expect(page.locator("#triage .rb-tick")).to_be_visible()
        expect(page.locator("#find-access")).to_be_hidden()
        page.locator("#answer-3c > summary").click()
        expect(page.locator("#find-access .rb-line")).to_be_visible()
        page.locator("#answer-3a > summary").click()
        expect(page.locator("#find-access")).to_be_hidden()
        expect(page.locator("#undo-push-access--apply")).to_be_visible()
        expect(page.locator("#push-function--apply .rb-only--cli-2").first).to_be_hidden()
        page.locator("#cli-2").check()
        expect(page.locator("#push-function--apply .rb-only--cli-2").first).to_be_visible()
        expect(page.locator("#push-function--apply .rb-only--cli-3").first).to_be_hidden()
        expect(page.locator(".rb-progress")).to_be_hidden()
        page.locator(".rb-glance > summary").click()
        page.locator(".rb-way a[href='#see-indexes']").click()
        expect(page.locator("#see-indexes")).to_be_visible()


def _pages(page: Page) -> int:
    """Return how many sheets of A4 the page prints on."""
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))


def test_on_paper_a_page_is_a_checklist(browser: Browser, site: Path) -> None:
    """Boxes with borders, a line for each value, one CLI, dark on white whatever the screen has.

    A question that is decided prints ticked, and its answer alone. A typed value stands on its line.
    """
    with serving(site) as base, visiting(browser, base, color_scheme="dark") as visit:
        page = visit.open("procedures/emergency-rollback.html")
        page.fill("#value-project_ref", "abcdefghijklmnopqrst")
        assert 12 < _pages(page) <= 25
        page.locator("#answer-3a > summary").click()
        page.locator("#works .rb-branch > summary").first.click()
        assert _pages(page) <= 12
        expect(page.locator(".rb-branch[open]")).to_have_count(2)
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")  # the theme opens all answers then
        expect(page.locator(".rb-branch:not([open])")).to_have_count(0)
        expect(page.locator("#answer-3a > .rb-branch__steps")).to_be_visible()
        expect(page.locator("#answer-3i > .rb-branch__steps")).to_be_hidden()
        expect(page.locator(".rb-undo > li:visible")).to_have_count(1)
        expect(page.locator("body")).to_have_css("color", "rgb(24, 32, 43)")
        expect(page.locator("#triage .rb-line code").first).to_have_css("background-color", "rgb(243, 245, 248)")
        expect(page.locator("#value-project_ref ~ .rb-field__blank")).to_have_text("abcdefghijklmnopqrst")
        mark = "one => getComputedStyle(one, '::before').content"
        assert page.locator("#what-broke > .rb-step__head .rb-tick").evaluate(mark) == '"✓"'
        size = "one => parseFloat(getComputedStyle(one).fontSize)"
        assert page.locator(".rb-checks").evaluate(size) <= page.locator(".rb-lead").evaluate(size)
        box = page.locator("#triage [data-rb-tick]")
        assert float(box.evaluate("one => parseFloat(getComputedStyle(one).borderTopWidth)")) >= 1
        expect(page.locator(".rb-paper")).to_be_visible()
        expect(page.locator("#triage .rb-line").first).to_be_visible()
        expect(page.locator("#triage .rb-only--cli-2").first).to_be_hidden()
        expect(page.locator("#name-function .rb-field__blank")).to_be_visible()
        assert page.locator(".rb-field__blank").count() == page.locator(".rb-field").count()
        for hidden in (".md-sidebar", ".rb-progress", ".md-code__nav"):
            expect(page.locator(hidden).first).to_be_hidden()


def test_an_emergency_is_decided_within_two_screens(browser: Browser, site: Path) -> None:
    """On a desktop and a phone: the first step in one screen, all answers in two, no answer longer than six."""
    with serving(site) as base, visiting(browser, base) as visit:
        page = visit.open("procedures/emergency-rollback.html")
        for width, height in ((1280, 800), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            bottom = "one => one.getBoundingClientRect().bottom + scrollY"
            assert page.locator("#triage .rb-tick").evaluate(bottom) <= height
            assert page.locator("#what-broke .rb-branch").last.evaluate(bottom) <= 2 * height
            for letter in "abcdefghi":
                page.locator(f"#answer-3{letter} > summary").click()
                assert page.locator(f"#answer-3{letter}").evaluate("one => one.offsetHeight") <= 6 * height
                page.locator(f"#answer-3{letter} > summary").click()
        assert page.locator("nav:not([role=none])").count() < 6


def test_the_first_page_is_light(browser: Browser, site: Path) -> None:
    """All that the first page loads stays under 500 kB: what a search needs comes with the first search."""
    with serving(site) as base, visiting(browser, base) as visit:
        sizes: list[int] = []
        visit.context.on(
            "response",
            lambda answer: sizes.append(len(answer.body())),
        )
        page = visit.open("index.html")
        page.wait_for_load_state("networkidle")

        assert 0 < sum(sizes) < 500_000
        assert page.evaluate("performance.getEntriesByType('resource').every(one => !one.name.includes('/search-'))")
