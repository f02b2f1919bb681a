"""Searches lead to the right page, in the terminal and on the site."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence

import pytest
from support.searches import leads_to, read_searches, score
from support.sites import ROOT

from runbook.checks import open_book
from runbook.model import Book, Verdict
from runbook.search.index import build_index
from runbook.search.ranking import Hit, find
from runbook.search.record import Index

SEARCHES = ("queries", "more-queries")
ODD = [
    "",
    " ",
    "I",
    "it",
    "the",
    "+",
    "--",
    "*",
    "\\",
    '"',
    "é",
    "\u202e",
    "\x00",
    "x" * 300,
    "emerg",
    "a\r\nb",
    "$",
    "1",
]
"""Searches that mean nothing, or contain characters that other search engines treat as operators."""

_IN_NODE = """
const search = require(process.argv[1]);
const { record, texts } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const index = search.read(record);
const shown = (hit) => [hit.entry.kind, hit.entry.id, hit.score, hit.sureness, hit.isSure, hit.anchor,
  hit.entry.verdict, hit.entry.do, hit.line && hit.line.text, hit.words];
console.log(JSON.stringify(texts.map((text) => search.find(index, text).map(shown))));
"""


@pytest.fixture(scope="module")
def book() -> Book:
    """Open the packaged book."""
    return open_book(None)


@pytest.fixture(scope="module")
def index(book: Book) -> Index:
    """Return its index."""
    return build_index(book)


@pytest.mark.parametrize(
    ("name", "count", "first", "among_three"), [("queries", 67, 62, 67), ("more-queries", 33, 29, 32)]
)
def test_a_search_leads_to_the_right_page(
    name: str, count: int, first: int, among_three: int, book: Book, index: Index
) -> None:
    """The right page is the first result of most searches, and among the first three of the rest."""
    ranked = score(read_searches(name), lambda text: find(index, text), book)
    missed = [f"{rank}: {search.text[:70]!r} → {sorted(search.pages)}" for search, rank in ranked if rank != 1]
    shown = "\n".join(missed)
    assert len(ranked) == count
    assert sum(rank == 1 for _, rank in ranked) >= first, shown
    assert sum(1 <= rank <= 3 for _, rank in ranked) >= among_three, shown


def test_the_site_ranks_as_the_terminal_does(index: Index) -> None:
    """The ranking in JavaScript gives the same results, scores, places and words as the one in Python."""
    texts = [*(search.text for name in SEARCHES for search in read_searches(name)), *ODD]
    ran = subprocess.run(
        ["node", "-e", _IN_NODE, str(ROOT / "runbook/site/assets/js/search/ranking.js")],
        input=json.dumps({"record": index.record, "texts": texts}),
        capture_output=True,
        text=True,
        check=True,
    )
    for text, there in zip(texts, json.loads(ran.stdout), strict=True):
        assert json.loads(json.dumps([*map(_shown, find(index, text))])) == there, text


def _shown(hit: Hit) -> list[object]:
    entry, line = hit.entry, hit.line
    return [entry.kind.value, entry.id, hit.score, hit.sureness, hit.is_sure, hit.anchor, entry.verdict, entry.do,
            line and line.text, hit.words]  # fmt: skip


def test_the_index_survives_json(index: Index) -> None:
    """The cached index and the one on the site find the same."""
    again = Index.read(json.loads(json.dumps(index.record)))
    for search in read_searches("queries"):
        assert [*map(_shown, find(again, search.text))] == [*map(_shown, find(index, search.text))]


def first(index: Index, text: str) -> Hit:
    """Return the first result."""
    hits: Sequence[Hit] = find(index, text)
    assert hits, text
    return hits[0]


def test_every_known_error_is_found_by_what_it_shows(book: Book, index: Index) -> None:
    """Each error of the book, pasted as it is printed, leads to its own entry with certainty."""
    for error in book.errors:
        for shown in error.shown:
            hit = first(index, shown)
            assert (hit.entry.kind, hit.entry.id) == ("error", error.id), shown
            assert hit.sureness == 3


def test_an_error_is_found_inside_a_log(book: Book, index: Index) -> None:
    """Prefixes, colours, JSON, quotes, frames of a stack and lines around it don't hide an error."""
    for error in book.errors:
        text = error.shown[0]
        for paste in (
            f"2026/11/03 17:56:10 {text}\nAt statement: 0\nalter table x add column y int",
            f"\x1b[31m{text}\x1b[0m",
            f"##[error] {text}\n    at Object.push (/app/node_modules/x.js:10:5)\n    at main (/app/y.js:1:1)",
            "Connecting to remote database...\n" * 40 + text + "\nTry rerunning the command with --debug\n" * 40,
        ):
            assert first(index, paste).entry.id == error.id, paste


