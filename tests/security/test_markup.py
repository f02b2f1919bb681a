"""No text of a book, a run or a drill becomes markup on the site, in a report, in Markdown or in YAML."""

from __future__ import annotations

import dataclasses
import json
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import EnumType
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import markdown  # type: ignore[import-untyped]
import pytest
import yaml
from markdown_it import MarkdownIt
from mkdocs.commands.build import build
from mkdocs.config import load_config
from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright
from support.books import procedure_text, write_book
from support.markup_attacks import (
    HOSTILE,
    LINKS,
    Poisoner,
    addresses,
    elements,
    live_parts,
    parsed,
    structure,
    text_of,
)
from support.sites import chromium, copy_of_checkout, pages_of, serving, visiting
from support.walks import START

from runbook.checks import open_book
from runbook.cli import main
from runbook.journal import events as known
from runbook.journal.events import DrillEnded, Event, Outcome, Purpose
from runbook.markup import (
    is_safe_link,
    markdown_code,
    markdown_fence,
    markdown_text,
    prose_parts,
    unsafe_links,
    yaml_text,
)
from runbook.model import Book
from runbook.printable import one_line
from runbook.rendering.markdown import markdown_page
from runbook.rendering.shown_procedure import read_with_examples
from runbook.reports.html import as_html
from runbook.reports.markdown import as_markdown
from runbook.reports.readiness import Readiness, readiness_of
from runbook.reports.run_report import RunReport, StepText, report_of
from runbook.site import readiness_page, reference, source
from runbook.site.new_procedure import page as page_of
from runbook.site.prose import plain

# --- Links ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("address", "safe"), LINKS.items(), ids=ascii)
def test_links_lead_only_to_http_https_mailto_and_relative_places(address: str, safe: bool) -> None:
    """The spelling of the address makes no difference."""
    assert is_safe_link(address) is safe


@pytest.mark.parametrize("address", [one for one, safe in LINKS.items() if not safe and one.strip()], ids=ascii)
def test_a_link_that_is_not_safe_is_text_in_a_sentence(address: str) -> None:
    """The reader sees what was written."""
    sentence = f"See [the log]({address})."
    parts = list(prose_parts(sentence))
    assert [part for part in parts if part.style == "link"] == []
    assert "".join(part.text for part in parts) == sentence


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("`[a](x:y)` ``[a](x:y) ` `` ```\n[a](x:y)\n\n```", []),
        ("``a` [a](x:y) `b``", []),
        ("`a``b [a](x:y)", ["x:y"]),
        ("A ` here.\n \nSee [a](x:y).\n\nAnd a ` there.", ["x:y"]),
        (r"\`[a](x:y)\` \``[a](x:y)`", ["x:y"]),
        (r"\\`[a](x:y)` [a](x:y) `", ["x:y"]),
        (r"[a\](x:y)", []),
        ("[a](https://example.com 'title') [a](x:y (title))", ["x:y"]),
        ("[a](x:y \"title\") <x:y> <a href='x:y'>\n[b]: x:y", ["x:y"] * 4),
    ],
)
def test_a_link_in_code_is_no_link_and_code_ends_where_readers_see_it_end(text: str, found: list[str]) -> None:
    """At a run of as many backticks, and before an empty line unless it is a block."""
    assert [address for _, address in unsafe_links(text)] == found


# --- The site ---------------------------------------------------------------------------------------------------------


class Hostile(NamedTuple):
    """The site of a poisoned book, and the site of the packaged one."""

    site: Path
    plain: Path
    book: Book
    placed: Mapping[int, str]

    def pages(self) -> Iterator[tuple[str, Any]]:
        """Yield the pages of the poisoned book."""
        return ((name, _read(self.site, name)) for name in pages_of(self.plain))


