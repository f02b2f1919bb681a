"""The table of locks, and which of its kinds each statement is."""

from __future__ import annotations

import pytest

from runbook.migration.lock_kinds import locks_of
from runbook.migration.locks import EXAMPLE_SCHEMA, LOCKS, Mode, describe
from runbook.migration.source import Source
from runbook.migration.statements import parse

_BY_STATE = frozenset({"change-collation", "change-rows", "validate-foreign-key", "widen-type"})
"""Kinds that depend on the table as it is, or that block nobody."""


@pytest.mark.parametrize("kind", sorted(set(LOCKS) - _BY_STATE))
def test_an_example_of_the_table_is_recognized_with_its_mode(kind: str) -> None:
    """The statement takes the kind's lock on the relation that the table says."""
    lock = LOCKS[kind]
    (statement,) = parse(Source("x.sql", lock.example)).statements
    found = [*locks_of(statement)]

    assert kind in {each.kind for each in found}
    assert lock.mode in {each.lock.mode for each in found}


def test_the_examples_and_their_schema_are_valid_sql() -> None:
    """A test on PostgreSQL runs them."""
    assert parse(Source("x.sql", EXAMPLE_SCHEMA)).broken == []
    for lock in LOCKS.values():
        assert len(parse(Source("x.sql", lock.example)).statements) == 1


def test_a_description_has_mode_object_effect_and_duration() -> None:
    """One sentence, from the table alone."""
    assert describe("add-check", "public.tasks") == (
        "takes ACCESS EXCLUSIVE on public.tasks, which blocks reads and writes while every row is read"
    )
    assert Mode.SHARE.blocks == "writes"
    assert not Mode.SHARE_UPDATE_EXCLUSIVE.is_exclusive
