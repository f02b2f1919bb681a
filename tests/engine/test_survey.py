"""A survey: looks at the same time, what they find, the answer that they suggest, and the way back to it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.walks import (
    AT,
    FakeExecutor,
    FakeOperator,
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

from runbook.engine.ports import Execution, Go, Screen, Stop
from runbook.errors import ExitCode, PolicyRefusal
from runbook.journal.events import ChildStarted, OptionChosen, Outcome, StepFinished, StepStarted
from runbook.loading import PACKAGED_BOOK, read_book
from runbook.model import Step
from runbook.steps.choose import Choose, Option
from runbook.steps.survey import Look, Suggestion, Survey
from runbook.steps.view import Options
from runbook.steps.wait import Wait


def a_look(text: str, *, fact: str = "fact", majors: tuple[int, ...] = (), **suggests: str) -> Look:
    """Return a look that runs a command; each keyword is a text in a finding and the answer that it suggests."""
    listed = tuple(Suggestion(matches, option) for matches, option in suggests.items())
    return Look(title=f"Look at {text}", action=command(text), at=AT, fact=fact, suggests=listed, majors=majors)


def a_survey(*looks: Look) -> Step:
    """Return a survey that keeps the likely answer."""
    return step("triage", Survey(looks=looks, suggests="likely", at=AT))


def rows(*facts: object) -> Execution:
    """Return how a command ends that prints such a list."""
    return ended(0, json.dumps([fact if isinstance(fact, dict) else {"fact": fact} for fact in facts]))


def question(*options: Option) -> Step:
    """Return the question that takes the suggestion."""
    return step("what", Choose(options, suggested="{{likely}}", because="{{likely_because}}"))


LOCKS, ERRORS = a_look("look locks"), a_look("look errors", column="A column", lock="A lock")
FIX = procedure(
    a_survey(LOCKS, ERRORS),
    question(Option("A lock", (tick("end-it"),), at=AT), Option("A column", (tick("add-it"),), at=AT)),
    step("works", Choose((Option("Yes", at=AT), Option("No", back_to="triage", at=AT)))),
)


@pytest.mark.parametrize(
    ("locks", "reason"),
    [
        pytest.param(rows(), "No check found a fault. Look at look changes: column x was added", id="only a fact"),
        pytest.param(rows("a lock"), "column x was added", id="and a fault"),
    ],
)
def test_suggestion_of_a_mere_fact_says_that_no_check_found_a_fault(
    tmp_path: Path, locks: Execution, reason: str
) -> None:
    """What was changed last isn't proof that it broke something."""
    changes = replace(a_look("look changes", column="A column"), is_fault=False)
    fix = procedure(a_survey(LOCKS, changes), FIX.steps[1])
    executor = FakeExecutor({"look locks": locks, "look changes": rows("column x was added")})
    operator = FakeOperator([Go(), Stop()])

    Walked(book(fix), tmp_path, operator, executor).begin()

    finished = next(event for event in operator.told if isinstance(event, StepFinished))
    assert (finished.captured["likely"], finished.captured["likely_because"]) == ("A column", reason)


def test_findings_are_listed_and_suggest_an_answer_with_the_reason(tmp_path: Path) -> None:
    """Equal findings are counted. The suggestion is shown at the question, and the operator still decides."""
    column = {"fact": "column x does not exist"}
    executor = FakeExecutor({"look locks": rows(), "look errors": rows(column, column, "something")})
    operator = FakeOperator([Go(), Stop()])
    walked = Walked(book(FIX), tmp_path, operator, executor)

    walked.begin()

    finished = next(event for event in operator.told if isinstance(event, StepFinished))
    assert finished.output.splitlines() == [
        "clear     Look at look locks",
        "FOUND     Look at look errors",
        "          column x does not exist (2 times)",
        "          something",
    ]
    assert finished.evidence == "1 of 2 checks found something"
    options = next(block for block in operator.screens[-1].blocks if isinstance(block, Options))
    assert options.suggestion == "A column. column x does not exist."


def test_a_query_may_name_the_answer_itself_and_earlier_looks_go_first(tmp_path: Path) -> None:
    """The first finding with a suggestion counts, in the order of the looks."""
    blocked = {"fact": "pid 5 blocks 3 sessions", "suggests": "A lock"}
    executor = FakeExecutor({"look locks": rows(blocked), "look errors": rows("column x")})
    operator = FakeOperator([Go(), Stop()])
    Walked(book(FIX), tmp_path, operator, executor).begin()
    options = next(block for block in operator.screens[-1].blocks if isinstance(block, Options))
    assert options.suggestion == "A lock. pid 5 blocks 3 sessions."