PAGE = """\
---
title: "</title><script>hit()</script>"
description: '"><script>hit()</script>'
author: '"><script>hit()</script>'
---
# Notes \u2028 and \u0085 more

[log](javascript:hit()) ![x](data:image/svg+xml,x) <javascript:hit()> <a href="JavaScript&colon;hit()">log</a>
[other](vbscript:hit) [good](https://example.com/) [page](../index.md)
"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    """Build the site from a book with a hostile text behind every text, and with hostile results of drills."""
    checkout = copy_of_checkout(tmp_path_factory.mktemp("checkout"))
    sound, poisoner = open_book(None), Poisoner()
    book = poisoner.book(sound)
    for procedure in book.procedures.values():
        stub = checkout / "docs" / "procedures" / f"{procedure.id}.md"
        stub.write_text(page_of(procedure.id, procedure.title), encoding="utf-8")
    data = checkout / "runbook" / "site" / "data"
    drills = data / "drills.json"
    result = {name: poisoner.behind("", f"drill.{name}") for name in ("cli", "postgres", "digest")}
    result |= {"at": "2026<script>hit()</script>", "seconds": 1, "passed": False}  # type: ignore[dict-item]
    drills.write_text(json.dumps({name: {"'\"><script>hit()</script>": result} for name in book.procedures}))
    _poison_corrections(data / "corrections.yaml", poisoner)
    site, plain_site = tmp_path_factory.mktemp("hostile"), tmp_path_factory.mktemp("plain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
        _build(copy_of_checkout(tmp_path_factory.mktemp("sound")), plain_site)
        (checkout / "docs" / "start" / "notes.md").write_text(PAGE, encoding="utf-8")
        patch.setattr(source, "open_book", lambda _: book)
        patch.setattr(source, "DATA", data)
        patch.setattr(reference, "DATA", data)
        patch.setattr(readiness_page, "exported_readiness", lambda: _poisoned_readiness(book, poisoner))
        _build(checkout, site)
    yield Hostile(site, plain_site, book, poisoner.placed)
    source.forget()


def _poisoned_readiness(book: Book, poisoner: Poisoner) -> Readiness:
    """Return an export in which every procedure was drilled by people with hostile names."""
    at = datetime(2026, 11, 20, tzinfo=UTC)
    people = [poisoner.behind("", "readiness.operator") for _ in range(2)]
    recorded = [
        (name, DrillEnded(at=at, procedure=procedure, scenario=name, operator=name, passed=passed))
        for procedure in book.procedures
        for name, passed in zip(people, (True, False), strict=True)
    ]
    return dataclasses.replace(
        readiness_of(book, recorded, at.date()), operator=poisoner.behind("", "readiness.operator")
    )


def _poison_corrections(file: Path, poisoner: Poisoner) -> None:
    read = yaml.safe_load(file.read_text(encoding="utf-8"))
    for one in read["corrections"]:
        one |= {key: poisoner.behind(one[key], f"correction.{key}") for key in ("title", "guide", "so")}
        for proof in one.get("proof", ()):
            proof["prints"] = poisoner.behind("", "correction.prints")
    file.write_text(yaml.safe_dump(read), encoding="utf-8")


def _build(checkout: Path, output: Path) -> None:
    config = load_config(str(checkout / "mkdocs.yml"), site_dir=str(output), strict=False)
    config.plugins.on_startup(command="build", dirty=False)
    try:
        build(config)
    finally:
        config.plugins.on_shutdown()


@cache
def _read(site: Path, name: str) -> Any:
    return parsed((site / name).read_text(encoding="utf-8"))


def test_no_text_of_a_book_is_live_on_any_page(hostile: Hostile) -> None:
    """The pages have no new element, no handler, no script and no unsafe address."""
    ours = frozenset(str(each.tag) for name in pages_of(hostile.plain) for each in elements(_read(hostile.plain, name)))
    ours = frozenset(name.rpartition("}")[2].lower() for name in ours)
    live = {name: live_parts(tree, ours=ours) for name, tree in hostile.pages()}
    assert {name: parts for name, parts in live.items() if parts} == {}
    assert ours.isdisjoint({"iframe", "object", "embed", "base", "textarea", "math", "plaintext", "template"})


def test_no_page_links_to_or_loads_from_a_host_that_the_sound_site_does_not_name(hostile: Hostile) -> None:
    """An address of another host in the middle of a text is no link."""

    def hosts(site: Path) -> set[str]:
        pages = (_read(site, name) for name in pages_of(hostile.plain))
        return {urlsplit(each).netloc for tree in pages for each in addresses(tree)}

    assert hosts(hostile.site) == hosts(hostile.plain)


def test_pages_show_hostile_texts_as_they_are_written(hostile: Hostile) -> None:
    """Nearly every field of the book is on a page, so the other tests here attack nearly every place."""
    shown = set[int]()
    for _, tree in hostile.pages():
        values = [value for each in elements(tree) for value in each.attrib.values()]
        shown |= {int(each) for each in re.findall(r"hit(\d+)\\?\.", " ".join([text_of(tree), *values]))}
    fields = set(hostile.placed.values())
    unseen = fields - {hostile.placed[number] for number in shown}
    assert {field for field in unseen if field.partition(".")[0] not in _FOR_THE_GUARD} == _NOT_ON_PAGES
    assert len(shown) > 2000


_FOR_THE_GUARD = {
    *("Policy", "Programs"),
    *(
        "CodeCall",
        "CommandFile",
        "CommandFileTest",
        "HttpClient",
        "HttpRequest",
        "Interpreter",
        "Launcher",
        "LineTest",
        "McpServer",
    ),
    "TaskRunner",
}
"""Mappings that the guard alone reads."""

# What is read by a machine alone, what a walk alone knows to fill, and what the search says of pages that are no
# procedures (the test of its results shows that as it is written).
_NOT_ON_PAGES = {
    *("Capture.becomes", "Capture.pattern", "KnownError.messages", "drill.digest"),
    *("Choose.because", "Choose.suggested", "Previous.must_be", "Suggestion.matches", "Suggestion.option"),
    *("FoundPage.answers", "FoundPage.title", "SearchWords.ignored", "SearchWords.synonyms"),
    *("Expectation.absent", "Expectation.matches"),  # a page says them in words
    *("Pattern.names", "Pattern.rollback"),  # for new files
    "Step.effect_found",  # a name in a walk
    "Parameter.pick",  # the name of a list
    *("Rule.also", "Rule.operands"),  # which argv a rule is for
}


def test_a_description_and_a_title_hold_the_text_itself(hostile: Hostile) -> None:
    """Search engines and tabs show the words of the book."""
    for procedure in hostile.book.procedures.values():
        tree = _read(hostile.site, f"procedures/{procedure.id}.html")
        metas = {each.get("name"): each.get("content") for each in elements(tree) if each.tag == "meta"}
        assert metas["description"] == plain(procedure.summary)
        title = next(each for each in elements(tree) if each.tag == "title")
        assert re.sub(r"\W", "", plain(procedure.title)) in re.sub(r"\W", "", title.text or "")


def test_the_front_matter_of_a_page_is_text(hostile: Hostile) -> None:
    """The theme's templates escape nothing themselves."""
    tree = _read(hostile.site, "start/notes.html")
    metas = {each.get("name"): each.get("content") for each in elements(tree) if each.tag == "meta"}
    assert metas["description"] == metas["author"] == '"><script>hit()</script>'


