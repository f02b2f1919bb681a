"""Screens: what they say, and that they always fit 80 columns and 24 rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import reduce
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.screens import PUSH, failed, judged, plain_text, screen, state
from support.walks import AT, PRODUCTION, START, check, command, parameter, procedure, step

from runbook.engine.pace import Finding, finding_before
from runbook.engine.state import apply
from runbook.engine.way import way_of
from runbook.journal.events import Outcome, Purpose, StepFinished, StepStarted, TargetSeen
from runbook.journal.interface import Holder
from runbook.model import Effect, Family, Mode, Recovery, Reference, Undo
from runbook.printable import printable
from runbook.steps import view
from runbook.steps.choose import Choose, Option
from runbook.steps.edit import Edit
from runbook.steps.tick import Tick
from runbook.steps.view import Label, Note
from runbook.steps.wait import Wait
from runbook.terminal.answers import output_lines
from runbook.terminal.error_screens import render_difference, render_failure, render_holder, render_unknown
from runbook.terminal.event_lines import render_finished, render_phase_end, render_result
from runbook.terminal.finding_lines import render_finding
from runbook.terminal.intro import render_begin, render_intro, render_question
from runbook.terminal.lines import Lines, command_lines, diff_lines, output_line, plain
from runbook.terminal.step_screen import render_by_itself, render_details, render_step

LONG = "A sentence that goes on and on, " * 30


def _fits(lines: Lines, width: int = 80, height: int = 23) -> bool:
    return all(line.cell_len <= width for line in lines) and len(lines) <= height


def test_step_that_writes_to_production() -> None:
    """The screen of the design, line by line."""
    assert plain_text(render_step(screen())) == dedent("""\
        Emergency rollback  PRODUCTION   qwertyuiopasdfghjklz  (supabase 3.1.0)
        Phase 1 of 2: Identify                          20261123-0120-emergency-rollback

        Step 2 of 7   Apply the rollback                       about 2 min, 04:10 so far
          $ npx supabase db push --remote
          WRITES to PRODUCTION qwertyuiopasdfghjklz.
          No undo: another migration

          Type yes to run, or: s skip  b back  l steps  ? more  o output  q stop""").replace(
        "Emergency rollback  PRODUCTION", f"Emergency rollback{' ' * 11}PRODUCTION"
    )


@pytest.mark.parametrize(
    ("effect", "said", "ask"),
    [
        (Effect.READS, "Reads PRODUCTION qwertyuiopasdfghjklz, changes nothing.", "Press Enter to run"),
        (Effect.WRITES, "WRITES to PRODUCTION qwertyuiopasdfghjklz.", "Type yes to run"),
        (Effect.DESTROYS, "DESTROYS data on PRODUCTION qwertyuiopasdfghjklz.", "Type qwertyuiopasdfghjklz to run"),
    ],
)
def test_effect_is_said_in_words(effect: Effect, said: str, ask: str) -> None:
    """No meaning by colour alone: what a command does and what must be typed is text."""
    text = plain_text(render_step(screen(effect=effect)))
    assert (said in text, ask in text) == (True, True)


def test_command_that_only_touches_this_machine_says_so() -> None:
    """`migration new` writes a file; it does not write to production."""
    shown = screen(judgement=judged(Effect.WRITES, Family.NOTHING))
    assert "WRITES files on this machine, not PRODUCTION" in plain_text(render_step(shown))


@pytest.mark.parametrize("kind", ["production", "local", "drill"])
def test_banner_names_the_kind_of_target(kind: str) -> None:
    """Every screen of a step says where it lands, in a word."""
    seen = TargetSeen(kind, "local" if kind == "local" else "name-of-it", "3.1.0")
    for lines in (
        render_step(screen(target=seen)),
        render_failure(screen(target=seen), failed()),
        render_unknown(screen(target=seen), ["It began."], None),
        render_begin(seen, ()),
    ):
        assert f" {kind.upper()} " in plain_text(lines)


def test_branch_is_not_passed_off_as_production() -> None:
    """What the CLI says of the project stands beside its name."""
    assert "(supabase 3.1.0, branch)" in plain_text(
        render_step(screen(target=replace(PRODUCTION, environment="branch")))
    )


def test_dry_run_says_so_on_every_screen() -> None:
    """Nobody shall take a dry run for the real one, or the other way round."""
    shown = plain_text(render_step(screen(state=state(dry=True))))
    assert "DRY RUN" in shown
    assert "Press Enter to go on without it" in shown
    assert "DRY RUN, nothing is written" in plain_text(render_begin(PRODUCTION, (), dry=True))


def test_the_clis_own_question_is_announced_before_the_yes() -> None:
    """As the policy has it; a command that doesn't ask isn't said to."""
    asks = screen(judgement=replace(judged(Effect.WRITES), asks=True))
    sentence = "The CLI asks once more: answer y."
    assert sentence in plain_text(render_step(asks))
    assert sentence not in plain_text(render_step(screen()))


def test_a_finding_stands_above_the_step_that_waits_for_it() -> None:
    """What was seen, and what to look for in it. Too much of it has its own pages, and is only named here."""
    notes = (Note(Label.LOOK_FOR, "A row where blocks is yes."), Note(Label.STOP_IF, "It is a backup."))
    found = Finding("find", 1, "Find the session", 'Target: here\n[{"blocks": "yes", "pid": 7}]', notes)
    text = plain_text(render_step(screen(finding=found)))
    shown = [
        text.index(part) for part in ("Seen at step 1   Find the session", "pid", "A row where", "It is a", "Step 2")
    ]
    assert shown == sorted(shown)
    assert "Target: here" not in text
    for width in (60, 80):
        much = replace(found, output="\n".join(f"row {number}" for number in range(90)), notes=(*notes, *notes))
        lines = render_step(screen(finding=much), width)
        assert _fits(lines, width)
        assert "It is shown above; o shows it again." in plain_text(lines)
        pages = plain_text(render_finding(much, width))
        assert pages.index("A row where") < pages.index("| row 0\n") < pages.index("| row 89")


def test_times_in_a_finding_are_compared_with_the_last_write() -> None:
    """Whether an error is older than the rollback shows only beside the time of the push."""
    fix = procedure(
        step("apply", "change it", title="Push it"), step("look", "look", look_for="New errors."), step("end", "x")
    )
    events = [
        StepStarted(at=START, step="apply", purpose=Purpose.RUN, argv=PUSH, effect="writes"),
        StepFinished(at=START, step="apply", purpose=Purpose.RUN, outcome=Outcome.PASSED),
        StepStarted(at=START, step="look", purpose=Purpose.RUN, argv=("look",)),
    ]
    for output, compared in (("01:19:58 it fails", True), ("20261126200140", False)):
        ended = StepFinished(at=START, step="look", purpose=Purpose.RUN, outcome=Outcome.PASSED, output=output)
        now = reduce(apply, [*events, ended], state())
        found = finding_before(way_of(fix, now), now, "end", 3)
        assert found is not None
        assert ("this run last wrote at 01:20:00 UTC, at step 1 (Push it)." in found.compare) is compared


def test_a_step_that_starts_by_itself_is_told_in_a_few_lines() -> None:
    """Where it lands, which step and phase this is, and its command in one line, however long."""
    long = ("npx", "supabase", "db", "query", LONG.replace(" ", "\n"))
    for width in (60, 80):
        lines = render_by_itself(screen(argv=long, effect=Effect.READS, has_more=True), width)
        text = plain_text(lines)
        assert _fits(lines, width, 7)
        assert "Step 2 of 7+, phase 1 of 2" in text
        assert ("$ npx supabase db query" in text, "Reads PRODUCTION" in text, "any key: pause" in text) == (True,) * 3


def test_failed_and_unknown_steps_say_where_they_stand() -> None:
    """The number and the clock are on every screen."""
    shown = screen()
    for lines in (render_failure(shown, failed()), render_unknown(shown, [], None)):
        assert "Step 2 of 7" in plain_text(lines)
        assert "04:10 so far" in plain_text(lines)


def test_warning_comes_before_the_command() -> None:
    """It must be read first."""
    text = plain_text(render_step(screen(step("apply", "change it", warning="Think twice."))))
    assert text.index("WARNING: Think twice.") < text.index("$ npx")


def test_choice_lists_its_answers_by_number() -> None:
    """One digit answers it."""
    options = tuple(Option(when, at=AT) for when in ("One function", "Something else"))
    text = plain_text(render_step(screen(step("what", Choose(options)), effect=Effect.READS)))
    assert "   1  One function\n   2  Something else\n" in text
    assert "Type the number of your answer" in text


@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 20)])
def test_a_question_with_many_answers_fits_a_small_screen(width: int, height: int) -> None:
    """Target, title, the likely answer and every number stay; symptoms and the reason are cut after a word."""
    symptom = "Errors name it, or it no longer does what it did before."
    options = tuple(Option(f"Answer number {number} of a question", symptom=symptom, at=AT) for number in range(1, 10))
    reason = "20260112000000 read_new_key: create or replace function public.create_it() returns trigger " * 3
    choice = Choose(options, suggested="Answer number 4 of a question", because=reason)
    lines = render_step(screen(step("what", choice, title="What is broken?"), effect=Effect.READS), width, height)
    text = plain_text(lines)
    assert _fits(lines, width, height - 1)
    numbers = [f"{'>' if number == 4 else ' '} {number}  Answer number {number}" for number in range(1, 10)]
    for part in ("PRODUCTION", "What is broken?", "Suggested, marked >: Answer number 4", *numbers):
        assert part in text
    assert text.count(" of a question   Errors name it, or") == 9
    assert "? shows how to recognize each answer." in text


def test_a_drill_says_how_to_try_what_failed() -> None:
    """Only at the question whether it works again, which may lead back."""
    practice = ("In this drill, type: /there/enter", "What failed there: update x")
    works = Choose((Option("Yes", at=AT), Option("No", back_to="look", at=AT)))
    for action, said in ((works, True), (Choose((Option("Yes", at=AT), Option("No", at=AT))), False)):
        text = plain_text(render_step(screen(step("works", action), effect=Effect.READS), practice=practice))
        assert all((one in text) is said for one in practice)


def test_tick_with_a_value_asks_for_it() -> None:
    """The answer is the value seen, not `done`."""
    tick = Tick("Look at the error rate", asks=parameter("rate"))
    text = plain_text(render_step(screen(step("look", tick), effect=Effect.READS)))
    assert ("Value: rate?" in text, "Type the value" in text) == (True, True)


def test_wait_and_edit_say_what_enter_does() -> None:
    """Enter opens an editor or begins a wait; it never ends one by surprise."""
    wait = screen(step("settle", Wait(30, "the first requests")), effect=Effect.READS)
    edit = screen(step("write", Edit(file="a.sql", template="x")), effect=Effect.READS, draft="/drafts/a.sql")
    assert "Wait 30 s: the first requests" in plain_text(render_step(wait))
    assert "Press Enter to begin waiting" in plain_text(render_step(wait))
    assert "File: a.sql" in plain_text(render_step(edit))
    assert "Press Enter to open the editor" in plain_text(render_step(edit))
    assert "change nothing and quit (in vi: type :q and Enter)" in " ".join(plain_text(render_step(edit)).split())


def test_undo_is_offered_only_after_the_step_ran() -> None:
    """Nothing to undo before it."""
    undoable = screen(step("apply", "change it", undo=Undo(action=command("change back"))))
    began = StepStarted(at=START, step="apply", purpose=Purpose.RUN, argv=PUSH)
    ran = replace(undoable, state=apply(undoable.state, began))
    assert "u undo" not in plain_text(render_step(undoable))
    assert "u undo" in plain_text(render_step(ran))


def test_short_room_shows_where_the_rest_is() -> None:
    """A cut text says how much is missing and the key that shows it; ask and effect always stay."""
    crowded = step("apply", "change it", warning=LONG, look_for=LONG, stop_if=LONG, minutes=2)
    lines = render_step(screen(crowded, argv=(*PUSH, LONG)))
    text = plain_text(lines)
    assert _fits(lines)
    assert "more lines: ? shows all]" in text
    assert ("Type yes to run" in text, "WRITES to PRODUCTION" in text, "$ npx supabase db push" in text) == (True,) * 3


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=600),
    st.text(max_size=600),
    st.lists(st.text(max_size=200), max_size=8),
    st.sampled_from(list(Effect)),
    st.sampled_from([40, 60, 80, 100]),
)
def test_any_step_fits_and_carries_no_control_characters(
    title: str, text: str, argv: list[str], effect: Effect, width: int
) -> None:
    """Whatever is in a book or a value: the columns there are, 23 rows, and nothing that moves the cursor."""
    shown = screen(effect=effect, argv=("npx", *argv))
    notes = [Note(label, text) for label in Label]
    blocks: tuple[view.Block, ...] = (*notes, view.CommandToRun(("npx", *argv)), view.UndoWay((), text))
    found = Finding("a", 1, text, text, (Note(Label.LOOK_FOR, text),)) if width >= 60 else None
    lines = render_step(replace(shown, title=title or "x", blocks=blocks, finding=found), width)
    assert _fits(lines, width)
    assert not any(ord(one) < 32 or ord(one) == 127 for line in lines for one in line.plain)


def test_details_hold_everything_that_the_screen_may_cut() -> None:
    """The key `?` shows the keys, the whole command, why, what policy says, and the values that a person gave."""
    shown = screen(step("apply", "change it", why="Because.", if_it_fails=Recovery("Retry.")))
    fix = replace(shown.procedure, parameters=(parameter("table_names", many=True),))
    given: dict[str, str | tuple[str, ...]] = {"table_names": ("a", "b"), "proof": '[{"what": "x"}]'}
    text = plain_text(render_details(replace(shown, procedure=fix, values=given)))
    assert text.startswith("  Keys at any step:")
    assert "proof" not in text
    for part in (
        "Why: Because.",
        "$ npx supabase db push --remote",
        "If it fails: Retry.",
        "The policy allows this command. It applies the pending",
        "table names: a, b",
    ):
        assert part in text


def test_failure_shows_what_it_printed_what_was_expected_and_the_way_out() -> None:
    """What failed, evidence, what to do, and the choices."""
    shown = step("apply", "change it", if_it_fails=Recovery("Wait a minute.", see="data-recovery"))
    lines = render_failure(screen(shown), failed("ERROR: lock timeout\n"))
    text = plain_text(lines)
    for part in (
        "FAILED  The step failed",
        "saw exit 1",
        "| ERROR: lock timeout",
        "Wait a minute.",
        "data-recovery: press p",
    ):
        assert part in text
    assert _fits(lines)


def test_a_failed_request_is_shown_and_not_the_process_that_sent_it() -> None:
    """Failure, unknown end and details name the method and the address, as the step's own screen did."""
    sent = replace(
        screen(argv=("python", "-c", "send it")), blocks=(view.HttpRequest("POST", "https://x.test/f", (), ""),)
    )
    screens = (
        render_failure(sent, failed("no answer within 10 s")),
        render_unknown(sent, ("Its end isn't recorded.",), None),
        render_details(sent),
    )
    for lines in screens:
        assert "POST https://x.test/f" in plain_text(lines)
        assert "send it" not in plain_text(lines)


