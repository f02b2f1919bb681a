"""A statement that an earlier query wrote: policy judges what runs, and a page says what such a step does."""

from __future__ import annotations

import pytest
from support.policies import book_policy

from runbook.filling import Shown
from runbook.model import Effect, Position, Verdict
from runbook.steps.destination import prepare
from runbook.steps.destination import production as hosted
from runbook.steps.sql import Sql

AT = Position("procedures/x.yaml", 1, 1)
TO = hosted(book_policy(), 2, {"project_ref": "abcdefghijklmnopqrst"})


def written(*, writes: bool) -> Sql:
    """Return a step whose statement an earlier query wrote."""
    return Sql(statement="{{fix}}", at=AT, writes=writes)


@pytest.mark.parametrize(
    ("statement", "effect", "verdict"),
    [
        ("select count(*) from public.tasks", Effect.READS, Verdict.ALLOW),
        ("insert into public.tasks (id) select id from backup.tasks", Effect.WRITES, Verdict.CONFIRM),
        ("do $x$ begin truncate public.tasks; end $x$", Effect.DESTROYS, Verdict.REFUSE),
        ("<fix>", Effect.WRITES, Verdict.CONFIRM),
        ("vacuum", Effect.WRITES, Verdict.CONFIRM),
    ],
)
def test_policy_judges_the_statement_that_runs(statement: str, effect: Effect, verdict: Verdict) -> None:
    """Whatever the author said of it."""
    prepared = prepare(written(writes=False), {"fix": statement}, TO)

    assert prepared.argv[-1] == statement
    assert prepared.effect is effect
    assert prepared.judgement is not None
    assert prepared.judgement.verdict is verdict


@pytest.mark.parametrize(("writes", "effect"), [(False, Effect.READS), (True, Effect.WRITES)])
def test_a_page_says_what_the_author_says_of_it(writes: bool, effect: Effect) -> None:
    """There is no statement to judge before a query has written it."""
    assert prepare(written(writes=writes), Shown({}), TO).effect is effect


def test_a_page_that_knows_the_statement_judges_it() -> None:
    """A dry run knows what reading steps have found."""
    assert prepare(written(writes=False), Shown({"fix": "delete from t"}), TO).effect is Effect.DESTROYS
