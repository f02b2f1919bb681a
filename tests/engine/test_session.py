"""A walk with fakes: what is asked, what runs, what is written down, in which order."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.walks import (
    PRODUCTION,
    FakeOperator,
    FakeTarget,
    Walked,
    book,
    check,
    confirm,
    procedure,
    step,
    tick,
)

from runbook.engine.context import TargetChanged
from runbook.engine.ports import Go, Stop
from runbook.errors import ExitCode, PolicyRefusal, RunbookError, TargetHeldError
from runbook.journal.events import (
    RunStarted,
    RunStopped,
    StepSkipped,
    StepStarted,
    TakenOver,
    TargetSeen,
)
from runbook.model import Capture, Effect, TargetKind
from runbook.steps.wait import Wait


def test_a_linear_procedure_is_walked_to_its_end(tmp_path: Path) -> None:
    """Each step is asked for once, runs once, and is in the journal before and after."""
    steps = (step("see", "look --remote"), step("push", "change {{target}}", verify=check("look again")), tick("tell"))
    walked = Walked(book(procedure(*steps)), tmp_path)

    assert walked.begin() is ExitCode.DONE

    assert walked.executor.ran == [("look", "--remote"), ("change", "--remote"), ("look", "again")]
    assert walked.operator.log == [
        ("introduce", "fix", "qwertyuiopasdfghjklz"),
        ("decide", "see", "enter"),
        ("decide", "push", "yes"),
        ("decide", "tell", "enter"),
    ]
    assert walked.events == [
        ("RunStarted",),
        ("StepStarted", "see", "run"),
        ("ChildStarted", "see"),
        ("StepFinished", "see", "run", "passed"),
        ("StepStarted", "push", "run"),
        ("ChildStarted", "push"),
        ("StepFinished", "push", "run", "passed"),
        ("StepStarted", "push", "verify"),
        ("ChildStarted", "push"),
        ("StepFinished", "push", "verify", "passed"),
        ("StepStarted", "tell", "run"),
        ("StepFinished", "tell", "run", "passed"),
        ("RunFinished",),
    ]
    assert walked.finished == [walked.run] == ["20261123-0120-fix"]
    assert walked.journal.holders() == ()


@pytest.mark.parametrize(
    ("line", "typed", "runs"),
    [
        pytest.param("look", "", True, id="reading goes by Enter"),
        pytest.param("change", "", False, id="Enter is no yes to a write"),
        pytest.param("change", "y", False, id="y is no yes"),
        pytest.param("change", " YES ", True, id="yes in any case"),
        pytest.param("destroy", "yes", False, id="yes does not destroy"),
        pytest.param("destroy", "QWERTYUIOPASDFGHJKLZ", False, id="the name as it is written"),
        pytest.param("destroy", PRODUCTION.name, True, id="the name destroys"),
        pytest.param("./mystery", "", False, id="what is unknown counts as a write"),
        pytest.param("./mystery", "yes", True, id="and runs with yes"),
    ],
)
def test_what_must_be_typed_follows_from_the_effect(tmp_path: Path, line: str, typed: str, runs: bool) -> None:
    """The session itself compares what was typed, whatever the operator's program thinks of it."""
    walked = Walked(book(procedure(step("go", line))), tmp_path, FakeOperator([Go(typed), Stop()]))

    walked.begin()

    assert bool(walked.executor.ran) is runs


def test_an_author_can_ask_for_more_care_and_never_for_less(tmp_path: Path) -> None:
    """A reading command marked as destroying is typed out; a destroying one marked as reading is, too."""
    steps = (step("a", "look", effect=Effect.DESTROYS), step("b", "destroy", effect=Effect.READS))
    walked = Walked(book(procedure(*steps)), tmp_path)

    walked.begin()

    assert [entry[2] for entry in walked.operator.log[1:]] == ["name", "name"]
    assert [screen.word for screen in walked.operator.screens] == [PRODUCTION.name] * 2


def test_what_is_typed_goes_on_record(tmp_path: Path) -> None:
    """The journal says what was typed to allow a write."""
    walked = Walked(book(procedure(step("push", "change"))), tmp_path)

    walked.begin()

    started = [event for event in walked.journal.events(walked.run) if isinstance(event, StepStarted)]
    assert [(event.argv, event.effect, event.confirmed) for event in started] == [(("change",), "writes", "yes")]


def test_what_policy_refuses_never_runs(tmp_path: Path) -> None:
    """The operator is not even asked; the run stops with the reason and can be looked at."""
    walked = Walked(book(procedure(step("go", "forbidden thing"))), tmp_path)

    with pytest.raises(PolicyRefusal, match="policy refuses `forbidden thing`") as refusal:
        walked.begin()

    assert refusal.value.exit_code is ExitCode.REFUSED
    assert refusal.value.hint == "do something else"
    assert walked.executor.ran == []
    assert [event[0] for event in walked.events] == ["RunStarted", "RunStopped"]