def test_failure_offers_no_way_to_where_one_is() -> None:
    """An included step may name the procedure that includes it."""
    shown = screen(step("apply", "change it", if_it_fails=Recovery("Wait a minute.", see="emergency-rollback")))
    assert shown.procedure.id == "emergency-rollback"
    assert "press p" not in plain_text(render_failure(shown, failed()))


@pytest.mark.parametrize(
    ("effect", "purpose", "checked", "offered"),
    [
        pytest.param(Effect.WRITES, Purpose.RUN, True, True, id="a write that has a check"),
        pytest.param(Effect.WRITES, Purpose.RUN, False, False, id="one that has none"),
        pytest.param(Effect.READS, Purpose.RUN, True, False, id="what reads did nothing"),
        pytest.param(Effect.WRITES, Purpose.VERIFY, True, False, id="the check itself has run"),
    ],
)
def test_failure_of_a_write_offers_its_check(effect: Effect, purpose: Purpose, checked: bool, offered: bool) -> None:
    """What a command did whose line broke, only the target knows."""
    shown = screen(step("apply", "change it", verify=check("look at it") if checked else None), effect=effect)
    assert ("c check what it did" in plain_text(render_failure(shown, failed(purpose=purpose)))) is offered


def test_failure_with_much_output_fits() -> None:
    """The end of the output stays: the error stands there."""
    lines = render_failure(
        screen(step("a", "change it", if_it_fails=Recovery(LONG))), failed("\n".join(map(str, range(999))))
    )
    assert _fits(lines)
    assert "| 998" in plain_text(lines)


