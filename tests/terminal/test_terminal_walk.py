"""A person's way through a walk: real keys in a real terminal, nothing behind it but fakes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
from support.terminals import pid_of, press, program, type_keys, wait_for_key, walk_ending, walk_terminal

ROOT = Path(__file__).parents[2]

Start = Callable[..., "pexpect.spawn[str]"]


@pytest.fixture
def walk(tmp_path: Path) -> Start:
    """Start one of the procedures of `support.walking` in a terminal of 80 by 24 and begin it."""

    def start(name: str, *, begin: bool = True, **environment: str) -> pexpect.spawn[str]:
        child = walk_terminal(name, tmp_path, **environment)
        child.expect("Press Enter to begin")
        if begin:
            _type(child, "")
        return child

    return start


def _type(child: pexpect.spawn[str], text: str, prompt: str = "> ") -> None:
    """Answer the prompt that is there by now, as a person does: after it has appeared."""
    child.expect(prompt)
    type_keys(child, text)


def test_only_the_whole_word_yes_writes(walk: Start) -> None:
    """Enter, `y` and `Yes!` do nothing and say so; `yes` runs it."""
    child = walk("write")
    for wrong, said in (("", "Enter alone does nothing here"), ("y", "You typed 'y'"), ("Yes!", "You typed 'Yes!'")):
        _type(child, wrong)
        child.expect(said)
    _type(child, "yes")
    assert walk_ending(child) == (0, [["change", "it"]])


def test_name_must_be_typed_out_to_destroy(walk: Start) -> None:
    """`yes` is not enough, nor is most of the name; what was typed and what is wanted are shown."""
    child = walk("destroy")
    child.expect("Type qwertyuiopasdfghjklz to run")
    for wrong in ("yes", "qwertyuiopasdfghjkl", ""):
        _type(child, wrong)
        child.expect("qwertyuiopasdfghjklz")
    _type(child, "qwertyuiopasdfghjklz")
    assert walk_ending(child) == (0, [["destroy", "it"]])


def test_end_of_input_stops_with_the_way_back(walk: Start) -> None:
    """Ctrl-D at a prompt stops; the run can be resumed."""
    child = walk("write")
    child.expect("Type yes to run")
    child.expect("> ")
    child.sendcontrol("d")
    child.expect(r"Come back with: runbook resume \d{8}-\d{4}-fix")
    assert walk_ending(child) == (1, [])


def test_ctrl_c_at_a_prompt_stops_with_the_way_back(walk: Start) -> None:
    """Ctrl-C outside a command ends the walk, on record, with 130."""
    child = walk("write")
    child.expect("Type yes to run")
    child.expect("> ")
    child.sendcontrol("c")
    child.expect("Come back with: runbook resume")
    assert walk_ending(child) == (130, [])


def test_leaving_at_the_introduction_runs_nothing(walk: Start) -> None:
    """The key q there is no run at all."""
    child = walk("write", begin=False)
    _type(child, "q")
    assert walk_ending(child) == (1, [])


def test_skipping_asks_why(walk: Start) -> None:
    """Without a reason nothing is skipped."""
    child = walk("write")
    _type(child, "s")
    _type(child, "", prompt="why> ")
    child.expect("Type yes to run")
    _type(child, "s")
    _type(child, "done by hand", prompt="why> ")
    child.expect("Skipped: done by hand")
    assert walk_ending(child) == (0, [])


def test_value_seen_is_checked_and_may_look_like_a_key(walk: Start) -> None:
    """A value that does not fit is asked for again; one that is also a key is asked about."""
    child = walk("tick")
    _type(child, "many")
    child.expect("doesn't fit")
    _type(child, "q")
    child.expect("Is 'q' the value?")
    _type(child, "yes")
    child.expect("kept  rate = q")
    assert walk_ending(child) == (0, [])


def test_choice_takes_a_number(walk: Start) -> None:
    """A number outside of the list is refused."""
    child = walk("choose")
    _type(child, "3")
    child.expect("Type a number from 1 to 2")
    _type(child, "2")
    child.expect("-> right")
    assert walk_ending(child) == (0, [["look", "one"]])


def test_edit_opens_the_editor_shows_the_difference_and_can_be_repeated(walk: Start, tmp_path: Path) -> None:
    """$VISUAL is started with its arguments; the file is in place only after it was accepted."""
    editor = program(tmp_path / "bin", "my editor", 'echo "select $1;" >> "$2"')
    child = walk("edit", VISUAL=f"'{editor}' 7")
    _type(child, "")
    child.expect(r"\+select 7;")
    assert not (tmp_path / "new.sql").exists()
    _type(child, "e")
    child.expect(r"\+select 7;\s+\+select 7;")
    _type(child, "")
    child.expect("Type a, e, b or q.")
    _type(child, "a")
    assert walk_ending(child)[0] == 0
    assert (tmp_path / "new.sql").read_text() == "select 1;\nselect 7;\nselect 7;\n"


def test_editor_that_fails_is_told_and_another_way_shown(walk: Start, tmp_path: Path) -> None:
    """The draft's path is named; it can be edited elsewhere and accepted."""
    child = walk("edit", VISUAL="no-such-editor")
    _type(child, "")
    child.expect("no-such-editor couldn't be started")
    _type(child, "q")
    assert walk_ending(child)[0] == 1


