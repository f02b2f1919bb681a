"""After a drill the person hears how it went and what it was; a surprise stays one until then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from support.walks import procedure, tick

from runbook.checks import open_book
from runbook.drill.console import say_briefing
from runbook.drill.debrief import StepTitles, cause, debrief
from runbook.drill.proofs import ProofResult, checked_steps
from runbook.drill.stage import DrillReport, choose_drill, pick_surprise
from runbook.errors import ExitCode, UsageError
from runbook.journal.events import (
    Decision,
    Event,
    OptionChosen,
    Outcome,
    Purpose,
    StepFinished,
    SteppedBack,
    StepResolved,
    StepSkipped,
)
from runbook.model import Drill, Scenario, ScenarioEvent, ScenarioMigration

START = datetime(2026, 11, 23, 1, 20, tzinfo=UTC)
PAGE = procedure(tick("look", title="Look around"), tick("push"), tick("what"))
DRILL = Drill(name="one", briefing="It broke.", scenario=Scenario(), answers={"what": "A function"}, prove=())


def report(*events: Event, seconds: float = 95, held: bool = True, code: ExitCode = ExitCode.DONE) -> DrillReport:
    """Return the report of a drill with these events."""
    return DrillReport(
        procedure="fix", drill="one", cli="3.1.0", postgres="17.10", seconds=seconds, code=code, ends="done",
        trouble="", proofs=(ProofResult("It holds", held=held),), events=tuple(events),
    )  # fmt: skip


def at(seconds: float) -> datetime:
    """Return a moment of the walk."""
    return START + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("held", "code", "passed"),
    [(True, ExitCode.DONE, True), (False, ExitCode.DONE, False), (True, ExitCode.NOT_COMPLETED, False)],
)
def test_a_drill_passes_when_it_ended_well_and_all_holds(held: bool, code: ExitCode, passed: bool) -> None:
    """One proof that fails, or a walk that ended otherwise, is a drill that failed."""
    assert report(held=held, code=code).passed is passed


def test_the_time_is_told_against_the_pages_minutes() -> None:
    """A person learns how long it took in whole minutes, as the page counts, and how long the page says."""
    assert debrief(report(), PAGE, DRILL) == ("It took about 2 min; the page says about 20 min.",)
    assert debrief(report(seconds=9), PAGE, DRILL)[0].startswith("It took less than a minute;")


@pytest.mark.parametrize(
    ("events", "line"),
    [
        pytest.param([OptionChosen(at=at(1), step="what", option="Rows")], "you chose 'Rows'", id="option"),
        pytest.param([SteppedBack(at=at(1), step="look")], "went to 'Look around' again", id="back"),
        pytest.param([StepSkipped(at=at(1), step="look", reason="no time")], "'Look around': no time", id="skip"),
        pytest.param(
            [StepFinished(at=at(1), step="push", purpose=Purpose.RUN, outcome=Outcome.FAILED)] * 2,
            "'Push' failed twice",
            id="failed",
        ),
        pytest.param(
            [
                StepFinished(at=at(1), step="push", purpose=Purpose.RUN, outcome=Outcome.INTERRUPTED),
                StepResolved(at=at(2), step="push", decision=Decision.DONE),
            ],
            "'Push' was cut off once.",
            id="cut",
        ),
        pytest.param(
            [OptionChosen(at=at(0), step="what", option="A function"), SteppedBack(at=at(150), step="look")],
            "the most time at 'Look around': 2.5 min",
            id="pause",
        ),
    ],
)  # fmt: skip
def test_wrong_turns_are_told(events: Sequence[Event], line: str) -> None:
    """What the person did otherwise than the drill expects is said, not judged, with the titles of the steps."""
    assert any(line in told for told in debrief(report(*events), PAGE, DRILL))


def test_a_walk_without_wrong_turns_has_none_to_tell() -> None:
    """The right option is not worth a word, and neither is a short stay."""
    assert len(debrief(report(OptionChosen(at=at(1), step="what", option="A function")), PAGE, DRILL)) == 1


def test_help_is_counted() -> None:
    """How often more was asked for tells what the page should say itself."""
    assert "You asked for more help 3 times." in debrief(report(), PAGE, DRILL, hints=3)


@pytest.mark.parametrize(
    ("name", "shown"), [("push-migration", "version: 20260110000000"), ("set-edge-function-secrets", "secret_name: ")]
)
def test_a_person_is_told_the_values_that_the_proofs_speak_of(
    name: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody on call has to guess which file or column is meant, or looks for a real secret."""
    chosen = open_book(None).procedure(name)
    say_briefing(chosen, chosen.drills[0], enter=Path("/there/enter"))
    printed = capsys.readouterr().out
    assert shown in printed
    assert "/there/enter" in printed
    assert ("secret_value: any text will do" in printed) == (name == "set-edge-function-secrets")


