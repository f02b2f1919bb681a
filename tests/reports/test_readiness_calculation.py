"""Who is ready for what: calculated from the ends of drills, with every boundary."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from support.walks import AT, book, procedure, tick

from runbook.journal.events import DrillEnded, Event, RunFinished
from runbook.model import Book, Drill, Procedure, Scenario, Team
from runbook.reports.readiness import ProcedureReadiness, Readiness, command_of, readiness_of
from runbook.reports.readiness_export import as_csv, as_json, from_json
from runbook.reports.readiness_text import as_text

TODAY = date(2026, 11, 27)
Recorded = tuple[str, Event | None]


def drills(*names: str, practice: bool = True) -> tuple[Drill, ...]:
    """Return drills of a procedure."""
    one = Drill(name="", briefing="", scenario=Scenario(), answers={}, prove=(), practice=practice)
    return tuple(replace(one, name=name) for name in names)


def drillable(name: str, *scenarios: str, **more: object) -> Procedure:
    """Return a procedure with these drills, whose review is valid for long."""
    made = procedure(tick("look"), name=name)
    return replace(made, drills=drills(*(scenarios or ("lost",))), review_days=365, **more)  # type: ignore[arg-type]


def ended(
    days: int, operator: str = "ada", *, of: str = "fix", scenario: str = "lost", passed: bool = True, hour: int = 12
) -> Recorded:
    """Return a drill that ended so many days ago."""
    day = TODAY - timedelta(days=days)
    at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    run = f"{day:%Y%m%d}-{of}-{operator}-{hour}"
    return run, DrillEnded(at=at, procedure=of, scenario=scenario, operator=operator, passed=passed)


def of(*recorded: Recorded, book_: Book | None = None, operator: str = "") -> Readiness:
    """Return the readiness, by default of a book with one procedure."""
    return readiness_of(book_ or book(drillable("fix")), recorded, TODAY, operator)


def only(readiness: Readiness) -> ProcedureReadiness:
    """Return its only procedure."""
    (found,) = readiness.procedures
    return found


# --- what is due ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "is_due"), [(0, False), (89, False), (90, True), (91, True)])
def test_a_drill_counts_until_the_day_on_which_it_is_due(days: int, is_due: bool) -> None:
    """On that day it has to be drilled again."""
    found = only(of(ended(days)))
    assert (found.due, found.is_due) == (TODAY + timedelta(days=90 - days), is_due)


def test_a_procedure_that_nobody_drilled_is_due() -> None:
    """There is no day for it."""
    found = only(of())
    assert (found.passed, found.due, found.is_due, found.latest) == (None, None, True, ())


def test_a_failed_drill_is_not_a_passed_one() -> None:
    """It's still on record, by its person."""
    found = only(of(ended(1, passed=False)))
    assert (found.passed, found.is_due) == (None, True)
    assert [(one.operator, one.passed) for one in found.latest] == [("ada", False)]


def test_a_drill_that_failed_later_makes_it_due_for_that_person_alone() -> None:
    """The team has somebody who passed; whoever failed last tries again, with that scenario."""
    recorded = (ended(10), ended(1, scenario="other", passed=False))
    team = book(drillable("fix", "lost", "other"))

    assert not only(of(*recorded, book_=team)).is_due
    theirs = only(of(*recorded, book_=team, operator="ada"))
    assert (theirs.is_due, theirs.scenario) == (True, "other")
    assert theirs.passed is not None
    assert theirs.passed.day == TODAY - timedelta(days=10)


@pytest.mark.parametrize("first_passed", [True, False])
def test_two_drills_of_one_day_count_in_their_order(first_passed: bool) -> None:
    """Whichever was recorded first: a drill may have waited for the journal."""
    recorded = (ended(1, passed=not first_passed, hour=14), ended(1, passed=first_passed, hour=9))
    (latest,) = only(of(*recorded)).latest
    assert latest.passed is not first_passed


def test_each_person_has_their_latest_drill() -> None:
    """By name; the last one that passed counts for the team, whoever walked it."""
    recorded = (ended(200, "bo"), ended(40, "ada"), ended(3, "bo", passed=False), ended(100, "ada"))
    found = only(of(*recorded))
    assert [(one.operator, one.passed, (TODAY - one.day).days) for one in found.latest] == [
        ("ada", True, 40),
        ("bo", False, 3),
    ]
    assert found.passed is not None
    assert (found.passed.operator, found.due) == ("ada", TODAY + timedelta(days=50))


