"""A run cut off at any point: nothing finished is lost, nothing unknown runs again unasked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.walks import (
    INTERRUPTED,
    Answer,
    FakeExecutor,
    FakeOperator,
    Walked,
    book,
    check,
    choose,
    command,
    confirm,
    ended,
    parameter,
    procedure,
    step,
    tick,
)

from runbook.engine.ports import Back, Go, Reply, Resolve, Screen, Skip, TakeBack, Undecided
from runbook.engine.state import Status, fold
from runbook.errors import ExitCode, RunbookError
from runbook.journal.events import Event, Outcome, Purpose, RunFinished, StepFinished, StepStarted
from runbook.journal.interface import MemoryJournal
from runbook.model import Capture, Procedure, Undo
from runbook.steps.each import Each

UNDO = Undo(action=command("destroy it"))
FIX = procedure(
    step("see", "look", capture=(Capture("last", pattern="(.+)"),)),
    step("push", "change {{last}}", verify=check("look again"), undo=UNDO),
    choose("what", one=[step("c", "change one"), tick("d")], two=[]),
    step("all", Each("names", "name", (step("deploy", "change {{name}}"),))),
    tick("end"),
    before=[tick("tell")],
    parameters=[parameter("names", many=True)],
)

KNOWN = {"last": "v1"}
"""What the operator says where a step that captures it was taken as done."""


def new_walk(scratch: Path, operator: FakeOperator, journal: MemoryJournal | None = None) -> Walked:
    """Return a walk of FIX whose first command prints a value."""
    executor = FakeExecutor({"look again": ended(), "look": ended(output="v1")})
    return Walked(book(FIX), scratch, operator, executor, journal=journal or MemoryJournal())


def answers(screen: Screen) -> Go:
    """Choose the first branch, confirm everything else."""
    return Go(value="one") if screen.path == "what" else confirm(screen)


def cut(events: Sequence[Event], length: int) -> MemoryJournal:
    """Return a journal in which only the first events have reached the disk."""
    journal = MemoryJournal()
    for event in events[:length]:
        journal.append("20261123-0120-fix", event)
    return journal


def whole_run(scratch: Path) -> Sequence[Event]:
    """Return the events of a walk with a failure, an undo, an interruption and a step back in it."""
    unknown: list[Answer] = [Resolve(Undecided.PROBE), Resolve(Undecided.DONE)]
    back: list[Answer] = [answers, Back(), Back(), Skip("")]
    operator = FakeOperator([confirm, confirm, confirm, TakeBack(), confirm, confirm, *unknown, *back, *[answers] * 9])
    walked = new_walk(scratch, operator)
    walked.executor.endings["change v1"] = [ended(1), INTERRUPTED, ended(), ended(), ended()]
    assert walked.begin(names="a,b") is ExitCode.DONE
    return walked.journal.events(walked.run)


@pytest.mark.parametrize("decision", [Undecided.DONE, Undecided.REDO])
def test_a_run_cut_at_every_event_goes_on_rightly(tmp_path: Path, decision: Undecided) -> None:
    """Cut after each event in turn, then resumed: the end is reached, and nothing ran again that nobody asked for."""
    events = whole_run(tmp_path)
    assert len(events) > 35

    for length in range(1, len(events)):
        before = fold(events[:length])
        operator = FakeOperator([_deciding(decision)] * 60, KNOWN)
        walked = new_walk(tmp_path, operator, cut(events, length))

        assert walked.resume() is ExitCode.DONE, f"cut after {events[length - 1]}"

        after = walked.journal.events(walked.run)
        assert list(after[:length]) == list(events[:length])
        assert isinstance(after[-1], RunFinished)
        _assert_unknown_was_asked_first(before.unknown.path if before.unknown else "", operator)
        _assert_only_confirmed_steps_ran(after[length:], operator)
        if not before.back_to:
            _assert_finished_steps_stayed(events[:length], after[length:])


def _deciding(decision: Undecided) -> Callable[[Screen], Reply]:
    def answer(screen: Screen) -> Go | Resolve:
        record = screen.state.step(screen.path)
        return Resolve(decision, "looked") if record.may_be_half_done else answers(screen)

    return answer


def _assert_unknown_was_asked_first(unknown: str, operator: FakeOperator) -> None:
    questions = [(entry[0], entry[1]) for entry in operator.log if entry[0] != "introduce"]
    if unknown:
        assert questions[0] == ("resolve", unknown)
    assert [kind for kind, _ in questions].count("resolve") == bool(unknown)


def _assert_only_confirmed_steps_ran(events: Sequence[Event], operator: FakeOperator) -> None:
    """Every execution of a step, or of its undo, has a question of its own before it."""
    started = [event.step for event in events if isinstance(event, StepStarted) and event.purpose is Purpose.RUN]
    asked = [str(entry[1]) for entry in operator.log if entry[0] in {"decide", "recover"}]
    for path in set(started):
        assert started.count(path) <= asked.count(path)


def _assert_finished_steps_stayed(before: Sequence[Event], after: Sequence[Event]) -> None:
    passed = {path for path, record in fold(before).steps.items() if record.status is Status.PASSED}
    again = {event.step for event in after if isinstance(event, StepStarted) and event.purpose is Purpose.RUN}
    assert not passed & again


@given(cuts=st.lists(st.integers(1, 60), min_size=1, max_size=8), redo=st.lists(st.booleans(), min_size=8, max_size=8))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_run_cut_again_and_again_still_ends(tmp_path: Path, cuts: list[int], redo: list[bool]) -> None:
    """However often it is cut off, each write has run exactly as often as somebody asked for it."""
    events = whole_run(tmp_path)
    for number, again in zip(cuts, redo, strict=False):
        decision = Undecided.REDO if again else Undecided.DONE
        operator = FakeOperator([_deciding(decision)] * 60, KNOWN)
        length = min(number, len(events) - 1)
        walked = new_walk(tmp_path, operator, cut(events, length))
        assert walked.resume() is ExitCode.DONE
        events = walked.journal.events(walked.run)
        ran = [event for event in events[length:] if isinstance(event, StepStarted) and event.effect != "reads"]
        asked = [entry for entry in operator.log if entry[2:] and entry[2] in {"yes", "name", "run"}]
        assert len(ran) == len(asked)


@given(name=st.text(min_size=1, max_size=30))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_hostile_value_never_makes_another_word(tmp_path: Path, name: str) -> None:
    """Whatever is given: the command has its four words, the value is one of them as it is, or nothing runs."""
    fix: Procedure = procedure(step("go", "change --name {{name}} x-{{name}}"), parameters=[parameter("name")])
    walked = Walked(book(fix), tmp_path, FakeOperator([confirm], {"name": name}))

    with suppress(RunbookError):
        walked.begin()

    for argv in walked.executor.ran:
        assert argv == ("change", "--name", name, f"x-{name}")
        assert not name.startswith("-")
    ends = [event for event in walked.operator.told if isinstance(event, StepFinished)]
    assert all(event.outcome is Outcome.PASSED for event in ends)
