"""Proofs fail when they should: what they say holds is looked for, in the database and on the platform."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from drill_support.drills import scene

from runbook.drill.database import execute
from runbook.drill.platform_state import PROJECT_HOST, PlatformState
from runbook.drill.proofs import check_proof, prove_nothing_lost, prove_stayed_inside, take_inventory, unwalked
from runbook.drill.sandbox import Sandbox
from runbook.journal.events import OptionChosen, Outcome, Purpose, StepFinished, StepStarted
from runbook.loading import PACKAGED_BOOK, read_book
from runbook.model import Proof, Scenario

NOW = datetime(2026, 11, 23, 1, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Open one sandbox for all proofs; they only look."""
    scenario = Scenario(deployed={"hello": "Deno.serve()"}, secrets={"KEY": "1"})
    with scene(scenario) as opened:
        opened.platform.state.requests.append("GET /v1/projects/x/functions")
        yield opened


@pytest.mark.parametrize(
    ("proof", "held", "found"),
    [
        pytest.param(Proof(text="t", sql="select count(*) from public.tasks", equals="36"), True, "", id="sql"),
        pytest.param(
            Proof(text="t", sql="select count(*) from public.tasks", equals="35"),
            False,
            "wanted 35, found 36",
            id="other",
        ),
        pytest.param(Proof(text="t", sql="select true", equals="true"), True, "", id="boolean"),
        pytest.param(Proof(text="t", function="hello", source="Deno", equals="1"), True, "", id="source"),
        pytest.param(
            Proof(text="t", function="hello", source="throw", equals="1"),
            False,
            "wanted version 1, found version 1 without 'throw' in its source",
            id="other-source",
        ),
        pytest.param(
            Proof(text="t", function="hello", equals="1", verify_jwt="false", entrypoint="main.ts"),
            False,
            "wanted version 1, verify_jwt false, entrypoint main.ts, found version 1, verify_jwt true, entrypoint ",
            id="settings",
        ),
        pytest.param(Proof(text="t", secret="KEY", equals="1"), True, "", id="value"),
        pytest.param(Proof(text="t", secret="KEY", equals="2"), False, "wanted 2, found 1", id="other-value"),
        pytest.param(Proof(text="t", secret="NO", equals="2"), False, "wanted 2, found not set", id="no-value"),
        pytest.param(Proof(text="t", sql="select null", equals="null"), True, "", id="null"),
        pytest.param(
            Proof(text="t", sql="select 1 where false", equals="1"), False, "wanted 1, found no row", id="empty"
        ),
        pytest.param(Proof(text="t", sql="select 1 from nowhere", equals="1"), False, "nowhere", id="broken-sql"),
        pytest.param(Proof(text="t", history=("base",)), True, "", id="history"),
        pytest.param(
            Proof(text="t", history=("base", "more")), False, "wanted base, more, found base", id="short-history"
        ),
        pytest.param(Proof(text="t", function="hello", equals="1"), True, "", id="function"),
        pytest.param(Proof(text="t", function="hello", equals="2"), False, "found version 1", id="old-function"),
        pytest.param(Proof(text="t", function="bye", equals="1"), False, "no such function", id="no-function"),
        pytest.param(Proof(text="t", secret="KEY"), True, "", id="secret"),
        pytest.param(Proof(text="t", secret="OTHER"), False, "not set", id="no-secret"),
        pytest.param(Proof(text="t", request="^GET .*/functions$", equals="yes"), True, "", id="request"),
        pytest.param(Proof(text="t", request="^DELETE ", equals="no"), True, "", id="no-request"),
        pytest.param(Proof(text="t", request="^GET ", equals="no"), False, "found yes", id="forbidden-request"),
    ],
)
def test_a_proof_compares_with_what_is_there(sandbox: Sandbox, proof: Proof, held: bool, found: str) -> None:
    """Each kind of proof holds for what is so and fails, with what it found, for what is not."""
    result = check_proof(proof, sandbox.postgres.admin_url, sandbox.platform.state)

    assert result.held is held
    assert found in result.found


@pytest.mark.parametrize(
    ("statement", "gone"),
    [
        pytest.param("delete from public.generations where id < 3", "2 of 24 rows of generations", id="rows"),
        pytest.param("truncate auth.users cascade", "12 of 12 rows of auth.users", id="users"),
        pytest.param("drop table public.generations", "table generations", id="table"),
        pytest.param("alter table public.tasks disable row level security", "row level security of tasks", id="rls"),
        pytest.param(
            "drop policy tasks_are_read_by_users on public.tasks", "policy tasks_are_read_by_users", id="policy"
        ),
        pytest.param(
            "drop trigger create_generation_on_task_complete on public.tasks", "trigger create_gen", id="trigger"
        ),
        pytest.param(
            "drop function public.create_generation_on_task_complete cascade",
            "function public.create_gen",
            id="function",
        ),
        pytest.param("delete from supabase_migrations.schema_migrations", "version 20260101000000", id="history"),
        pytest.param("alter table public.tasks drop column project", "column project of tasks", id="column"),
    ],
)
def test_what_is_destroyed_is_named(statement: str, gone: str) -> None:
    """A walk that destroys something fails its drill, whatever the drill's own proofs say."""
    with scene() as opened:
        before = take_inventory(opened.postgres.admin_url, opened.platform.state)
        execute(opened.postgres.admin_url, statement)
        result = prove_nothing_lost(before, take_inventory(opened.postgres.admin_url, opened.platform.state))

    assert not result.held
    assert gone in result.found