@pytest.mark.parametrize(
    ("purpose", "part"), [(Purpose.VERIFY, "x run the step again"), (Purpose.UNDO, "The undo failed")]
)
def test_failure_says_what_failed(purpose: Purpose, part: str) -> None:
    """A failed check is not a failed step."""
    assert part in plain_text(render_failure(screen(), failed(purpose=purpose)))


def test_unknown_end_shows_what_is_known_and_asks() -> None:
    """Check, done, redo, stop: whole words, and nothing by Enter."""
    shown = screen(step("apply", "change it", verify=check("look at it")))
    known = ["This step was started at 01:20:00 UTC.", LONG, "Its process 7 no longer runs."]
    lines = render_unknown(shown, known, failed(outcome=Outcome.FAILED))
    text = plain_text(lines)
    for part in (
        "Nobody saw how this step ended",
        "01:20:00 UTC",
        "The check failed",
        "check  see",
        "done  ",
        "redo  ",
    ):
        assert part in text
    assert _fits(lines)


def test_unknown_end_without_a_check_offers_none() -> None:
    """There is nothing to look at."""
    assert "check  see" not in plain_text(render_unknown(screen(), ["It began."], None))


def test_introduction_fits_with_the_proven_target_below() -> None:
    """However much an author wrote, title, warnings and the question stay on one screen."""
    many = tuple(f"{number}: {LONG}" for number in range(9))
    crowded = replace(
        procedure(step("a", "look")),
        summary=LONG[:200],
        use_when=many,
        not_for=tuple(Reference(text, "data-recovery") for text in many),
        needs=many,
        warnings=many,
    )
    intro, begin = render_intro(crowded), render_begin(PRODUCTION, [LONG, LONG])
    assert all(line.cell_len <= 80 for line in intro)
    # the line that says what is being waited for, an empty line and the prompt come with them
    assert len(intro) + len(begin) + 3 <= 24
    assert "WARNING:" in plain_text(intro)
    assert LONG.split(", ", maxsplit=1)[0] in plain_text(render_intro(crowded, whole=True))


