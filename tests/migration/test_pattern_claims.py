"""The book's patterns and the migration check agree with each other, and with PostgreSQL about locks and rewrites."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from support.patterns import apply, scratch
from support.table_effects import Effect, effects
from support.throwaway import BASE_MIGRATION, Postgres, project_sql, throwaway_postgres

from runbook.loading import PACKAGED_BOOK, read_book
from runbook.migration.check import check_migrations
from runbook.migration.finding import Report
from runbook.migration.rules import read_setup
from runbook.migration.source import MigrationFile
from runbook.model import Pattern
from runbook.model.book import files_of

BOOK = read_book(PACKAGED_BOOK)
PATTERNS = {pattern.id: pattern for pattern in BOOK.patterns}
REVIEWED = re.compile(r"review \((?P<procedure>[a-z-]+), step (?P<step>[a-z-]+)\)")


def report_on(sql: str) -> Report:
    """Check a pattern file by file, after the migration that makes the drills' schema."""
    base = MigrationFile("migrations/20250101000000_base.sql", project_sql(BASE_MIGRATION).encode(), judged=False)
    files = [
        MigrationFile(f"migrations/2026010100000{number}_change.sql", text.encode())
        for number, text in enumerate(files_of(sql))
    ]
    return check_migrations([base, *files], read_setup())


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_a_safe_form_passes(pattern: Pattern) -> None:
    """It has no error and no warning, but for the header that a pattern leaves out; every waiver is needed."""
    found = [each for each in report_on(pattern.safe).findings if each.rule != "header"]
    assert [each for each in found if each.level in {"error", "warning"}] == []


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_an_unsafe_form_is_caught_by_what_it_names(pattern: Pattern) -> None:
    """Each named rule reports it, and doesn't report the safe form; or a step of a procedure reviews it."""
    if review := REVIEWED.fullmatch(pattern.caught_by[0]):
        assert review["step"] in {step.id for step in BOOK.procedure(review["procedure"]).steps}
        return
    assert set(pattern.caught_by) <= {each.rule for each in report_on(pattern.unsafe).findings}
    assert not set(pattern.caught_by) & {each.rule for each in report_on(pattern.safe).findings}


def test_an_unsafe_form_that_can_be_caught_by_an_error_names_one() -> None:
    """All but two end a check with errors: a handler may be meant, and a query isn't a migration."""
    passed = {name for name, pattern in PATTERNS.items() if not report_on(pattern.unsafe).has_errors}
    assert passed == {"errors-in-triggers", "prove-it"}


EXCLUSIVE, ROWS_STAY = "ACCESS EXCLUSIVE", Effect("ACCESS EXCLUSIVE")
EFFECTS: dict[tuple[str, str], list[dict[str, Effect] | None]] = {
    ("add-column", "safe"): [{"tasks": ROWS_STAY}],
    ("add-column", "unsafe"): [{"tasks": Effect(EXCLUSIVE, "rewritten")}],
    ("required-later", "safe"): [
        {"tasks": ROWS_STAY},
        {"tasks": Effect("SHARE UPDATE EXCLUSIVE", "read")},
        {"tasks": ROWS_STAY},
    ],
    ("required-later", "unsafe"): [{"tasks": Effect(EXCLUSIVE, "read")}],
    ("rename-column", "safe"): [{"generations": ROWS_STAY}],
    ("rename-column", "unsafe"): [{"generations": ROWS_STAY}],
    ("replace-function", "safe"): [{}],
    ("change-arguments", "safe"): [{}],
    ("add-index", "unsafe"): [{"generations": Effect("SHARE", "read")}],
    ("unique", "safe"): [None, {"generations": ROWS_STAY}],
    ("unique", "unsafe"): [{"generations": Effect(EXCLUSIVE, "read")}],
    ("check-constraint", "safe"): [{"tasks": ROWS_STAY}, {"tasks": Effect("SHARE UPDATE EXCLUSIVE", "read")}],
    ("check-constraint", "unsafe"): [{"tasks": Effect(EXCLUSIVE, "read")}],
    ("foreign-key", "safe"): [
        {"generations": Effect("SHARE ROW EXCLUSIVE"), "tasks": Effect("SHARE ROW EXCLUSIVE")},
        {"generations": Effect("SHARE UPDATE EXCLUSIVE", "read")},
    ],
    ("foreign-key", "unsafe"): [
        {"generations": Effect("SHARE ROW EXCLUSIVE", "read"), "tasks": Effect("SHARE ROW EXCLUSIVE", "read")}
    ],
    ("enum-value", "safe"): [{}, {}, {"tasks": ROWS_STAY}],
    ("change-type", "safe"): [{"generations": ROWS_STAY}],
    ("change-type", "unsafe"): [{"generations": Effect(EXCLUSIVE, "rewritten")}],
    ("drop-column", "safe"): [{}, {"generations": ROWS_STAY}],
    ("drop-table", "safe"): [{"generations": ROWS_STAY}, {"tasks": ROWS_STAY}],
    ("drop-table", "unsafe"): [{"generations": ROWS_STAY, "tasks": ROWS_STAY}],
    ("new-table", "safe"): [{"tasks": Effect("SHARE ROW EXCLUSIVE")}],
    ("new-view", "safe"): [{}],
    ("prove-it", "safe"): [{}],
}
"""What each file does to the tables that were there before. None: it runs outside a transaction."""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """Run one throwaway PostgreSQL for all patterns."""
    with throwaway_postgres() as running:
        yield running


@pytest.mark.parametrize(("name", "form"), EFFECTS, ids=["-".join(key) for key in EFFECTS])
def test_a_form_locks_and_rewrites_what_it_claims(server: Postgres, name: str, form: str) -> None:
    """File by file, the locks and the work are those that the page, and the check's messages, speak of."""
    texts = files_of(getattr(PATTERNS[name], form))
    with scratch(server, f"claims_{name}_{form}".replace("-", "_")) as database:
        for text, claimed in zip(texts, EFFECTS[name, form], strict=True):
            if claimed is not None:
                assert effects(database, text) == claimed
            apply(database, text)
