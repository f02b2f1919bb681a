"""The engine as a table: these events, then that action."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from support.walks import PRODUCTION, START, check, choose, command, parameter, procedure, step, tick

from runbook.engine.next_action import Finish, NextAction, Over, next_action
from runbook.engine.state import RunState, fold
from runbook.engine.way import way_of
from runbook.journal.events import (
    Decision,
    Event,
    OptionChosen,
    Outcome,
    Purpose,
    RunFinished,
    RunStarted,
    StepFinished,
    SteppedBack,
    StepResolved,
    StepSkipped,
    StepStarted,
)
from runbook.model import Capture, Procedure, Step, Undo
from runbook.steps.each import Each
from runbook.steps.include import Include
from runbook.steps.scope import Source

UNDO = Undo(action=command("undo"), check=check("look undone"))
STEPS = (
    step("a", "look"),
    step("b", "change", verify=check("look changed"), undo=UNDO),
    choose("q", one=[step("c", "look"), step("d", "look")], none=[]),
    tick("e"),
)


def begun(*events: Event, **values: str | tuple[str, ...]) -> list[Event]:
    """Return the events of a run that has begun, moments apart."""
    header = RunStarted(
        at=START,
        run="r",
        procedure="fix",
        digest="d",
        sources={},
        target=PRODUCTION,
        runbook="0.1",
        operator="ada",
        host="here",
        directory="/",
        values=values,
    )
    return [header, *events]


def started(path: str, purpose: Purpose = Purpose.RUN, effect: str = "writes") -> Event:
    """Return a start."""
    return StepStarted(at=START, step=path, purpose=purpose, effect=effect)


def finished(path: str, outcome: Outcome = Outcome.PASSED, purpose: Purpose = Purpose.RUN, **captured: str) -> Event:
    """Return an end."""
    return StepFinished(at=START, step=path, purpose=purpose, outcome=outcome, captured=captured)


def did(
    path: str, outcome: Outcome = Outcome.PASSED, purpose: Purpose = Purpose.RUN, effect: str = "writes"
) -> list[Event]:
    """Return a start and its end."""
    return [started(path, purpose, effect), finished(path, outcome, purpose)]


def skipped(path: str, reason: str = "so") -> Event:
    """Return a skip."""
    return StepSkipped(at=START, step=path, reason=reason)


def back(path: str) -> Event:
    """Return a step back."""
    return SteppedBack(at=START, step=path)


def chosen(path: str, option: str) -> Event:
    """Return an answer."""
    return OptionChosen(at=START, step=path, option=option)


def resolved(path: str, decision: Decision) -> Event:
    """Return a decision on an unknown end."""
    return StepResolved(at=START, step=path, decision=decision)


def named(action: NextAction) -> tuple[str, ...]:
    """Return an action as its kind, its step and what it is about."""
    if isinstance(action, Finish | Over):
        return (type(action).__name__,)
    about = getattr(action, "what", None) or getattr(action, "of", None)
    return (type(action).__name__, action.at.path, *([str(about)] if about else []))


A = did("a", effect="reads")
VERIFIED = did("b", purpose=Purpose.VERIFY)
B = [*did("b"), *VERIFIED]
FAILED, INTERRUPTED, PASSED = Outcome.FAILED, Outcome.INTERRUPTED, Outcome.PASSED
RUN, VERIFY, UNDONE, PROBE = Purpose.RUN, Purpose.VERIFY, Purpose.UNDO, Purpose.PROBE


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([], ("Begin", "a"), id="the first step comes first"),
        pytest.param(A, ("Begin", "b"), id="a step that passed is behind us"),
        pytest.param([started("a")], ("Settle", "a", "run"), id="a start without an end is unknown"),
        pytest.param([*A, started("b")], ("Settle", "b", "run"), id="and comes before anything else"),
        pytest.param([skipped("a"), *B, started("a")], ("Settle", "a", "run"), id="wherever it stands"),
        pytest.param(did("a", FAILED), ("Recover", "a", "run"), id="a failed step is recovered"),
        pytest.param(did("a", INTERRUPTED, effect="reads"), ("Recover", "a", "run"), id="so is an interrupted reader"),
        pytest.param(did("a", INTERRUPTED), ("Settle", "a", "run"), id="an interrupted writer is unknown"),
        pytest.param([*A, *did("b")], ("Verify", "b", "run"), id="a step with a check is checked"),
        pytest.param([*A, *did("b"), started("b", VERIFY)], ("Verify", "b", "run"), id="a lost check is repeated"),
        pytest.param([*A, *did("b"), *did("b", FAILED, VERIFY)], ("Recover", "b", "verify"), id="a check may fail"),
        pytest.param(
            [*A, *did("b"), *did("b", INTERRUPTED, VERIFY)], ("Recover", "b", "verify"), id="or be interrupted"
        ),
        pytest.param([*A, *did("b"), *did("b", FAILED, VERIFY), skipped("b")], ("Begin", "q"), id="and be let pass"),
        pytest.param(
            [*A, *did("b"), *did("b", FAILED, VERIFY), resolved("b", Decision.REDO)], ("Begin", "b"), id="or redone"
        ),
        pytest.param(
            [*A, started("b"), *did("b", PASSED, PROBE)], ("Settle", "b", "run"), id="a probe decides nothing"
        ),
        pytest.param([*A, started("b"), resolved("b", Decision.DONE)], ("Begin", "q"), id="done needs no check"),
        pytest.param([*A, started("b"), resolved("b", Decision.REDO)], ("Begin", "b"), id="redo asks for the step"),
        pytest.param([*A, *did("b", FAILED), started("b", UNDONE)], ("Settle", "b", "undo"), id="an undo may be lost"),
        pytest.param(
            [*A, *did("b", FAILED), started("b", UNDONE), resolved("b", Decision.REDO)],
            ("Recover", "b", "undo"),
            id="to be tried again, and nothing else",
        ),
        pytest.param(
            [*A, started("b"), started("b", UNDONE), resolved("b", Decision.REDO)],
            ("Recover", "b", "undo"),
            id="even where the step was unknown before it",
        ),
        pytest.param(
            [*A, *did("b", FAILED), started("b", UNDONE), resolved("b", Decision.DONE)],
            ("Begin", "b"),
            id="or to be taken as done",
        ),
        pytest.param(
            [*A, *did("b", FAILED), *did("b", PASSED, UNDONE)], ("Verify", "b", "undo"), id="an undo is checked"
        ),
        pytest.param(
            [*A, *did("b", FAILED), *did("b", PASSED, UNDONE), *did("b", FAILED, VERIFY)],
            ("Recover", "b", "verify"),
            id="and may turn out not to have worked",
        ),
        pytest.param(
            [*A, *did("b", FAILED), *did("b", PASSED, UNDONE), *VERIFIED],
            ("Begin", "b"),
            id="then the step is asked for",
        ),
        pytest.param(
            [*A, *did("b", FAILED), *did("b", FAILED, UNDONE)], ("Recover", "b", "undo"), id="an undo may fail"
        ),
        pytest.param(
            [*A, started("b"), *did("b", FAILED, UNDONE), back("a")],
            ("Recover", "b", "undo"),
            id="and what may be half done is not walked away from",
        ),
        pytest.param([*A, *B], ("Begin", "q"), id="a question is asked"),
        pytest.param([*A, *B, chosen("q", "one")], ("Begin", "q/c"), id="its answer opens a branch"),
        pytest.param([*A, *B, chosen("q", "none")], ("Begin", "e"), id="which may be empty"),
        pytest.param([*A, *B, chosen("q", "gone")], ("Begin", "q"), id="an answer that no longer exists is none"),
        pytest.param([*A, *B, skipped("q")], ("Begin", "e"), id="a question can be skipped"),
        pytest.param([*A, *B, back("a")], ("Begin", "a"), id="back stands at a step that passed"),
        pytest.param([*A, *B, back("a"), *A], ("Begin", "b"), id="and goes through those behind it again"),
        pytest.param([*A, *B, back("a"), skipped("a", ""), *B], ("Begin", "q"), id="until it is where it was"),
        pytest.param(
            [*A, *B, chosen("q", "one"), *did("q/c"), back("q"), chosen("q", "none")], ("Begin", "e"), id="another way"
        ),
        pytest.param([*A, *B, back("gone")], ("Begin", "q"), id="back to a step that no longer exists is no step back"),
        pytest.param([*A, *B, chosen("q", "none"), *did("e")], ("Finish",), id="when all is done it is finished"),
        pytest.param([*A, RunFinished(at=START)], ("Over",), id="what is over stays over"),
    ],
)
def test_the_next_action_follows_from_the_events(events: Sequence[Event], expected: tuple[str, ...]) -> None:
    """Nothing but the procedure and the events decides."""
    state = fold(begun(*events))

    assert named(next_action(way_of(procedure(*STEPS), state), state)) == expected


def test_steps_before_come_first_and_are_numbered_on_their_own() -> None:
    """The steps of the procedure itself count from one."""
    fix = procedure(tick("b"), tick("c"), before=[tick("a")])
    state = fold(begun())
    way = way_of(fix, state)

    assert [one.path for one in way.places] == ["before/a", "b", "c"]
    assert [way.number_of(one.path) for one in way.places] == [(1, 1), (1, 2), (2, 2)]
    assert [way.phase_of(one.path) for one in way.places] == [(0, 1, "Before you start"), (1, 1, ""), (1, 1, "")]


def test_phases_go_through_branches() -> None:
    """A step of a branch belongs to the phase of its question, unless it begins one of its own."""
    branch = [tick("c"), tick("d", phase="Repair")]
    fix = procedure(tick("a", phase="Look"), choose("q", yes=branch), tick("e"), tick("f", phase="Close"))
    way = way_of(fix, fold(begun(chosen("q", "yes"))))

    assert [way.phase_of(one.path) for one in way.places] == [
        (1, 3, "Look"),
        (1, 3, "Look"),
        (1, 3, "Look"),
        (2, 3, "Repair"),
        (2, 3, "Repair"),
        (3, 3, "Close"),
    ]


def test_the_phase_of_an_each_begins_with_every_value() -> None:
    """A phase on the container is that of its first step."""
    each = step("all", Each("names", "name", (tick("x"), tick("y"))), phase="Deploy")
    way = way_of(procedure(each, parameters=[parameter("names", many=True)]), fold(begun(names=("one", "two"))))

    assert [(one.path, way.phase_of(one.path)[0]) for one in way.places] == [
        ("all[one]/x", 1),
        ("all[one]/y", 1),
        ("all[two]/x", 2),
        ("all[two]/y", 2),
    ]
    assert [one.scope.values["name"] for one in way.places] == ["one", "one", "two", "two"]


def test_an_include_passes_values_secrets_lists_and_what_will_be_captured() -> None:
    """What it is not given it does not see."""
    inner = (tick("x"), step("each", Each("many", "one", (tick("y"),))))
    given = {"table": "public.{{name}}", "token": "{{secret}}", "many": "{{names}}", "later": "{{found}}"}
    steps = (step("find", "look", capture=(Capture("found", pattern="x"),)), step("in", Include("other", given, inner)))
    fix = procedure(
        *steps, parameters=[parameter("name"), parameter("secret", secret=True), parameter("names", many=True)]
    )

    found = way_of(fix, fold(begun(name="tasks", names=("a", "b")))).places

    assert [one.path for one in found] == ["find", "in/x", "in/each[a]/y", "in/each[b]/y"]
    assert found[1].scope.values == {"table": "public.tasks", "many": ("a", "b")}
    assert found[1].scope.secrets == {"token": "secret"}
    assert found[1].scope.sources == {"later": Source("find", "found")}


def test_the_step_before_is_the_one_on_the_way() -> None:
    """Through branches and out of them; the first has none."""
    fix = procedure(*STEPS)
    state = fold(begun(chosen("q", "one")))

    def before(path: str) -> str | None:
        found = way_of(fix, state).before(path)
        return found.path if found else None

    assert [before(path) for path in ("a", "q/c", "e")] == [None, "q", "q/d"]


def walk_of(fix: Procedure, state: RunState) -> tuple[str, ...]:
    """Return the paths of the way."""
    return tuple(one.path for one in way_of(fix, state).places)


def test_steps_of_the_same_id_in_different_branches_are_different() -> None:
    """A path tells them apart."""
    same: Step = tick("look")
    fix = procedure(choose("q", one=[same], two=[same]), choose("r", one=[same]))

    assert walk_of(fix, fold(begun(chosen("q", "two"), chosen("r", "one")))) == ("q", "q/look", "r", "r/look")
