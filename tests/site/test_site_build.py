"""The build: complete, without dead ends, and failing on everything that would mislead a reader."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from support.sites import ROOT, build, copy_of_checkout, pages_of, visiting

from runbook.cli import main
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


def _broken(directory: Path, page: str, old: str, new: str) -> Path:
    checkout = copy_of_checkout(directory)
    file = checkout / "docs" / page
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return checkout


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param("pages.procedure(", "pages.procedures(", "push-migration", id="a block that raises"),
        pytest.param('exec="on" html="on" id="push-migration"', "exec=on", "exec=on", id="an unquoted exec=on"),
        pytest.param(
            "print(pages.procedure(",
            "print('<a href=\"/nowhere.md\">x</a>')\nprint(pages.procedure(",
            "nowhere.md",
            id="a dead generated link",
        ),
        pytest.param(
            "print(pages.procedure(", "raise SystemExit(0)\nprint((", "end the build", id="a block that exits"
        ),
        pytest.param("# Push one migration", "# Push two migrations", "heading", id="a heading of another procedure"),
        pytest.param(
            '"))\n```\n', '"))\n```\n\nSee [there](#no-such-place).\n', "no-such-place", id="a dead written fragment"
        ),
        pytest.param('"))\n```', '", through="steps"))\n```', "the parts Check that", id="a page that ends too early"),
        pytest.param(
            '"))\n```', '"))\nprint(pages.procedure("push-migration", after="undo"))\n```', "repeats", id="a part twice"
        ),
    ],
)
def test_a_broken_page_fails_the_build(tmp_path: Path, old: str, new: str, told: str) -> None:
    """Each way to publish something wrong ends the build with 1 and names the place."""
    checkout = _broken(tmp_path, "procedures/push-migration.md", old, new)

    built = build(checkout, tmp_path / "site")

    assert built.returncode == 1
    assert told in built.stderr
    assert "Traceback (most recent call last):\n  File" not in built.stderr.replace("\n    ", "\n ")


def test_prose_stands_where_its_author_puts_it(tmp_path: Path) -> None:
    """Below the block and between two parts, with links to a part's heading; the contents list headings in order."""
    checkout = copy_of_checkout(tmp_path)
    file = checkout / "docs" / "procedures" / "push-migration.md"
    block = file.read_text().partition("\n\n")[2]
    first = block.replace('"))', '", through="before"))')
    second = block.replace('id="push-migration"', 'id="push-migration-rest"').replace('"))', '", after="before"))')
    file.write_text(
        f"# Push one migration\n\n{first}\n## Between\n\nGo to [the steps](#steps).\n\n{second}\n## Below\n"
    )

    built = build(checkout, tmp_path / "site")

    assert built.returncode == 0, built.stderr
    html = (tmp_path / "site" / "procedures" / "push-migration.html").read_text()
    headings = re.findall(r'<h2 id="([^"]+)">[^<]+<a class="headerlink" href="#\1" title="[^"]+">&para;</a></h2>', html)
    assert headings == [
        *("before-you-start", "between", "steps", "check-that-it-worked", "undo", "end-of-procedure"),
        *("status-of-this-page", "below"),
    ]
    assert [*dict.fromkeys(re.findall(r'href="#([^"]+)" class="md-nav__link"', html))] == headings


def test_a_procedure_without_a_page_fails_the_build(tmp_path: Path) -> None:
    """Somebody added YAML and forgot the page."""
    checkout = copy_of_checkout(tmp_path)
    book = checkout / "runbook" / "book" / "procedures"
    (book / "another.yaml").write_text((book / "migration-health.yaml").read_text())

    built = build(checkout, tmp_path / "site")

    assert built.returncode == 1
    assert "another has no page on the site" in built.stderr
    assert main(["--book", str(book.parent), "check"]) == 2
    assert main(["--book", str(book.parent), "new", "page", "another"]) == 0
    assert main(["--book", str(book.parent), "check"]) == 0


def test_a_page_without_a_procedure_fails_the_build(tmp_path: Path) -> None:
    """Somebody removed YAML and forgot the page."""
    checkout = copy_of_checkout(tmp_path)
    page = checkout / "docs" / "procedures" / "gone.md"
    page.write_text("# Gone\n")

    built = build(checkout, tmp_path / "site")

    assert built.returncode == 1
    assert "docs/procedures/gone.md:1:1: this page shows no procedure of the book" in built.stderr


