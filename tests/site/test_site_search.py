"""The search of the site: it finds what `runbook find` finds, whatever is typed or pasted, and asks nobody."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support.searches import read_searches
from support.sites import Visit

from runbook.model import Book
from runbook.search.index import build_index
from runbook.search.ranking import Hit, find
from runbook.site.search_index import sections

MOST = 8

ODD = (
    *(
        "I",
        "it",
        "it was",
        "a",
        "x",
        "é",
        "+",
        "-",
        "*",
        "the",
        "~2",
        "title:",
        '"',
        "\\",
        "?",
        "()",
        "[",
        "^$",
        "{{name}}",
    ),
    *(
        "<b>",
        "&lt;",
        "<img src=x onerror=alert(1)>",
        "%",
        "\u23ce",
        "x" * 5000,
        "база данных упала",
        "数据库坏了",
        "データ",
        "🔥🔥",
    ),
    *("\n\n\n", "   ", "__proto__", "constructor", "toString", "null", "0", "1" * 40, "a" * 200 + " b" * 200),
    "it's broken\nand I don't know why\n\nERROR:  something\n" * 30,
)
"""Searches that say little, or that other search engines take for their own language."""

FIRST = {
    "i ran db reset": "procedures/data-recovery.html",
    "i deleted a table": "procedures/data-recovery.html",
    "it broke after the migration": "procedures/emergency-rollback.html",
    "rows missing": "procedures/data-recovery.html",
    "drop column": "procedures/backup-before-migration.html",
    "migration history mismatch": "procedures/reconcile-history.html",
    "secret leaked": "procedures/set-edge-function-secrets.html",
    "undo push": "procedures/emergency-rollback.html",
    "undo": "procedures/emergency-rollback.html",
    "rollback": "procedures/emergency-rollback.html",
    "index invalid": "procedures/add-index.html",
    "psql": "reference/commands.html#rule-psql",
    "dry run": "procedures/push-migration.html",
    "table locked": "procedures/emergency-rollback.html",
    "wrong project": "procedures/onboarding.html",
    "restore yesterday": "procedures/data-recovery.html",
    "env var": "procedures/set-edge-function-secrets.html",
    "rotate key": "procedures/set-edge-function-secrets.html",
    "401 function": "procedures/edge-function-health.html",
    "cors": "procedures/edge-function-health.html",
    "deploy broke": "procedures/rollback-edge-function.html",
    "function broken": "procedures/rollback-edge-function.html",
    "site is down": "procedures/emergency-rollback.html",
    "outage": "procedures/emergency-rollback.html",
    "who is on call": "reference/owners.html",
    "first day": "procedures/onboarding.html",
    "stuck migration": "procedures/emergency-rollback.html#find-blocker",
    "pitr": "procedures/data-recovery.html",
    "postmortem": "reference/command-line.html",
    "deadlock": "procedures/emergency-rollback.html",
    "SQLSTATE 42P01": "reference/errors.html#error-table-missing",
    "55P03": "reference/errors.html#error-lock-timeout",
    "db reset": "reference/commands.html#rule-db-reset",
    "reset --linked": "reference/commands.html#rule-db-reset",
}
"""What people type, and the place that comes first."""


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
            if (box.value.trim()) await until(() => !/type to start/i.test(meta.textContent));
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
    """Open the first page with its search box, as `/` does. No index is loaded before anybody searches."""
    asked: list[str] = []
    visit.context.on("request", lambda request: asked.append(request.url))
    page = visit.open("index.html")
    page.keyboard.press("/")
    expect(page.locator(".md-search__input")).to_be_focused()
    page.wait_for_function("/type to start/i.test(document.querySelector('.md-search-result__meta').textContent)")
    assert [url for url in asked if "assets/search-" in url] == []
    return page


def test_the_site_finds_what_the_terminal_finds(box: Page, book: Book) -> None:
    """More than 100 searches in one page: the results stand in the order of `runbook find`, and none throws.

    Errors are pasted as they are; what is no word, or a word of other engines' language, is searched like any text.
    Other pages follow only where the terminal isn't sure either. A result leads to the answer that its line belongs to.
    """
    index = build_index(book)
    searches = [one.text for name in ("queries", "more-queries") for one in read_searches(name)]
    assert len(searches) + len(ODD) + len(FIRST) > 150
    # From a disk the same index comes in another way, which a part of them shows.
    step = 5 if box.url.startswith("file:") else 1
    for text in (*searches[::step], *FIRST, *ODD[::step]):
        hits = find(index, text, MOST)
        wanted, found = [place_of(hit) for hit in hits], ask(box, text)
        assert found[: len(wanted)] == wanted, text
        assert text not in FIRST or found[0] == FIRST[text]
        assert found == wanted or not hits or not hits[0].is_sure, text
        assert box.locator(".md-search-result :is(b, img)").count() == 0

    # Words that no line of the index has are searched for in the texts of the pages.
    assert any("emergency-rollback" in place for place in ask(box, "pg_blocking_pids"))
    teasers = " ".join(box.locator(".md-search-result__item").all_inner_texts())
    assert "pg_blocking_pids" in teasers
    assert re.findall(r"\d[a-z]?(?:Decide|Pick|Reads|Writes)|(?:Reads|Writes|Decide)(?:about|Pick)", teasers) == []

    ask(box, "constraint refuses good rows")
    box.keyboard.press("Enter")
    box.wait_for_url("**/emergency-rollback.html*#name-table")


def test_the_parts_of_a_step_are_words_of_their_own() -> None:
    """Its number, title and badge don't fuse; code and values stay whole, and what isn't read aloud isn't found."""
    page = (
        '<h1 id="t">Title<a class="headerlink" href="#t">&para;</a></h1><p>Text.</p>'
        '<li id="apply" data-rb-step="x/apply"><span>5a</span><h4>Push <code>it</code></h4><span>Writes</span>'
        "<style>p{}</style><svg><title>no</title></svg><pre><code>db <var>&lt;name&gt;</var>_x</code></pre></li>"
    )

    assert list(sections("a.html", page)) == [
        ("a.html", "Title", "Text. 5a"),
        ("a.html#apply", "Push it", "Writes db <name>_x"),
    ]


def test_every_symptom_and_error_is_on_a_page(site: Path, book: Book) -> None:
    """Without scripts and on paper, one page lists them all and links to where they lead."""
    page = (site / "reference" / "errors.html").read_text(encoding="utf-8")
    text = " ".join(" ".join(words) for words in sections("", page))
    for procedure in book.procedures.values():
        assert f'href="../procedures/{procedure.id}.html' in page
        assert [error for error in procedure.errors if " ".join(error.split()) not in text] == []
    assert [error.id for error in book.errors if f'id="error-{error.id}"' not in page] == []