def test_question_for_a_secret_tells_no_example() -> None:
    """It says that the value is not shown."""
    text = plain_text(render_question(parameter("token", secret=True), ""))
    assert ("for example" in text, "isn't shown" in text) == (False, True)


def test_question_repeats_what_was_wrong() -> None:
    """The problem comes first, then the question with its hints."""
    asked = parameter("mode", choices=("a", "b"), default="a")
    assert plain_text(render_question(asked, "'c' isn't one of a, b")).startswith("  ! 'c' isn't one of a, b\nmode?\n")


def test_result_shows_evidence_and_what_was_kept() -> None:
    """Short facts on one line, captured values below."""
    event = StepFinished(
        at=START,
        step="a",
        purpose=Purpose.RUN,
        outcome=Outcome.PASSED,
        exit=0,
        seconds=1.25,
        evidence="exit 0",
        captured={"v": "7"},
    )
    assert plain_text(render_result(event)) == "  done  exit 0, 1.2 s\n  kept  v = 7"


def test_finish_lists_the_steps_and_what_is_left_to_do() -> None:
    """The timeline, the follow-ups, the report's command, on one screen."""
    steps = [step(f"step{number}", "look") for number in range(40)]
    fix = replace(procedure(*steps), after=("Write the review",))
    now = replace(state(), seconds=180)
    lines = render_finished(fix, now)
    text = plain_text(lines)
    assert _fits(lines)
    for part in ("Finished: Fix in 03:00", "[ ] Write the review", "runbook report 20261123-0120", "not done"):
        assert part in text
    drill = replace(now, target=TargetSeen("drill", "one", "3.1.0"))
    text = plain_text(render_finished(fix, drill))
    assert ("Step39" in text, "Still to do after a real run:" in text, "runbook report" in text) == (True, True, False)


