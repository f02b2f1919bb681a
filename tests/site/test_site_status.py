"""How much a page can be relied on: who keeps it, when it was read and drilled last, and what it was made from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook.cli import main
from runbook.errors import RunbookError
from runbook.model import Book
from runbook.site import source
from runbook.site.procedure_page import part

NAME = "push-migration"


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the site data of its own, with no results of drills."""
    (tmp_path / "glossary.md").symlink_to(source.DATA / "glossary.md")
    monkeypatch.setattr(source, "DATA", tmp_path)
    source.forget()
    yield tmp_path / "drills.json"
    source.forget()


def _write(results: Path, **changes: object) -> None:
    entry = {"cli": "3.1.0", "postgres": "17.10", "seconds": 41.6, "at": "2026-11-23T01:20:00+00:00", "passed": True}
    results.write_text(json.dumps({NAME: {"one-file": {**entry, **changes}}}))


def test_a_drill_is_shown_with_versions_and_duration(results: Path, book: Book) -> None:
    """When, with what, how long, and that it passed."""
    _write(results, digest=book.procedure(NAME).digest)

    shown = part(NAME, "status")

    assert "2026-11-23, Supabase CLI 3.1.0, PostgreSQL 17.10, 42 s" in shown
    assert "Passed" in shown
    assert "earlier version" not in shown
    assert "drilled 2026-11-23" in part(NAME, "opening")


def test_a_drill_of_another_version_is_said_to_be_one(results: Path) -> None:
    """A procedure that was edited since has not been proven."""
    _write(results, digest="0" * 64)

    assert "an earlier version of this procedure" in part(NAME, "status")
    assert "edited since its last drill, on 2026-11-23" in part(NAME, "opening")


def test_a_drill_that_failed_is_not_hidden(results: Path) -> None:
    """Neither at the top of the page nor below."""
    _write(results, passed=False)

    assert "1 of 1 failed" in part(NAME, "opening")
    assert "Failed" in part(NAME, "status")


def test_without_results_it_says_that_nothing_is_recorded(results: Path) -> None:
    """No date is better than a wrong one."""
    assert "never drilled" in part(NAME, "opening")
    assert "no result is recorded" in part(NAME, "status")


def test_results_that_are_no_json_are_named_with_what_mends_them(results: Path) -> None:
    """A merge that went wrong must not look like a page that was never drilled."""
    results.write_text("<<<<<<< HEAD")

    with pytest.raises(RunbookError, match=r"drills\.json can't be read: Expecting value") as caught:
        part(NAME, "status")
    assert "runbook drill --all" in caught.value.hint


@pytest.mark.parametrize("change", [{"seconds": "long"}, {"at": None}], ids=["a text", "nothing"])
def test_results_with_a_field_of_the_wrong_type_are_an_error(results: Path, change: dict[str, object]) -> None:
    """The page doesn't show the rest of them."""
    _write(results, **change)

    with pytest.raises(RunbookError, match=r"drills\.json can't be read"):
        part(NAME, "status")


def test_results_without_a_field_are_an_error(results: Path) -> None:
    """So are results that aren't a map."""
    for text in ("[]", json.dumps({NAME: {"one-file": {"passed": True}}})):
        results.write_text(text)
        source.forget()

        with pytest.raises(RunbookError, match=r"drills\.json can't be read"):
            part(NAME, "status")


def test_a_review_that_is_due_stands_out(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In red, at the top and in the status, from the day after."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1893456000")

    assert "rb-review--late" in part(NAME, "opening")
    assert "overdue" in part(NAME, "status")


def test_the_page_and_the_terminal_print_the_same_hash(
    results: Path, book: Book, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that two people can tell whether they read the same procedure."""
    digest = book.procedure(NAME).digest

    assert main(["show", NAME]) == 0

    assert digest in capsys.readouterr().out
    assert digest in part(NAME, "status")
