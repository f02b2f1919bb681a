"""The site in Chromium, over http and from a disk, with the network cut: all of it works, nothing is sent."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from support.destinations import argv_of
from support.sites import Visit, open_all, serving, visiting

from runbook.model import Book, TargetKind
from runbook.steps.command import Command
from runbook.steps.sql import Sql

PUSH = "procedures/push-migration.html"
ROLLBACK = "procedures/emergency-rollback.html"
HOSTILE = "abc'; rm -rf /"

OVER_HTTP = pytest.mark.parametrize("base", ["http"], indirect=True)
FROM_A_DISK = pytest.mark.parametrize("base", ["file"], indirect=True)
"""What differs between the two is storage, the clipboard and addresses. Those tests run on both, others in turn."""


def _copy(page: Page, step: str) -> str:
    """Press the copy button of a step's visible command and return what the clipboard holds."""
    block = page.locator(f"#{step} > .rb-step__body .rb-line:visible").first
    block.hover()
    block.locator(".md-code__button[data-md-type=copy]").click()
    page.wait_for_function("window.copied !== undefined")
    text = page.evaluate("window.copied")
    page.evaluate("window.copied = undefined")
    assert isinstance(text, str)
    return text


@pytest.fixture
def tab(visit: Visit) -> Page:
    """Open an empty tab whose clipboard can be read: a page from a disk has no right to ask for it."""
    visit.context.add_init_script(
        "document.addEventListener('copy', () => { window.copied = String(getSelection()) || undefined });"
        "if (navigator.clipboard) navigator.clipboard.writeText = async (text) => { window.copied = text };"
    )
    return visit.context.new_page()


def test_ticks_stay_until_a_new_read_through(visit: Visit, tab: Page) -> None:
    """A tick survives leaving the page; "n of m done" and the start time say where one stands."""
    visit.go(tab, PUSH)
    count = tab.locator(".rb-progress__count")
    expect(count).to_have_text("0 of 5 done")
    expect(tab.locator(".rb-progress__since")).to_contain_text("not started")

    tab.locator("#preview [data-rb-tick]").check()
    expect(count).to_have_text("1 of 5 done")
    visit.go(tab, "index.html")
    visit.go(tab, PUSH)
    expect(tab.locator("#preview [data-rb-tick]")).to_be_checked()
    expect(tab.locator(".rb-progress__since")).to_contain_text("started")

    button = tab.locator(".rb-progress__new")
    button.click()
    expect(count).to_have_text("1 of 5 done")
    button.click()
    expect(count).to_have_text("0 of 5 done")


def _stored(page: Page) -> dict[str, object]:
    text = page.evaluate("localStorage.getItem('rb:migration-runbook:push-migration')")
    read: dict[str, object] = json.loads(text)
    return read


def _store(page: Page, state: dict[str, object]) -> None:
    page.evaluate("text => localStorage.setItem('rb:migration-runbook:push-migration', text)", json.dumps(state))


@FROM_A_DISK
def test_a_tick_of_an_edited_step_is_gone(visit: Visit, tab: Page) -> None:
    """Ticks belong to a step's content: what was edited since must be done again, the rest not."""
    visit.go(tab, PUSH)
    for step in ("preview", "apply"):
        tab.locator(f"#{step} [data-rb-tick]").check()
    state = _stored(tab)
    ticks = state["ticks"]
    assert isinstance(ticks, dict)
    state["ticks"] = {(f"{key[:-1]}~" if key.startswith("apply") else key): at for key, at in ticks.items()}
    _store(tab, state)

    tab.reload()

    expect(tab.locator("#preview [data-rb-tick]")).to_be_checked()
    expect(tab.locator("#apply [data-rb-tick]")).not_to_be_checked()


@OVER_HTTP
def test_ticks_of_yesterday_are_gone_and_said_so(visit: Visit, tab: Page) -> None:
    """A list that was left ticked last month is a trap."""
    visit.go(tab, PUSH)
    tab.locator("#preview [data-rb-tick]").check()
    yesterday = datetime.now(UTC) - timedelta(hours=25)
    _store(tab, _stored(tab) | {"started": yesterday.isoformat()})

    tab.reload()

    expect(tab.locator("#preview [data-rb-tick]")).not_to_be_checked()
    expect(tab.locator(".rb-progress__since")).to_contain_text("more than a day old")


