"""What the guard looks up in a policy is the same whether its tables are built at once or entry by entry."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from runbook.guard.command_line import packaged_policy
from runbook.guard.outline import Outline
from runbook.model import Policy
from runbook.model.later import Later, Row, columns, said_in, where

NAMES = ("supabase", "psql", "curl", "npx", "sudo", "aws", "python", ".py", "make", "composer", "unknown")


@pytest.fixture(scope="module")
def policy() -> Policy:
    """Return the packaged policy as the guard reads it the second time."""
    packaged_policy()
    packaged_policy.cache_clear()
    found = packaged_policy()
    assert isinstance(found.rules, Later)
    return found


@pytest.fixture(scope="module")
def built(policy: Policy) -> Policy:
    """Return the same policy with all entries built."""

    def whole(value: Any) -> Any:
        return tuple(value) if isinstance(value, Later) else value

    tables = {each.name: whole(getattr(policy.programs, each.name)) for each in fields(policy.programs)}
    programs = replace(policy.programs, **tables)
    return replace(
        policy, **{each.name: whole(getattr(policy, each.name)) for each in fields(policy)} | {"programs": programs}
    )


def test_both_forms_are_equal_and_give_the_same_outline(policy: Policy, built: Policy) -> None:
    """Nothing about an entry depends on when it is built."""
    assert policy == built
    one, other = Outline(policy), Outline(built)
    for name in ("programs", "risky", "commanded", "counting", "workspaces"):
        assert getattr(one, name) == getattr(other, name), name
    for name in NAMES:
        for lookup in ("minded", "launchers", "interpreters", "task_runners", "command_files"):
            assert getattr(one, lookup)(name) == getattr(other, lookup)(name), (lookup, name)
    assert one.minded("supabase")
    assert one.launchers("sudo")


def test_a_lookup_builds_only_the_entries_that_it_returns(policy: Policy) -> None:
    """The guard starts before every command, and a policy has hundreds of entries."""
    built: list[int] = []

    def build(at: int) -> int:
        built.append(at)
        return at

    rows = [Row({"program": "a", "also": ["c"]}, frozenset({"refuse"})), Row({"program": "b"}, frozenset())]
    table = Later(rows, build)

    assert where(table, "c", "program", "also") == (0,)
    assert columns(table, "program", "also") == [("a", ["c"]), ("b", ())]
    assert said_in(table) == [frozenset({"refuse"}), frozenset()]
    assert built == [0]
    assert table[1:] == (1,)
    assert table == (0, 1)
    assert built == [0, 1]