def test_links_of_a_written_page_that_are_not_safe_are_text(hostile: Hostile) -> None:
    """Safe links stay."""
    tree = _read(hostile.site, "start/notes.html")
    article = next(each for each in elements(tree) if each.tag == "article")
    links = [each.get("href") for each in elements(article) if each.tag == "a" and each.get("class") != "headerlink"]
    assert links == [None, None, None, "https://example.com/", "../index.html"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a Chromium."""
    with sync_playwright() as playwright:
        running = chromium(playwright)
        yield running
        running.close()


WATCH = """
window.hits = [];
window.hit = (...what) => window.hits.push(what);
for (const name of ["alert", "confirm", "prompt"]) window[name] = window.hit;
"""


def test_no_script_of_a_book_runs_in_a_browser(hostile: Hostile, browser: Browser) -> None:
    """On pages of every kind, the test fills in fields, ticks boxes, opens details, and searches."""
    with serving(hostile.site) as base, visiting(browser, base) as visit:
        visit.context.add_init_script(WATCH)
        dialogs: list[str] = []

        def dismiss(dialog: Dialog) -> None:
            dialogs.append(dialog.message)
            dialog.dismiss()

        visit.context.on("dialog", dismiss)
        page = visit.context.new_page()
        names = pages_of(hostile.site)
        procedures = [name for name in names if name.startswith("procedures/")]
        # Procedures all come from one template, and no page of any has anything live in it.
        for name in [*(name for name in names if name not in procedures), *procedures[::4]]:
            visit.go(page, name)
            _touch(page)
            assert page.evaluate("window.hits") == [], name
        visit.go(page, "index.html?q=%3Cimg+src%3Dx+onerror%3Dhit()%3E&h=%3Cimg%20src=x%20onerror=hit()%3E#%E0%A4%A")
        page.wait_for_selector(".md-search-result__item")
        assert page.evaluate("window.hits") == []
        assert dialogs == []
        assert visit.elsewhere == []
        assert visit.errors == []


def _touch(page: Page) -> None:
    page.evaluate("""() => {
      for (const field of document.querySelectorAll("[data-rb-field]")) {
        field.value = field.options ? field.options[field.options.length - 1].value : "<img src=x onerror=hit()>";
      }
      document.querySelector("[data-rb-field]")?.dispatchEvent(new Event("input", { bubbles: true }));
      for (const box of [...document.querySelectorAll(".rb-step input")].slice(0, 5)) box.click();
      for (const one of document.querySelectorAll("details")) one.open = true;
    }""")


def test_results_of_the_search_show_hostile_texts_as_they_are_written(hostile: Hostile, browser: Browser) -> None:
    """What is in the index alone, or in the texts of pages, becomes no markup in the search box either."""
    with serving(hostile.site) as base, visiting(browser, base) as visit:
        visit.context.add_init_script(WATCH)
        page = visit.context.new_page()
        searched = [text for found in hostile.book.search.pages[::4] for text in (found.title, found.answers[0])]
        for text in (*searched, "onerror=hit()"):
            visit.go(page, f"index.html?{urlencode({'q': text})}")
            results = page.locator(".md-search-result__list")
            expect(results).to_contain_text(text)
            assert results.locator("img, script, iframe, form, input, style").count() == 0
            assert page.evaluate("window.hits") == []
        assert visit.elsewhere == []
        assert visit.errors == []


def test_text_from_the_browsers_storage_never_becomes_markup(hostile: Hostile, browser: Browser) -> None:
    """Another page of the same host may have put anything into it."""
    remembered = {
        "started": "<img src=x onerror=hit()>",
        "ticks": {"__proto__": "<img src=x onerror=hit()>"},
        "choices": {"which": "<img src=x onerror=hit()>"},
    }
    with serving(hostile.plain) as base, visiting(browser, base) as visit:
        page = visit.context.new_page()
        page.add_init_script(WATCH)
        for name in ("push-migration", "emergency-rollback", "rename-column"):
            visit.go(page, f"procedures/{name}.html")
            keys = page.evaluate("[...document.querySelectorAll('[data-rb-field]')].map((one) => one.dataset.rbField)")
            state = remembered | {"values": dict.fromkeys(keys, "<img src=x onerror=hit()>")}
            stored = [f"rb:migration-runbook:{name}", json.dumps(state)]
            page.evaluate("([key, value]) => localStorage.setItem(key, value)", stored)
            page.reload()
            page.wait_for_selector(".md-header")
            assert page.evaluate("window.hits") == []
            assert page.evaluate("document.querySelectorAll('article img').length") == 0
        assert visit.elsewhere == []


# --- The report of a run ----------------------------------------------------------------------------------------------

_EXTENSIONS = [
    *("abbr", "admonition", "attr_list", "def_list", "footnotes", "md_in_html", "tables", "toc"),
    *("pymdownx.details", "pymdownx.highlight", "pymdownx.magiclink", "pymdownx.superfences", "pymdownx.tilde"),
]
_FLAVOURS: dict[str, Callable[[str], str]] = {
    "commonmark": MarkdownIt("commonmark").enable(["table", "strikethrough"]).render,
    "python-markdown": lambda text: markdown.markdown(text, extensions=["tables", "fenced_code"]),
    "site": lambda text: markdown.markdown(
        text, extensions=_EXTENSIONS, extension_configs={"pymdownx.highlight": {"use_pygments": False}}
    ),
}
_OURS = frozenset(
    (
        *("html", "head", "body", "h1", "h2", "h3", "p", "ul", "li", "strong", "code", "pre", "div", "span"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    )
)


def _filled(kind: Any, text: str) -> Any:
    """Return a value of that type whose texts are all that text."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in {types.UnionType, typing.Union}:
        return _filled(inner[0], text)
    if origin is tuple:
        return (text, text)
    if origin is not None and issubclass(origin, Mapping):
        return {text: _filled(inner[1], text)}
    if isinstance(kind, EnumType):
        return next(iter(kind))
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind, vars(known))
        make: Any = kind
        return make(**{each.name: _filled(hints[each.name], text) for each in dataclasses.fields(kind)})
    return {str: text, int: 1, float: 1.0, bool: False}.get(kind, START)