@FROM_A_DISK
def test_a_browser_that_keeps_nothing_still_works(browser: Browser, base: str) -> None:
    """With storage forbidden the page works, and says that ticks are not kept."""
    with visiting(browser, base) as visit:  # the theme's own scripts complain; ours must not care
        visit.context.add_init_script(
            "Storage.prototype.setItem = () => { throw new Error('no') };"
            "Storage.prototype.getItem = () => { throw new Error('no') };"
        )
        tab = visit.open(PUSH)

        tab.locator("#preview [data-rb-tick]").check()

        expect(tab.locator(".rb-progress__count")).to_have_text("1 of 5 done")
        expect(tab.locator(".rb-progress__since")).to_contain_text("keeps no ticks")


def _argv_wanted(book: Book, procedure: str, step: str, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the walk runs there; a value that is not given has its example."""
    found = next(one for one in book.procedure(procedure).steps if one.id == step)
    assert isinstance(found.action, Command | Sql)
    values = {one.name: one.example for one in book.procedure(procedure).parameters} | dict(values)
    names = {"project_ref": "abcdefghijklmnopqrst"}
    return argv_of(found.action, values, policy=book.policy, major=3, kind=TargetKind.PRODUCTION, names=names)


def test_one_value_fills_every_command_and_the_copied_text(visit: Visit, tab: Page, book: Book) -> None:
    """A right value reaches all of its places; what is copied is what the walk would run."""
    visit.go(tab, "procedures/add-column.html")
    parameter = book.procedure("add-column").parameter("table_name")
    places = tab.locator(f"var[data-rb-value={parameter.name}]")
    assert places.count() > 3
    tab.fill(f"#value-{parameter.name}", parameter.example)

    assert set(places.all_text_contents()) == {parameter.example}
    for one in book.procedure("add-column").parameters:
        tab.fill(f"#value-{one.name}", one.example)
    assert tuple(shlex.split(_copy(tab, "new-file"))) == _argv_wanted(book, "add-column", "new-file", {})


@OVER_HTTP
def test_a_value_that_several_branches_find_is_one_value(visit: Visit, tab: Page) -> None:
    """No field keeps an older value than the one that was typed last, and no command uses it."""
    visit.go(tab, ROLLBACK)
    fields = tab.locator("[data-rb-field=table_version]")
    assert fields.count() > 1
    open_all(tab)
    fields.last.fill("20261123010000")
    tab.reload()
    open_all(tab)

    fields.first.fill("20261123020000")

    expect(fields.last).to_have_value("20261123020000")
    assert set(tab.locator("var[data-rb-value=table_version]").all_text_contents()) == {"20261123020000"}
    fields.first.fill(HOSTILE)
    expect(fields.last).to_have_attribute("aria-invalid", "true")
    assert set(tab.locator("var[data-rb-value=table_version]").all_text_contents()) == {"<table_version>"}


@FROM_A_DISK
def test_a_hostile_value_reaches_no_command(visit: Visit, tab: Page) -> None:
    """It is refused in words; every command keeps its empty place, and the copied text too."""
    visit.go(tab, "procedures/add-column.html")
    before = tab.locator("#new-file .rb-line").all_text_contents()

    for hostile in [HOSTILE, "$(reboot)", "`id`", "--yes", "a\u202eb", 'a" or 1=1 --', "a b;c"]:
        tab.fill("#value-table_name", hostile)

        expect(tab.locator("#value-table_name-problem")).to_contain_text("no command uses it")
        expect(tab.locator("#value-table_name")).to_have_attribute("aria-invalid", "true")
        assert tab.locator("#new-file .rb-line").all_text_contents() == before
        assert hostile not in _copy(tab, "new-file")
        assert hostile not in json.dumps(tab.evaluate("Object.values(localStorage)"))


@OVER_HTTP
def test_a_name_that_a_database_allows_stays_within_its_quotes(visit: Visit, tab: Page, book: Book) -> None:
    """Where any name is right, the copied command is word for word the one that the walk runs."""
    visit.go(tab, "procedures/replace-function.html")
    tab.fill("#value-project_ref", "abcdefghijklmnopqrst")

    for odd in [HOSTILE, "$(reboot)", "`id`", "a b;c", "it's", "Über & Söhne", "a\\", "now!"]:
        tab.fill("#value-function_name", odd)

        expect(tab.locator("#value-function_name")).to_have_attribute("aria-invalid", "false")
        wanted = _argv_wanted(book, "replace-function", "see-function", {"function_name": odd})
        assert tuple(shlex.split(_copy(tab, "see-function"))) == wanted


@FROM_A_DISK
def test_an_empty_place_makes_a_shell_stop(visit: Visit, tab: Page) -> None:
    """Copied too early, a command fails before it does anything: the shell finds no such file to read."""
    visit.go(tab, "procedures/add-column.html")

    assert "<table_name>" in _copy(tab, "new-file")


@OVER_HTTP
def test_an_empty_output_leaves_nothing_in_a_command(visit: Visit, tab: Page) -> None:
    """Its place is seen and not copied. Until the other values are typed, the copy says which are missing."""
    visit.go(tab, "procedures/rollback-edge-function.html")
    step = tab.locator("#see-settings > .rb-step__body")
    assert _copy(tab, "see-settings").endswith("/rollback-<function_name>/")
    expect(step.locator(".rb-missing")).to_have_text("Copied, but these values are still missing: function_name")

    tab.fill("#value-function_name", "complete-task")

    expect(step.locator(".rb-missing")).to_have_count(0)
    expect(step.locator("[data-rb-nothing=prefix]")).to_be_attached()
    line = "runbook function complete-task --workdir supabase/.temp/rollback-complete-task/"
    assert _copy(tab, "see-settings") == line
    tab.fill("#value-prefix", "apps/web/")
    assert _copy(tab, "see-settings") == f"{line}apps/web/"


def test_a_cli_chosen_once_holds_on_every_page(visit: Visit, tab: Page, book: Book) -> None:
    """Whoever has CLI 2 says so once. What is copied is that version's command, and a query's SQL without the shell."""
    visit.go(tab, PUSH)
    tab.locator("#cli-2").check()
    expect(tab.locator("#apply .rb-line").first).to_contain_text("--linked", use_inner_text=True)
    tab.fill("#value-project_ref", "abcdefghijklmnopqrst")
    action = next(one for one in book.procedure("push-migration").steps if one.id == "apply").action
    assert isinstance(action, Command)
    names = {"project_ref": "abcdefghijklmnopqrst"}
    wanted = argv_of(action, {}, policy=book.policy, major=2, kind=TargetKind.PRODUCTION, names=names)
    assert tuple(shlex.split(_copy(tab, "apply"))) == wanted

    visit.go(tab, "procedures/migration-health.html")

    expect(tab.locator("#cli-2")).to_be_checked()
    expect(tab.locator("#value-project_ref")).to_have_value("abcdefghijklmnopqrst")  # asked once for the site
    line = shlex.split(_copy(tab, "see-newest"))
    assert "--linked" in line
    tab.locator("#see-newest .rb-sql-alone button").click()
    tab.wait_for_function("window.copied !== undefined")
    assert tab.evaluate("window.copied") == line[-1]


def _open_answers(page: Page) -> list[str]:
    found: list[str] = page.evaluate("[...document.querySelectorAll('.rb-branch[open]')].map(one => one.id)")
    return found


@FROM_A_DISK
def test_an_answer_that_is_picked_opens_and_the_page_follows(visit: Visit, tab: Page, book: Book) -> None:
    """Answers are folded until one is picked. Its steps count, and the checks of the others are hidden."""
    steps = len(book.procedure("emergency-rollback").steps)
    visit.go(tab, ROLLBACK)
    count = tab.locator(".rb-progress__count")
    assert _open_answers(tab) == []
    expect(count).to_have_text(f"0 of {steps} done")
    expect(tab.get_by_text("Pick an answer above to see")).to_have_count(2)
    expect(tab.locator(".rb-checks")).to_be_hidden()

    tab.locator("#answer-3a > summary").click()

    assert _open_answers(tab) == ["answer-3a"]
    own = tab.locator("#answer-3a [data-rb-tick]").count()
    expect(count).to_have_text(f"1 of {steps + own} done")
    expect(tab.locator("#undo-push-function--apply")).to_be_visible()
    expect(tab.locator("#undo-push-access--apply")).to_be_hidden()
    tab.reload()
    assert _open_answers(tab) == ["answer-3a"]
    tab.locator("#answer-3c > summary").click()
    assert _open_answers(tab) == ["answer-3c"]
    expect(tab.locator("#undo-push-function--apply")).to_be_hidden()
    tab.locator("#answer-3c > summary").click()
    assert _open_answers(tab) == []
    tab.locator("#answer-3b > summary").click()
    for _ in range(2):
        tab.locator(".rb-progress__new").click()
    expect(count).to_have_text(f"0 of {steps} done")
    assert _open_answers(tab) == []


def test_a_link_into_an_answer_opens_it_without_picking_it(visit: Visit, tab: Page) -> None:
    """Links from searches and between steps lead into folded answers, and to steps that another page shows now."""
    visit.go(tab, f"{ROLLBACK}#name-constraint")
    assert _open_answers(tab) == ["answer-3e", "answer-3e.3a"]
    expect(tab.locator("#name-constraint")).to_be_in_viewport()
    visit.go(tab, PUSH)
    visit.go(tab, ROLLBACK)
    assert _open_answers(tab) == []
    tab.locator(".rb-glance > summary").click()
    tab.locator(".rb-way a[href='#name-access-table']").click()
    assert _open_answers(tab) == ["answer-3c"]

    visit.go(tab, PUSH)
    visit.go(tab, f"{ROLLBACK}#recover--see-backups")
    tab.wait_for_url("**/data-recovery.html#see-backups")


@OVER_HTTP
def test_each_of_a_list_has_its_own_ticks(visit: Visit, tab: Page) -> None:
    """Steps that are done once per function are ticked once per function."""
    visit.go(tab, "procedures/deploy-edge-functions.html")
    tab.fill("#value-function_names", "complete-task, create-task")
    now = tab.locator("select[data-rb-field=function_name]")
    assert now.locator("option").all_text_contents() == ["Choose", "complete-task", "create-task"]

    now.select_option("complete-task")
    inside = tab.locator(".rb-each [data-rb-tick]").first
    inside.check()
    now.select_option("create-task")
    expect(inside).not_to_be_checked()
    now.select_option("complete-task")
    expect(inside).to_be_checked()


@FROM_A_DISK
def test_the_colours_can_be_switched(visit: Visit, tab: Page) -> None:
    """Light, dark, like the system; the choice is kept."""
    visit.go(tab, "index.html")
    scheme = "document.body.getAttribute('data-md-color-scheme')"
    before = tab.evaluate(scheme)
    for _ in range(2):
        tab.locator("form[data-md-component=palette] label:visible").click()

    assert tab.evaluate(scheme) != before
    tab.reload()
    assert tab.evaluate(scheme) != before


@OVER_HTTP
def test_the_keyboard_alone_is_enough(visit: Visit, tab: Page) -> None:
    """Skip to the page, and tick the first step within 15 keys. Switch the CLI, pick an answer and copy."""
    visit.go(tab, ROLLBACK)
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert 1 + _tab_to(tab, "#triage [data-rb-tick]") < 15
    tab.keyboard.press("Space")
    expect(tab.locator("#triage [data-rb-tick]")).to_be_checked()
    _tab_to(tab, "#answer-3a > summary")
    tab.keyboard.press("Enter")
    _tab_to(tab, "#name-function input[type=text]")
    tab.keyboard.type("create_task")
    _tab_to(tab, "#push-function--apply .md-code__button")
    tab.keyboard.press("Enter")
    tab.wait_for_function("window.copied !== undefined")
    assert "db push" in tab.evaluate("window.copied")
    tab.locator("#cli-3").focus()
    tab.keyboard.press("ArrowRight")
    expect(tab.locator("#cli-2")).to_be_checked()


def _tab_to(page: Page, selector: str) -> int:
    """Press Tab until an element has the focus, and return how often."""
    for presses in range(60):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return presses
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {selector}")


def test_a_secret_has_no_field(browser: Browser, site: Path, book: Book) -> None:
    """The browser's storage would keep it. The page says how to give it. Other fields: `test_site_promises.py`."""
    secrets = [(each.id, one.name) for each in book.procedures.values() for one in each.parameters if one.secret]
    assert secrets
    with serving(site) as address, visiting(browser, address) as visit:
        tab = visit.context.new_page()
        for procedure, secret in secrets:
            visit.go(tab, f"procedures/{procedure}.html")
            assert tab.locator(f"[data-rb-field='{secret}']").count() == 0
            expect(tab.locator(".rb-secret").filter(has_text=secret).first).to_be_visible()
