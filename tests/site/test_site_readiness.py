"""The page of readiness: with a team's export, without one, and with a broken one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from runbook.checks import open_book
from runbook.errors import RunbookError
from runbook.journal.events import DrillEnded
from runbook.loading.place import READINESS
from runbook.model import Book
from runbook.reports.readiness import Readiness, readiness_of
from runbook.reports.readiness_export import as_json
from runbook.site import readiness_page, source

TEAM = "name: Shop\nprojects: {production: {ref: qwertyuiopasdfghjklz}}\n"
TODAY = date(2026, 11, 27)
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """Open a team's book. Nothing that a test changes is read with it."""
    directory = tmp_path_factory.mktemp("project") / "team-runbook"
    directory.mkdir()
    (directory / "team.yaml").write_text(TEAM, encoding="utf-8")
    return open_book(str(directory))


@pytest.fixture
def team_book(opened: Book, book: Book, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Build the pages from a team's book, on a day that stays the same. There is no export yet."""
    directory = Path(opened.directory)
    (directory / READINESS).unlink(missing_ok=True)
    monkeypatch.setattr(source, "open_book", {str(directory): opened, None: book}.__getitem__)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(datetime(2026, 11, 27, tzinfo=UTC).timestamp())))
    source.begin_build(book=directory)
    yield directory
    source.begin_build()


def exported(opened: Book, **more: object) -> Readiness:
    """Write the export with two drills of two people; return it."""
    ada = DrillEnded(at=AT, procedure="add-index", scenario="new-index", operator="ada", passed=True)
    bo = replace(ada, operator="bo <b>", passed=False, at=AT + timedelta(days=1))
    readiness = replace(
        readiness_of(opened, [("one", ada), ("two", bo)], TODAY),
        **more,  # type: ignore[arg-type]
    )
    (Path(opened.directory) / READINESS).write_text(as_json(readiness), encoding="utf-8")
    return readiness


def row(html: str, procedure: str) -> str:
    """Return the row of a procedure."""
    return html.partition(f"procedures/{procedure}.md")[2].partition("</tr>")[0]


@pytest.mark.usefixtures("team_book")
def test_the_page_shows_the_export(opened: Book) -> None:
    """The last passed drill, when it's due again, everybody's latest drill, and what to do next."""
    exported(opened)
    shown = row(readiness_page.drills(), "add-index")
    assert "2026-11-20 by ada" in shown
    assert "2027-02-18" in shown
    assert "due</strong>" not in shown
    assert "ada passed on 2026-11-20, bo &lt;b&gt; failed on 2026-11-21" in shown
    assert "runbook drill add-index --scenario new-index" in shown
    assert "due</strong>" in row(readiness_page.drills(), "add-column")


@pytest.mark.usefixtures("team_book")
def test_what_became_due_since_the_export_is_due(opened: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the day of the build."""
    exported(opened)
    for day, is_due in ((17, False), (18, True)):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(datetime(2027, 2, day, tzinfo=UTC).timestamp())))
        source.forget()
        assert ("due</strong>" in row(readiness_page.drills(), "add-index")) is is_due


@pytest.mark.usefixtures("team_book")
def test_what_the_export_does_not_have_is_said_to_be_missing(opened: Book) -> None:
    """A procedure of the book that is newer than the export; one that the book lost isn't shown."""
    whole = exported(opened)
    (one,) = (each for each in whole.procedures if each.procedure == "add-index")
    exported(opened, procedures=(replace(one, procedure="renamed"), replace(one, scenario="renamed")))
    html = readiness_page.drills()
    assert "not in the export" in row(html, "add-column")
    assert "due</strong>" not in row(html, "add-column")
    assert "renamed" not in html
    assert "runbook drill add-index --scenario new-index" in html


@pytest.mark.usefixtures("team_book")
def test_without_an_export_the_page_shows_what_can_be_drilled(opened: Book) -> None:
    """And names nobody; only a team's book can have one."""
    html = readiness_page.drills()
    assert "no record of who has drilled what" in html
    assert "runbook drill emergency-rollback --scenario broken-function" in html
    exported(opened)
    source.begin_build()
    assert "no record of who has drilled what" in readiness_page.drills()


@pytest.mark.parametrize("text", ["<<<<<<< HEAD", "{}", '{"format": 2}'])
def test_a_broken_export_is_named_with_what_mends_it(team_book: Path, text: str) -> None:
    """A merge that went wrong must not look like a team that never drilled."""
    (team_book / READINESS).write_text(text, encoding="utf-8")
    with pytest.raises(RunbookError, match=r"readiness\.json can't be read: ") as broken:
        readiness_page.drills()
    assert f"runbook readiness --format json --output {team_book / READINESS}" in broken.value.hint


@pytest.mark.usefixtures("team_book")
def test_overdue_reviews_are_listed_by_the_day_of_the_build(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """They need no export."""
    assert "No review is overdue on 2026-11-27." in readiness_page.reviews()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(datetime(2036, 1, 1, tzinfo=UTC).timestamp())))
    source.forget()
    html = readiness_page.reviews()
    assert "Overdue since" in html
    assert str(book.procedure("add-index").due) in row(html, "add-index")
