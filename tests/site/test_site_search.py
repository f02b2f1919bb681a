"""The search of the site: it finds what `runbook find` finds, whatever is typed or pasted, and asks nobody."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from support.searches import read_searches
from support.sites import Visit

from runbook.model import Book
from runbook.search.index import build_index
from runbook.search.ranking import Hit, find

MOST = 8


def ask(page: Page, text: str) -> list[str]:
    """Paste a text into the search box and return the best place of each result, in order."""
    # The box is emptied first, so that an answer of the search before can't be taken for this one's.
    page.evaluate(
        """async text => {
            const box = document.querySelector('.md-search__input');
            const meta = document.querySelector('.md-search-result__meta');
            const until = async done => { while (!done()) await new Promise(requestAnimationFrame); };
            const press = () => box.dispatchEvent(new KeyboardEvent('keyup', { bubbles: true }));
            box.value = '';
            press();
            await until(() => /type to start/i.test(meta.textContent));
            const clipboardData = new DataTransfer();
            clipboardData.setData('text/plain', text);
            const wasTaken = !box.dispatchEvent(new ClipboardEvent('paste', { clipboardData, cancelable: true }));
            if (!wasTaken) box.value = text;
            press();
            await until(() => !/type to start/i.test(meta.textContent));
        }""",
        text,
    )
    places: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('.md-search-result__item')].map(item =>
            [...item.querySelectorAll('a')]
                .sort((one, other) => other.firstElementChild.dataset.mdScore - one.firstElementChild.dataset.mdScore)
                .map(link => new URL(link.href))
                .map(url => url.pathname.slice(new URL('.', location).pathname.length) + url.hash)[0])"""
    )
    return places


def place_of(hit: Hit) -> str:
    """Return the place on the site to which a result leads."""
    return f"{hit.entry.page}.html{'#' if hit.anchor else ''}{hit.anchor}"


@pytest.fixture
def box(visit: Visit) -> Page:
    """Open the first page with its search box, as `/` does."""
    page = visit.open("index.html")
    page.keyboard.press("/")
    expect(page.locator(".md-search__input")).to_be_focused()
    page.wait_for_function("/type to start/i.test(document.querySelector('.md-search-result__meta').textContent)")
    return page


def test_the_site_finds_what_the_terminal_finds(box: Page, book: Book) -> None:
    """For every search of the lists, the results stand in the order of `runbook find`, each with its place."""
    index = build_index(book)
    for search in [*read_searches("queries"), *read_searches("more-queries")]:
        wanted = [place_of(hit) for hit in find(index, search.text, MOST)]
        assert ask(box, search.text)[: len(wanted)] == wanted, search.text


@pytest.mark.parametrize(
    "text", ["I", "it", "+", "-", "*", "the", "~2", "title:", '"', "\\", "x" * 5000, "<b>", "&lt;"]
)
def test_no_search_fails(box: Page, text: str) -> None:
    """Common words and signs of query languages are searched like any text, and nothing becomes HTML."""
    ask(box, text)
    expect(box.locator(".md-search-result__meta")).to_contain_text("match")
    assert box.locator(".md-search-result b").count() == 0


def test_enter_goes_to_the_very_branch(box: Page) -> None:
    """A result leads to the answer that its line belongs to; Enter takes the first one."""
    ask(box, "constraint refuses good rows")
    box.keyboard.press("Enter")
    box.wait_for_url("**/emergency-rollback.html*#name-table")


def test_words_of_sql_are_found_on_all_pages(box: Page) -> None:
    """Words that no line of the index has are searched for in the texts of the pages."""
    assert any("emergency-rollback" in place for place in ask(box, "pg_blocking_pids"))


def test_every_symptom_and_error_is_on_a_page(visit: Visit, book: Book) -> None:
    """Without scripts and on paper, one page lists them all and links to where they lead."""
    page = visit.open("reference/errors.html")
    text = " ".join(page.locator("article").inner_text().split())
    for procedure in book.procedures.values():
        assert page.locator(f"article a[href*='procedures/{procedure.id}.html']").count()
        assert all(" ".join(error.split()) in text for error in procedure.errors)
    for error in book.errors:
        assert page.locator(f"#error-{error.id}").count() == 1
