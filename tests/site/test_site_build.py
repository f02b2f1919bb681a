"""The build: complete, without dead ends, and failing on everything that would mislead a reader."""

from __future__ import annotations

import re
import shutil
import zipfile
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from support.projects import build_project
from support.sites import ROOT, build, copy_of_checkout, pages_of, serving, visiting

from runbook.cli import main
from runbook.installation import command_that_adds
from runbook.model import Book, Step
from runbook.site.build_checks import dead_links, read_addresses
from runbook.steps.choose import Choose
from runbook.steps.each import Each
from runbook.steps.include import Include


def _paths(steps: tuple[Step, ...], prefix: str) -> list[str]:
    found = []
    for step in steps:
        path = f"{prefix}{step.id}"
        found.append(path)
        if isinstance(step.action, Choose):
            for option in step.action.options:
                found += _paths(option.steps, f"{path}/")
        elif isinstance(step.action, Each):
            found += _paths(step.action.steps, f"{path}[]/")
        elif isinstance(step.action, Include) and step.action.values:
            found += _paths(step.action.steps, f"{path}/")
    return found


def test_every_procedure_has_its_page_with_every_step(site: Path, book: Book) -> None:
    """No step is missing, not even inside branches and included procedures that get a value from the page."""
    for procedure in book.procedures.values():
        html = (site / "procedures" / f"{procedure.id}.html").read_text()
        for path in (*_paths(procedure.before, "before/"), *_paths(procedure.steps, "")):
            assert f'data-rb-step="{procedure.id}/{path}"' in html


def test_an_included_procedure_that_gets_no_value_is_a_link_to_its_page(site: Path) -> None:
    """Its own page shows the same steps, and the page that includes it stays short."""
    html = (site / "procedures" / "emergency-rollback.html").read_text()
    step = html.partition('id="recover"')[2].partition("</li>")[0]
    assert 'Follow <a href="data-recovery.html">Data recovery</a>' in step
    assert "rb-steps" not in step


def test_every_place_for_a_value_has_a_field_or_the_step_that_finds_it(site: Path, book: Book) -> None:
    """Also in the files to write, on every page."""
    for name in book.procedures:
        article = (site / "procedures" / f"{name}.html").read_text().partition("<article")[2].partition("</article>")[0]
        places = set(re.findall(r'<var data-rb-value="([^"]+)"', article))
        fields = set(re.findall(r'data-rb-field="([^"]+)"', article))
        found = set(re.findall(r'<p class="rb-source"><var data-rb-value="([^"]+)"', article))
        assert places - fields - found == set(), name
        assert name != "emergency-rollback" or {"function_fix", "table_fix"} <= found


def test_no_step_sends_the_reader_to_the_page_that_is_read(site: Path, book: Book) -> None:
    """A step included from elsewhere may name the procedure that includes it."""
    texts = {name: (site / "procedures" / f"{name}.html").read_text(encoding="utf-8") for name in book.procedures}
    goes = [(name, goal) for name, text in texts.items() for goal in re.findall(r' See <a href="([^"]+)"', text)]
    assert ("push-migration", "emergency-rollback.html") in goes
    assert [name for name, goal in goes if goal == f"{name}.html"] == []


def test_every_page_of_the_sources_is_built(site: Path) -> None:
    """A page that vanished without a word would not be missed until it is needed."""
    sources = {
        file.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for file in (ROOT / "docs").rglob("*.md")
    }

    assert sources | {"404.html"} == set(pages_of(site))


def test_pages_about_what_is_broken_do_not_send_their_reader_to_the_emergency(site: Path) -> None:
    """Whoever is there has chosen already. All other pages point there."""
    shown = {name for name in pages_of(site) if 'class="rb-alarm"' in (site / name).read_text(encoding="utf-8")}
    assert {"procedures/add-column.html", "reference/guard.html", "404.html"} <= shown
    assert not {f"procedures/{name}.html" for name in ("rollback-edge-function", "data-recovery")} & shown


def test_no_link_of_the_site_leads_nowhere(site: Path) -> None:
    """Every address and every fragment within the site resolves, and no id occurs twice."""
    assert dead_links(site) == []


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    """Neither a script nor a style, a font or a picture has a host."""
    for name in pages_of(site):
        assert [address for address in read_addresses(site / name).loads if "//" in address] == []