def _events(text: str) -> list[Event]:
    """Return one event of each sort and an execution of each purpose, with that text in all texts."""
    kinds = [getattr(known, name) for name in known.__all__]
    kinds = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event]
    made = [_filled(kind, text) for kind in kinds]
    made.sort(key=lambda event: not isinstance(event, known.RunStarted))
    for number, purpose in enumerate(Purpose):
        step = f"{number} {text}"
        started = known.StepStarted(at=START, step=step, purpose=purpose, argv=("echo", text), confirmed=text)
        outcome = list(Outcome)[number % len(Outcome)]
        finished = known.StepFinished(
            at=START + timedelta(seconds=1),
            step=step,
            purpose=purpose,
            outcome=outcome,
            exit=1,
            output=text,
            evidence=text,
        )
        made += [started, finished]
    return made


MANY_LINES = (
    "before\n```\n</code></pre><img src=x onerror=hit()>\n\n# Finished\n\n| a | b |\n|---|---|\n",
    "````\n~~~\n````text\n`````\n<script>hit()</script>\n\n<script>hit()</script>",
    "\n\n    code\n\n<details open ontoggle=hit()>\n\n# Finished\n",
    "a\r```\r<img src=x onerror=hit()>\r\n```\x0b```\x0c```\x85<img src=x onerror=hit()>",
    "[x]: javascript:hit()\n\n[x]\n\n<javascript:hit()>\n\n---\n\nFinished\n===\n\n- [x] Finished",
    "\u2028<script>hit()</script>\u2029\x85```",
    "```\n" * 30 + "<img src=x onerror=hit()>",
)