def test_wait_counts_down_and_enter_ends_it(walk: Start) -> None:
    """How long it really was goes on record."""
    child = walk("wait")
    child.expect("60 s left")
    press(child, "\r")
    child.expect("waited 0 s of 60 s")
    assert walk_ending(child) == (0, [])


def test_failure_is_retried_only_with_the_word(walk: Start) -> None:
    """Enter does nothing; r asks for yes again."""
    child = walk("fail")
    _type(child, "yes")
    child.expect("FAILED")
    child.expect("Wait a minute.")
    child.expect("ERROR: it is broken")
    _type(child, "")
    child.expect("Enter alone does nothing here")
    _type(child, "r")
    _type(child, "y")
    child.expect("Nothing ran")
    _type(child, "r")
    _type(child, "yes")
    assert walk_ending(child) == (0, [["change", "it"], ["change", "it"]])


def test_failed_step_is_taken_back(walk: Start) -> None:
    """The key u shows the undo as a step of its own, which wants its own yes."""
    child = walk("fail")
    _type(child, "yes")
    child.expect("u undo")
    _type(child, "u")
    child.expect(r"change back")
    child.expect("Type yes to undo it")
    _type(child, "yes")
    child.expect("undone")
    _type(child, "q")
    assert walk_ending(child) == (1, [["change", "it"], ["change", "back"]])


def test_failed_check_is_repeated_without_the_step(walk: Start) -> None:
    """The key r checks again: the step has run and is not run twice."""
    child = walk("check")
    _type(child, "yes")
    child.expect("its check failed")
    _type(child, "r")
    child.expect("its check failed")
    _type(child, "r")
    code, ran = walk_ending(child)
    assert (code, ran.count(["change", "it"]), ran.count(["look", "at"])) == (0, 1, 3)


def test_what_a_failed_write_did_can_be_looked_at(walk: Start) -> None:
    """The line broke after the server had it: its check says so, and nothing runs again."""
    child = walk("lost")
    _type(child, "yes")
    child.expect("Connection terminated")
    child.expect("c check what it did")
    _type(child, "c")
    child.expect("This step failed, but may be done anyway")
    child.expect("The check passed: the step was done.")
    _type(child, "done")
    _type(child, "", prompt="why> ")
    assert walk_ending(child) == (0, [["change", "it"], ["look", "at"]])


def test_interrupted_step_is_resolved_by_whole_words(walk: Start) -> None:
    """Enter and letters do nothing; `check` looks, `done` wants what it rests on."""
    child = walk("cut")
    _type(child, "yes")
    child.expect("UNKNOWN")
    for wrong in ("", "d"):
        _type(child, wrong)
        child.expect("the whole word")
    _type(child, "check")
    child.expect("The check passed")
    _type(child, "done")
    _type(child, "", prompt="why> ")
    code, ran = walk_ending(child)
    assert (code, ran.count(["change", "it"])) == (0, 1)


def test_redoing_asks_for_the_word_again(walk: Start) -> None:
    """`redo` leads back to the step's own question."""
    child = walk("cut")
    _type(child, "yes")
    child.expect("UNKNOWN")
    _type(child, "redo")
    _type(child, "the row is not there", prompt="why> ")
    child.expect("Type yes to run")
    _type(child, "yes")
    code, ran = walk_ending(child)
    assert (code, ran.count(["change", "it"])) == (0, 2)


def test_secret_is_not_echoed(walk: Start) -> None:
    """It is typed without being seen."""
    child = walk("secret")
    child.expect("value> ")
    press(child, "hunter2hunter2\r")
    child.expect("has begun")
    assert "hunter2" not in (child.before or "")
    assert walk_ending(child) == (0, [["look", "one"]])


def test_value_is_asked_for_until_it_fits_and_enter_takes_the_default(walk: Start) -> None:
    """The problem is repeated with the question."""
    child = walk("value")
    _type(child, "Tasks!", prompt="value> ")
    child.expect("doesn't fit")
    _type(child, "", prompt="value> ")
    child.expect("has begun")
    assert walk_ending(child) == (0, [["look", "one"]])


@pytest.mark.parametrize(("procedure", "parameter"), [("value", "table"), ("secret", "token")])
def test_letter_q_at_the_question_for_a_value_stops_and_is_no_value(
    walk: Start, procedure: str, parameter: str
) -> None:
    """It stops at every other prompt, too."""
    child = walk(procedure)
    child.expect("q stops")
    child.expect("value> ")
    press(child, "q\r")
    child.expect(f"no value for {parameter}: you stopped with q")
    assert walk_ending(child) == (1, [])


