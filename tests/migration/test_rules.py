"""The rules of the migration check: each is tested by its own examples, and together by public statements."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from runbook.migration.check import check_migrations
from runbook.migration.detectors import DATABASE_RULES, rule_ids
from runbook.migration.finding import Report
from runbook.migration.rule_tests import check_example
from runbook.migration.rules import Setup, read_rules
from runbook.migration.source import SIZE_LIMIT, MigrationFile
from runbook.model.migration_rule import PLACE, MigrationExample
from runbook.model.migration_settings import MigrationSettings
from runbook.model.terms import Position

RULES = read_rules()
BY_FILES = [rule for rule in RULES if rule not in DATABASE_RULES]
"""Those that the files alone decide. `test_against_rules` runs the examples of the others on PostgreSQL."""
SETUP = Setup(RULES, MigrationSettings(at=Position("", 1, 1)))
NOW = datetime(2026, 6, 1)
STATEMENTS = [
    line.split("\t")
    for line in (Path(__file__).parent / "data/statements.tsv").read_text(encoding="utf-8").splitlines()[1:]
]


def checked(sql: str, name: str = "20260101000000_x.sql") -> Report:
    """Check one file."""
    return check_migrations([MigrationFile(name, sql.encode())], SETUP, now=NOW)


def test_every_rule_has_code_and_every_detector_a_rule() -> None:
    """The data and the code name the same rules."""
    assert set(RULES) == rule_ids()


def test_the_rule_about_large_files_names_the_limit() -> None:
    """A reader who splits a file has to know how small it must be."""
    assert f"{SIZE_LIMIT:,} bytes" in RULES["unreadable-file"].catches


@pytest.mark.parametrize("rule", RULES)
def test_an_example_is_shown_in_lines_that_a_reader_can_follow(rule: str) -> None:
    """What is nested a thousand times is cut."""
    shown = [each.shown for each in (*RULES[rule].fails, *RULES[rule].passes)]
    assert max(len(line) for each in shown for line in each.split("\n")) <= 200


@pytest.mark.parametrize("rule", RULES)
def test_a_reader_sees_what_makes_the_difference(rule: str) -> None:
    """The safe example and the reported one don't look alike."""
    assert RULES[rule].fails[0].shown != RULES[rule].passes[0].shown


@pytest.mark.parametrize("rule", BY_FILES)
def test_a_rule_reports_its_failing_examples_at_the_marked_place(rule: str) -> None:
    """At least two files fail with the rule, at the exact line and column."""
    assert len(RULES[rule].fails) > 1
    for example in RULES[rule].fails:
        report, place = check_example(example, RULES)
        found = [each for each in report.findings if each.rule == rule]

        assert place is not None, f"{example.sql!r} doesn't mark the place"
        assert place in [(each.line, each.column) for each in found], (example.sql, report.findings)
        assert {each.level for each in found} == {RULES[rule].level}
        assert all(each.message and each.fix == RULES[rule].fix for each in found)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_says_nothing_about_its_passing_examples(rule: str) -> None:
    """At least two files that look alike pass."""
    assert len(RULES[rule].passes) > 1
    for example in RULES[rule].passes:
        report, _ = check_example(example, RULES)
        assert [each for each in report.findings if each.rule == rule] == [], example.sql


@pytest.mark.parametrize("rule", [rule for rule, data in RULES.items() if data.can_be_waived])
def test_a_waived_finding_is_shown_with_its_reason_and_does_not_count(rule: str) -> None:
    """The comment right above the statement accepts it."""
    example = RULES[rule].waived
    assert example is not None
    report, _ = check_example(example, RULES)

    assert rule in {each.finding.rule for each in report.waived}
    assert all(each.reason for each in report.waived)
    assert not {each.rule for each in report.findings} & {rule, "waiver"}


@pytest.mark.parametrize("rule", [rule for rule in BY_FILES if not RULES[rule].can_be_waived])
def test_a_rule_that_cannot_be_waived_is_reported_all_the_same(rule: str) -> None:
    """Nobody can accept a file that the CLI skips, or one that can't be read."""
    example = RULES[rule].fails[0]
    above = f"-- runbook: allow {rule} because I say so\n{example.sql.replace(PLACE, '')}"
    changed = MigrationExample(
        sql=above,
        name=example.name,
        earlier=example.earlier,
        base=example.base,
        removes=example.removes,
        postgres=example.postgres,
    )
    report, _ = check_example(changed, RULES)

    assert rule in {each.rule for each in report.findings}
    assert rule not in {each.finding.rule for each in report.waived}


@pytest.mark.parametrize(("sql", "expected", "rule", "source"), STATEMENTS, ids=[each[0][:60] for each in STATEMENTS])
def test_a_public_statement_alone_in_a_file_is_judged_as_expected(
    sql: str, expected: str, rule: str, source: str
) -> None:
    """A harmful one gives an error of the named rule, a harmless one near it gives none."""
    errors = {each.rule for each in checked(f"{sql};\n").findings if each.level == "error"}

    if expected == "error":
        assert rule in errors, source
    else:
        assert errors == set(), source


def test_a_message_about_a_lock_says_mode_object_effect_and_duration() -> None:
    """The facts come from the table of locks."""
    (found,) = [each for each in checked("create index i on tasks (note);").findings if each.level == "error"]

    assert found.message == "CREATE INDEX i takes SHARE on public.tasks, which blocks writes while the index is built"


@pytest.mark.parametrize(
    "sql",
    [
        (
            "create table public.notes (id int, owner uuid);\nalter table notes enable row level security;\n"
            "alter table only notes add column body text not null;\ncreate index on notes (owner);\n"
            "alter table notes add constraint c check (id > 0);\nalter table notes alter column body type varchar(9);\n"
            "update notes set id = 1;\ndelete from notes;\ntruncate public.notes;\ndrop table notes;"
        ),
        "set search_path = private;\ncreate table notes (id int);\ndrop table private.notes;",
        "create temp table t (id int);\ndelete from t;\ndrop table t;",
        "create schema scratch;\ncreate table scratch.a (id int);\ndrop schema scratch cascade;",
        (
            "create table notes_new (id int);\nalter table notes_new rename to notes2;\ndelete from notes2;\n"
            "alter table notes2 enable row level security;"
        ),
    ],
)
def test_objects_of_the_same_file_are_no_danger(sql: str) -> None:
    """Nobody uses what the file itself creates, whether a name has its schema or not."""
    assert [each.rule for each in checked(sql).findings if each.level == "error"] == []


def test_the_search_path_of_the_file_decides_which_table_a_name_means() -> None:
    """A table in another schema isn't the one that the file creates."""
    sql = "create table private.notes (id int);\ndrop table notes;"

    assert [each.rule for each in checked(sql).findings if each.level == "error"] == ["drop-table"]
