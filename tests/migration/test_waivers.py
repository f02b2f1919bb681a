"""Waivers: which comments count, for which statement, and what is wrong with the others."""

from __future__ import annotations

from datetime import datetime

import pytest

from runbook.migration.check import check_migrations
from runbook.migration.finding import Report
from runbook.migration.rules import Setup, read_rules
from runbook.migration.source import MigrationFile
from runbook.model.migration_settings import MigrationSettings
from runbook.model.terms import Position

SETUP = Setup(read_rules(), MigrationSettings(at=Position("", 1, 1)))
QUIET = "-- Migration: a\n-- Purpose: test waivers\n-- Rollback: drop it\nset lock_timeout = '5s';\n"


def checked(sql: str) -> Report:
    """Check a file with a header and a timeout."""
    data = (QUIET + sql).encode()
    return check_migrations([MigrationFile("20260101000000_x.sql", data)], SETUP, now=datetime(2026, 6, 1))


@pytest.mark.parametrize(
    "sql",
    [
        "-- runbook: allow drop-table because it is empty\ndrop table tasks;",
        "-- RUNBOOK: Allow Drop-Table BECAUSE it is empty\ndrop table tasks;",
        "--runbook:allow drop-table because it is empty\n-- and this says more\ndrop table tasks;",
        "-- why\n-- runbook: allow drop-table because it is empty\n  drop table tasks;",
    ],
)
def test_a_comment_right_above_the_statement_counts(sql: str) -> None:
    """Case and other comment lines between don't matter."""
    report = checked(sql)

    assert report.findings == ()
    assert [(each.finding.rule, each.reason) for each in report.waived] == [("drop-table", "it is empty")]


def test_one_comment_may_name_several_rules_and_several_comments_may_stand_together() -> None:
    """Each rule has to be named."""
    sql = "drop table tasks cascade;"
    both = checked(f"-- runbook: allow drop-table, drop-cascade because it is empty\n{sql}")
    two = checked(
        f"-- runbook: allow drop-table because it is empty\n-- runbook: allow drop-cascade because I looked\n{sql}"
    )

    assert not both.findings
    assert not two.findings
    assert [each.reason for each in two.waived] == ["it is empty", "I looked"]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("-- runbook: allow drop-table\ndrop table tasks;", "gives no reason"),
        ("-- runbook: allow drop-table because\ndrop table tasks;", "expected"),
        ("-- runbook: allow because it is empty\ndrop table tasks;", "expected"),
        ("-- runbook: allow\ndrop table tasks;", "expected"),
        ("-- runbook: allow drop-tabel because it is empty\ndrop table tasks;", "there is no rule drop-tabel"),
        ("-- runbook: allow drop-table because it is empty\n\ndrop table tasks;", "no statement right below"),
        ("-- runbook: allow drop-table because it is empty\nselect f();\ndrop table tasks;", "has no finding"),
    ],
)
def test_any_other_comment_is_a_finding_and_accepts_nothing(sql: str, message: str) -> None:
    """The statement's own finding remains."""
    report = checked(sql)

    assert report.waived == ()
    assert "drop-table" in {each.rule for each in report.findings}
    assert any(message in each.message for each in report.findings if each.rule == "waiver"), report.findings


def test_a_waiver_for_one_statement_does_not_reach_the_next() -> None:
    """Each statement needs its own."""
    report = checked("-- runbook: allow drop-table because it is empty\ndrop table tasks;\ndrop table projects;")

    assert [(each.rule, each.line) for each in report.findings] == [("drop-table", 7)]


def test_a_waiver_of_a_whole_file_reaches_each_statement_that_destroys_no_data() -> None:
    """A program that puts files together can't know which statements need it. What destroys data has its own reason."""
    report = checked(
        "-- runbook: allow rename, drop-view, drop-table in this file because it puts back what ran before\n"
        "alter table tasks rename to jobs;\nalter table lists rename to folders;\ndrop table projects;"
    )

    assert [(each.finding.rule, each.finding.line) for each in report.waived] == [("rename", 6), ("rename", 7)]
    assert [(each.rule, each.line) for each in report.findings if each.level == "error"] == [("drop-table", 8)]
    assert [each.message for each in report.findings if each.rule == "waiver"] == [
        "drop-table can't be waived in a whole file, because it destroys data; waive it above each statement"
    ]


def test_a_waiver_above_a_do_block_reaches_what_is_inside() -> None:
    """The block is one statement of the file."""
    report = checked("-- runbook: allow drop-table because it is empty\ndo $$ begin\n  drop table tasks;\nend $$;")

    assert report.findings == ()


def test_a_mark_in_a_text_is_no_waiver() -> None:
    """Only a line that is a comment counts."""
    report = checked("select f('-- runbook: allow drop-table because it is empty');\ndrop table tasks;")

    assert [each.rule for each in report.findings] == ["drop-table"]