def test_one_person_is_due_for_what_others_have_drilled() -> None:
    """Their name may be in any case."""
    recorded = (ended(1, "bo"), ended(5, "ada", of="other"))
    pair = book(drillable("fix"), drillable("other"))
    found = of(*recorded, book_=pair, operator="ADA")
    assert {one.procedure: one.is_due for one in found.procedures} == {"fix": True, "other": False}


@pytest.mark.parametrize(
    ("own", "team", "days"), [(None, None, 90), (None, 60, 60), (30, 60, 30), (30, None, 30)], ids=repr
)
def test_the_procedure_decides_and_then_the_team(own: int | None, team: int | None, days: int) -> None:
    """Without either, it's 90 days."""
    made = book(drillable("fix", drill_days=own))
    if team is not None:
        made = replace(made, team=Team(name="Shop", projects={}, drill_days=team, at=AT))
    assert only(of(ended(0), book_=made)).due == TODAY + timedelta(days=days)


def test_only_what_a_person_can_practise_is_listed() -> None:
    """Not a procedure without drills, and not one whose drills are all for the unattended operator."""
    alone = replace(drillable("alone"), drills=drills("lost", practice=False))
    without = replace(drillable("without"), drills=())
    assert [one.procedure for one in of(book_=book(drillable("fix"), alone, without)).procedures] == ["fix"]


@pytest.mark.parametrize(
    ("passed", "wanted"),
    [((), "one"), (("one",), "two"), (("one", "two"), "three"), (("one", "three", "two", "one"), "three")],
    ids=repr,
)
def test_the_next_scenario_is_the_one_that_was_passed_longest_ago(passed: Sequence[str], wanted: str) -> None:
    """In the order of the book if several were never passed. A surprise is none of them."""
    recorded = [ended(50 - index, scenario=name) for index, name in enumerate(passed)]
    found = only(of(*recorded, ended(60, scenario="surprise"), book_=book(drillable("fix", "one", "two", "three"))))
    assert command_of(found) == f"runbook drill fix --scenario {wanted}"


def test_what_is_due_comes_first_and_an_emergency_before_everything() -> None:
    """Then what nobody has ever passed, then what has been due for longest."""
    every = ("calm", "late", "later", "never", "worst")
    made = book(*(drillable(name, is_emergency=name == "worst") for name in every))
    found = of(ended(1, of="calm"), ended(120, of="late"), ended(100, of="later"), ended(91, of="worst"), book_=made)
    assert [one.procedure for one in found.procedures] == ["worst", "never", "late", "later", "calm"]
    assert [one.procedure for one in found.due] == ["worst", "never", "late", "later"]


# --- what doesn't count ---------------------------------------------------------------------------------------------


def test_a_procedure_that_the_book_lost_is_named_with_its_latest_drill() -> None:
    """It was renamed or removed: the drills of the old name don't count for the new one."""
    found = of(ended(9, of="old-name"), ended(5, "bo", of="old-name"))
    assert [(one.procedure, one.operator) for one in found.gone] == [("old-name", "bo")]
    assert only(found).is_due


@pytest.mark.parametrize(("ahead", "counts"), [(1, True), (2, False), (4000, False)])
def test_a_drill_by_a_clock_that_is_ahead_counts_for_nothing(ahead: int, counts: bool) -> None:
    """It would hide for years that the procedure is due. Elsewhere on Earth it's already tomorrow."""
    found = of(ended(-ahead))
    assert only(found).is_due is not counts
    assert [one.operator for one in found.later] == ([] if counts else ["ada"])


def test_a_damaged_run_is_named_and_hides_nothing() -> None:
    """Runs that ended without a result, such as the second one of a drill, are no drills."""
    found = of(("broken", None), ended(3), ("second", RunFinished(at=datetime(2026, 11, 1, tzinfo=UTC))))
    assert found.unread == ("broken",)
    assert not only(found).is_due


@pytest.mark.parametrize(("days", "is_late"), [(4, False), (3, True)])
def test_reviews_are_overdue_after_their_day(days: int, is_late: bool) -> None:
    """As on every page; the drills have nothing to do with it."""
    made = book(replace(drillable("fix"), reviewed=date(2026, 11, 23), review_days=days))
    assert bool(of(ended(0), book_=made).reviews) is is_late


# --- its forms ------------------------------------------------------------------------------------------------------

