"""Unknown ends, and what changed between a stop and the going on."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.walks import (
    INTERRUPTED,
    PRODUCTION,
    FakeExecutor,
    FakeOperator,
    FakeTarget,
    Walked,
    book,
    check,
    command,
    confirm,
    ended,
    procedure,
    step,
    tick,
)

from runbook.engine.ports import Resolve, Stop, TakeBack, Undecided
from runbook.errors import ExitCode, UsageError
from runbook.journal.events import (
    TargetSeen,
)
from runbook.model import Undo


def test_an_interrupted_write_is_unknown_and_comes_first(tmp_path: Path) -> None:
    """The operator probes with the step's own check and decides; the step is not run again."""
    executor = FakeExecutor({"change": INTERRUPTED})
    operator = FakeOperator([confirm, Resolve(Undecided.PROBE), Resolve(Undecided.DONE, "the history has it")])
    walked = Walked(book(procedure(step("push", "change", verify=check("look")))), tmp_path, operator, executor)

    assert walked.begin() is ExitCode.DONE
    assert executor.ran == [("change",), ("look",)]
    assert [entry[:3] for entry in operator.log[2:]] == [("resolve", "push", None), ("resolve", "push", "passed")]
    assert "the server may have continued" in str(operator.log[2])
    assert ("StepResolved", "push", "done") in walked.events


def test_an_interrupted_reading_step_has_simply_failed(tmp_path: Path) -> None:
    """It can be retried without harm."""
    walked = Walked(book(procedure(step("see", "look"))), tmp_path, executor=FakeExecutor({"look": INTERRUPTED}))

    walked.begin()

    assert walked.operator.log[-1] == ("recover", "see", "run", "ended by SIGINT")


def test_a_lost_end_is_resolved_before_anything_else_and_redo_asks_again(tmp_path: Path) -> None:
    """After a crash, redo leads to the step's own question with its own confirmation."""
    executor = FakeExecutor({"change": RuntimeError("the machine is gone")})
    walked = Walked(book(procedure(tick("a"), step("push", "change"))), tmp_path, executor=executor)
    with pytest.raises(RuntimeError):
        walked.begin()

    later = walked.again(Resolve(Undecided.REDO, "nothing arrived"))
    assert later.resume() is ExitCode.DONE
    assert [entry[:2] for entry in later.operator.log[1:]] == [("resolve", "push"), ("decide", "push")]
    assert later.operator.log[2] == ("decide", "push", "yes")
    assert later.executor.ran == [("change",)]


def test_an_undo_whose_end_is_lost_is_unknown_too(tmp_path: Path) -> None:
    """Done means taken back: the step is asked for again."""
    executor = FakeExecutor({"change": ended(1), "destroy": INTERRUPTED})
    undo = Undo(action=command("destroy it"))
    operator = FakeOperator([confirm, TakeBack(), confirm, Resolve(Undecided.DONE), Stop()])
    walked = Walked(book(procedure(step("push", "change", undo=undo))), tmp_path, operator, executor)

    walked.begin()

    assert [entry[:2] for entry in operator.log[1:]] == [
        ("decide", "push"),
        ("recover", "push"),
        ("decide", "push"),
        ("resolve", "push"),
        ("decide", "push"),
    ]
    assert str(operator.log[4][3]).startswith("The undo of this step was started at 01:20:0")


def test_a_changed_procedure_is_shown_and_must_be_accepted(tmp_path: Path) -> None:
    """Without a yes nothing goes on, and nothing is written."""
    walked = Walked(book(procedure(tick("a"), source="title: Old\n")), tmp_path, FakeOperator([Stop()]))
    walked.begin()
    changed = book(procedure(tick("a"), tick("b"), source="title: New\n"))
    before = walked.events

    refused = walked.again(book=changed, operator=FakeOperator(accepts=False))
    assert refused.resume() is ExitCode.NOT_COMPLETED
    assert refused.events == before
    assert refused.operator.diffs == ["--- fix when the run began\n+++ fix now\n@@ -1 +1 @@\n-title: Old\n+title: New"]

    accepted = walked.again(book=changed)
    assert accepted.resume() is ExitCode.DONE
    assert ("ChangeAccepted", "procedure") in accepted.events
    assert [entry[1] for entry in accepted.operator.log[1:]] == ["procedure", "a", "b"]


def test_a_changed_target_is_shown_and_must_be_accepted(tmp_path: Path) -> None:
    """Later writes are then compared with what was accepted."""
    walked = Walked(book(procedure(step("push", "change"))), tmp_path, FakeOperator([Stop()]))
    walked.begin()
    moved = FakeTarget(TargetSeen("production", PRODUCTION.name, "3.2.0", "production"))

    later = walked.again(target=moved)
    assert later.resume() is ExitCode.DONE
    assert "-cli: 3.1.0\n+cli: 3.2.0" in later.operator.diffs[0]


def test_a_step_that_the_changed_procedure_lost_is_still_resolved(tmp_path: Path) -> None:
    """What became of it must be said, though it is gone from the page."""
    executor = FakeExecutor({"change": INTERRUPTED})
    walked = Walked(book(procedure(step("push", "change"))), tmp_path, FakeOperator([confirm, Stop()]), executor)
    walked.begin()

    later = walked.again(book=book(procedure(tick("other"), source="title: New\n")))
    assert later.resume() is ExitCode.DONE
    assert [entry[:2] for entry in later.operator.log[2:]] == [("resolve", "push"), ("decide", "other")]


def test_a_finished_run_can_not_be_resumed(tmp_path: Path) -> None:
    """The message says where its report is."""
    walked = Walked(book(procedure(tick("a"))), tmp_path)
    walked.begin()

    with pytest.raises(UsageError, match="has finished"):
        walked.again().resume()