def test_every_error_text_of_a_procedure_leads_to_it(book: Book, index: Index) -> None:
    """A procedure is among the first three results for its own errors, or later if others have that error too."""
    for procedure in book.procedures.values():
        for error in procedure.errors:
            found = [leads_to(hit, book) for hit in find(index, error)]
            others = sum(error in one.errors for one in book.procedures.values())
            assert any(procedure.id in names for names in found[: 3 + others]), (procedure.id, error)


@pytest.mark.parametrize(
    "text", ["all my orders are gone", "customers say their orders are gone", "data is gone but the rows are there"]
)
def test_gone_rows_lead_to_both_pages(text: str, book: Book, index: Index) -> None:
    """Users say the same whether rows are deleted or only hidden, so both pages are among the first three."""
    found = {name for hit in find(index, text)[:3] for name in leads_to(hit, book)}
    assert {"emergency-rollback", "data-recovery"} <= found


def test_every_symptom_of_a_procedure_leads_to_it(book: Book, index: Index) -> None:
    """A procedure is the first result for its own symptoms and situations."""
    for procedure in book.procedures.values():
        for text in (*procedure.symptoms, *procedure.use_when):
            assert procedure.id in {name for hit in find(index, text)[:2] for name in leads_to(hit, book)}, text


def test_an_answer_is_found_with_its_branch(index: Index) -> None:
    """A result that is one answer of a question leads to the first step of its branch."""
    hit = first(index, "column or constraint refuses good rows")
    assert hit.entry.id == "emergency-rollback"
    assert hit.anchor == "name-table"


@pytest.mark.parametrize(
    ("line", "rule", "verdict"),
    [
        ("supabase db reset --linked", "db-reset", "Refused"),
        ("$ npx -y supabase@latest db reset --linked", "db-reset", "Refused"),
        ("node_modules/.bin/supabase migration repair --status applied 20260101000000", "migration-repair", "depends"),
        ("npx supabase secrets unset --all", "secrets-unset", "Refused"),
        ("npx supabase functions deploy", "functions-deploy", "depends"),
        ("db reset --linked", "db-reset", "Refused"),
        ("reset --linked", "db-reset", "Refused"),
    ],
)
def test_a_command_leads_to_what_the_policy_says(index: Index, line: str, rule: str, verdict: str) -> None:
    """The first result for a pasted command is the verdict on exactly that form."""
    hit = first(index, line)
    assert (hit.entry.kind, hit.entry.id, hit.sureness) == ("rule", rule, 4)
    assert verdict in hit.entry.verdict


def test_no_command_is_called_better_than_it_is(book: Book, index: Index) -> None:
    """For every line that the policy is tested with, search says nothing milder than the policy does."""
    fine, confirm = "Fine on", "a person must confirm"
    seen = 0
    for rule in book.policy.rules:
        for test in rule.tests:
            hits = find(index, test.line)
            if not hits or hits[0].sureness < 4:
                continue
            seen += 1
            said = hits[0].entry.verdict
            assert not (test.verdict is Verdict.REFUSE and (fine in said or confirm in said)), test.line
            assert not (test.verdict is Verdict.CONFIRM and fine in said), test.line
    assert seen > 120


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("emergancy rolback", "emergency-rollback"),
        ("emergency roll", "emergency-rollback"),
        ("RENAME COLUMNS", "rename-column"),
        ("renamed a column", "rename-column"),
        ("edge funtion secretes", "set-edge-function-secrets"),
    ],
)
def test_typos_beginnings_and_endings_of_words_are_understood(index: Index, typed: str, meant: str) -> None:
    """Words with a typo, half-typed words and other forms of a word find what is meant."""
    assert first(index, typed).entry.id == meant


@pytest.mark.parametrize("text", ["", "  \n", "the of it", "qqqqzzzz", "\x00"])
def test_a_search_without_meaning_finds_nothing(index: Index, text: str) -> None:
    """No result is better than one by chance."""
    assert find(index, text) == []


def test_each_right_page_is_known(book: Book, index: Index) -> None:
    """No search names a page that this book doesn't have: it could never be found."""
    known = {name for entry in index.entries for name in leads_to(Hit(entry, None, 0, 0, ()), book)}
    for search in (one for name in SEARCHES for one in read_searches(name)):
        assert search.pages & known, f"{search.text[:60]!r} → {sorted(search.pages)}"


def test_no_search_is_asked_twice() -> None:
    """The second list isn't the first one again."""
    texts = [search.text.lower() for name in SEARCHES for search in read_searches(name)]
    assert len(texts) == len(set(texts))
    assert sum("\n" in text for text in texts) >= 12
