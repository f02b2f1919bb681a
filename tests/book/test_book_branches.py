"""Whoever has picked an answer does something soon: looking has an end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from runbook.checks.subject import JudgedStep, Subject
from runbook.expansion import EveryWay, expand
from runbook.loading import PACKAGED_BOOK, read_book
from runbook.model import Effect, Procedure
from runbook.steps.scope import Branch, Place, Scope

BOOK = read_book(PACKAGED_BOOK)


def _acts(one: JudgedStep) -> bool:
    """Tell whether the step changes the target or a file, or whether a person does something by hand there."""
    action = one.place.step.action
    by_hand = action.is_seen_by_person and action.asks is None
    return one.effect is not Effect.READS or action.written_file() is not None or by_hand


ACTING = {(one.place.procedure, one.place.step.id) for one in Subject(BOOK).steps if _acts(one)}


def looks_before_acting(places: Sequence[Place], so_far: int = 0) -> tuple[int, bool]:
    """Return the most steps until something is done on any way, and whether that is certain by the end of the list."""
    most = so_far
    for place in places:
        most += not place.step.action.is_container
        if (place.procedure, place.step.id) in ACTING:
            return most, True
        ways = [looks_before_acting(branch.places, most) for branch in place.branches]
        if ways:
            most = max(count for count, _ in ways)
            if all(acted for _, acted in ways):
                return most, True
    return most, False


def _answers(places: Sequence[Place]) -> list[Branch]:
    inner = [branch for place in places for branch in place.branches]
    return [found for one in inner for found in ([one] if one.title else []) + _answers(one.places)]


@pytest.mark.parametrize("procedure", BOOK.procedures.values(), ids=lambda one: one.id)
def test_no_branch_has_more_than_nine_steps_before_it_does_something(procedure: Procedure) -> None:
    """The step that does it counts; a tick by hand is something done, a value that is noted isn't."""
    answers = _answers(expand(procedure, EveryWay(), Scope()).steps)
    counted = {answer.title: looks_before_acting(answer.places) for answer in answers}
    assert {title: count for title, (count, acted) in counted.items() if acted and count > 9} == {}


def test_steps_that_only_look_are_counted() -> None:
    """The branch of one database function names it, finds the version before, and writes."""
    answers = _answers(expand(BOOK.procedure("emergency-rollback"), EveryWay(), Scope()).steps)
    one = next(answer for answer in answers if answer.title == "One database function")
    assert looks_before_acting(one.places) == (3, True)
