"""Faults that a walk had once, each as the shortest way to it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.books import procedure_text, write_book
from support.walks import (
    INTERRUPTED,
    PRODUCTION,
    START,
    FakeExecutor,
    FakeOperator,
    FakeTarget,
    Walked,
    confirm,
    ended,
)

from runbook.checks import open_book
from runbook.engine.ports import Execution, Go, Reply, Resolve, Screen, Skip, Stop, TakeBack, Undecided
from runbook.errors import ExitCode
from runbook.journal.events import StepStarted
from runbook.journal.interface import Holder, MemoryJournal
from runbook.loading import PACKAGED_BOOK, read_book
from runbook.model import Book, Parameter

BROKEN = ended(1, "ERROR: it is broken")
PUSH = ("npx", "supabase", "db", "push", "--remote")

INNER = procedure_text(
    """\
    - {id: see, title: See it, run: "git log {{version}}"}
    """,
    more="parameters: {version: {ask: Which version?, example: v1}}\n",
)
OUTER = procedure_text("""\
    - {id: make, title: Make a file, run: git log, capture: {made: {pattern: "made (.+)"}}}
    - {id: inner, title: Do the rest, include: inner, with: {version: "{{made}}"}}
    """)
PUSHING = procedure_text("""\
    - id: push
      title: Push it
      run: npx supabase db push {{target}}
      verify: {run: "npx supabase migration list {{target}}"}
      undo: {run: "npx supabase migration new back"}
    """)
NEW = ("npx", "supabase", "migration", "new", "back")
LIST = "npx supabase migration list"


class DiedError(BaseException):
    """The process is killed here."""


@dataclass
class AskingOnce(FakeOperator):
    """Confirms everything, skips what fails and what is in `skips`, and fails if a value is asked for again."""

    skips: frozenset[str] = frozenset()
    choices: dict[str, str] = field(default_factory=dict)
    given: list[str] = field(default_factory=list)

    def give(self, parameter: Parameter, *, problem: str = "") -> str:
        """Return a value that fits, once."""
        assert parameter.name not in self.given, f"{parameter.name} is asked for again"
        self.given.append(parameter.name)
        return self.values.get(parameter.name) or parameter.example or "20260110000000"  # type: ignore[return-value]

    def decide(self, screen: Screen) -> Reply:
        """Skip, choose or confirm."""
        if screen.path.split("/")[-1] in self.skips:
            return Skip("it is there already")
        asks = getattr(screen.action, "asks", None)
        value = screen.draft or self.choices.get(screen.path) or (asks.example if asks else "")
        return Go(typed=confirm(screen).typed, value=value)

    def recover(self, screen: Screen, execution: Execution) -> Reply:
        """Go past it."""
        return Skip("nothing is real here")


@dataclass
class InRounds(AskingOnce):
    """Gives another value each time."""

    def give(self, parameter: Parameter, *, problem: str = "") -> str:
        """Return `a,b` for the list, then v1, v2."""
        if parameter.many:
            return "a,b"
        self.given.append(parameter.name)
        return f"v{len(self.given)}"


def small_book(directory: Path, **procedures: str) -> Book:
    """Return a book that the checks accept."""
    return open_book(str(write_book(directory, procedures)))


def walked_in(tmp_path: Path, book: Book, operator: FakeOperator, executor: FakeExecutor | None = None) -> Walked:
    """Return a walk in a project's directory of its own."""
    project = tmp_path / "project"
    (project / "supabase" / "migrations").mkdir(parents=True)
    return Walked(
        book, tmp_path / "state", operator, executor or FakeExecutor(), target=FakeTarget(directory=str(project))
    )


# --- a value that a skipped step would have captured ------------------------------------------------------------


def test_a_value_for_a_renaming_include_is_asked_for_once(tmp_path: Path) -> None:
    """What a skipped step would have captured reaches the included procedure under its name there."""
    walked = walked_in(
        tmp_path,
        small_book(tmp_path / "book", outer=OUTER, inner=INNER),
        AskingOnce(values={"made": "v7", "version": "v7"}, skips=frozenset({"make"})),
    )

    assert walked.begin("outer") is ExitCode.DONE
    assert walked.executor.ran == [("git", "log", "v7")]


