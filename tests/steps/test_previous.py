"""The step that finds the earlier definition of an object, and checks that the object has it again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.walks import AT, policy

from runbook.errors import UsageError
from runbook.filling import fill_text
from runbook.model import Effect
from runbook.policy.sql_effect import effect_of
from runbook.steps import view
from runbook.steps.destination import production
from runbook.steps.previous import Previous

KINDS = ("function", "object", "access", "column", "migration")
"""The kinds whose statements a file takes as a whole; an index is put together from its parts."""
VALUES = {"table": "t", "name": "o'brien", "version": "2026"}


def answer(step: Previous, history: list[tuple[str, str]], values: dict[str, str], **facts: Any) -> dict[str, Any]:
    """Return what the step makes of the database's answer."""
    found = {"next_version": "20260201000000", "history": history, **facts}
    reader = step._reader(lambda template: fill_text(template, values))
    read: dict[str, Any] = json.loads(reader(json.dumps([{"found": found}])))
    return read


def index(name: str) -> dict[str, Any]:
    """Return an index of the catalogue."""
    return {
        "schema": "public", "name": name, "kind": "i", "rls": False, "size": None, "definition": None, "grants": None,
        "columns": None, "constraints": None,
    }  # fmt: skip


@pytest.mark.parametrize("of", ["function", "migration"])
def test_the_query_reads_and_no_name_ends_its_text(of: str) -> None:
    """A name with a quote stays a text."""
    statement = Previous(of=of, name="{{name}}", at=AT)._statement(VALUES)
    assert "'o''brien'" in statement
    assert effect_of(statement, read_only=True) is Effect.READS


def test_braces_in_a_name_are_not_filled_in_again() -> None:
    """A value is data, even if it looks like a placeholder."""
    to = production(policy(), 3, {"project_ref": "abcdefghijklmnopqrst"})
    argv = Previous(of="index", name="{{name}}", at=AT).argv({"name": "{{other}}"}, to)
    assert "'{{other}}'" in argv[-1]


def test_what_goes_back_is_captured_with_a_version_later_than_all() -> None:
    """The file's version and name, the statement and the proof come from one look."""
    step = Previous(of="index", name="{{name}}", at=AT)
    history = [("1", "create unique index if not exists i_idx on t (a) where a > 0"), ("2", "drop index i_idx")]
    found = answer(step, history, {"name": "i_idx"})
    assert (found["_kind"], found["_rest"]) == ("unique index", "i_idx on t (a) where a > 0")
    assert (found["_file_version"], found["_file_name"]) == ("20260201000000", "i_idx")
    assert found["restores"] == "1"
    assert found["difference"].startswith("--- runs now\n+++ restored\n")
    assert "+create unique index" in found["difference"]


def test_the_proof_of_one_look_is_compared_at_the_next() -> None:
    """It holds only once the object is there."""
    history = [("1", "create index i_idx on t (a)")]
    proof = answer(Previous(of="index", name="i_idx", at=AT), history, {})["_proof"]
    again = Previous(of="index", name="i_idx", must_be="{{proof}}", at=AT)
    missing = answer(again, history, {"proof": proof})
    assert missing == {
        "all_as_before": False, "objects": [{"object": "index public.i_idx", "as_before": "it isn't there"}],
    }  # fmt: skip
    assert answer(again, history, {"proof": proof}, relations=[index("i_idx")])["all_as_before"] is True


@pytest.mark.parametrize("proof", ["[]", "<function_proof>"])
def test_nothing_compared_is_never_green(proof: str) -> None:
    """A skipped look leaves nothing to compare with."""
    step = Previous(of="index", name="i_idx", must_be="{{proof}}", at=AT)
    if proof == "[]":
        assert answer(step, [], {"proof": proof})["all_as_before"] is False
    else:
        with pytest.raises(UsageError, match="skipped"):
            answer(step, [], {"proof": proof})


@pytest.mark.parametrize("proof", [None, "{{proof}}"])
def test_a_page_names_the_column(proof: str | None) -> None:
    """The query that a page shows names only the table."""
    to = production(policy(), 3, {"project_ref": "abcdefghijklmnopqrst"})
    step = Previous(of="column", name="{{table}}", column="{{column}}", must_be=proof, at=AT)
    shown = next(iter(step.view({"table": "t", "column": "total", "proof": "x"}, to)))
    assert isinstance(shown, view.Prose)
    assert "column total of t" in shown.text


def test_who_restores_it_by_hand_reads_which_statement_to_write() -> None:
    """A dropped column takes another statement than a function: its whole `create table` would fail."""
    said = {of: Previous(of=of, name="{{table}}", column="{{gone}}", at=AT).by_hand["_fix"] for of in KINDS}
    assert "`alter table {{table}} add column {{gone}} TYPE;`" in said.pop("column")
    assert len(set(said.values())) == len(said)
    assert all(said.values())
