"""A failure comes with its error in reports and on screens, as far as the command's output says what it was."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from support.walks import FakeExecutor, FakeOperator, Walked, book, check, ended, procedure, step

from runbook.diagnosis import Diagnosis
from runbook.engine.ports import Go, Screen, Stop
from runbook.loading import PACKAGED_BOOK, read_book
from runbook.reports.failures import failures, in_one_sentence
from runbook.reports.json_format import as_json
from runbook.reports.markdown import as_markdown
from runbook.reports.run_report import report_of

ERRORS = read_book(PACKAGED_BOOK).errors
PUSH = "npx supabase db push"
FIX = procedure(step("push", PUSH, title="Push it", verify=check("look")), step("call", "change it"))
SAID = 'ERROR: relation "tags" already exists (SQLSTATE 42P07)'
OUTPUT = f"Applying migration x...\n{SAID}\nAt statement: 0\ncreate table tags ();\n"


def walked(tmp_path: Path) -> Walked:
    """Return a walk in which the push failed."""
    executor = FakeExecutor({PUSH: ended(1, OUTPUT)})
    done = Walked(book(FIX), tmp_path, FakeOperator([Go("yes"), Stop("enough")]), executor)
    done.begin()
    return done


def test_report_names_the_error_and_what_it_is(tmp_path: Path) -> None:
    """It has a section of its own, so that nobody has to search the output."""
    events = walked(tmp_path).journal.events("20261123-0120-fix")
    report = report_of(events, replace(book(FIX), errors=ERRORS))
    section = as_markdown(report).split("## What failed")[1].split("##")[0]
    assert "**Push it**: The table, index or view already exists" in section
    assert "SQLSTATE 42P07" in section
    (failure,) = json.loads(as_json(report))["failures"]
    assert (failure["step"], failure["sqlstate"], failure["known"]) == ("push", "42P07", "table-exists")


def test_report_without_a_book_still_has_the_error(tmp_path: Path) -> None:
    """The book may be broken, but the command's output is in the journal."""
    events = walked(tmp_path).journal.events("20261123-0120-fix")
    assert "ERROR: relation" in as_markdown(report_of(events)).split("## What failed")[1].split("##")[0]


def test_diagnosis_is_worked_out_from_the_record(tmp_path: Path) -> None:
    """The journal keeps enough of the output to show again what the screen showed."""
    events = walked(tmp_path).journal.events("20261123-0120-fix")
    ((event, why),) = failures(events, ERRORS)
    assert why is not None
    assert event.step == "push"
    assert in_one_sentence(why) == f"The table, index or view already exists ({SAID})"


def test_operator_is_given_the_diagnosis_with_the_failure(tmp_path: Path) -> None:
    """The operator, a person or a drill, sees why it failed before answering."""
    executor = FakeExecutor({PUSH: ended(1, "context canceled")})
    seen: list[Diagnosis | None] = []

    def note(screen: Screen) -> Stop:
        seen.append(screen.diagnosis)
        return Stop("enough")

    operator = FakeOperator([Go("yes"), note])
    Walked(replace(book(FIX), errors=ERRORS), tmp_path, operator, executor).begin()
    assert [why and why.known and why.known.id for why in seen] == ["answered-no"]
