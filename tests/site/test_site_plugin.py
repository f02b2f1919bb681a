"""The plugin in somebody else's project: the runbook's pages are there, and the project's own are as before."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from support.books import PROCEDURE, write_book
from support.projects import FOREIGN_NAV, build_project, own_pages, write_project
from support.sites import pages_of, serving, visiting

from runbook.cli import main
from runbook.cli.site import find_config
from runbook.errors import UsageError
from runbook.model import Book
from runbook.site import navigation, source
from runbook.site.build_checks import dead_links, read_addresses
from runbook.site.navigation import sections, with_runbook
from runbook.site.plugin import RunbookOptions
from runbook.site.project import read_project
from runbook.site.source import PAGES, packaged_pages

ENTRY = FOREIGN_NAV.replace("  - Operations:", "  - Operations:\n      - In an emergency: runbook/")


@pytest.fixture(scope="session")
def without(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build somebody's project as it is."""
    output = tmp_path_factory.mktemp("without")
    built = build_project(write_project(tmp_path_factory.mktemp("project"), "search", more=FOREIGN_NAV), output)
    assert built.returncode == 0, built.stderr
    return output


@pytest.fixture(scope="session")
def with_runbook_in_it(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it with two lines more: the plugin, and an entry in the navigation. From another directory."""
    output = tmp_path_factory.mktemp("with")
    config = write_project(tmp_path_factory.mktemp("project"), "search", "runbook", more=ENTRY)
    built = build_project(config, output, cwd=tmp_path_factory.mktemp("elsewhere"))
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    return output


@pytest.fixture(scope="session")
def from_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it for a disk, without an entry in the navigation."""
    output = tmp_path_factory.mktemp("disk")
    more = f"use_directory_urls: false\n{FOREIGN_NAV}"
    built = build_project(
        write_project(tmp_path_factory.mktemp("project"), "search", "offline", "runbook", more=more), output
    )
    assert built.returncode == 0, built.stderr
    return output


def test_the_projects_own_pages_stay_as_they_were(without: Path, with_runbook_in_it: Path) -> None:
    """Byte for byte, apart from the navigation: also its page for missing addresses, which other themes lack."""
    before, after = own_pages(without, "runbook/"), own_pages(with_runbook_in_it, "runbook/")

    assert set(before) == {"404.html", "index.html", "operations/alerts/index.html"}
    assert before == after
    assert "Lost in the ledger" in after["404.html"]
    own = {file.relative_to(without) for file in without.rglob("*") if file.is_file()}
    added = {file.relative_to(with_runbook_in_it) for file in with_runbook_in_it.rglob("*") if file.is_file()} - own
    assert {name.parts[0] for name in added} == {"runbook"}


def test_every_procedure_and_every_page_of_the_package_is_there(with_runbook_in_it: Path, book: Book) -> None:
    """With the title of the procedure, its steps, and the project's own announcement around it."""
    names = {name.removesuffix(".md") for name in packaged_pages()} | {f"procedures/{name}" for name in book.procedures}
    below = with_runbook_in_it / "runbook"
    built = {"index" if each == "index.html" else each.removesuffix("/index.html") for each in pages_of(below)}

    assert built == names
    page = (below / "procedures" / "emergency-rollback" / "index.html").read_text(encoding="utf-8")
    assert '<h1 id="emergency-rollback">' in page
    assert 'data-rb-step="emergency-rollback/what-broke"' in page
    assert "The audit is on Friday." in page
    assert "Reviewed by the house." not in page


def test_the_pages_are_in_the_projects_navigation_by_time(with_runbook_in_it: Path, from_disk: Path) -> None:
    """In place of the entry that names their directory, else in a section of their own at the end."""
    home = (with_runbook_in_it / "index.html").read_text(encoding="utf-8")
    titles = ["Operations", "In an emergency", "Start here", "Before a migration", "During", "When it goes wrong"]
    places = [home.find(f"\n    {title}\n") for title in titles]
    assert places == sorted(places)
    assert min(places) > 0
    other = (from_disk / "index.html").read_text(encoding="utf-8")
    assert 'href="runbook/procedures/emergency-rollback.html"' in other
    assert "In an emergency" not in other


def test_no_link_of_a_runbook_page_is_dead_and_nothing_is_loaded_from_elsewhere(
    with_runbook_in_it: Path, from_disk: Path
) -> None:
    """The project's tracker, the theme's fonts and the count of stars are on its own pages only."""
    for site in (with_runbook_in_it, from_disk):
        assert dead_links(site, [*(site / "runbook").rglob("*.html")]) == []
        for file in (site / "runbook").rglob("*.html"):
            assert [each for each in read_addresses(file).loads if "//" in each] == [], file
            assert 'data-md-component="source"' not in file.read_text(encoding="utf-8")
        assert "https://cdn.example.com/tracker.js" in (site / "index.html").read_text(encoding="utf-8")


def test_the_projects_search_finds_the_runbooks_pages(with_runbook_in_it: Path) -> None:
    """By their sections, like its own pages."""
    index = json.loads((with_runbook_in_it / "search" / "search_index.json").read_text(encoding="utf-8"))
    found = {entry["location"]: entry["text"] for entry in index["docs"]}
    assert "runbook/procedures/add-column/#before-you-start" in found
    assert "The project linked in this directory" in found["runbook/procedures/add-column/#before-you-start"]


_ARTICLE = re.compile(r'<article class="md-content__inner md-typeset">(.*?)</article>', re.DOTALL)
_AROUND = re.compile(r'<nav class="rb-path".*?</nav>|<a href="[^"]*" title="Edit this page".*?</a>', re.DOTALL)


def _content(file: Path) -> str:
    article = _ARTICLE.search(file.read_text(encoding="utf-8"))
    assert article is not None, file
    return re.sub(r"\s*\n\s*", "\n", _AROUND.sub("", article[1]))


def test_a_generated_page_says_what_the_same_page_of_the_runbooks_own_site_says(site: Path, from_disk: Path) -> None:
    """That site renders its sources with the extensions in `mkdocs.yml`, so the two lists agree."""
    for name in pages_of(from_disk / "runbook"):
        assert _content(from_disk / "runbook" / name) == _content(site / name), name


def test_a_page_works_from_a_disk_and_asks_no_host(from_disk: Path, browser: Browser) -> None:
    """It ticks, fills values and copies, and axe finds nothing in it that is wrong."""
    with visiting(browser, from_disk.as_uri()) as visit:
        page = visit.open("runbook/procedures/add-column.html")
        page.get_by_label("Look at the table as it is now").check()
        page.locator("#value-table_name").fill("invoices")
        expect(page.locator("var[data-rb-value=table_name]").first).to_have_text("invoices")
        found = Axe().run(page, context=".md-content")
        assert [each["id"] for each in found.response["violations"]] == []
        page.reload()
        expect(page.get_by_label("Look at the table as it is now")).to_be_checked()
        page.get_by_role("link", name="Is something broken? Emergency rollback").click()
        expect(page.get_by_role("heading", name="Emergency rollback", level=1)).to_be_visible()
        assert visit.elsewhere == []
        assert visit.errors == []


STUB = """\
# Add a column

Ask the *ledger team* first.

```python exec="on" html="on" id="add-column"
from runbook.cli import pages
print(pages.procedure("add-column"))
```
"""


@pytest.fixture(scope="session")
def with_a_team(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it with its own book, a page that the team wrote, results of its drills, no search, one extension."""
    project, output = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("team")
    more = "markdown_extensions: [pymdownx.superfences]\n"
    options = "runbook: {directory: /help/runbook, drills: drills.json, book: book}"
    config = write_project(project, "markdown-exec: {languages: [python]}", options, more=more)
    write_book(
        project / "book", {"add-column": PROCEDURE.replace("Add a thing", "Add a column"), "add-index": PROCEDURE}
    )
    page = project / "docs" / "help" / "runbook" / "procedures" / "add-column.md"
    page.parent.mkdir(parents=True)
    page.write_text(STUB, encoding="utf-8")
    result = {"cli": "3.1.0", "postgres": "17.10", "seconds": 4, "at": "2026-11-25T01:20:00+00:00", "passed": True}
    (project / "drills.json").write_text(json.dumps({"add-column": {"ours": result}}), encoding="utf-8")
    (project / "docs" / "operations" / "alerts.md").write_text("# Alerts\n\nCall.\n", encoding="utf-8")
    built = build_project(config, output)
    assert built.returncode == 0, built.stderr
    return output / "help" / "runbook"


def test_a_page_that_the_project_has_wins_over_the_generated_one(with_a_team: Path) -> None:
    """Its prose is shown around the generated part. Every other page is generated."""
    html = (with_a_team / "procedures" / "add-column" / "index.html").read_text(encoding="utf-8")

    assert "Ask the <em>ledger team</em> first." in html
    assert 'data-rb-step="add-column/look"' in html
    assert (with_a_team / "procedures" / "add-index" / "index.html").is_file()
    assert "ours" in html
    assert "2026-11-25, Supabase CLI 3.1.0, PostgreSQL 17.10" in html


def test_an_edit_link_leads_to_a_file_of_the_project_or_nowhere(from_disk: Path, with_a_team: Path) -> None:
    """A procedure of the project's own book has its YAML there. The packaged book isn't a part of the project."""
    packaged = from_disk / "runbook" / "procedures" / "add-index.html"
    assert "Edit this page" not in packaged.read_text(encoding="utf-8")
    page = with_a_team / "procedures" / "add-index" / "index.html"
    links = re.findall(r'href="(https://github\.com/ledger/app/edit/[^"]*)"', page.read_text(encoding="utf-8"))
    assert {*links} == {"https://github.com/ledger/app/edit/main/book/procedures/add-index.yaml"}
    why = (with_a_team / "start" / "why" / "index.html").read_text(encoding="utf-8")
    assert "That is what Emergency rollback does." in why


# --- A site that is all runbook ---------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def whole_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a team's own runbook from four lines of configuration."""
    project, output = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("whole")
    config = project / "mkdocs.yml"
    config.write_text(
        'site_name: Our runbook\ntheme: {name: material}\nplugins: [search, {runbook: {directory: "", search: true}}]\n'
    )
    (project / "docs").mkdir()
    (project / "docs" / "team.md").write_text("# Our team\n\nWho we are.\n")
    built = build_project(config, output)
    assert built.returncode == 0, built.stderr
    return output


def test_a_site_of_its_own_needs_no_page_and_has_the_runbooks_search(whole_site: Path, browser: Browser) -> None:
    """At addresses without an ending, too; a page of the team is there and comes last."""
    home = (whole_site / "index.html").read_text(encoding="utf-8")
    assert home.index("For authors") < home.index("Our team")
    assert "Is something broken right now?" in (whole_site / "404.html").read_text(encoding="utf-8")
    with serving(whole_site) as base, visiting(browser, base) as visit:
        page = visit.open("index.html")
        page.keyboard.press("/")
        page.locator(".md-search__input").press_sequentially("deadlock detected")
        first = page.locator(".md-search-result__item a").first
        expect(first).to_contain_text("deadlock")
        page.keyboard.press("Enter")
        page.wait_for_url("**/procedures/emergency-rollback/**")
        assert visit.elsewhere == []
        assert visit.errors == []


# --- What it refuses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plugin", "more", "told"),
    [
        (
            "runbook: {search: true}",
            "",
            'search: true replaces the search of the whole site, so it needs directory: ""',
        ),
        ("runbook: {directory: ../up}", "", "expected a directory below docs_dir"),
        ("runbook: {book: nowhere}", "", "nowhere"),
        ("runbook: {colour: red}", "", "colour"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(tmp_path: Path, plugin: str, more: str, told: str) -> None:
    """With what is wrong, and without a traceback."""
    built = build_project(write_project(tmp_path, plugin, more=more), tmp_path / "site")

    assert built.returncode == 1
    assert told in built.stderr
    assert "Traceback" not in built.stderr


def test_another_theme_is_refused_by_its_name(tmp_path: Path) -> None:
    """The pages are made for one theme."""
    config = tmp_path / "mkdocs.yml"
    config.write_text("site_name: Docs\ntheme: readthedocs\nplugins: [runbook]\n")
    (tmp_path / "docs").mkdir()

    built = build_project(config, tmp_path / "site")

    assert built.returncode == 1
    assert "the runbook's pages need the theme 'material', not 'readthedocs'" in built.stderr
    assert "Traceback" not in built.stderr


def test_a_page_that_shows_no_procedure_fails_the_build_and_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only in the runbook's directory; elsewhere a project may have any procedures it likes."""
    config = write_project(tmp_path, "runbook: {book: book}", more=FOREIGN_NAV)
    for name in ("docs/runbook/procedures/gone.md", "docs/procedures/leave.md"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("# Something\n")
    book = write_book(tmp_path / "book", {"fix-it": PROCEDURE})

    assert main(["--book", str(book), "check"]) == 2

    said = capsys.readouterr().out
    assert "docs/runbook/procedures/gone.md:1:1: this page doesn't show any procedure of the book" in said
    assert "leave" not in said
    assert "this page doesn't show any procedure" in build_project(config, tmp_path / "site").stderr


def test_check_says_nothing_of_a_project_that_does_not_show_the_runbook(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Any repository may have a MkDocs site above a book."""
    write_project(tmp_path, "search", more=FOREIGN_NAV)
    (tmp_path / "docs" / "procedures").mkdir()
    (tmp_path / "docs" / "procedures" / "leave.md").write_text("# Take leave\n")
    book = write_book(tmp_path / "book", {"fix-it": PROCEDURE})

    main(["--book", str(book), "check"])

    assert "docs/" not in capsys.readouterr().out


# --- Finding the project ----------------------------------------------------------------------------------------------


def test_the_command_finds_the_nearest_site_that_shows_the_runbook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here, above, or in the team's folder; a site of another make on the way isn't it."""
    write_project(tmp_path / "app", "search")
    team = tmp_path / "app" / "team-runbook"
    team.mkdir()
    below = tmp_path / "app" / "docs" / "operations"
    monkeypatch.chdir(below)
    with pytest.raises(UsageError, match="doesn't use the plugin 'runbook'"):
        find_config()

    (team / "mkdocs.yml").write_text("site_name: Runbook\nplugins: {runbook: {directory: ''}}\n")
    assert find_config() == team / "mkdocs.yml"
    monkeypatch.chdir(team)
    assert find_config() == team / "mkdocs.yml"

    write_project(tmp_path / "app", "search", "runbook")
    monkeypatch.chdir(below)
    assert find_config() == tmp_path / "app" / "mkdocs.yml"


@pytest.mark.parametrize(
    ("text", "directory"),
    [
        ("plugins: [search, runbook]", "runbook/"),
        ("plugins:\n  - runbook:\n      directory: /help/\nsite_url: !ENV [URL, '']", "help/"),
        ("plugins: {runbook: {directory: ''}}\nx: !!python/name:material.extensions.emoji.twemoji", ""),
        ("INHERIT: base.yml\nsite_name: x", "base/"),
    ],
)
def test_a_configuration_is_read_without_mkdocs(tmp_path: Path, text: str, directory: str) -> None:
    """Whatever tags it has: `runbook check` works without the site's parts."""
    (tmp_path / "base.yml").write_text("plugins: [{runbook: {directory: base}}]\ndocs_dir: pages\n")
    (tmp_path / "mkdocs.yml").write_text(text)

    found = read_project(tmp_path / "mkdocs.yml")

    assert found is not None
    assert found.directory == directory


@pytest.mark.parametrize("text", ["plugins: [search]", "- a list", "{", "", "plugins: 3", "INHERIT: mkdocs.yml"])
def test_a_configuration_without_the_plugin_is_not_a_project(tmp_path: Path, text: str) -> None:
    """Nor is one that can't be read."""
    (tmp_path / "mkdocs.yml").write_text(text)
    assert read_project(tmp_path / "mkdocs.yml") is None
    assert read_project(tmp_path / "nowhere.yml") is None


@pytest.mark.parametrize("verb", ["build", "zip"])
def test_a_place_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    """A file where a directory should be: the message names it."""
    (tmp_path / "app").mkdir()
    write_project(tmp_path / "app", "runbook: {book: book}")
    write_book(tmp_path / "app" / "book", {"fix-it": PROCEDURE})
    monkeypatch.chdir(tmp_path / "app")
    if verb == "zip":
        monkeypatch.setattr("runbook.cli.site._build", _write_one_page)
    (tmp_path / "file").write_text("")

    try:
        assert main(["site", verb, "--output", str(tmp_path / "file" / "site")]) == 1
    finally:
        source.begin_build()  # it was one of this process

    said = capsys.readouterr().err
    assert f"the site was not written to {tmp_path / 'file' / 'site'}" in said
    assert "Name another place with --output." in said


def _write_one_page(_config: Path, directory: Path) -> int:
    (directory / "index.html").write_text("")
    return 1


# --- The navigation, by itself ----------------------------------------------------------------------------------------


def test_the_order_of_pages_names_every_page_of_the_package_and_every_procedure(book: Book) -> None:
    """A page that is missing there would come last, below no heading."""
    names = [*packaged_pages(), *(f"procedures/{name}.md" for name in book.procedures)]
    found = sections(book, names)
    assert "" not in dict(found)
    assert sorted(page for _, section in found for page in section) == sorted(names)


PAGES_OF_TWO = [("Start here", ["index.md", "start/why.md"]), ("", ["team.md"])]
TWO = ["runbook/index.md", {"Start here": ["runbook/start/why.md"]}, "runbook/team.md"]


@pytest.mark.parametrize(
    ("nav", "directory", "expected"),
    [
        ([{"Help": "runbook/"}], "runbook/", [{"Help": TWO}]),
        (["a.md", {"More": ["b.md", "runbook"]}], "runbook/", ["a.md", {"More": ["b.md", {"Runbook": TWO}]}]),
        (["a.md"], "runbook/", ["a.md", {"Runbook": TWO}]),
        (["a.md", {"Mine": "runbook/start/why.md"}], "runbook/", ["a.md", {"Mine": "runbook/start/why.md"}]),
        ([], "", [{"Start here": ["index.md", "start/why.md"]}, "team.md"]),
        (["index.md", "team.md"], "", ["index.md", "team.md", {"Start here": ["start/why.md"]}]),
        (["start/why.md"], "", ["start/why.md"]),
    ],
)
def test_the_pages_take_their_place_in_any_navigation(nav: list[object], directory: str, expected: object) -> None:
    """In place of the directory's name, else at the end; a project that lists the pages itself has its way."""
    assert with_runbook(nav, directory, PAGES_OF_TWO) == expected


# --- What authors read ------------------------------------------------------------------------------------------------


def test_the_table_of_options_has_every_option_with_its_default() -> None:
    """And no other."""
    text = (PAGES / "authors" / "publish.md").read_text(encoding="utf-8")
    table = text.partition("## Options")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \|\s*([^|]*?)\s*\|", table, re.MULTILINE))
    defaults = {name: json.dumps(option.default) for name, option in RunbookOptions._schema}
    assert {name: shown.strip("`") for name, shown in rows.items()} == {
        name: "" if default == "null" else default for name, default in defaults.items()
    }


def test_a_section_with_very_many_pages_lists_the_first_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """The theme writes the whole navigation on every page, so a site would grow with the square of its pages."""
    monkeypatch.setattr(navigation, "MOST_IN_SECTION", 1)
    assert with_runbook([], "", PAGES_OF_TWO) == [{"Start here": ["index.md"]}, "team.md"]
