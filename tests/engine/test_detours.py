"""What an operator does besides the step: notes, other steps, own commands; and how long a failure counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.walks import (
    Answer,
    FakeOperator,
    Walked,
    book,
    check,
    choose,
    confirm,
    ended,
    parameter,
    procedure,
    step,
)

from runbook.engine.ports import AddNote, Back, Go, GoTo, Reply, RunOwn, Screen, Skip, Stop
from runbook.engine.state import Status, fold
from runbook.errors import ExitCode
from runbook.journal.codec import from_json, to_json
from runbook.journal.events import NoteAdded, Purpose, StepFinished, StepStarted
from runbook.journal.interface import MemoryJournal
from runbook.reports.markdown import as_markdown
from runbook.reports.run_report import report_of
from runbook.steps.tick import Tick

WRITES = procedure(step("first", "change one"), step("second", "change two"), step("third", "change three"))


@dataclass
class ToldOperator(FakeOperator):
    """Also hears why a command of its own did not run."""

    advice: list[str] = field(default_factory=list)

    def advise(self, text: str) -> None:
        """Keep it."""
        self.advice.append(text)


def walked(tmp_path: Path, *answers: Answer, of: object = WRITES) -> Walked:
    """Return a walk that has ended, with these answers; after them everything is confirmed."""
    made = Walked(book(of), tmp_path, ToldOperator(list(answers)))  # type: ignore[arg-type]
    made.begin()
    return made


def test_a_note_is_an_event_of_the_run_and_the_same_question_comes_again(tmp_path: Path) -> None:
    """It has its time and its step, survives the journal, stands in the report, and holds no secret."""
    one = procedure(step("first", "change one"), parameters=[parameter("key", secret=True)])
    walk = Walked(book(one), tmp_path, FakeOperator([AddNote("two rows, hunter2hunter2")], {"key": "hunter2hunter2"}))
    assert walk.begin() is ExitCode.DONE

    events = walk.journal.events(walk.run)
    (note,) = [event for event in events if isinstance(event, NoteAdded)]
    assert (note.step, "two rows" in note.note, "hunter2" in note.note) == ("first", True, False)
    assert from_json(to_json(note)) == note
    assert [entry[0] for entry in walk.operator.log].count("decide") == 2
    report = report_of(events)
    assert [(one.text, one.step) for one in report.notes] == [(note.note, "first")]
    assert note.note in [entry.result for entry in report.timeline]


def test_going_back_needs_no_reason_and_the_way_forward_is_open_again(tmp_path: Path) -> None:
    """From the third step to the first, and at once back to the third: nothing in between runs again."""
    answers: list[Answer] = [confirm, confirm, GoTo("first"), GoTo("third"), confirm]
    walk = walked(tmp_path, *answers)

    assert walk.executor.ran == [("change", "one"), ("change", "two"), ("change", "three")]
    assert [entry[1] for entry in walk.operator.log if entry[0] == "decide"][2:] == ["third", "first", "third"]
    assert fold(walk.journal.events(walk.run)).ended


@pytest.mark.parametrize(("reason", "skipped"), [("", []), ("it is not needed", ["first", "second"])])
def test_jumping_forward_skips_each_step_with_a_reason_or_does_nothing(
    tmp_path: Path, reason: str, skipped: list[str]
) -> None:
    """Never past a write silently."""
    walk = walked(tmp_path, GoTo("third", reason))

    state = fold(walk.journal.events(walk.run))
    assert [path for path, one in state.steps.items() if one.status is Status.SKIPPED] == skipped
    assert {state.step(path).reason for path in skipped} <= {reason}
    assert len(walk.executor.ran) == 3 - len(skipped)


def test_a_failure_from_before_a_step_back_is_not_shown_as_a_new_one(tmp_path: Path) -> None:
    """With the value given anew, the step is asked for; its failure is over. A new failure is one."""
    find = step("find", "look for {{name}}")
    one = procedure(step("name", Tick("Which?", asks=parameter("name"))), find)
    walk = Walked(book(one), tmp_path)
    walk.executor.endings = {"look for wrong": ended(1), "look for worse": ended(1)}
    walk.operator.script = [Go(value="wrong"), confirm, Back(), Go(value="worse"), RunOwn("look own"), confirm, Back()]
    walk.operator.script += [Go(value="right")]
    assert walk.begin() is ExitCode.DONE

    asked = [entry[0] for entry in walk.operator.log if entry[1] == "find"]
    assert asked == ["decide", "recover", "decide", "decide", "recover", "decide"]
    assert [argv[-1] for argv in walk.executor.ran] == ["wrong", "own", "worse", "right"]


@pytest.mark.parametrize(("command", "kind"), [("look at it", "decide"), ("change it", "resolve")])
def test_a_step_that_only_reads_and_was_killed_is_simply_done_again(tmp_path: Path, command: str, kind: str) -> None:
    """A write whose end nobody saw must be decided first."""
    whole = Walked(book(procedure(step("it", command))), tmp_path)
    whole.begin()
    journal = MemoryJournal()
    for event in whole.journal.events(whole.run):
        if isinstance(event, StepFinished):
            break
        journal.append(whole.run, event)

    walk = whole.again(journal=journal)
    assert walk.resume() is ExitCode.DONE
    assert next(entry[0] for entry in walk.operator.log if entry[0] != "introduce") == kind


# --- a command of the operator's own --------------------------------------------------------------------------------


def test_an_own_command_that_reads_runs_at_once_and_is_in_the_report(tmp_path: Path) -> None:
    """It is recorded at the step, with its output, and changes nothing of what is known of the step."""
    walk = Walked(book(WRITES), tmp_path, FakeOperator([RunOwn('look "at it" {{target}}'), Stop()]))
    walk.executor.endings = {"look": ended(0, "three rows")}
    walk.begin()

    assert walk.executor.ran == [("look", "at it", "--remote")]
    events = walk.journal.events(walk.run)
    record = fold(events).step("first")
    assert (record.status, record.last, record.attempts[0].purpose) == (Status.TODO, None, Purpose.OWN)
    (command,) = report_of(events).commands
    assert (command.output, command.step) == ("three rows", "first")
    assert "ran a command of their own: look 'at it' --remote" in [one.what for one in report_of(events).timeline]


def test_an_own_command_that_writes_is_confirmed_with_the_target_shown(tmp_path: Path) -> None:
    """Anything but the word leaves it; the step is asked for afterwards."""
    seen: list[Screen] = []

    def note(screen: Screen) -> Reply:
        seen.append(screen)
        return Go(typed="no") if len(seen) == 1 else confirm(screen)

    walk = walked(tmp_path, RunOwn("change own"), note, RunOwn("change own"), note, Stop())

    assert walk.executor.ran == [("change", "own")]
    assert {(one.purpose, one.confirmation, one.target.kind, one.argv) for one in seen} == {
        (Purpose.OWN, "yes", "production", ("change", "own"))
    }
    assert "| Wrote | change own |" in as_markdown(report_of(walk.journal.events(walk.run)))
    started = [event for event in walk.journal.events(walk.run) if isinstance(event, StepStarted)]
    assert [(one.confirmed, one.effect) for one in started] == [("yes", "writes")]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("forbidden it", "policy refuses"),
        ("bash -c 'forbidden it'", "no rule for bash"),
        ("sudo forbidden it", "no rule for sudo"),
        ("look at it | wc", "'|' needs a shell"),
        ("look at it; change it", "needs a shell"),
        ("look 'at it", "quotes don't match"),
        ("look --yes", "answers for the operator"),
        ("look {{nothing}}", "no value for"),
        ("look hunter2hunter2", "contains a secret"),
        ("   ", "No command"),
    ],
)
def test_an_own_command_that_must_not_run_is_refused_and_the_walk_goes_on(tmp_path: Path, line: str, said: str) -> None:
    """Refused stays refused, no shell sees it, no wrapper hides another command, and no secret is in an argv."""
    one = procedure(step("first", "look one"), parameters=[parameter("key", secret=True)])
    walk = Walked(book(one), tmp_path, ToldOperator([RunOwn(line)], {"key": "hunter2hunter2"}))
    assert walk.begin() is ExitCode.DONE

    assert walk.executor.ran == [("look", "one")]
    (advice,) = walk.operator.advice  # type: ignore[attr-defined]
    assert said in advice
    assert "hunter2" not in advice


def test_a_dry_run_runs_an_own_command_only_if_it_reads(tmp_path: Path) -> None:
    """It writes nothing, whoever asks."""
    walk = Walked(book(WRITES), tmp_path, ToldOperator([RunOwn("change own"), RunOwn("look own")]))
    walk.begin(dry=True)
    assert walk.executor.ran == [("look", "own")]


def test_an_own_command_that_was_cut_off_decides_nothing_about_the_step(tmp_path: Path) -> None:
    """The step itself never ran, so nothing asks what became of it; the step's check isn't run either."""
    one = procedure(step("first", "change one", verify=check("look at")))
    walk = Walked(book(one), tmp_path, FakeOperator([RunOwn("change own"), confirm]))
    walk.executor.endings = {"change own": KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        walk.begin()

    again = walk.again()
    assert again.resume() is ExitCode.DONE
    assert [entry[0] for entry in again.operator.log] == ["introduce", "decide"]


# --- values to pick from --------------------------------------------------------------------------------------------


def _project(directory: Path) -> None:
    for name in ("create-task", "complete-task", "_shared"):
        (directory / "supabase/functions" / name).mkdir(parents=True)
    migrations = directory / "supabase/migrations"
    migrations.mkdir()
    (migrations / "20260101000000_tasks.sql").write_text(
        "create table public.tasks (id int); create table old (id int);"
    )
    (migrations / "20260102000000_drop.sql").write_text("drop table old; create table app.notes (id int);")


@pytest.mark.parametrize(
    ("pick", "offered", "typed", "value"),
    [
        ("functions", ("complete-task", "create-task"), "2", "create-task"),
        ("migrations", ("20260102000000", "20260101000000"), "1", "20260102000000"),
        ("migration-files", ("20260102000000_drop.sql", "20260101000000_tasks.sql"), "9", "9"),
        ("tables", ("app.notes", "tasks"), "tasks", "tasks"),
        ("", (), "1", "1"),
    ],
)
def test_a_value_is_picked_by_its_number_or_typed(
    tmp_path: Path, pick: str, offered: tuple[str, ...], typed: str, value: str
) -> None:
    """From the project's files; a number that is not on the list is a value like any other."""
    _project(tmp_path)
    one = procedure(step("first", "look {{it}}"), parameters=[parameter("it", pick=pick)])
    seen: list[tuple[str, ...]] = []

    class Picking(FakeOperator):
        def give(self, parameter: object, *, problem: str = "") -> str:
            seen.append(parameter.offered)  # type: ignore[attr-defined]
            return typed

    walk = Walked(book(one), tmp_path / "scratch", Picking())
    walk.target.directory = str(tmp_path)
    walk.begin()
    assert (seen, walk.executor.ran) == ([offered], [("look", value)])