def test_changes_that_destroy_nothing_are_no_loss() -> None:
    """New rows, changed values and new objects are what procedures are for."""
    with scene(Scenario(deployed={"hello": "1"})) as opened:
        before = take_inventory(opened.postgres.admin_url, opened.platform.state)
        execute(
            opened.postgres.url,
            "insert into public.tasks (project) values ('new')",
            "update public.generations set thumbnail_url = null",
            "create or replace function public.create_generation_on_task_complete() returns trigger language plpgsql "
            "as $$ begin return new; end $$",
            "drop index public.tasks_status",
        )
        opened.platform.state.deploy("hello", (), {})
        after = take_inventory(opened.postgres.admin_url, opened.platform.state)

    assert prove_nothing_lost(before, after).held


def test_a_lost_function_or_secret_is_named() -> None:
    """The platform's things count as much as the database's."""
    with scene(Scenario(deployed={"hello": "1"}, secrets={"KEY": "1"})) as opened:
        before = take_inventory(opened.postgres.admin_url, opened.platform.state)
        opened.platform.state.functions.clear()
        opened.platform.state.secrets.clear()
        result = prove_nothing_lost(before, take_inventory(opened.postgres.admin_url, opened.platform.state))

    assert result.found == "gone: edge function hello, secret KEY"


def test_an_attempt_to_leave_fails() -> None:
    """Nobody may be called outside; what was tried is named once."""
    result = prove_stayed_inside(["CONNECT api.supabase.com:443", "CONNECT api.supabase.com:443"])

    assert not result.held
    assert result.found == "tried: CONNECT api.supabase.com:443"
    assert prove_stayed_inside([]).held
    assert prove_stayed_inside([f"CONNECT {PROJECT_HOST}:443"]).held, "link asks the drill's own project"
    assert not prove_stayed_inside([f"CONNECT {PROJECT_HOST}.example.com:443"]).held


_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _done(step: str, outcome: Outcome = Outcome.PASSED) -> StepFinished:
    return StepFinished(at=_NOW, step=step, purpose=Purpose.RUN, outcome=outcome)


@pytest.mark.parametrize(
    ("names", "left"),
    [
        (("tell", "which", "one", "push/apply"), ()),
        (("which/one", "apply"), ()),
        (("apply", "one"), ("one",)),
        (("tell", "failed", "one"), ("failed",)),
        (("tell", "tell"), ("tell",)),
        (("nothing",), ("nothing",)),
    ],
)
def test_steps_count_as_walked_when_they_were_done_in_that_order(names: tuple[str, ...], left: tuple[str, ...]) -> None:
    """By id or path, questions by their answer; what failed, or came earlier, is told."""
    events = (
        _done("before/tell"),
        OptionChosen(at=_NOW, step="which", option="Yes"),
        _done("failed", Outcome.FAILED),
        _done("which/one[x]"),
        _done("push/apply"),
    )
    assert unwalked(names, events) == left


def test_proof_of_a_diagnosis_fails_for_another_error() -> None:
    """A drill holds that a failed step was recognized as that known error, and fails where nothing failed."""
    events = (
        StepStarted(at=NOW, step="push", purpose=Purpose.RUN, argv=("npx", "supabase", "db", "push"), effect="writes"),
        StepFinished(
            at=NOW, step="push", purpose=Purpose.RUN, outcome=Outcome.FAILED, exit=1, seconds=1,
            output='ERROR: relation "tags" already exists (SQLSTATE 42P07)', evidence="", captured={},
        ),
    )  # fmt: skip
    errors = read_book(PACKAGED_BOOK).errors

    def found(**wanted: str) -> str:
        return check_proof(Proof(text="t", diagnosed=wanted), "", PlatformState(), events, errors).found

    assert found(push="table-exists") == ""
    assert found(push="column-exists") == "push was recognized as table-exists, not as column-exists"
    assert found(call="table-exists") == "call didn't fail"


def test_migration_files_are_compared_by_name_and_by_content(sandbox: Sandbox) -> None:
    """`files` holds for exactly these names, `modified` for exactly those that differ from the newest commit."""
    base = sandbox.project / "supabase" / "migrations" / "20260101000000_base.sql"

    def holds(**form: tuple[str, ...]) -> bool:
        proof = Proof(text="t", **form)  # type: ignore[arg-type]
        return check_proof(proof, sandbox.postgres.admin_url, sandbox.platform.state, project=sandbox.project).held

    assert holds(files=(base.name,))
    assert not holds(files=())
    assert holds(modified=())
    text = base.read_text(encoding="utf-8")
    base.write_text(text.replace("\n\n", "\n"), encoding="utf-8")
    assert not holds(modified=())
    assert holds(modified=(base.name,))
    base.write_text(text, encoding="utf-8")
    assert not check_proof(Proof(text="t", files=()), sandbox.postgres.admin_url, sandbox.platform.state).held