def test_a_look_that_fails_is_never_clear(tmp_path: Path) -> None:
    """It is listed as unknown, with the reason. If most looks fail, so does the survey."""
    executor = FakeExecutor({"look locks": ended(1, "no connection"), "look errors": [rows(), ended(0, "not JSON")]})
    operator = FakeOperator([Go(), Stop()])
    Walked(book(FIX), tmp_path, operator, executor).begin()
    finished = next(event for event in operator.told if isinstance(event, StepFinished))
    assert finished.output.splitlines()[:2] == [
        "UNKNOWN   Look at look locks",
        "          expected exit 0, saw exit 1; no connection",
    ]
    assert finished.evidence == "1 of 2 commands failed; nothing found in the others"

    operator = FakeOperator([Go(), Stop()])
    Walked(book(FIX), tmp_path, operator, executor).begin()
    assert operator.log[-1] == ("recover", "triage", "run", "2 of 2 commands failed")


def test_its_commands_are_on_record_before_the_first_of_them_runs(tmp_path: Path) -> None:
    """One start names them all."""
    walked = Walked(book(FIX), tmp_path, FakeOperator([Go(), Stop()]))
    walked.begin()
    events = [one for one in walked.journal.events(walked.run) if isinstance(one, StepStarted | ChildStarted)]
    assert isinstance(events[0], StepStarted)
    assert events[0].looks == ("look locks", "look errors")
    assert len(events) == 3


def test_a_secret_in_its_commands_is_masked_on_record(tmp_path: Path) -> None:
    """They run as they are, and the record of the step has them as it has any other command."""
    token = f"sbp_{'0a' * 20}"
    walked = Walked(book(procedure(a_survey(a_look(f"look {token}")))), tmp_path)
    walked.begin()
    assert walked.executor.ran == [("look", token)]
    (started,) = [one for one in walked.journal.events(walked.run) if isinstance(one, StepStarted)]
    assert started.looks
    assert token not in started.looks[0]


def test_a_look_that_does_more_than_read_runs_nothing(tmp_path: Path) -> None:
    """Policy decides, not the author; neither command runs."""
    walked = Walked(book(procedure(a_survey(LOCKS, a_look("change x")))), tmp_path)
    with pytest.raises(PolicyRefusal, match="a check may only read, and `change x` writes"):
        walked.begin()
    assert walked.executor.ran == []


def test_only_the_looks_of_the_cli_are_taken(tmp_path: Path) -> None:
    """A look for another major is left out."""
    walked = Walked(book(procedure(a_survey(LOCKS, a_look("look old", majors=(2,))))), tmp_path)
    walked.begin()
    assert walked.executor.ran == [("look", "locks")]


def test_an_answer_can_lead_back_to_the_survey(tmp_path: Path) -> None:
    """`No, it's still broken` looks again, asks again, and then goes on from there."""
    executor = FakeExecutor({"look": rows()})
    operator = FakeOperator(
        [Go(), Go(value="A lock"), confirm, Go(value="No"), Go(), Go(value="A column"), confirm, Go(value="Yes")]
    )
    walked = Walked(book(FIX), tmp_path, operator, executor)

    assert walked.begin() is ExitCode.DONE

    asked = [entry[1] for entry in operator.log if entry[0] == "decide"]
    assert asked == ["triage", "what", "what/end-it", "works", "triage", "what", "what/add-it", "works"]
    chosen = [one.option for one in walked.journal.events(walked.run) if isinstance(one, OptionChosen)]
    assert chosen == ["A lock", "No", "A column", "Yes"]
    assert len(executor.ran) == 4


def test_a_wait_ends_as_soon_as_what_it_watches_fails(tmp_path: Path) -> None:
    """It checks at once and then every so often; a failed check fails the step."""
    watch = Wait(600, "it stays quiet", check("look errors", output="none"), 60)
    executor = FakeExecutor({"look errors": [ended(0, "none"), ended(0, "none"), ended(0, "five")]})
    walked = Walked(book(procedure(step("w", watch))), tmp_path, FakeOperator([Go(), Stop()]), executor)

    walked.begin()

    assert walked.clock.waited == [60, 60]
    end = next(one for one in walked.journal.events(walked.run) if isinstance(one, StepFinished))
    assert (end.outcome, end.output) == (Outcome.FAILED, "five")
    assert end.evidence.startswith("waited 120 s of 600 s, checked 3 times; expected the text 'none'")


def test_a_survey_that_fails_says_why(tmp_path: Path) -> None:
    """The error that its looks have in common is known, so what to do about it is on the screen."""
    packaged = read_book(PACKAGED_BOOK)
    known = replace(book(procedure(a_survey(a_look("npx supabase functions list")))), errors=packaged.errors)
    seen = list[str]()

    def note(screen: Screen) -> Stop:
        seen.extend([screen.diagnosis.known.id] if screen.diagnosis and screen.diagnosis.known else [])
        return Stop()

    message = "Access token not provided. Supply an access token by running `supabase login`."
    failing = ended(1, json.dumps({"_tag": "Error", "error": {"message": message}}))
    executor = FakeExecutor({"npx supabase": failing})
    policy = replace(packaged.policy, majors=known.policy.majors)
    Walked(replace(known, policy=policy), tmp_path, FakeOperator([confirm, note]), executor).begin()
    assert seen == ["token-missing"]
