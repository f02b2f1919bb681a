"""Every procedure is drilled, and every branch of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runbook.checks import open_book
from runbook.drill.director import EVENTS
from runbook.loading.shapes import SHAPES
from runbook.model import Answer, Procedure, Step
from runbook.steps.choose import Choose
from runbook.steps.each import Each

BOOK = open_book(None)


def steps_of(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Yield the steps that are written in a procedure; an include's are drilled where they are written."""
    for step in steps:
        yield step
        if isinstance(step.action, Choose):
            for option in step.action.options:
                yield from steps_of(option.steps)
        elif isinstance(step.action, Each):
            yield from steps_of(step.action.steps)


def branches(procedure: Procedure) -> set[tuple[str, str]]:
    """Return every option of every question."""
    questions = ((step.id, step.action) for step in steps_of((*procedure.before, *procedure.steps)))
    return {
        (name, option.when) for name, action in questions if isinstance(action, Choose) for option in action.options
    }


def items(answer: Answer) -> tuple[str, ...]:
    """Return the answers in the order in which they are given."""
    return (answer,) if isinstance(answer, str) else answer


@pytest.mark.parametrize("procedure", BOOK.procedures.values(), ids=list(BOOK.procedures))
def test_every_branch_has_a_drill(procedure: Procedure) -> None:
    """Each option of each question is the answer of some drill, and each procedure has one."""
    taken = {
        (name.rpartition("/")[2], item)
        for drill in procedure.drills
        for name, answer in drill.answers.items()
        for item in items(answer)
    }

    assert procedure.drills
    assert branches(procedure) - taken == set()


def test_every_kind_of_event_that_a_book_can_name_is_played() -> None:
    """What the table of keys lets an author write, the director can do."""
    assert {kind.key for kind in SHAPES["event"].kinds} == set(EVENTS)


def test_every_procedure_proves_more_than_its_history() -> None:
    """A drill fails when the procedure misleads: each looks at rows, functions, secrets, requests or checks, too."""
    thin = [
        procedure.id
        for procedure in BOOK.procedures.values()
        if all(proof.history is not None for drill in procedure.drills for proof in drill.prove)
    ]

    assert thin == []
