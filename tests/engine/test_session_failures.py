"""What an operator can do when a step fails, and at any prompt."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.walks import (
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

from runbook.engine.ports import Back, Go, HandOver, Resolve, Skip, Stop, SwitchTo, TakeBack, Undecided
from runbook.errors import ExitCode, JournalError
from runbook.journal.events import (
    Event,
    HandedOver,
    StepFinished,
    StepStarted,
)
from runbook.journal.interface import MemoryJournal
from runbook.model import Capture, Undo
from runbook.steps.each import Each
from runbook.steps.include import Include
from runbook.steps.sql import Sql
from runbook.steps.tick import Tick
from runbook.steps.wait import Wait


class FullJournal(MemoryJournal):
    """A journal on a disk that becomes full as soon as a step is to start."""

    def append(self, run: str, event: Event) -> None:
        """Refuse the start of a step."""
        if isinstance(event, StepStarted):
            raise JournalError("the disk is full")
        super().append(run, event)


def test_a_failed_step_is_shown_with_its_evidence_and_can_be_retried(tmp_path: Path) -> None:
    """A retry of a write is confirmed like the first time."""
    executor = FakeExecutor({"change": [ended(1, "no such table"), ended(0)]})
    operator = FakeOperator([confirm, Go(""), Go("yes")])
    walked = Walked(book(procedure(step("push", "change"))), tmp_path, operator, executor)

    assert walked.begin() is ExitCode.DONE
    assert len(executor.ran) == 2
    assert operator.log[2:] == [("recover", "push", "run", "expected exit 0, saw exit 1")] * 2


def test_after_a_failed_check_a_retry_repeats_the_check_alone(tmp_path: Path) -> None:
    """The write is not repeated; to run it again is said explicitly and confirmed."""
    executor = FakeExecutor({"look": [ended(1), ended(1), ended(0)]})
    operator = FakeOperator([confirm, Go(), Resolve(Undecided.REDO, "it was undone meanwhile")])
    walked = Walked(book(procedure(step("push", "change", verify=check("look")))), tmp_path, operator, executor)

    assert walked.begin() is ExitCode.DONE
    assert executor.ran == [("change",), ("look",), ("look",), ("change",), ("look",)]
    assert operator.log[-1] == ("decide", "push", "yes")


@pytest.mark.parametrize(
    ("found", "decision", "ran"),
    [(0, Undecided.DONE, 1), (1, Undecided.REDO, 2)],
    ids=["it was done", "it was not"],
)
def test_a_failed_write_can_be_checked_before_it_is_repeated(
    tmp_path: Path, found: int, decision: Undecided, ran: int
) -> None:
    """The check only reads; what it shows is asked about, and only then the write runs again or counts as done."""
    executor = FakeExecutor({"change": [ended(1, "connection lost"), ended()], "look": [ended(found), ended()]})
    operator = FakeOperator([confirm, Resolve(Undecided.PROBE), Resolve(decision, "by its check"), confirm])
    walked = Walked(book(procedure(step("push", "change", verify=check("look")))), tmp_path, operator, executor)

    assert walked.begin() is ExitCode.DONE
    assert executor.ran.count(("change",)) == ran
    assert operator.log[2] == ("recover", "push", "run", "expected exit 0, saw exit 1")
    assert operator.log[3][:3] == ("resolve", "push", "failed" if found else "passed")
    assert "It failed: expected exit 0, saw exit 1." in operator.log[3]


def test_a_step_is_taken_back_by_its_undo_and_the_undo_is_checked(tmp_path: Path) -> None:
    """The undo is confirmed by its own command; afterwards the step is asked for again."""
    undo = Undo(action=command("destroy it"), check=check("look gone"))
    executor = FakeExecutor({"change": [ended(1), ended(0)]})
    operator = FakeOperator([confirm, TakeBack("yes"), confirm, confirm])
    walked = Walked(book(procedure(step("push", "change", undo=undo))), tmp_path, operator, executor)

    assert walked.begin() is ExitCode.DONE
    assert executor.ran == [("change",), ("destroy", "it"), ("look", "gone"), ("change",)]
    assert [entry[:3] for entry in operator.log[1:]] == [
        ("decide", "push", "yes"),
        ("recover", "push", "run"),
        ("decide", "push", "name"),
        ("decide", "push", "yes"),
    ]


def test_a_skip_needs_a_reason(tmp_path: Path) -> None:
    """Without one the question comes again."""
    walked = Walked(book(procedure(tick("see"))), tmp_path, FakeOperator([Skip("  "), Skip("seen before")]))

    assert walked.begin() is ExitCode.DONE
    assert ("StepSkipped", "see", "seen before") in walked.events
    assert walked.operator.log.count(("decide", "see", "enter")) == 2


def test_back_leads_to_earlier_steps_and_forward_again(tmp_path: Path) -> None:
    """What ran stays on record; on the way forward each step can be left as it is."""
    steps = (step("a", "look a"), step("b", "look b"), step("c", "look c"))
    operator = FakeOperator([confirm, confirm, Back(), Back(), Skip(""), confirm, confirm])
    walked = Walked(book(procedure(*steps)), tmp_path, operator)

    assert walked.begin() is ExitCode.DONE
    assert [entry[1] for entry in operator.log[1:]] == ["a", "b", "c", "b", "a", "b", "c"]
    assert [argv[1] for argv in walked.executor.ran] == ["a", "b", "b", "c"]


def test_another_choice_leads_another_way(tmp_path: Path) -> None:
    """Going back to a question and answering otherwise takes the other branch."""
    question = choose("what", function=[step("f", "look f")], data=[step("d", "look d")])
    operator = FakeOperator([Go(value="nonsense"), Go(value="function"), Back(), Go(value="data")])
    walked = Walked(book(procedure(question, tick("end"))), tmp_path, operator)

    assert walked.begin() is ExitCode.DONE
    assert [entry[1] for entry in operator.log[1:]] == ["what", "what", "what/f", "what", "what/d", "end"]


def test_a_value_seen_is_checked_and_kept(tmp_path: Path) -> None:
    """A value that does not fit is asked for again."""
    asks = parameter("rate", pattern="[0-9]+")
    steps = (step("see", Tick("Look", asks=asks)), step("use", "look {{rate}}"))
    operator = FakeOperator([Go(value="many")], {"rate": ["few", "3"]})
    walked = Walked(book(procedure(*steps)), tmp_path, operator)

    walked.begin()

    assert walked.executor.ran == [("look", "3")]
    assert [entry[2] for entry in operator.log if entry[0] == "give"] == [
        "'many' doesn't fit: expected a value like x",
        "'few' doesn't fit: expected a value like x",
    ]


def test_each_value_of_a_list_has_its_steps(tmp_path: Path) -> None:
    """In order, each with its own name in the path."""
    each = step("all", Each("names", "name", (step("deploy", "change {{name}}"),)))
    walked = Walked(book(procedure(each, parameters=[parameter("names", many=True)])), tmp_path)

    walked.begin(names="one, two,one")

    assert walked.executor.ran == [("change", "one"), ("change", "two")]
    assert walked.operator.log[1:] == [("decide", "all[one]/deploy", "yes"), ("decide", "all[two]/deploy", "yes")]


def test_an_included_procedure_sees_what_it_is_given_and_nothing_else(tmp_path: Path) -> None:
    """Its parameters are bound to values of the outer one; its captures stay inside."""
    inner = (step("x", "look {{table}}", capture=(Capture("row", pattern="(.+)"),)), step("y", "look {{row}}"))
    outer = (
        step("o", "look", capture=(Capture("row", pattern="(.+)"),)),
        step("in", Include("other", {"table": "public.{{row}}"}, inner)),
        step("p", "look {{row}} again"),
    )
    executor = FakeExecutor(
        {"look public.outer": ended(output="inner"), "look inner": ended(), "look": ended(output="outer")}
    )
    walked = Walked(book(procedure(*outer)), tmp_path, executor=executor)

    assert walked.begin() is ExitCode.DONE
    assert executor.ran == [("look",), ("look", "public.outer"), ("look", "inner"), ("look", "outer", "again")]


class Impatient(FakeOperator):
    """Ends every pause after twelve seconds."""

    def pause(self, seconds: float) -> float:
        """Return at once."""
        return min(12, seconds)


def test_a_wait_waits(tmp_path: Path) -> None:
    """By the clock, or as long as the operator says that it has."""
    steps = (step("w", Wait(30, "it settles")), step("v", Wait(60, "it settles")))
    walked = Walked(book(procedure(steps[0])), tmp_path)
    walked.begin()
    assert walked.clock.waited == [30]

    walked = Walked(book(procedure(*steps)), tmp_path, Impatient())
    walked.begin()

    assert walked.clock.waited == []
    ends = [event for event in walked.journal.events(walked.run) if isinstance(event, StepFinished)]
    assert [event.evidence for event in ends] == ["waited 12 s of 30 s", "waited 12 s of 60 s"]


def test_sql_is_one_word_and_gets_its_timeouts(tmp_path: Path) -> None:
    """Values are escaped for where they stand."""
    sql = Sql(statement="select 1 from {{t}} where n = '{{n}}'", at=tick("x").at, lock_timeout=5, statement_timeout=30)
    fix = procedure(step("q", sql), parameters=[parameter("t"), parameter("n")])
    walked = Walked(book(fix), tmp_path)

    walked.begin(t="Odd table", n="it's")

    assert walked.executor.ran == [("look", "--remote", "select 1 from \"Odd table\" where n = 'it''s'")]
    assert walked.executor.environments == [{"FROM_TARGET": "1", **sql.environment()}]


def test_a_value_that_can_not_stand_in_the_command_stops_nothing_else(tmp_path: Path) -> None:
    """The step can be gone past; nothing ran."""
    steps = (step("a", "look {{table}}"), tick("end"))
    walked = Walked(
        book(procedure(*steps, parameters=[parameter("table")])), tmp_path, FakeOperator([Skip("not that one")])
    )

    assert walked.begin(table="--linked") is ExitCode.DONE
    assert walked.executor.ran == []
    assert "would be read as an option" in str(walked.operator.log[1])


def test_stopping_leaves_the_target_and_says_why(tmp_path: Path) -> None:
    """The run can be resumed from where it stood."""
    walked = Walked(book(procedure(tick("a"), tick("b"))), tmp_path, FakeOperator([confirm, Stop("lunch")]))

    assert walked.begin() is ExitCode.NOT_COMPLETED
    assert walked.events[-1] == ("RunStopped", "lunch")
    assert walked.journal.holders() == ()

    later = walked.again()
    assert later.resume() is ExitCode.DONE
    assert later.operator.log[1:] == [("decide", "b", "enter")]


def test_handing_over_is_on_record(tmp_path: Path) -> None:
    """With the note and the name; somebody else resumes."""
    walked = Walked(book(procedure(tick("a"))), tmp_path, FakeOperator([HandOver("watch the locks", "grace")]))

    assert walked.begin() is ExitCode.NOT_COMPLETED
    last = walked.journal.events(walked.run)[-1]
    assert isinstance(last, HandedOver)
    assert (last.note, last.to) == ("watch the locks", "grace")


def test_another_procedure_takes_over(tmp_path: Path) -> None:
    """This run stops, and a new one begins with the values that it knows, too."""
    fix = procedure(step("a", "look {{table}}"), parameters=[parameter("table")])
    other = procedure(
        step("b", "look {{table}} {{row}}"), name="recover", parameters=[parameter("table"), parameter("row")]
    )
    operator = FakeOperator([SwitchTo("nowhere"), SwitchTo("recover")], {"row": "7"})
    walked = Walked(book(fix, other), tmp_path, operator)

    assert walked.begin(table="tasks") is ExitCode.DONE
    assert walked.executor.ran == [("look", "tasks", "7")]
    assert sorted(walked.journal.runs()) == ["20261123-0120-fix", "20261123-0120-recover"]


def test_ctrl_c_at_a_prompt_stops_the_run(tmp_path: Path) -> None:
    """It is on record, and the target is free."""
    walked = Walked(book(procedure(tick("a"))), tmp_path, FakeOperator([KeyboardInterrupt()]))

    with pytest.raises(KeyboardInterrupt):
        walked.begin()

    assert walked.events[-1] == ("RunStopped", "interrupted at the keyboard")
    assert walked.journal.holders() == ()


def test_nothing_runs_when_the_journal_can_not_be_written(tmp_path: Path) -> None:
    """The event comes first; without it the command does not start."""
    walked = Walked(book(procedure(step("push", "change"))), tmp_path, journal=FullJournal())

    with pytest.raises(JournalError):
        walked.begin()

    assert walked.executor.ran == []