EVERYTHING = of(
    ended(100, "ada", of="late"),
    ended(7, "grace-hopper-of-the-night-shift", of="late", passed=False),
    ended(90, of="today"),
    ended(3, of="calm"),
    ended(2, of="only-failed", passed=False),
    ended(9, of="old-name"),
    ended(-30, "bo"),
    ("broken", None),
    book_=book(
        *(drillable(name) for name in ("late", "today", "calm", "never", "only-failed")),
        replace(drillable("unread"), review_days=1),
    ),
)


def test_the_text_says_what_is_due_and_what_to_do_next() -> None:
    """Words tell passed from failed, and every command can be typed."""
    text = as_text(EVERYTHING)
    lines = text.splitlines()
    assert lines[0] == "Readiness on 2026-11-27: 3 due, 2 never drilled, 1 not due."
    assert "  late  due since 2026-11-17, after 90 days" in lines
    assert "  today  due today, after 90 days" in lines
    assert "  only-failed  never passed" in lines
    assert "    runbook drill late --scenario lost" in lines
    assert "    grace-hopper-of-the-night-shift  FAILED  2026-11-20  lost" in lines
    assert "  calm  until 2027-02-22" in lines
    assert "  runbook drill never --scenario lost" in lines[lines.index("Never drilled") :]
    assert "  unread  since 2026-11-24, owner: database" in lines
    assert "  old-name  2026-11-18 by ada" in lines
    assert "  20261227-fix-bo-12  2026-12-27 by bo" in lines
    assert "  broken" in lines
    assert lines[-1] == "Next: runbook drill never --scenario lost"


@pytest.mark.parametrize("width", [40, 60, 80])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Long names break at spaces."""
    assert max(map(len, as_text(EVERYTHING, width).splitlines())) <= width


def test_a_team_that_is_ready_is_told_when_to_drill_again() -> None:
    """The procedure that is due first."""
    pair = book(drillable("fix"), drillable("other"))
    text = as_text(of(ended(1), ended(9, of="other"), book_=pair))
    assert text.splitlines()[0] == "Readiness on 2026-11-27: 2 not due."
    assert text.splitlines()[-1] == "Next: other, due on 2027-02-16"


def test_a_name_that_nobody_has_is_said_to_be_one() -> None:
    """A typo would look like somebody who never drilled."""
    assert "Nobody of that name has drilled anything. These people have: ada, bo." in as_text(
        of(ended(1), ended(1, "bo"), operator="adda")
    )
    assert "Nobody" not in as_text(of(ended(1), operator="Ada"))


def test_a_book_without_drills_is_due_for_nothing() -> None:
    """One sentence."""
    assert as_text(of(book_=book(procedure(tick("look"))))) == "Readiness on 2026-11-27: nothing is due."


def test_json_reads_back_as_it_was() -> None:
    """Everything that the site shows of it."""
    assert from_json(as_json(EVERYTHING)) == EVERYTHING


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        "[" * 100_000,
        '{"format": 2}',
        as_json(EVERYTHING).replace('"format": 1', '"format": 9'),
        as_json(EVERYTHING).replace('"is_due": true', '"is_due": "yes"'),
        as_json(EVERYTHING).replace('"operator": "ada"', '"operator": ["ada"]'),
        as_json(EVERYTHING).replace("2026-11-17", "yesterday"),
        as_json(EVERYTHING).replace('"latest"', '"last"'),
    ],
    ids=lambda text: text[:20],
)
def test_json_of_another_shape_is_refused(text: str) -> None:
    """A merge that went wrong must not look like a team that never drilled."""
    with pytest.raises(ValueError, match=r"."):
        from_json(text)


def test_csv_has_a_line_for_each_procedure_and_person() -> None:
    """And one for a procedure that nobody has drilled. No cell can be a formula."""
    readiness = of(ended(9), ended(1, "=cmd()", passed=False), book_=book(drillable("fix"), drillable("never")))
    rows = list(csv.DictReader(io.StringIO(as_csv(readiness))))
    shown = [(row["procedure"], row["operator"], row["result"], row["is_due"]) for row in rows]
    assert shown == [("never", "", "", "yes"), ("fix", "'=cmd()", "failed", "no"), ("fix", "ada", "passed", "no")]
    assert rows[0]["next"] == "runbook drill never --scenario lost"
    assert rows[2]["at"] == "2026-11-18T12:00:00+00:00"