@pytest.mark.parametrize(
    ("choices", "skipped"),
    [
        pytest.param({"what-broke": "One database function"}, "find-previous", id="function"),
        pytest.param(
            {
                "what-broke": "A column is gone, or a column or constraint refuses good rows",
                "what-broke/which-rule": "A constraint",
            },
            "see-table",
            id="table",
        ),
    ],
)
def test_an_emergency_rollback_goes_on_without_its_query(tmp_path: Path, choices: dict[str, str], skipped: str) -> None:
    """Whoever knows what goes back skips the query for it, is asked once for each value of it, and can push."""
    operator = AskingOnce(
        skips=frozenset({skipped}),
        choices={**choices, "works": "Yes, a new migration fixed it"},
    )
    walked = walked_in(tmp_path, open_book(str(PACKAGED_BOOK)), operator)

    assert walked.begin("emergency-rollback") is ExitCode.DONE
    assert PUSH in walked.executor.ran


def test_a_lost_output_within_an_include_is_asked_for_once(tmp_path: Path) -> None:
    """A step's end was lost: what its own check wants of its output is asked for, once."""
    inner = procedure_text("""\
        - id: make
          title: Make a file
          run: npx supabase migration new it
          capture: {made: {pattern: "made (.+)"}}
          verify: {run: "git log {{made}}"}
        """)
    outer = procedure_text("- {id: inner, title: Do it, include: inner}\n")
    operator = AskingOnce([Resolve(Undecided.PROBE)] * 2, values={"made": "v7"})
    executor = FakeExecutor({"npx": INTERRUPTED})
    walked = walked_in(tmp_path, small_book(tmp_path / "book", outer=outer, inner=inner), operator, executor)

    assert walked.begin("outer") is ExitCode.DONE
    assert set(executor.ran[1:]) == {("git", "log", "v7")}


QUESTION = """\
- id: which
  title: Which one?
  choose:
    - {when: this, steps: [{id: this, title: Look, run: git log this, capture: {made: {pattern: "made (.+)"}}}]}
    - {when: that, steps: [{id: that, title: Look, run: git log that, capture: {made: {pattern: "made (.+)"}}}]}
"""


def test_what_a_skipped_question_leaves_open_reaches_an_include(tmp_path: Path) -> None:
    """All its answers would have captured the value: it is asked for once, and bound to the name within."""
    outer = procedure_text(
        f"{QUESTION}- {{id: inner, title: Do it, include: inner, with: {{version: '{{{{made}}}}'}}}}\n"
    )
    walked = walked_in(
        tmp_path,
        small_book(tmp_path / "book", outer=outer, inner=INNER),
        AskingOnce(values={"made": "v7"}, skips=frozenset({"which"})),
    )

    assert walked.begin("outer") is ExitCode.DONE
    assert walked.executor.ran == [("git", "log", "v7")]


def test_what_a_question_leaves_open_within_an_include_is_asked_for_once(tmp_path: Path) -> None:
    """The answer counts for the steps of that include, and for no others."""
    inner = procedure_text(
        f'{QUESTION}- {{id: one, title: One, run: "git log {{{{made}}}}"}}\n'
        '- {id: two, title: Two, run: "git log two-{{made}}"}\n'
    )
    outer = procedure_text("- {id: inner, title: Do it, include: inner}\n")
    walked = walked_in(
        tmp_path,
        small_book(tmp_path / "book", outer=outer, inner=inner),
        AskingOnce(values={"made": "v7"}, skips=frozenset({"which"})),
    )

    assert walked.begin("outer") is ExitCode.DONE
    assert walked.executor.ran == [("git", "log", "v7"), ("git", "log", "two-v7")]