def test_styles_and_scripts_ask_for_nothing_elsewhere(site: Path) -> None:
    """Our own files, and those of the theme's styles, name no address to fetch."""
    own = [*site.rglob("assets/css/*.css"), *site.rglob("assets/stylesheets/*.css")]
    for file in own:
        assert re.findall(r"url\(\s*['\"]?(?:https?:)?//", file.read_text()) == []
    for file in site.rglob("assets/js/*.js"):
        assert "fetch(" not in file.read_text()
        assert "XMLHttpRequest" not in file.read_text()


_BREAKS = {
    "push-migration": ("pages.procedure(", "pages.procedures("),
    "push-migrations": ('exec="on" html="on" id="push-migrations"', "exec=on"),
    "add-column": ("print(pages.procedure(", "print('<a href=\"/nowhere.md\">x</a>')\nprint(pages.procedure("),
    "add-index": ("print(pages.procedure(", "raise SystemExit(0)\nprint(("),
    "rename-column": ("# Rename a column", "# Rename two columns"),
    "data-recovery": ('"))\n```\n', '"))\n```\n\nSee [there](#no-such-place).\n'),
    "replace-function": ('"))\n```', '", through="steps"))\n```'),
    "safe-migration": ('"))\n```', '"))\nprint(pages.procedure("safe-migration", after="undo"))\n```'),
    "fetch-migrations": ('"))\n```\n', '"))\n```\n\n=== "bash"\n\n```console\n$ runbook list\n```\n'),
}
"""A page of a procedure each, and what its author did to it: text, and what stands there instead."""

_TOLD = (
    ("push-migration", "module 'runbook.cli.pages' has no attribute 'procedures'"),
    ("push-migrations", "exec=on"),
    ("add-column", "nowhere.md"),
    ("end the build", "add-index"),
    ("rename-column", "heading isn't the procedure's title"),
    ("data-recovery", "no-such-place"),
    ("replace-function", "the parts Check that"),
    ("safe-migration", "repeats the parts"),
    ("fetch-migrations", "a prompt is copied with its command"),
    ("gone.md:1:1", "this page doesn't show any procedure of the book"),
    ("there is no page reference/gone", ""),
)
"""What the build says of each: a name, and what stands somewhere behind it on the same line or the next ones."""


def test_everything_wrong_fails_the_build_at_once(tmp_path: Path) -> None:
    """Each way to publish something wrong is told with its place, all in one build, which ends with 1.

    A block that raises or exits or isn't quoted, dead links, a heading of another procedure, a part that is missing or
    there twice, a prompt that would be copied, a page without a procedure.
    """
    checkout = copy_of_checkout(tmp_path)
    for name, (old, new) in _BREAKS.items():
        file = checkout / "docs" / "procedures" / f"{name}.md"
        text = file.read_text()
        assert old in text, name
        file.write_text(text.replace(old, new, 1))
    procedures = checkout / "runbook" / "book" / "procedures"
    (procedures / "another.yaml").write_text((procedures / "migration-health.yaml").read_text())
    (checkout / "docs" / "procedures" / "gone.md").write_text("# Gone\n")
    changes = checkout / "runbook" / "site" / "data" / "changes.yaml"
    changes.write_text(changes.read_text() + "  - {day: 2026-01-01, pages: [reference/gone], what: Gone.}\n")

    built = build(checkout, tmp_path / "site")

    assert built.returncode == 1
    missed = [told for told in _TOLD if not re.search(".*?".join(map(re.escape, told)), built.stderr, re.DOTALL)]
    assert missed == [], built.stderr
    assert "Traceback (most recent call last):\n  File" not in built.stderr.replace("\n    ", "\n ")
    assert main(["--book", str(procedures.parent), "check"]) == 2
    assert main(["--book", str(procedures.parent), "new", "page", "another"]) == 0