def _report(text: str) -> RunReport:
    """Return a report with that text wherever a run or a book puts one."""
    report = report_of(_events(text), proof=text)
    steps = {f"{number} {text}": StepText(text, text, text) for number in range(2)}
    answers = [dataclasses.replace(one, suggested=text, because=text) for one in report.answers]
    return dataclasses.replace(report, title=text, steps=steps, answers=tuple(answers))


_WRITERS: dict[str, Callable[[RunReport], str]] = {
    name: lambda report, render=render: render(as_markdown(report, full=True, sources=True))
    for name, render in _FLAVOURS.items()
} | {"html": lambda report: as_html(report, full=True, sources=True)}


@pytest.mark.parametrize(
    ("text", "writer"),
    [
        *((text, "html") for text in HOSTILE),
        *zip(HOSTILE, cycle(_FLAVOURS), strict=False),
        *((text, writer) for text in MANY_LINES for writer in _WRITERS),
    ],
    ids=ascii,
)
def test_no_text_of_a_run_changes_the_structure_of_its_report(text: str, writer: str) -> None:
    """The report has the same headings, rows, lists and blocks as one of plain words."""
    write, words = _WRITERS[writer], re.sub(r"\S", "x", text)
    hostile, plain_one = parsed(write(_report(text))), parsed(write(_report(words)))
    ours = _OURS | ({"meta", "title", "style"} if writer == "html" else frozenset())

    # Of the HTML's own style the test can't tell that it is harmless; it is the same in both.
    assert live_parts(hostile, ours=ours) == live_parts(plain_one, ours=ours)
    assert addresses(hostile) == []
    assert structure(hostile) == structure(plain_one)
    assert one_line(text) in text_of(hostile)


# --- Markdown and YAML made from a book -------------------------------------------------------------------------------


def test_no_text_of_a_book_is_live_in_its_markdown() -> None:
    """In the output of `show --format md` only safe links are live."""
    poisoner = Poisoner()
    book = poisoner.book(open_book(None))
    ours = _OURS | {"a", "ol", "input", "br"}
    for procedure, flavour in zip(book.procedures.values(), cycle(("commonmark", "site")), strict=False):
        text = markdown_page(read_with_examples(procedure, book.policy, 3, "abcdefghijklmnopqrst"))
        tree = parsed(_FLAVOURS[flavour](text))
        assert live_parts(tree, ours=ours) == [], procedure.id
        assert [
            each.text for each in elements(tree) if each.tag in {"h1", "h2", "h3"} and each.text == "Finished"
        ] == []
        assert text_of(tree).count("hit") > 20


@pytest.mark.parametrize("flavour", _FLAVOURS)
@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_line_and_a_span_of_code_show_the_text_as_it_is(text: str, flavour: str) -> None:
    """This holds at the start of a line and within one."""
    written = f"{markdown_text(text)}\n\nSee {markdown_text(text)} and {markdown_code(text)}.\n"
    tree = parsed(_FLAVOURS[flavour](written))
    shown = " ".join(text.split())
    assert [each.tag for each in elements(tree)] == ["html", "head", "body", "p", "p", "code"]
    assert text_of(tree) == f"{shown} See {shown} and {shown}."