def test_what_a_question_leaves_open_is_asked_for_in_each_round(tmp_path: Path) -> None:
    """A value of one round is not that of the next."""
    question = "".join(f"    {line}\n" for line in QUESTION.splitlines())
    steps = (
        f"- id: all\n  title: All of them\n  each: names\n  as: name\n  steps:\n{question}"
        '    - {id: look, title: Look, run: "git log {{name}} {{made}}"}\n'
    )
    book = small_book(
        tmp_path / "book",
        outer=procedure_text(steps, more='parameters: {names: {ask: Which?, example: "a,b", many: true}}\n'),
    )
    walked = walked_in(tmp_path, book, InRounds(skips=frozenset({"which"})))

    assert walked.begin("outer") is ExitCode.DONE
    assert walked.executor.ran == [("git", "log", "a", "v1"), ("git", "log", "b", "v2")]


def test_an_undo_that_lacks_a_value_does_not_end_the_walk(tmp_path: Path) -> None:
    """The step's value does not fit, so it is taken back; what its undo wants of its output is asked for."""
    text = procedure_text(
        """\
        - id: make
          title: Make a file
          run: npx supabase functions deploy {{name}} {{target}}
          capture: {made: {pattern: "made (.+)"}}
          undo: {run: "npx supabase migration new {{made}}"}
        """,
        more="parameters: {name: {ask: Which?, example: x}}\n",
    )
    operator = FakeOperator([TakeBack("yes"), Stop()], values={"name": "-x", "made": "v7"})
    walked = walked_in(tmp_path, small_book(tmp_path / "book", fix=text), operator)

    assert walked.begin("fix") is ExitCode.NOT_COMPLETED
    assert walked.events[-1] == ("RunStopped", "stopped by the operator")


# --- ends that are lost -----------------------------------------------------------------------------------------


def test_a_lost_retry_of_an_undo_never_leads_to_the_step_again(tmp_path: Path) -> None:
    """The undo failed, its retry was cut off: to try it again is no reason to write a second time."""
    executor = FakeExecutor({" ".join(NEW): [BROKEN, DiedError()], LIST: BROKEN})
    walked = walked_in(
        tmp_path,
        small_book(tmp_path / "book", pushing=PUSHING),
        FakeOperator([confirm, TakeBack("yes"), Go("yes")]),
        executor,
    )
    with pytest.raises(DiedError):
        walked.begin("pushing")
    assert executor.ran == [PUSH, (*LIST.split(), "--remote"), NEW, NEW]

    later = walked.again(Resolve(Undecided.REDO), Go("yes"), Stop())
    later.resume()

    asked = [(entry[0], entry[1]) for entry in later.operator.log[1:]]
    assert asked == [("resolve", "push"), ("recover", "push"), ("decide", "push")]
    assert later.executor.ran == [NEW]


def test_a_run_goes_on_after_a_repeated_check_was_cut_off(tmp_path: Path) -> None:
    """The check failed, was tried again, and the process died: the check runs anew, and its step does not."""
    walked = walked_in(
        tmp_path,
        small_book(tmp_path / "book", pushing=PUSHING),
        FakeOperator([confirm, confirm]),
        FakeExecutor({LIST: [BROKEN, DiedError()]}),
    )
    with pytest.raises(DiedError):
        walked.begin("pushing")

    later = walked.again(confirm)

    assert later.resume() is ExitCode.DONE
    assert later.executor.ran == [(*LIST.split(), "--remote")]


def test_a_step_that_was_taken_back_is_not_done(tmp_path: Path) -> None:
    """The undo ran, its check failed: to do the step again runs it again, and never counts it as done."""
    text = procedure_text("""\
        - id: push
          title: Push it
          run: npx supabase db push {{target}}
          verify: {run: git log}
          undo: {run: "npx supabase migration new back", verify: {run: "npx supabase migration list {{target}}"}}
        """)
    walked = walked_in(
        tmp_path,
        small_book(tmp_path / "book", fix=text),
        FakeOperator([confirm, TakeBack("yes"), Resolve(Undecided.REDO)]),
        FakeExecutor({"git log": [BROKEN, ended(), ended()], LIST: BROKEN}),
    )

    assert walked.begin("fix") is ExitCode.DONE
    assert walked.executor.ran.count(PUSH) == 2