def test_a_broken_book_is_told_without_a_traceback(tmp_path: Path) -> None:
    """The build says where the book is wrong, as `runbook check` does."""
    checkout = copy_of_checkout(tmp_path)
    file = checkout / "runbook" / "book" / "procedures" / "push-migration.yaml"
    file.write_text(file.read_text().replace("owner:", "owmer:", 1))

    built = build(checkout, tmp_path / "site")

    assert built.returncode == 1
    assert "did you mean 'owner'" in built.stderr
    assert "Traceback" not in built.stderr


def test_an_overdue_review_is_shown_and_told_but_fails_nothing(tmp_path: Path) -> None:
    """A date must not stop a correction from being published."""
    built = build(ROOT, tmp_path, environment={"SOURCE_DATE_EPOCH": "1893456000"})

    assert built.returncode == 0
    assert "push-migration: its review is overdue since" in built.stderr
    assert "review overdue since" in (tmp_path / "procedures" / "push-migration.html").read_text()


def test_a_published_site_asks_no_host_either(tmp_path: Path, browser: Browser) -> None:
    """With the repository known there are links to edit a page: a procedure in its YAML. Still nothing is fetched."""
    repository = "https://github.com/team/runbook"
    known = {"RUNBOOK_EDIT_URI": f"{repository}/edit/main/docs/", "RUNBOOK_SITE_URL": "https://team.github.io/runbook/"}

    assert build(ROOT, tmp_path, environment=known).returncode == 0

    with visiting(browser, tmp_path.as_uri()) as visit:
        page = visit.open("procedures/push-migration.html")
        edit = page.locator("a[title='Edit this page']").get_attribute("href")
        assert edit == f"{repository}/edit/main/runbook/book/procedures/push-migration.yaml"
        page.wait_for_load_state("networkidle")
        assert visit.elsewhere == []


def test_a_new_procedure_passes_check_and_build_at_once(tmp_path: Path) -> None:
    """`runbook new procedure` writes YAML, page and nav entry, and all three are right."""
    checkout = copy_of_checkout(tmp_path)
    book = str(checkout / "runbook" / "book")

    assert (
        main(["--book", book, "new", "procedure", "rotate-keys", "--title", 'The "keys"', "--section", "functions"])
        == 0
    )

    assert main(["--book", book, "check"]) == 0
    built = build(checkout, tmp_path / "site")
    assert built.returncode == 0, built.stderr
    assert (
        'data-rb-step="rotate-keys/see-history"' in (tmp_path / "site" / "procedures" / "rotate-keys.html").read_text()
    )
    assert main(["--book", book, "new", "procedure", "rotate-keys"]) == 2


@pytest.mark.parametrize("name", ["Rotate", "../x", "a--b", "-a", "a b"])
def test_a_bad_name_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An id is a file name, an address and a word of the command line at once."""
    assert main(["new", "procedure", "--", name]) == 2
    assert "can't be a procedure's id" in capsys.readouterr().err


def test_the_zip_holds_the_whole_site(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file, with one directory in it, from which the index opens."""
    monkeypatch.chdir(ROOT)
    archive = tmp_path / "book.zip"

    done = subprocess.run(
        [sys.executable, "-m", "runbook", "site", "zip", "-o", str(archive)], check=False, timeout=120
    )

    assert done.returncode == 0
    names = zipfile.ZipFile(archive).namelist()
    assert "runbook-site/index.html" in names
    assert {name.removeprefix("runbook-site/") for name in names if name.endswith(".html")} == set(pages_of(site))


def test_without_the_sites_parts_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The guard and the walk install without MkDocs; whoever wants the site is told what it takes."""
    monkeypatch.setattr("runbook.cli.site.find_spec", lambda name: None if name == "material" else object())

    assert main(["site", "build"]) == 1

    told = capsys.readouterr().err
    assert "the site needs material" in told
    assert "pip install 'migration-runbook[site]'" in told


def test_outside_of_a_checkout_it_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pages are not part of the package."""
    monkeypatch.chdir(tmp_path)

    assert main(["site", "build"]) == 2

    assert "there is no mkdocs.yml here or above" in capsys.readouterr().err
