"""What a walk does by itself: which steps start without a key, and what a person must judge before they do."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.walks import (
    AT,
    INTERRUPTED,
    Answer,
    Ending,
    FakeExecutor,
    FakeOperator,
    Walked,
    book,
    check,
    choose,
    command,
    confirm,
    ended,
    procedure,
    step,
    tick,
)

from runbook.engine.confirmation import Confirmation
from runbook.engine.ports import Back, Execution, Reply, Resolve, Screen, Skip, Stop, Undecided
from runbook.model import Capture, Effect, Expectation, Step
from runbook.steps.edit import Edit
from runbook.steps.survey import Look, Survey
from runbook.steps.wait import Wait


class LastWord(FakeOperator):
    """An operator that notes what is left to judge at the end."""

    def conclude(self, screen: Screen) -> Reply | None:
        """Note it and finish."""
        self.log.append(("conclude", screen.finding.path if screen.finding else ""))
        return None


def shown(scratch: Path, *steps: Step, answers: list[Answer] | None = None, **endings: Ending) -> list[str]:
    """Walk, and return each step that was shown: `a` waits, `a*` starts by itself, `a<b` waits for a finding at b."""
    operator = LastWord(answers or [])
    executor = FakeExecutor({f"look {name}": ending for name, ending in endings.items()})
    Walked(book(procedure(*steps)), scratch, operator, executor).begin()
    marks = [
        f"{one.path}{'*' if one.starts_by_itself else ''}{f'<{one.finding.path}' if one.finding else ''}"
        for one in operator.screens
    ]
    return [*marks, *(f"end<{path}" for kind, path, *_ in operator.log if kind == "conclude" and path)]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(step("a", "look"), "a*", id="it reads"),
        pytest.param(step("a", Wait(0, "nothing")), "a*", id="it only waits"),
        pytest.param(step("a", "change it"), "a", id="it writes"),
        pytest.param(step("a", "destroy it"), "a", id="it destroys"),
        pytest.param(step("a", "look", effect=Effect.WRITES), "a", id="its author asks for more care"),
        pytest.param(step("a", "somewhat odd"), "a", id="the policy doesn't know it"),
        pytest.param(step("a", "look", warning="Mind the gap."), "a", id="it warns"),
        pytest.param(tick("a"), "a", id="a person does it"),
        pytest.param(choose("a", one=[], two=[]), "a", id="it asks"),
        pytest.param(step("a", Edit(file="a.sql", template="x")), "a", id="it writes a file"),
    ],
)
def test_only_what_reads_and_asks_nothing_starts_by_itself(asked: Step, expected: str, tmp_path: Path) -> None:
    """Whatever writes, destroys, asks or is done by hand waits as ever."""
    assert shown(tmp_path, asked, answers=[Stop()]) == [expected]


@pytest.mark.parametrize(
    ("command_line", "found", "confirmation"),
    [
        ("change b", "writes", Confirmation.YES),
        ("change b", "destroys", Confirmation.NAME),
        ("destroy b", "reads", Confirmation.NAME),
        ("change b", "reads", Confirmation.YES),
        ("change b", "loses", Confirmation.NAME),
    ],
)
def test_an_effect_that_an_earlier_step_found_asks_for_more_care(
    tmp_path: Path, command_line: str, found: str, confirmation: Confirmation
) -> None:
    """It never asks for less, and what can't be read counts as the worst."""
    first = step("a", "look a", capture=(Capture("file_effect", pattern="effect: (.*)"),))
    operator = FakeOperator([confirm, Stop()])
    executor = FakeExecutor({"look a": ended(0, f"effect: {found}")})
    asked = step("b", command_line, effect_found="{{file_effect}}")
    Walked(book(procedure(first, asked)), tmp_path, operator, executor).begin()
    assert [(screen.path, screen.confirmation) for screen in operator.screens][-1] == ("b", confirmation)