def test_a_value_is_picked_from_what_an_earlier_step_printed(tmp_path: Path) -> None:
    """Only values that fit are listed; without that output the value is typed."""
    asks = parameter("it", pick="see/kind=column.name", pattern="[a-z]+")
    one = procedure(step("see", "look"), step("name", Tick("Which?", asks=asks)))
    rows = '[{"kind": "column", "name": "rank"}, {"kind": "column", "name": "B 2"}, {"kind": "rule", "name": "x"}]'
    offered: list[tuple[str, ...]] = []

    def name(value: str) -> Callable[[Screen], Reply]:
        def answer(screen: Screen) -> Reply:
            offered.append(screen.asks.offered if screen.asks else ())
            return Go(value=value)

        return answer

    for first in (confirm, Skip("no database")):
        walk = Walked(book(one), tmp_path, FakeOperator([first, name("rank")]))
        walk.executor.endings = {"look": ended(0, rows)}
        assert walk.begin() is ExitCode.DONE
    assert offered == [("rank",), ()]


def test_the_way_past_a_skipped_question_leaves_its_answers_out(tmp_path: Path) -> None:
    """Its branches are not walked."""
    one = procedure(choose("what", left=[step("l", "change l")], right=[]), step("last", "change last"))
    walk = walked(tmp_path, GoTo("last", "both are done"), of=one)
    assert walk.executor.ran == [("change", "last")]