def test_handing_over_leaves_a_note_and_the_way_back(walk: Start) -> None:
    """The next person is named the command."""
    child = walk("write")
    _type(child, "h")
    _type(child, "two rows are missing", prompt="note> ")
    _type(child, "bo", prompt="who> ")
    child.expect("bo continues with: runbook resume")
    assert walk_ending(child) == (1, [])


def test_another_procedure_is_begun_by_its_number(walk: Start) -> None:
    """The run here stops, the other one introduces itself."""
    child = walk("switch")
    _type(child, "p")
    child.expect("1  other  Something else")
    _type(child, "othr", prompt="procedure> ")
    child.expect("Did you mean other")
    _type(child, "p")
    _type(child, "1", prompt="procedure> ")
    child.expect("Something else")
    child.expect("Press Enter to begin")
    _type(child, "q")
    assert walk_ending(child) == (1, [])


def test_output_is_paged_from_its_end(walk: Start) -> None:
    """60 lines in a terminal of 24: the newest first, back by b."""
    child = walk("long")
    child.expect("Step 2 of 2")
    _type(child, "o")
    child.expect("row 59")
    _type(child, "b", prompt="page 3 of 3.*q close: ")
    child.expect("page 2 of 3")
    _type(child, "q", prompt="q close: ")
    child.expect("Step 2 of 2")
    _type(child, "q")
    assert walk_ending(child)[0] == 1


def test_reading_steps_start_by_themselves_up_to_a_finding(walk: Start) -> None:
    """What is left to judge stands on the next step's screen, which waits; b stands at the step before, and waits."""
    child = walk("read")
    child.expect(r"Step 1 of 3 .*?First")
    child.expect(r"Step 2 of 3 .*?Second")
    child.expect(r"Seen at step 2 .*?Second")
    child.expect("Look for: Two rows.")
    child.expect(r"Step 3 of 3 .*?Third")
    _type(child, "b")
    child.expect("Back at: Second")
    child.expect("It ran before: passed")
    _type(child, "")
    child.expect(r"Seen at step 2 .*?Second")
    _type(child, "")
    assert walk_ending(child) == (0, [["look", "one"], ["look", "two"], ["look", "two"], ["look", "three"]])


def test_a_key_pressed_meanwhile_stops_at_the_next_step(walk: Start) -> None:
    """It doesn't count as the answer there; the last step's finding is judged before the end."""
    child = walk("slow")
    child.expect("any key: pause")
    press(child, "\r")
    child.expect("You pressed a key, so the walk waits here.")
    child.expect("Press Enter to run")
    _type(child, "")
    child.expect("Look for: Two rows.")
    child.expect("Press Enter if all is well")
    _type(child, "")
    assert walk_ending(child) == (0, [["look", "slow"], ["look", "two"]])


def test_after_a_stop_the_screen_is_drawn_again_and_what_was_typed_is_gone(walk: Start) -> None:
    """Stopped at a step, keys meanwhile, then continued: the whole screen comes once more with an empty answer."""
    child = walk("write")
    child.expect("Type yes to run")
    child.expect("> ")
    type_keys(child, "ye", end="")
    os.kill(pid_of(child), signal.SIGSTOP)
    os.waitpid(pid_of(child), os.WUNTRACED)
    child.send("s")
    wait_for_key(child)
    os.kill(pid_of(child), signal.SIGCONT)
    child.expect(r"Step 1 of 1 .*?Apply")
    child.expect("Type yes to run")
    _type(child, "")
    child.expect("Enter alone does nothing here")
    _type(child, "q")
    assert walk_ending(child) == (1, [])


def test_target_held_by_somebody_else_is_taken_over_only_with_a_reason(walk: Start) -> None:
    """Enter leaves it."""
    child = walk("held")
    child.expect("Somebody else holds this target")
    child.expect("bo on there")
    _type(child, "", prompt="reason> ")
    assert walk_ending(child) == (1, [])


def test_no_color_means_no_escape_sequences(walk: Start) -> None:
    """Colour is off where NO_COLOR says so; the words are all there."""
    child = walk("write")
    child.expect("PRODUCTION")
    child.expect("WRITES to PRODUCTION")
    assert "\x1b[3" not in (child.before or "")
    assert "\x1b[4" not in (child.before or "")
    _type(child, "q")
    assert walk_ending(child)[0] == 1


def test_dumb_terminal_gets_plain_ascii(walk: Start) -> None:
    """TERM=dumb: no escape sequence at all, no character beyond ASCII."""
    child = walk("write", TERM="dumb")
    child.expect("Type yes to run")
    seen = child.before or ""
    assert "\x1b" not in seen
    assert seen.isascii()
    _type(child, "q")
    assert walk_ending(child)[0] == 1


def test_without_a_terminal_nothing_is_asked_and_nothing_runs(tmp_path: Path) -> None:
    """Piped answers confirm nothing."""
    done = subprocess.run(
        [sys.executable, "-m", "support.walking", "write", str(tmp_path)],
        input="\nyes\nyes\n",
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "there is no terminal to ask at" in done.stdout
    assert "RAN []" in done.stdout
