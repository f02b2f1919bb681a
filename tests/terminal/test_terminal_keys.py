"""The keys of a walk at real terminals of 80 by 24 and 60 by 20, and what is asked before an answer counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.dialogs import ScriptedDialog
from support.screens import failed, plain_text, screen, state
from support.terminals import type_keys, walk_ending, walk_terminal
from support.walks import PRODUCTION, START, parameter, procedure, step

from runbook.engine.ports import AddNote, Go, GoTo, Reply, Resolve, RunOwn, Skip, Undecided
from runbook.engine.state import RunState, apply
from runbook.journal.events import (
    HandedOver,
    NoteAdded,
    Outcome,
    Purpose,
    RunStopped,
    StepFinished,
    StepSkipped,
    StepStarted,
)
from runbook.journal.interface import Holder
from runbook.model import Effect
from runbook.steps.tick import Tick
from runbook.terminal import TerminalOperator
from runbook.terminal.error_screens import render_failure
from runbook.terminal.return_screen import render_return

STEPS = procedure(step("find", "look one"), step("apply", "change it"), step("tell", Tick("Tell")))
PASTE = "\x1b[200~yes\r\x1b[201~\r"


class Terminal:
    """A walk in a terminal of that size: type an answer, see what comes up to the next prompt."""

    def __init__(self, directory: Path, columns: int, rows: int) -> None:
        self.child = walk_terminal("keys", directory, (columns, rows))
        self.widest = 0

    def until(self, *texts: str, prompt: str = "> ") -> str:
        """Return what comes until the texts, in their order, and then a prompt have come."""
        seen = ""
        for wanted in (*texts, prompt):
            self.child.expect(re.escape(wanted))
            seen += f"{self.child.before}{self.child.after}"
        plain = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", seen)
        lines = [
            line.rpartition("\r")[2] if line.strip("\r") else line for line in plain.replace("\r\n", "\n").split("\n")
        ]
        self.widest = max(self.widest, *map(len, lines))
        return " ".join(plain.split())

    def type(self, answer: str, *texts: str, prompt: str = "> ") -> str:
        """Type an answer and return what follows."""
        type_keys(self.child, answer)
        return self.until(*texts, prompt=prompt)

    def send(self, keys: str, *texts: str) -> str:
        """Send keys all at once, as a paste does."""
        self.child.send(keys)
        return self.until(*texts)


def test_keys_of_a_walk_in_a_narrow_terminal(tmp_path: Path) -> None:
    """Another step, a note, own commands, search, a pick list, a paste: at 60 by 20 nothing is wider."""
    walk = Terminal(tmp_path, 60, 20)
    walk.until("Press Enter to begin")
    walk.type("", "Type yes to run")
    # A pasted `yes` with its line end starts nothing, marked by the terminal or not.
    walk.send(PASTE, "discarded")
    walk.send("yes\r", "discarded")
    walk.type("m", prompt="note> ")
    walk.type("two rows", "Noted", "Type yes to run")
    assert "Nothing ran" in walk.type("!sh -c ls", "no rule for sh", prompt="to the step: ")
    walk.type("", "Type yes to run")
    # Output of an own command, searched in pages.
    walk.type("!look own", "done", prompt="o output: ")
    walk.type("o", "row 59", prompt="q close: ")
    walk.type("/row 7", "row 8", prompt="n again, q close: ")
    walk.type("/nothing", "No line has", prompt="q close: ")
    walk.type("q", prompt="o output: ")
    walk.type("", "Type yes to run")
    walk.type("yes", "1  complete-task", "Type a number from the list")
    # An undo by hand isn't taken on trust.
    walk.type("b", "Apply the change", "u undo")
    walk.type("u", "Delete new.sql", "Type yes when it is undone")
    walk.type("", "Enter alone does nothing")
    walk.type("b", "Apply the change")
    walk.type("g", prompt="step> ")
    walk.type("3", "Back at: ", "Type a number from the list")
    walk.type("1", "where = complete-task", "number of your")
    walk.type("q", prompt="Come back with")
    assert walk.widest <= 60
    assert walk_ending(walk.child) == (1, [["look", "one"], ["look", "own"], ["change", "it"]])


def test_list_of_steps_and_an_own_write_at_80_by_24(tmp_path: Path) -> None:
    """The list says what depends on an answer; a jump names the write it leaves out; an own write shows the target."""
    walk = Terminal(tmp_path, 80, 24)
    walk.until("Press Enter to begin")
    walk.type("", "Type yes to run")
    assert "1 of 6+ steps are done" in walk.type("l", "what comes next depends", prompt="Enter goes back: ")
    walk.type("", "Type yes to run")
    walk.type("g", prompt="step> ")
    assert "Apply the change (writes PRODUCTION)" in walk.type("3", "This leaves out", prompt="why> ")
    walk.type("q", "Type yes to run")
    assert "WRITES to PRODUCTION" in walk.type("!change own", "Your own command", "anything else leaves it")
    walk.type("no", "was left", "Type yes to run")
    walk.type("q", prompt="Come back with")
    assert walk.widest <= 80
    assert walk_ending(walk.child) == (1, [["look", "one"]])


# --- what is asked before an answer counts --------------------------------------------------------------------------


def answered(*answers: str, kind: str = "decide", **more: object) -> tuple[Reply | str | None, ScriptedDialog]:
    """Return what the operator makes of the answers at a step that writes, and what it showed."""
    dialog = ScriptedDialog(*answers)
    operator, shown = TerminalOperator(dialog=dialog), replace(screen(), procedure=STEPS, path="apply")
    if kind == "decide":
        return operator.decide(shown), dialog
    if kind == "take over":
        holder = Holder(run="r", procedure="fix", operator="bo", host="there", pid=9, since=START)
        return operator.take_over(holder), dialog
    return operator.resolve(shown, (), probe=failed(**more)), dialog


@pytest.mark.parametrize(
    ("answers", "reply"),
    [
        (["s", "q", "yes"], Go(typed="yes")),
        (["s", "x", "done by hand"], Skip("done by hand")),
        (["s", "npx supabase db push", "no", "the file is applied"], Skip("the file is applied")),
        (["s", "cat is on the keyboard", "yes"], Skip("cat is on the keyboard")),
        (["m", "q", "m", "ran npx supabase db push"], AddNote("ran npx supabase db push")),
        (["!", "git log"], RunOwn("git log")),
        (["!git log"], RunOwn("git log")),
        (["g", "7", "2", "find"], GoTo("find")),
        (["g", "3", "", "yes"], Go(typed="yes")),
        (["g", "3", "both are done"], GoTo("tell", "both are done")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_reason_is_neither_a_key_nor_a_shell_line(answers: Sequence[str], reply: Reply) -> None:
    """`q` leaves the question, a key is refused, what reads like a command is asked about."""
    first = StepStarted(at=START, step="find", purpose=Purpose.RUN)
    passed = StepFinished(at=START, step="find", purpose=Purpose.RUN, outcome=Outcome.PASSED)
    dialog = ScriptedDialog(*answers)
    shown = replace(screen(), procedure=STEPS, path="apply", state=apply(apply(state(), first), passed))
    assert TerminalOperator(dialog=dialog).decide(shown) == reply
    assert dialog.answers == []


@pytest.mark.parametrize(("typed", "reason"), [("q", None), ("", None), ("she is on a plane", "she is on a plane")])
def test_a_key_takes_over_nothing(typed: str, reason: str | None) -> None:
    """The reason goes into both reports."""
    assert answered(typed, kind="take over")[0] == reason


@pytest.mark.parametrize(
    ("outcome", "answers", "reply"),
    [
        (Outcome.PASSED, ["done", ""], Resolve(Undecided.DONE, "the check passed")),
        (Outcome.PASSED, ["redo", "", "done", ""], Resolve(Undecided.DONE, "the check passed")),
        (Outcome.PASSED, ["redo", "half of it"], Resolve(Undecided.REDO, "half of it")),
        (Outcome.FAILED, ["redo", ""], Resolve(Undecided.REDO, "the check failed")),
    ],
)
def test_enter_gives_the_check_as_reason_only_for_what_it_says(
    outcome: Outcome, answers: Sequence[str], reply: Reply
) -> None:
    """Whoever decides against the check says why."""
    assert answered(*answers, kind="resolve", outcome=outcome, purpose=Purpose.PROBE)[0] == reply


def test_an_answer_that_reads_as_a_failure_is_asked_about() -> None:
    """Noted down, it would count as done. A name to pick is never asked about."""
    ask = step("seen", Tick("Use it", asks=parameter("seen", pattern=".{2,99}")))
    shown = replace(screen(ask, effect=Effect.READS), asks=ask.action.asks)
    dialog = ScriptedDialog("no, still broken, same error", "no", "It works")
    assert TerminalOperator(dialog=dialog).decide(shown) == Go(value="It works")
    assert any("didn't work" in line for line in dialog.shown)


# --- what is true on the screens ------------------------------------------------------------------------------------


def _left(*events: object) -> RunState:
    first = StepStarted(at=START, step="find", purpose=Purpose.RUN, argv=("look",))
    left = apply(state(), first)
    for event in (StepFinished(at=START, step="find", purpose=Purpose.RUN, outcome=Outcome.PASSED), *events):
        left = apply(left, event)  # type: ignore[arg-type]
    return left


@pytest.mark.parametrize(
    ("events", "said"),
    [
        (
            [NoteAdded(at=START, step="find", note="slow today"), HandedOver(at=START, note="two rows miss", to="bo")],
            ["Note for you: two rows miss", "ada handed this run over to bo", "slow today", "step 2 of 3: Apply"],
        ),
        ([RunStopped(at=START, reason="lunch")], ["ada left it", "lunch", "1 of 3 steps", "step 2 of 3: Apply"]),
        (
            [StepStarted(at=START, step="apply", purpose=Purpose.RUN, argv=("change",), effect="writes")],
            ["ended without recording why", "Nobody saw how step 'Apply' ended"],
        ),
        (
            [StepStarted(at=START, step="apply", purpose=Purpose.OWN, argv=("change", "own"), effect="writes")],
            ["own command at step 'Apply' isn't recorded: change own"],
        ),
        ([StepSkipped(at=START, step="apply", reason="no")], ["2 of 3 steps", "step 3 of 3: Tell"]),
    ],
)
@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (60, 20)])
def test_a_resumed_run_begins_with_how_it_was_left(
    events: Sequence[object], said: Sequence[str], columns: int, rows: int
) -> None:
    """The note first, then what is known, then the step; never that nothing has run."""
    lines = render_return(STEPS, _left(*events), START + timedelta(minutes=12), columns, rows)
    text = " ".join(plain_text(lines).split())
    positions = [text.find(part) for part in said]
    assert -1 not in positions, text
    assert positions == sorted(positions)
    assert max(line.cell_len for line in lines) <= columns


def test_coming_back_says_that_nothing_more_runs() -> None:
    """The question is whether to continue."""
    dialog = ScriptedDialog("q")
    operator = TerminalOperator(dialog=dialog)
    assert not operator.come_back(STEPS, _left(RunStopped(at=START, reason="lunch")), lambda: PRODUCTION)
    shown = "\n".join(dialog.shown)
    assert "Press Enter to continue" in shown
    assert "nothing more runs" in shown


def test_a_hint_names_the_key_that_shows_the_lines_left_out() -> None:
    """At a failure `o` shows the output, and `?` everything else."""
    long = failed("\n".join(f"row {number}" for number in range(60)))
    hints = [line for line in plain_text(render_failure(screen(), long, 80, 16)).splitlines() if "more line" in line]
    assert hints
    assert all("o shows all" in line for line in hints), hints


def test_a_failed_check_of_an_undo_is_not_called_the_step_s_own() -> None:
    """The step isn't what failed."""
    undone = apply(_left(), StepStarted(at=START, step="apply", purpose=Purpose.UNDO))
    shown = replace(screen(), path="apply", state=undone)
    text = plain_text(render_failure(shown, failed(purpose=Purpose.VERIFY)))
    assert "The undo ran, and its check failed" in text
    assert "The step ran" not in text
