"""How the terminal shows what a step says of itself, block by block, and where each block stands on the screen."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from support.screens import failed, plain_text, screen
from support.walks import check, command, parameter, step

from runbook.engine.ports import Confirmation
from runbook.journal.events import Purpose
from runbook.model import Effect, Undo
from runbook.steps import view
from runbook.steps.edit import Edit
from runbook.steps.tick import Tick
from runbook.steps.view import Label, Note
from runbook.terminal.block_lines import render_block
from runbook.terminal.error_screens import render_failure
from runbook.terminal.step_screen import render_details, render_step

LOOK = view.CommandToRun(("look", "closely"))
SHOWN: tuple[tuple[view.Block, str], ...] = (
    (Note(Label.WARNING, "Think."), "  WARNING: Think."),
    (Note(Label.STOP_IF, "It is red."), "  Stop if: It is red."),
    (view.Prose("Look."), "  Look."),
    (LOOK, "  $ look closely"),
    (view.CommandToRun(("look",), lead="Then check the file:"), "  Then check the file:\n  $ look"),
    (view.EffectNote(Effect.WRITES, "WRITES data."), "  WRITES data."),
    (view.Statement("select 1"), ""),
    (view.PrivateFile(("KEY", "TOKEN")), "  Private file with: KEY, TOKEN"),
    (view.File("new.sql", "select 1;"), "  File: new.sql"),
    (
        view.HttpRequest("POST", "https://x.test/f", (("apikey", "<key>"),), '{"a": 1}'),
        '  POST https://x.test/f\n    apikey: <key>\n    {"a": 1}',
    ),
    (
        view.Options((view.Choice("Yes", is_suggested=True), view.Choice("No", "It is red")), "It is green"),
        "  Suggested, marked >: Yes. It is green.\n\n > 1  Yes\n   2  No\n      It is red",
    ),
    (view.Looks((view.Reading("Locks", (LOOK,)), view.Reading("Errors", (LOOK,)))), "  - Locks\n  - Errors"),
    (view.Ask(parameter("rate")), "  Value: rate?"),
    (view.Pause(30, "it settles"), "  Wait 30 s: it settles"),
    (view.Repeat("table", "the tables", "tables"), ""),
    (view.Included("other"), ""),
    (view.Expected(("`a` is `1`", "`b` is `2`")), "  Expected: `a` is `1`; `b` is `2`"),
    (view.Verification((LOOK,), ("`a` is `1`",)), "  Verify:\n  $ look closely\n  Expected: `a` is `1`"),
    (view.UndoWay((), "It is gone."), "  No undo: It is gone."),
    (view.UndoWay((view.Prose("Delete it."),)), "  Undo: Delete it."),
    (
        view.UndoWay((LOOK,), check=view.Verification((LOOK,), ())),
        "  Undo:\n  $ look closely\n  Verify:\n  $ look closely",
    ),
)


@pytest.mark.parametrize(("block", "text"), SHOWN, ids=[type(block).__name__ for block, _ in SHOWN])
def test_block_is_shown(block: view.Block, text: str) -> None:
    """Each class of block has its lines; what other blocks say already, or has no screen of its own, has none."""
    assert plain_text(render_block(block, 80).lines) == text


def test_every_class_of_block_is_tried_above() -> None:
    """A new class of block fails here until the terminal shows it."""
    assert {type(block) for block, _ in SHOWN} == set(get_args(view.Block))


def test_step_screen_leaves_the_rest_to_the_details() -> None:
    """Why, what is expected, the check and the recovery are a key away: the screen is for what to do now."""
    blocks = (
        Note(Label.WHY, "Because."),
        LOOK,
        view.PrivateFile(("KEY",)),
        view.Expected(("`a` is `1`",)),
        Note(Label.IF_IT_FAILS, "Retry."),
        view.Verification((LOOK,), ("`b` is `2`",)),
    )
    shown = replace(screen(), blocks=blocks)
    for aside in ("Because.", "KEY", "`a` is `1`", "Retry.", "`b` is `2`"):
        assert (aside in plain_text(render_step(shown)), aside in plain_text(render_details(shown))) == (False, True)


def test_warning_is_read_first_wherever_it_stands() -> None:
    """Also where a step is undone, and the undo's own blocks lead."""
    shown = replace(screen(), blocks=(LOOK, Note(Label.LOOK_FOR, "Rows."), Note(Label.WARNING, "Think.")))
    text = plain_text(render_step(shown))
    assert text.index("WARNING: Think.") < text.index("$ look") < text.index("Look for: Rows.")


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        pytest.param((LOOK, view.Statement("drop index x")), "Undo: drop index x", id="a statement"),
        pytest.param((LOOK,), "Undo: look closely", id="a command"),
        pytest.param((view.Prose("Delete it."),), "Undo: Delete it.", id="by hand"),
        pytest.param(
            (view.HttpRequest("DELETE", "https://x.test", (), ""),), "Undo: DELETE https://x.test", id="a request"
        ),
    ],
)
def test_step_that_writes_says_in_short_how_it_is_undone(blocks: tuple[view.Block, ...], said: str) -> None:
    """Below what it writes to; a step that only reads has nothing to undo."""
    shown = replace(screen(), blocks=(LOOK, view.UndoWay(blocks)))
    assert f"WRITES to PRODUCTION qwertyuiopasdfghjklz.\n  {said}\n" in plain_text(render_step(shown))
    assert said not in plain_text(render_step(replace(shown, effect=Effect.READS)))


@pytest.mark.parametrize(
    ("undo", "asked"),
    [
        pytest.param(command("change back"), "Press Enter to undo it", id="a command"),
        pytest.param(Tick("Delete it"), "Enter when it is undone", id="by hand"),
    ],
)
def test_taking_back_says_what_enter_does(undo: Tick, asked: str) -> None:
    """Enter runs an undo, or says that it was done by hand."""
    one = screen(step("apply", "change it", undo=Undo(action=undo)), confirmation=Confirmation.ENTER)
    assert asked in plain_text(render_step(replace(one, action=undo, purpose=Purpose.UNDO)))


def test_details_show_what_ran_where_the_blocks_do_not() -> None:
    """A step whose end is unknown may be filled in otherwise by now: what ran is what counts."""
    text = plain_text(render_details(replace(screen(), argv=("ran", "before"), blocks=(LOOK,))))
    assert ("$ look" in text, "  Command:\n  $ ran before" in text) == (True, True)
    assert "Command:" not in plain_text(render_details(replace(screen(), argv=LOOK.argv, blocks=(LOOK,))))


def test_failed_check_of_a_file_shows_the_checkers_word_without_the_difference() -> None:
    """The difference was seen in the editor; of any other step nothing is left out."""
    evidence = "+select 1;\nexpected exit 0, saw exit 1"
    edit = screen(step("write", Edit(file="a.sql", template="x", check=command("look at it"))))
    other = screen(step("apply", "change it", verify=check("look")))
    assert "+select 1;" not in plain_text(render_failure(edit, failed(evidence=evidence)))
    assert "+select 1;" in plain_text(render_failure(other, failed(evidence=evidence)))
    assert "saw exit 1" in plain_text(render_failure(edit, failed(evidence=evidence)))
