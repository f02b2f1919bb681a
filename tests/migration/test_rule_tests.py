"""`runbook check` runs the examples of the rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject
from runbook.loading import PACKAGED_BOOK, read_book
from runbook.migration.rule_tests import check_rules
from runbook.model import Book, Position
from runbook.model.migration_rule import MigrationExample, MigrationRule

BOOK = read_book(PACKAGED_BOOK)
RULE = next(rule for rule in BOOK.migration_rules if rule.id == "drop-table")


def problems(book: Book) -> list[str]:
    """Return what the check of the rules reports."""
    notes = Notes(book)
    check_rules(Subject(book), notes)
    return [each.message for each in notes.findings]


def with_rule(change: Callable[[MigrationRule], MigrationRule]) -> Book:
    """Return the packaged book with one rule changed."""
    rules = tuple(change(rule) if rule.id == RULE.id else rule for rule in BOOK.migration_rules)
    return replace(BOOK, migration_rules=rules)


def test_the_packaged_rules_have_no_problem() -> None:
    """Each example is judged as its entry says."""
    assert problems(BOOK) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rule: replace(rule, fails=rule.passes), "'drop-table' doesn't report this example"),
        (lambda rule: replace(rule, passes=rule.fails), "'drop-table' reports this example, which should pass"),
        (
            lambda rule: replace(rule, fails=(MigrationExample(sql="/*^*/drop table tasks;"),)),
            "'drop-table' reports this example at [(1, 12)], not at (1, 1)",
        ),
        (lambda rule: replace(rule, waived=rule.fails[0]), "'drop-table' isn't waived in this example"),
        (lambda rule: replace(rule, id="drop-tables"), "no code detects the rule 'drop-tables'"),
    ],
)
def test_an_example_that_is_judged_otherwise_is_a_problem(
    change: Callable[[MigrationRule], MigrationRule], message: str
) -> None:
    """The author sees which rule, and what was found instead."""
    assert message in problems(with_rule(change))


def test_a_book_of_a_team_cannot_have_rules() -> None:
    """Rules need code, which a book can't have."""
    book = with_rule(lambda rule: replace(rule, at=Position("team-runbook/migration_rules.yaml", 2, 5)))

    assert problems(book) == ["the rules are the package's; set their levels in team.yaml, under migrations"]
