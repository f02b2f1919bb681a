"""Old mistakes, planted into copies of the book: each is noticed by whom the table says.

scripts/mutate plants all of them; here one of each kind that needs no drill, and two that do.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from drill_support.catching import caught, caught_by_reading
from drill_support.planted import DoesNotFitError, Planted, changed, plant, planted, rewritten

from runbook.loading import PACKAGED_BOOK, read_book

MISTAKES = planted()
READ = ("check", "guide")
DRILLED = (
    "push-migration: A preview that takes any number of files",
    "rollback-edge-function: The version that is broken deployed once more",
)
"""Those that only a drill notices and that are planted here: one in the database, one on the platform."""


def _noticed_by_reading() -> list[Planted]:
    """Return the first mistake of each kind that is noticed without a drill. Each takes a check of the whole book."""
    kinds: dict[tuple[str, ...], Planted] = {}
    for mistake in MISTAKES:
        if mistake.by in READ:
            kinds.setdefault((mistake.by, *sorted({*mistake.change} - {"at"})), mistake)
    return list(kinds.values())


def test_book_written_anew_is_sound(tmp_path: Path) -> None:
    """What is noticed below is the mistake, and not the way in which it was written."""
    assert caught_by_reading(rewritten(tmp_path / "book")).said == ""


@pytest.mark.parametrize("mistake", _noticed_by_reading(), ids=lambda mistake: str(mistake.id))
def test_mistake_is_noticed_without_a_drill(mistake: Planted, tmp_path: Path) -> None:
    """The check, or the map of the guide, says what is wrong."""
    found = caught_by_reading(plant(mistake, tmp_path / "book"))
    assert found.by == mistake.by
    assert mistake.because in found.said


@pytest.mark.parametrize(
    "mistake", [each for each in MISTAKES if each.id in DRILLED], ids=lambda mistake: str(mistake.id)
)
def test_mistake_that_reads_well_fails_its_drill(mistake: Planted, tmp_path: Path) -> None:
    """Only doing it shows what is wrong."""
    found = caught(mistake, plant(mistake, tmp_path / "book"), major=3)
    assert found.by == mistake.by
    assert mistake.because in found.said


def test_table_follows_the_book() -> None:
    """Every mistake still fits into its procedure, names a drill that is there, and is planted once."""
    book = read_book(PACKAGED_BOOK)
    assert [each for each, count in Counter(mistake.id for mistake in MISTAKES).items() if count > 1] == []
    assert {mistake.procedure for mistake in MISTAKES} == set(book.procedures)
    assert {mistake.id for mistake in MISTAKES} >= set(DRILLED)
    for mistake in MISTAKES:
        assert changed(mistake), mistake.id
        if mistake.by not in READ:
            assert mistake.by in {drill.name for drill in book.procedure(mistake.drilled).drills}, mistake.id


def test_mistake_that_does_not_fit_is_told(tmp_path: Path) -> None:
    """A table that the book has left behind fails; it must not count as noticed."""
    mistake = Planted("push-migration", "None", {"drop": "no-such-step"}, "check", "", "push-migration")
    with pytest.raises(DoesNotFitError, match="no-such-step"):
        plant(mistake, tmp_path / "book")
