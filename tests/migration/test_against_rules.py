"""Every rule that needs a database: its examples in the book are true on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from support.migration_databases import Database, database_server, write_migrations

from runbook.migration import against
from runbook.migration.against import check_against
from runbook.migration.database.facts import read_facts
from runbook.migration.detectors import DATABASE_RULES
from runbook.migration.finding import Finding
from runbook.migration.rules import Setup, read_rules
from runbook.model.migration_rule import PLACE, MigrationExample
from runbook.model.migration_settings import MigrationSettings
from runbook.model.terms import Position


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """Run one server for all examples."""
    with database_server() as running:
        yield running


def cases(which: str) -> list[Any]:
    """Return a case for each example of each rule that needs a database."""
    return [
        pytest.param(rule.id, example, id=f"{rule.id}-{number}")
        for rule in read_rules().values()
        if rule.id in DATABASE_RULES
        for number, example in enumerate(getattr(rule, which))
    ]


def found(
    example: MigrationExample, database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> list[Finding]:
    """Check the file of an example against a database that is as the example says."""

    def aged(document: Any) -> Any:
        for session in document["sessions"] or ():
            session["open"] += example.open_seconds
        return read_facts(document)

    database.reset(example.database, example.history)
    write_migrations(folder, {example.name: example.sql.replace(PLACE, "")})
    settings = MigrationSettings(at=Position("", 1, 1), postgres=example.postgres)
    monkeypatch.setattr(against, "read_setup", lambda _: Setup(read_rules(), settings))
    monkeypatch.setattr(against, "read_facts", aged)
    with database.sessions(example.open, example.waiting) if example.open else nullcontext():
        return list(check_against([folder], database.url).findings)


@pytest.mark.parametrize(("rule", "example"), cases("fails"))
def test_an_example_that_must_fail_is_reported_at_its_place(
    rule: str, example: MigrationExample, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rule reports the example, at the line and column that it marks."""
    findings = [each for each in found(example, database, tmp_path, monkeypatch) if each.rule == rule]
    assert findings
    if PLACE in example.sql:
        before = example.sql.partition(PLACE)[0]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        assert (line, column) in {(each.line, each.column) for each in findings}


@pytest.mark.parametrize(("rule", "example"), cases("passes"))
def test_an_example_that_must_pass_is_not_reported(
    rule: str, example: MigrationExample, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rule doesn't report the example."""
    assert rule not in {each.rule for each in found(example, database, tmp_path, monkeypatch)}