def test_no_page_shows_markup_or_has_a_prompt_to_copy(site: Path) -> None:
    """Neither marks of Markdown nor templates are left on any page, and a copy button takes the command alone.

    A workflow has expressions in braces. A page marks it as an example.
    """
    example = re.compile(r'<code class="rb-template">.*?</code>|<div class="rb-example\b.*?</pre>', re.DOTALL)
    for name in pages_of(site):
        html = example.sub("", (site / name).read_text(encoding="utf-8"))
        body = re.sub(r"<(script|style)\b.*?</\1>", "", html.partition("<body")[2], flags=re.DOTALL)
        if not name.startswith("authors/"):
            text = unescape(re.sub(r"<[^>]+>", "", body))
            assert [mark for mark in ('=== "', "```", "{{", "{%", "!!! ", "???") if mark in text] == [], name
        blocks = re.findall(r"<pre[^>]*>(?:<span></span>)?<code.*?</pre>", body, re.DOTALL)
        assert [one for one in blocks if re.match(r"\s*[$%] ", unescape(re.sub(r"<[^>]+>", "", one)))] == [], name
    guard = (site / "reference" / "guard.html").read_text(encoding="utf-8")
    assert guard.count('class="tabbed-block"') == 14


@dataclass(frozen=True)
class Changed:
    """A checkout with a procedure more and with prose on a page, and the site that is built from it."""

    checkout: Path
    site: Path
    said: str


REPOSITORY = "https://github.com/team/runbook"


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Changed:
    """Build it to be published: from another directory, as a pipeline may do, long after the last review."""
    checkout = copy_of_checkout(tmp_path_factory.mktemp("changed"))
    book = str(checkout / "runbook" / "book")
    words = ["new", "procedure", "rotate-keys", "--title", 'The "keys"', "--section", "functions"]
    assert main(["--book", book, *words]) == 0
    assert main(["--book", book, "check"]) == 0
    file = checkout / "docs" / "procedures" / "push-migration.md"
    block = file.read_text().partition("\n\n")[2]
    first = block.replace('"))', '", through="before"))')
    second = block.replace('id="push-migration"', 'id="push-migration-rest"').replace('"))', '", after="before"))')
    file.write_text(
        f"# Push one migration\n\n{first}\n## Between\n\nGo to [the steps](#steps).\n\n{second}\n## Below\n"
    )
    known = {
        "PYTHONPATH": str(checkout),
        "RUNBOOK_EDIT_URI": f"{REPOSITORY}/edit/main/docs/",
        "RUNBOOK_SITE_URL": "https://team.github.io/runbook/",
        "SOURCE_DATE_EPOCH": "1893456000",
    }
    site = tmp_path_factory.mktemp("published")
    built = build_project(checkout / "mkdocs.yml", site, cwd=tmp_path_factory.mktemp("elsewhere"), environment=known)
    assert built.returncode == 0, built.stderr
    return Changed(checkout, site, built.stderr)


def test_prose_stands_where_its_author_puts_it(changed: Changed) -> None:
    """Below the block and between two parts, with links to a part's heading; the contents list headings in order."""
    html = (changed.site / "procedures" / "push-migration.html").read_text()
    headings = re.findall(r'<h2 id="([^"]+)">[^<]+<a class="headerlink" href="#\1" title="[^"]+">&para;</a></h2>', html)
    assert headings == [
        *("before-you-start", "between", "steps", "check-that-it-worked", "undo", "end-of-procedure"),
        *("status-of-this-page", "below"),
    ]
    assert [*dict.fromkeys(re.findall(r'href="#([^"]+)" class="md-nav__link"', html))] == headings


def test_a_broken_book_is_told_without_a_traceback(tmp_path: Path) -> None:
    """The build says where the book is wrong, as `runbook check` does."""
    checkout = copy_of_checkout(tmp_path)
    file = checkout / "runbook" / "book" / "procedures" / "push-migration.yaml"
    file.write_text(file.read_text().replace("owner:", "owmer:", 1))

    built = build(checkout, tmp_path / "site")

    assert built.returncode == 1
    assert "did you mean 'owner'" in built.stderr
    assert "Traceback" not in built.stderr


def test_a_published_site_has_links_to_its_repository_and_asks_no_host(changed: Changed, browser: Browser) -> None:
    """A page links to its source, a procedure's to its YAML, and to where problems are reported. Nothing is fetched.

    An overdue review is shown and told, and fails nothing, since a date must not stop a correction from being
    published.
    """
    assert "push-migration: its review is overdue since" in changed.said
    assert "review overdue since" in (changed.site / "procedures" / "push-migration.html").read_text()
    assert dead_links(changed.site) == []
    with visiting(browser, changed.site.as_uri()) as visit:
        page = visit.open("procedures/push-migration.html")
        source = f"{REPOSITORY}/edit/main/runbook/book/procedures/push-migration.yaml"
        assert page.locator("a[title='Edit this page']").get_attribute("href") == source
        assert page.get_by_role("link", name="Edit this page", exact=True).last.get_attribute("href") == source
        report = page.get_by_role("link", name="Report a problem with it").get_attribute("href")
        assert report == f"{REPOSITORY}/issues/new?title=Page%3A+Push+one+migration"
        page.wait_for_load_state("networkidle")
        assert visit.elsewhere == []