def test_phase_of_a_do_confirm_procedure_is_confirmed_line_by_line() -> None:
    """Do all of it, then confirm the list."""
    steps = [step("a", "look", phase="Prepare"), step("b", "look", phase="Push")]
    shown = replace(screen(), procedure=replace(procedure(*steps), mode=Mode.DO_CONFIRM))
    text = plain_text(render_phase_end(shown, (1, 2, "Prepare")))
    assert ("Phase 1 of 2 done: Prepare" in text, "A\n" in text, "Is every line true?" in text) == (True, True, True)
    assert "Is every line true?" not in plain_text(render_phase_end(screen(), (1, 2, "Prepare")))


@pytest.mark.parametrize(
    ("alive", "said"), [(True, "is still running"), (False, "no longer running"), (None, "can't tell")]
)
def test_holder_is_told_with_what_is_known_of_the_process(alive: bool | None, said: str) -> None:
    """Who, what, since when, and whether somebody is at work there."""
    holder = Holder(
        run="r", procedure="fix", operator="bo", host="there", pid=9, since=START, step="apply", alive=alive
    )
    text = plain_text(render_holder(holder, START + timedelta(minutes=5)))
    assert (said in text, "bo on there" in text, "for 5 min: fix, now at step apply" in text) == (True, True, True)


