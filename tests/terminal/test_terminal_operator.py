"""The operator at a terminal whose answers are written down beforehand: what each answer leads to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from support.dialogs import ScriptedDialog
from support.screens import screen, state
from support.walks import choose, parameter, step

from runbook.engine.pace import Finding
from runbook.engine.ports import Go, Screen, Stop
from runbook.model import Action, Effect
from runbook.steps.edit import Edit
from runbook.steps.tick import Tick
from runbook.steps.wait import Wait
from runbook.terminal import TerminalOperator


def _edit(tmp_path: Path) -> Screen:
    draft = tmp_path / "draft.sql"
    draft.write_text("select 1;\n")
    shown = screen(step("write", Edit(file="a.sql", template="x")), effect=Effect.READS)
    return replace(shown, draft=str(draft))


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param(["", "a"], "accepted", id="accept"),
        pytest.param(["", "b", "", "a"], "accepted", id="back to the step, then accept"),
        pytest.param(["", "q"], Stop(), id="stop"),
    ],
)
def test_editor_is_left_as_the_person_says(
    answers: Sequence[str], expected: str | Stop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accepted, the answer is the finished file's path; back shows the step once more; q stops."""
    monkeypatch.setenv("VISUAL", "true")
    dialog, shown = ScriptedDialog(*answers), _edit(tmp_path)
    reply = TerminalOperator(dialog=dialog).decide(shown)
    assert reply == (Go(value=shown.draft) if expected == "accepted" else expected)
    assert sum("File: a.sql" in line for line in dialog.shown) == answers.count("")


@pytest.mark.parametrize(("lines", "asked"), [(22, 0), (40, 1), (42, 2), (44, 2), (62, 2)])
def test_a_question_below_the_last_page_needs_no_key_before_it(lines: int, asked: int) -> None:
    """Pages have 22 lines. Where the last one and the question don't fit together, the page asks first."""
    dialog = ScriptedDialog(*[""] * asked)
    dialog.page([f"line {number}" for number in range(lines)], stay=False)
    assert [line for line in dialog.shown if line.startswith("line")] == [f"line {number}" for number in range(lines)]
    assert dialog.answers == []


@pytest.mark.parametrize("action", [Edit(file="a.sql", template="x"), Wait(600, "things to settle")])
def test_dry_run_opens_no_editor_and_waits_for_nothing(action: Edit | Wait, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step is only shown: Enter goes on at once."""
    monkeypatch.setenv("VISUAL", "false")
    dry = screen(step("it", action), effect=Effect.READS, state=state(dry=True))
    dialog = ScriptedDialog("")
    assert TerminalOperator(dialog=dialog).decide(dry) == Go()
    assert not any("s left" in line or "stays as it is" in line for line in dialog.shown)


@pytest.mark.parametrize(
    ("action", "answers", "value"),
    [
        pytest.param(choose("it", Left=[], Right=[]).action, ["3", "right"], "Right", id="an option by its text"),
        pytest.param(
            Tick("Look", asks=parameter("rate", choices=("q", "r"))),
            ["x", "q", "yes"],
            "q",
            id="a value that is also a key",
        ),
    ],
)
def test_answer_is_asked_for_until_it_fits(action: Action, answers: Sequence[str], value: str) -> None:
    """The kind of step reads it: no confirmation, and a problem changes nothing."""
    dialog = ScriptedDialog(*answers)
    reply = TerminalOperator(dialog=dialog).decide(screen(step("it", action), effect=Effect.READS))
    assert (reply, dialog.answers) == (Go(value=value), [])
    assert any(line.startswith("  ! ") for line in dialog.shown)


def test_the_clock_goes_on_while_a_screen_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute spent with the details is on the screen that comes back."""
    moments = iter([100.0, 100.0, 160.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(moments))
    dialog = ScriptedDialog("?", "", "yes")
    assert TerminalOperator(dialog=dialog).decide(replace(screen(), seconds_so_far=5)) == Go(typed="yes")
    assert [line[-12:] for line in dialog.shown if line.endswith("so far")] == ["00:05 so far", "01:05 so far"]


def test_a_step_that_starts_by_itself_is_only_shown() -> None:
    """Nothing is asked, unless a key was pressed while the last command ran."""
    reads = replace(screen(effect=Effect.READS), starts_by_itself=True)
    asked = ScriptedDialog("")
    assert TerminalOperator(dialog=ScriptedDialog()).decide(reads) == Go()
    assert TerminalOperator(dialog=asked, early_keys=lambda: True).decide(reads) == Go()
    assert asked.answers == []
    assert any("You pressed a key" in line for line in asked.shown)


def test_a_long_finding_is_shown_whole_before_the_next_step() -> None:
    """Once, in pages, before anything can be answered; a short one is on the step's own screen."""
    found = Finding("find", 1, "Find it", "\n".join(f"row {number}" for number in range(30)))
    dialog = ScriptedDialog("", "", "?", "", "yes")
    assert TerminalOperator(dialog=dialog).decide(screen(finding=found)) == Go(typed="yes")
    rows = [line for line in dialog.shown if line.startswith("  | row ")]
    assert (rows[0], rows[-1], len(rows)) == ("  | row 0", "  | row 29", 30)
    brief = ScriptedDialog("yes")
    assert TerminalOperator(dialog=brief).decide(screen(finding=replace(found, output="row 0"))) == Go(typed="yes")
    assert brief.shown.count("  | row 0") == 1