def test_a_run_that_never_began_leaves_no_record(tmp_path: Path) -> None:
    """It held the target and died before its first event: whoever takes over does not write into its record."""
    journal = MemoryJournal()
    dead = Holder(run="dead", procedure="fix", operator="ada", host="here", pid=1, since=START)
    journal.hold(f"production:{PRODUCTION.name}", dead)
    book = small_book(tmp_path / "book", fix=procedure_text("- {id: end, tick: See it}\n"))
    walked = walked_in(tmp_path, book, FakeOperator(take="it is dead"))
    walked.journal = journal

    assert walked.begin("fix") is ExitCode.DONE
    assert len(journal.runs()) == 1


# --- parameters that come late, or from elsewhere ---------------------------------------------------------------


def test_a_list_that_a_procedure_gained_during_a_run_is_asked_for(tmp_path: Path) -> None:
    """Its steps run for each value given, not for none."""
    before = procedure_text("- {id: stop-here, tick: Look at it}\n")
    after = procedure_text(
        """\
        - {id: stop-here, tick: Look at it}
        - id: all
          title: All of them
          each: names
          as: name
          steps: [{id: see, title: See it, run: "git log {{name}}"}]
        """,
        more='parameters: {names: {ask: Which?, example: "a,b", many: true}}\n',
    )
    walked = walked_in(tmp_path, small_book(tmp_path / "before", fix=before), FakeOperator([Stop()]))
    walked.begin("fix")

    later = walked.again(
        book=small_book(tmp_path / "after", fix=after), operator=FakeOperator(values={"names": "one, two"})
    )

    assert later.resume() is ExitCode.DONE
    assert later.executor.ran == [("git", "log", "one"), ("git", "log", "two")]
    assert [entry for entry in later.operator.log if entry[0] == "give"] == [("give", "names", "")]


def test_a_setting_of_the_program_fills_no_parameter(tmp_path: Path) -> None:
    """RUNBOOK_TOOLS says where the CLI is; a parameter called tools is asked for all the same."""
    text = procedure_text(
        '- {id: see, title: See it, run: "git log {{tools}}"}\n',
        more="parameters: {tools: {ask: Which tools?, example: hammer}}\n",
    )
    # `runbook check` refuses such a name; a book that was written before it did is no reason to run another command.
    book = read_book(write_book(tmp_path / "book", {"fix": text}))
    walked = walked_in(tmp_path, book, FakeOperator(values={"tools": "saw"}))
    walked.environment = {"RUNBOOK_TOOLS": "/opt/node_modules"}

    walked.begin("fix")

    assert walked.executor.ran == [("git", "log", "saw")]


def test_an_empty_value_that_was_given_is_not_asked_for(tmp_path: Path) -> None:
    """Where nothing is a value (the default is empty), `--set note=` gives it."""
    text = procedure_text(
        '- {id: see, title: See it, run: "git log --grep={{note}}"}\n',
        more='parameters: {note: {ask: A note?, example: x, default: ""}}\n',
    )
    walked = walked_in(tmp_path, small_book(tmp_path / "book", fix=text), FakeOperator(values={"note": "asked"}))

    assert walked.begin("fix", note="") is ExitCode.DONE

    assert walked.executor.ran == [("git", "log", "--grep=")]
    assert not [entry for entry in walked.operator.log if entry[0] == "give"]


# --- what is said of a step -------------------------------------------------------------------------------------


def test_a_statement_that_writes_is_shown_as_writing(tmp_path: Path) -> None:
    """`writes: true` counts where the statement alone looks as if it read; the walk asks accordingly."""
    text = procedure_text("""\
        - id: mend
          title: Mend the rows
          sql: select id from public.mended_by_reading
          writes: true
          undo: {none: It can't be undone}
        """)
    directory = tmp_path / "book"
    walked = walked_in(tmp_path, small_book(directory, fix=text), FakeOperator())
    walked.begin("fix")
    [effect] = [event.effect for event in walked.operator.told if isinstance(event, StepStarted)]
    assert effect == "writes"

    shown = subprocess.run(
        [sys.executable, "-m", "runbook", "--book", str(directory), "show", "fix"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "80"},
        check=True,
    ).stdout

    assert "WRITES to production." in shown
    assert "It only reads." not in shown