@pytest.mark.parametrize("text", [*HOSTILE, *MANY_LINES], ids=ascii)
def test_a_block_of_code_ends_where_it_is_meant_to(text: str) -> None:
    """Its fence is longer than any in the text."""
    for render in _FLAVOURS.values():
        tree = parsed(render("\n".join(["before", "", *markdown_fence(text), "", "after"])))
        body = next(each for each in elements(tree) if each.tag == "body")
        assert len([each for each in elements(tree) if each.tag == "pre"]) == 1
        assert (body[0].text, body[-1].text, len(body)) == ("before", "after", 3)


TITLES = [
    *HOSTILE,
    "a\nowner: evil",
    "a: b",
    "- a",
    "a #b",
    "\x00\x07\x1b[2J",
    "\x85\u2029\ufeff",
    "\U0001f600",
    "'\"\\",
]


@pytest.mark.parametrize("title", TITLES, ids=ascii)
def test_yaml_reads_any_title_back_unchanged(title: str) -> None:
    """Titles may hold quotes, line breaks and control characters."""
    assert yaml.safe_load(f"title: {yaml_text(title)}\nowner: me\n") == {"title": title, "owner": "me"}


def test_check_accepts_the_page_of_a_new_procedure_with_any_title(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page's heading is text. `new` refuses a title of invisible characters."""
    checkout = copy_of_checkout(tmp_path)
    book = str(checkout / "runbook" / "book")
    monkeypatch.chdir(checkout)
    titles = [*HOSTILE[::6], *TITLES[len(HOSTILE) :]]
    made = {
        f"task-{number}": title
        for number, title in enumerate(titles)
        if main(["--book", book, "new", "procedure", f"task-{number}", "--title", title]) == 0
    }
    assert set(titles) - set(made.values()) == {"\x00\x07\x1b[2J", "\x85\u2029\ufeff"}
    first = checkout / "docs" / "procedures" / "task-0.md"
    assert main(["--book", book, "new", "page", "task-0"]) == 0
    assert first.read_text(encoding="utf-8") == page_of("task-0", " ".join(made["task-0"].split()))
    for name, title in made.items():
        text = page_of(name, " ".join(title.split()))
        (first.parent / f"{name}.md").write_text(text, encoding="utf-8")
        heading = text.splitlines()[0]
        tree = parsed(_FLAVOURS["site"](heading))
        tags = [each.tag for each in elements(tree) if each.tag not in {"code", "strong"}]
        assert tags == ["html", "head", "body", "h1"], heading
    capsys.readouterr()
    main(["--book", book, "check"])
    assert [line for line in capsys.readouterr().out.splitlines() if "docs/procedures/" in line] == []


# --- Reports to the author --------------------------------------------------------------------------------------------


STEPS = """\
- id: look
  title: Look
  run: npx supabase migration list {{target}}
  why: >-
    See [the log](https://example.com/log) first,
    then [the other](javascript:alert(1)).
  if_it_fails: Ask <vbscript:x>, or `[not](data:a-link)`
- id: file
  title: Write it
  edit: {file: a.md, template: "[mine](x:y)"}
"""


def test_check_names_the_place_of_each_link_that_is_not_safe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It looks at sentences, not at code or at texts that a step writes into a file."""
    more = "warnings: ['Read [this](//example.com)']\n"
    book = write_book(tmp_path / "book", {"fix-it": procedure_text(STEPS, more=more)})
    assert main(["--book", str(book), "check"]) == 2
    found = [line for line in capsys.readouterr().out.splitlines() if "can't be a link" in line]
    places = [re.sub(r"^.*fix-it\.yaml:(\d+:\d+): ('[^']*').*$", r"\1 \2", line) for line in found]
    assert places == ["9:25 '//example.com'", "16:24 'javascript:alert(1)'", "17:23 'vbscript:x'"]


def test_check_names_the_place_of_each_link_of_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It also looks at the written pages of the site."""
    checkout = copy_of_checkout(tmp_path)
    (checkout / "docs" / "start" / "notes.md").write_text(PAGE, encoding="utf-8")
    monkeypatch.chdir(checkout)
    assert main(["--book", str(checkout / "runbook" / "book"), "check"]) == 2
    found = [line for line in capsys.readouterr().out.splitlines() if line.startswith("docs/")]
    places = [re.sub(r"^(\S+:\d+:\d+): ('[^']*').*$", r"\1 \2", line) for line in found]
    assert places == [
        "docs/start/notes.md:8:7 'javascript:hit()'",
        "docs/start/notes.md:8:30 'data:image/svg+xml,x'",
        "docs/start/notes.md:8:53 'javascript:hit()'",
        "docs/start/notes.md:8:80 'JavaScript&colon;hit()'",
        "docs/start/notes.md:9:9 'vbscript:hit'",
    ]