def test_difference_keeps_its_signs() -> None:
    """Colour only repeats what + and - say."""
    assert "-old\n+new" in plain_text(render_difference("procedure", "-old\n+new"))


def test_output_so_far_is_readable() -> None:
    """Every execution with its output, JSON as a table."""
    shown = screen()
    began = StepStarted(at=START, step="apply", purpose=Purpose.RUN, argv=PUSH)
    ended = StepFinished(
        at=START, step="apply", purpose=Purpose.RUN, outcome=Outcome.PASSED, output='Target\n[{"a": 1}]'
    )
    now = apply(apply(shown.state, began), ended)
    text = plain_text(output_lines(replace(shown, state=now), 80))
    assert text.startswith("01:20:00  Step 1, Apply the rollback: done\n")
    assert "  Target\n  a\n  -\n  1" in text


def test_a_long_line_of_output_goes_on_below_its_own_text() -> None:
    """The rest of an indented line, or of a line of a difference, doesn't look like a new one."""
    assert plain_text(output_line("    one two three", 16, "  | ")) == "  |     one two\n  |       three"
    assert plain_text(diff_lines(["+one two three"], 10)) == "+one two\n  three"


def test_control_characters_become_visible() -> None:
    """Neither an escape sequence nor a mark that turns text around gets through."""
    assert printable("a\x1b[2Jb\u202ec") == "a<U+001B>[2Jb<U+202E>c"


def test_everything_has_an_ascii_form() -> None:
    """For a terminal that knows nothing else."""
    assert plain("→ “naïve” … 表") == '> "naive" . ?'


def test_long_statement_breaks_where_it_can_be_pasted() -> None:
    """A backslash between words, a plain break inside quotes."""
    lines = command_lines(
        (*PUSH, "--output-format", "json", "select 'a' as one, 'b' as two, 'c' as three from somewhere"), 60
    )
    assert plain_text(lines).splitlines() == [
        "  $ npx supabase db push --remote --output-format json \\",
        "    \"select 'a' as one, 'b' as two, 'c' as three from",
        '    somewhere"',
    ]