def test_an_effect_that_nobody_found_counts_as_the_worst(tmp_path: Path) -> None:
    """If the step that finds it was skipped, the target's name is asked for, and nothing else."""
    first = step("a", "look a", capture=(Capture("file_effect", pattern="effect: (.*)"),))
    operator = FakeOperator([Skip("no time"), Stop()])
    Walked(book(procedure(first, step("b", "change b", effect_found="{{file_effect}}"))), tmp_path, operator).begin()
    assert [(screen.path, screen.confirmation) for screen in operator.screens][-1] == ("b", Confirmation.NAME)


NEXT = step("b", "look b")
SEEN = {"look_for": "Two rows."}


@pytest.mark.parametrize(
    ("first", "ending", "expected"),
    [
        pytest.param(step("a", "look a"), ended(), ["a*", "b*"], id="nothing to look for"),
        pytest.param(step("a", "look a", **SEEN), ended(), ["a*", "b<a"], id="only a person judges it"),
        pytest.param(step("a", "look a", stop_if="A row."), ended(), ["a*", "b<a"], id="a reason to stop"),
        pytest.param(
            step("a", "look a", expect=Expectation(output="two"), **SEEN),
            ended(0, "two"),
            ["a*", "b*"],
            id="it is compared",
        ),
        pytest.param(step("a", "change a", verify=check("look c"), **SEEN), ended(), ["a", "b*"], id="it is verified"),
        pytest.param(step("a", "change a", **SEEN), ended(), ["a", "b<a"], id="a write that nothing verifies"),
        pytest.param(
            step("a", Survey(looks=(Look(title="L", action=command("look a"), at=AT),), at=AT), **SEEN),
            ended(0, "[]"),
            ["a*", "b*"],
            id="a survey that found nothing",
        ),
        pytest.param(
            step("a", Survey(looks=(Look(title="L", action=command("look a"), at=AT),), at=AT)),
            ended(0, '[{"fact": "a lock"}]'),
            ["a*", "b<a"],
            id="a survey that found a fault",
        ),
        pytest.param(
            step("a", Survey(looks=(Look(title="L", action=command("look a"), at=AT, is_fault=False),), at=AT)),
            ended(0, '[{"fact": "a name"}]'),
            ["a*", "b*"],
            id="a survey that found a fact",
        ),
    ],
)
def test_the_walk_waits_behind_what_nothing_but_a_person_judges(
    first: Step, ending: Execution, expected: list[str], tmp_path: Path
) -> None:
    """A finding makes the next step wait; what was compared, verified or clear doesn't."""
    assert shown(tmp_path, first, NEXT, a=ending) == expected


def test_a_question_behind_a_finding_is_asked_once_and_the_last_finding_before_the_end(tmp_path: Path) -> None:
    """The question's own screen shows the finding; behind its answer the walk goes on by itself."""
    steps = (step("a", "look a", **SEEN), tick("b"), step("c", "look c"), step("d", "look d", **SEEN))
    assert shown(tmp_path, *steps) == ["a*", "b<a", "c*", "d*", "end<d"]


@pytest.mark.parametrize(
    ("answers", "endings", "expected"),
    [
        pytest.param([confirm, confirm, Back()], {}, ["a*", "b*", "c", "b", "c"], id="stepped back to"),
        pytest.param([Skip("so"), confirm, Back(), Back()], {}, ["a*", "b*", "c", "b", "a", "b", "c"], id="skipped"),
        pytest.param(
            [confirm, Resolve(Undecided.REDO, "so")],
            {"a": [INTERRUPTED, ended()]},
            ["a*", "a", "a", "b*", "c"],
            id="cut off, and to be done again",
        ),
    ],
)
def test_what_was_begun_before_never_starts_by_itself(
    answers: list[Answer], endings: dict[str, Ending], expected: list[str], tmp_path: Path
) -> None:
    """Stepping back stands at the step and waits, and so does a step that was begun before."""
    assert shown(tmp_path, step("a", "look a"), NEXT, tick("c"), answers=answers, **endings) == expected