def test_a_check_that_would_write_is_refused(tmp_path: Path) -> None:
    """A verification may only read, whatever the procedure says."""
    walked = Walked(book(procedure(step("see", "look", verify=check("change it")))), tmp_path)

    with pytest.raises(PolicyRefusal, match="a check may only read"):
        walked.begin()

    assert walked.executor.ran == [("look",)]


def test_an_operator_that_never_confirms_does_not_loop_for_ever(tmp_path: Path) -> None:
    """Twenty answers that lead nowhere stop the run."""
    walked = Walked(book(procedure(step("push", "change"))), tmp_path, FakeOperator([Go("no")] * 100))

    with pytest.raises(RunbookError, match="20 answers"):
        walked.begin()

    assert walked.executor.ran == []


def test_a_target_that_changed_stops_the_run_before_the_write(tmp_path: Path) -> None:
    """The target is proven again right before each write; the difference is told."""
    elsewhere = TargetSeen("production", "aaaaaaaaaaaaaaaaaaaa", "3.1.0", "production")
    target = FakeTarget(later=elsewhere)
    walked = Walked(book(procedure(step("see", "look"), step("push", "change"))), tmp_path, target=target)

    with pytest.raises(TargetChanged, match=r"-name: qwertyuiopasdfghjklz\n\+name: aaaaaaaaaaaaaaaaaaaa"):
        walked.begin()

    assert walked.executor.ran == [("look",)]
    assert walked.events[-1][0] == "RunStopped"
    assert walked.journal.holders() == ()


def test_a_target_is_held_by_one_run(tmp_path: Path) -> None:
    """A second operator is told who has it, and nothing is written for a run that did not begin."""
    steps = procedure(step("push", "change"))
    first = Walked(book(steps), tmp_path)
    second = first.again(identity=first.identity)
    first.operator.script = [lambda screen: _second_tries(second, screen)]

    assert first.begin() is ExitCode.DONE
    assert second.operator.log[-1] == ("take_over", first.run, None)
    assert len(first.journal.runs()) == 1


def test_runs_that_reach_no_project_hold_their_directory_alone(tmp_path: Path) -> None:
    """Two people can do such a procedure on one machine at the same time."""
    seen = TargetSeen(TargetKind.MACHINE, "here", "")
    first = Walked(book(procedure(tick("read"))), tmp_path, target=FakeTarget(seen, directory="/home/ada"))
    second = first.again(identity=first.identity, target=FakeTarget(seen, directory="/home/bo"))

    def at_once(_screen: object) -> Go:
        assert second.begin() is ExitCode.DONE
        return Go()

    first.operator.script = [at_once]
    assert first.begin() is ExitCode.DONE
    assert len(first.journal.runs()) == 2


def _second_tries(second: Walked, screen: object) -> Go:
    with pytest.raises(TargetHeldError, match="ada has been running fix on this target since") as held:
        second.begin()
    assert held.value.exit_code is ExitCode.TARGET_HELD
    return Go("yes")


def test_a_take_over_is_on_record_and_ends_the_other_run_before_its_next_command(tmp_path: Path) -> None:
    """Both runs' journals say who took over and why; the one that lost the target does nothing more."""
    first = Walked(book(procedure(step("a", "change"), step("b", "change more"))), tmp_path)
    second = first.again(operator=FakeOperator(take="she is on a plane"))

    def lose(_: object) -> Go:
        second.begin()
        return Go("yes")

    first.operator.script = [confirm, lose]
    with pytest.raises(TargetHeldError, match="ada took over the target during this run"):
        first.begin()

    assert first.executor.ran == [("change",)]
    events = [event for run in first.journal.runs() for event in first.journal.events(run)]
    taken = [event for event in events if isinstance(event, TakenOver)]
    assert [(event.was, event.reason) for event in taken] == [("20261123-0120-fix", "she is on a plane")] * 2


def test_a_dry_run_reads_shows_writes_and_leaves_no_trace(tmp_path: Path) -> None:
    """Reading steps really run; a write, and a step that rests on its output, is shown with Enter and passed by."""
    steps = (
        step("see", "look"),
        step("push", "change", capture=(Capture("file", pattern="(.+)"),), verify=check("look pushed")),
        step("use", "look {{file}}"),
        step("w", Wait(30, "it settles")),
        tick("end"),
    )
    walked = Walked(book(procedure(*steps)), tmp_path, FakeOperator([Go()] * 5))

    assert walked.begin(dry=True) is ExitCode.DONE

    assert walked.executor.ran == [("look",)]
    assert [screen.argv for screen in walked.operator.screens] == [("look",), ("change",), ("look", "<file>"), (), ()]
    skipped = [event for event in walked.operator.told if isinstance(event, StepSkipped)]
    assert [event.step for event in skipped] == ["push", "use", "w"]
    assert walked.journal.runs() == ()
    assert list(tmp_path.iterdir()) == []
    assert walked.finished == []
    started = walked.operator.told[0]
    assert isinstance(started, RunStarted)
    assert started.dry
    assert not [event for event in walked.operator.told if isinstance(event, RunStopped)]