def test_a_missing_page_leads_on_wherever_the_site_lies(tmp_path: Path, site: Path, browser: Browser) -> None:
    """Below a path of a server, at any depth, without configuration: search, the emergency and all links work.

    From a disk they do too. The words of the address that was asked for are searched for.
    """
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "runbook").symlink_to(site)
    with serving(tmp_path, missing=site / "404.html") as server, visiting(browser, f"{server}/team/runbook") as visit:
        page = visit.context.new_page()
        page.goto(f"{visit.base}/procedures/old/rollback-edge-functions.html")
        page.wait_for_url("**/team/runbook/404.html?missing=*")
        expect(page.locator("#rb-missing")).to_contain_text("/team/runbook/procedures/old/rollback-edge-functions.html")
        page.get_by_role("button", name="Search", exact=True).click()
        page.wait_for_url("**/team/runbook/index.html?q=rollback+edge+functions")
        expect(page.locator(".md-search-result__item").first).to_contain_text("Roll back an edge function")
        page.go_back()
        page.get_by_role("article").get_by_role("link", name="Emergency rollback").click()
        expect(page.get_by_role("heading", name="Emergency rollback", level=1)).to_be_visible()
        assert visit.errors == []
        assert visit.elsewhere == []
    with visiting(browser, site.as_uri()) as visit:
        page = visit.open("404.html")
        page.fill("#rb-search-words", "deadlock")
        page.keyboard.press("Enter")
        expect(page.locator(".md-search-result__item").first).to_contain_text("Emergency rollback")


def test_a_new_procedure_passes_check_and_build_at_once(changed: Changed) -> None:
    """`runbook new procedure` writes YAML, page and nav entry, and all three are right."""
    page = (changed.site / "procedures" / "rotate-keys.html").read_text()
    assert 'data-rb-step="rotate-keys/see-history"' in page
    assert main(["--book", str(changed.checkout / "runbook" / "book"), "new", "procedure", "rotate-keys"]) == 2


@pytest.mark.parametrize("name", ["Rotate", "../x", "a--b", "-a", "a b"])
def test_a_bad_name_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An id is a file name, an address and a word of the command line at once."""
    assert main(["new", "procedure", "--", name]) == 2
    assert "can't be a procedure's id" in capsys.readouterr().err


def test_the_zip_holds_the_whole_site(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file, with one directory in it, from which the index opens. The site is built as `build` does it."""
    monkeypatch.chdir(ROOT)
    archive = tmp_path / "book.zip"
    configs: list[Path] = []

    def built(config: Path, directory: Path) -> int:
        configs.append(config)
        shutil.copytree(site, directory, dirs_exist_ok=True)
        return len(pages_of(directory))

    monkeypatch.setattr("runbook.cli.site._build", built)

    assert main(["site", "zip", "-o", str(archive)]) == 0

    assert configs == [ROOT / "mkdocs.yml"]
    names = zipfile.ZipFile(archive).namelist()
    assert "runbook-site/index.html" in names
    files = {file.relative_to(site).as_posix() for file in site.rglob("*") if file.is_file()}
    assert {name.removeprefix("runbook-site/") for name in names} == files


def test_without_the_sites_parts_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The guard and the walk install without MkDocs; whoever wants the site is told what it takes."""
    monkeypatch.setattr("runbook.cli.site.find_spec", lambda name: None if name == "material" else object())

    assert main(["site", "build"]) == 1

    told = capsys.readouterr().err
    assert "the site needs material" in told
    assert command_that_adds("site") in told


def test_outside_of_a_checkout_it_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pages are not part of the package."""
    monkeypatch.chdir(tmp_path)

    assert main(["site", "build"]) == 2

    assert "there is no mkdocs.yml here or above" in capsys.readouterr().err