def test_the_cause_is_told_in_sentences() -> None:
    """Afterwards a person learns what was planted."""
    scenario = Scenario(
        migrations=(ScenarioMigration("20260112000000_x", "select 1", "half"),),
        seed=("delete from t",),
        hold="lock table t",
        events=(
            ScenarioEvent("apply", "kill_cli", "after"),
            ScenarioEvent("start", "second_operator", "Ada"),
            ScenarioEvent("never", "run_sql", "select 1"),
        ),
    )
    drill = Drill(name="x", briefing="", scenario=scenario, answers={}, prove=())
    told = cause(drill, [("second_operator", "start"), ("kill_cli", "push")], StepTitles(PAGE))

    assert told == (
        "Migration 20260112000000_x had run halfway and was not in the history.",
        "1 statement had set the scene in the database: delete from t",
        "Another session held a transaction open: lock table t",
        "From the start a colleague had the target locked.",
        "At 'Push' the command was killed.",
        "Something else would have gone wrong, at a step that you didn't reach.",
    )


def test_a_surprise_has_a_name_that_tells_nothing() -> None:
    """Whatever is picked, target and title don't give it away; now and then something goes wrong on top."""
    book = open_book(None)
    picked = [pick_surprise(book, book.procedure("emergency-rollback"), Random(seed)) for seed in range(90)]
    scenarios = {drill.briefing for _, drill in picked}
    twisted = [drill for _, drill in picked if drill.scenario.events]

    assert {drill.name for _, drill in picked} == {"surprise"}
    assert len(scenarios) > 5
    unfit = [drill.briefing for drill in book.procedure("emergency-rollback").drills if not drill.practice]
    assert unfit
    assert not scenarios & set(unfit), "its answers make the mistake; a person would not"
    assert 9 < len(twisted) < 80
    assert {chosen.section.value for chosen, _ in (pick_surprise(book, None, Random(seed)) for seed in range(9))} == {
        "wrong"
    }


def test_a_procedure_without_drills_has_no_surprise() -> None:
    """There must be something to pick from."""
    with pytest.raises(UsageError, match="no drill to pick"):
        pick_surprise(open_book(None), PAGE, Random(1))


def test_the_scenario_is_chosen_by_name() -> None:
    """Without a name it is the first; an unknown one is told with those there are."""
    chosen = open_book(None).procedure("emergency-rollback")

    assert choose_drill(chosen, None) is chosen.drills[0]
    assert choose_drill(chosen, "lost-rows").name == "lost-rows"
    with pytest.raises(UsageError, match="no scenario called 'x'") as caught:
        choose_drill(chosen, "x")
    assert "lost-rows" in caught.value.hint
    with pytest.raises(UsageError, match="has no drill"):
        choose_drill(PAGE, None)


def test_a_step_counts_as_checked_when_it_compared_more_than_an_exit_code() -> None:
    """A command that only ended well has proven nothing yet."""
    weak = StepFinished(at=at(1), step="a", purpose=Purpose.RUN, outcome=Outcome.PASSED, evidence="exit code 0")
    strong = StepFinished(
        at=at(1), step="b[x]/c", purpose=Purpose.VERIFY, outcome=Outcome.PASSED, evidence="exit code 0; x is 1"
    )
    lost = StepFinished(at=at(1), step="d", purpose=Purpose.RUN, outcome=Outcome.FAILED, evidence="exit code 0; y is 2")

    assert checked_steps([weak, strong, lost]) == {"b/c"}
