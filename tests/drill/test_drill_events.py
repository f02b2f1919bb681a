"""Events during a walk: whatever happens, the operator is told the truth, and the proofs hold."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import psycopg
import pytest
from drill_support.drills import hold, migration, scene

from runbook.drill.database_relay import Break, open_relay
from runbook.drill.director import EVENTS, Director
from runbook.errors import ExitCode
from runbook.journal.events import Decision, Outcome, Purpose, StepFinished, StepResolved, StepSkipped
from runbook.loading import PACKAGED_BOOK, read_book
from runbook.model import Book, Drill, Procedure, Proof, Scenario, ScenarioEvent

ADD_NOTE = migration("note", "set lock_timeout = '5s';\nalter table public.tasks add column note text;\n", "pending")
VERSION = ADD_NOTE.name.partition("_")[0]
APPLIED = Proof(text="The file is applied once", history=("base", "note"))
NOT_APPLIED = Proof(text="The file is not applied", history=("base",))


STEPS = {"push-migration": ("preview", "apply", "read-back"), "deploy-edge-function": ("see-source", "first-time")}


@pytest.fixture(scope="module")
def book() -> Book:
    """Read the packaged book once, with only the steps at which something happens here."""
    packaged = read_book(PACKAGED_BOOK)
    short = [cut(packaged.procedure(name), steps) for name, steps in STEPS.items()]
    return replace(packaged, procedures={**packaged.procedures, **{each.id: each for each in short}})


def cut(procedure: Procedure, steps: Collection[str]) -> Procedure:
    """Return a procedure with only those steps."""
    kept = (replace(step, effect_found=None) for step in procedure.steps if step.id in steps)
    return replace(procedure, steps=tuple(kept))


def pushing(events: Sequence[ScenarioEvent], *proofs: Proof, **parts: object) -> Drill:
    """Return a drill of `push-migration` in which something happens."""
    drill = Drill(
        name="events",
        briefing="Push it.",
        scenario=Scenario(migrations=(ADD_NOTE,), events=tuple(events)),
        answers={"version": VERSION},
        prove=proofs,
    )
    return replace(drill, **parts)  # type: ignore[arg-type]


def outcomes(report_events: Sequence[object], step: str) -> list[tuple[Purpose, Outcome]]:
    """Return how each execution for a step ended."""
    return [
        (event.purpose, event.outcome)
        for event in report_events
        if isinstance(event, StepFinished) and event.step == step
    ]


def test_a_push_that_is_killed_goes_on_in_the_server_and_is_found_out(book: Book) -> None:
    """Killed once the server has the file: the end is unknown, the check finds it applied, nothing reruns."""
    drill = pushing([ScenarioEvent("apply", "kill_cli", "after")], APPLIED)
    held = hold(book, "push-migration", drill, major=3)

    assert held.report.passed, (held.report.trouble, held.report.proofs)
    assert outcomes(held.report.events, "apply")[:2] == [
        (Purpose.RUN, Outcome.INTERRUPTED),
        (Purpose.PROBE, Outcome.PASSED),
    ]
    assert [event.decision for event in held.report.events if isinstance(event, StepResolved)] == [Decision.DONE]


def test_a_push_that_is_killed_before_the_server_has_it_is_run_again(book: Book) -> None:
    """Kill -9 before the file is through: the check finds nothing, and only then is the push run again."""
    drill = pushing([ScenarioEvent("apply", "kill_cli", "before", turn=1)], APPLIED)
    held = hold(book, "push-migration", drill, major=2)

    assert held.report.passed, (held.report.trouble, held.report.proofs)
    assert outcomes(held.report.events, "apply") == [
        (Purpose.RUN, Outcome.INTERRUPTED),
        (Purpose.PROBE, Outcome.FAILED),
        (Purpose.RUN, Outcome.PASSED),
        (Purpose.VERIFY, Outcome.PASSED),
    ]


@pytest.mark.parametrize(("major", "when"), [(3, "before"), (2, "after")])
def test_a_dropped_connection_never_applies_twice(book: Book, major: int, when: str) -> None:
    """The line drops in the middle: the push fails, and trying again ends with the file applied exactly once."""
    event = ScenarioEvent("apply", "drop_connection", when, turn=1)
    drill = pushing([event], APPLIED, reactions={"apply": "retry"})
    held = hold(book, "push-migration", drill, major=major)

    assert outcomes(held.report.events, "apply")[0] == (Purpose.RUN, Outcome.FAILED)
    assert held.report.passed, (held.report.trouble, held.report.proofs)


def test_without_a_reaction_a_failed_step_fails_the_drill(book: Book) -> None:
    """A drill that says nothing of a failure stops there and has failed, with the reason."""
    drill = pushing([ScenarioEvent("apply", "drop_connection", "before")], NOT_APPLIED)
    held = hold(book, "push-migration", drill)

    assert not held.report.passed
    assert "'apply' failed" in held.report.trouble
    assert all(proof.held for proof in held.report.proofs)


def test_a_colleague_who_takes_over_is_noticed_before_the_next_command(book: Book) -> None:
    """Somebody takes the target in the middle: nothing more runs, and the reason names who it was."""
    drill = pushing([ScenarioEvent("preview", "second_operator", "Ada")], NOT_APPLIED, ends="held")
    held = hold(book, "push-migration", drill)

    assert held.report.passed, held.report.trouble
    assert held.report.code is ExitCode.TARGET_HELD
    assert outcomes(held.report.events, "apply") == []


@pytest.mark.parametrize(
    ("reactions", "ends", "code"),
    [
        pytest.param({}, "held", ExitCode.TARGET_HELD, id="left-alone"),
        pytest.param({"take-over": "take: Ada has gone home"}, "done", ExitCode.DONE, id="taken-over"),
    ],
)
def test_a_target_that_is_held_is_left_or_taken(
    book: Book, reactions: Mapping[str, str], ends: str, code: ExitCode
) -> None:
    """A colleague holds it from the start: the walk does not begin, or takes over with a reason on record."""
    proof = APPLIED if ends == "done" else NOT_APPLIED
    drill = pushing([ScenarioEvent("start", "second_operator", "Ada")], proof, reactions=reactions, ends=ends)
    held = hold(book, "push-migration", drill)

    assert held.report.passed, (held.report.trouble, held.report.proofs)
    assert held.report.code is code


def test_somebody_who_changes_production_in_the_middle_is_noticed(book: Book) -> None:
    """A file of somebody else lands between the preview and the push: the push fails, and nothing is forced."""
    row = "insert into supabase_migrations.schema_migrations (version, name) values ('20260131000000', 'ada')"
    drill = pushing(
        [ScenarioEvent("apply", "run_sql", row)],
        Proof(text="Only hers is applied", history=("base", "ada")),
        reactions={"apply": "stop: somebody else has pushed"},
        ends="stopped",
    )
    held = hold(book, "push-migration", drill)

    assert held.report.passed, held.report.trouble
    assert outcomes(held.report.events, "apply")[0] == (Purpose.RUN, Outcome.FAILED)


def test_an_answer_may_be_to_skip_with_a_reason(book: Book) -> None:
    """`skip: why` goes past a step that failed, and the reason is on record."""
    row = "insert into supabase_migrations.schema_migrations (version, name) values ('20260131000000', 'ada')"
    drill = pushing(
        [ScenarioEvent("apply", "run_sql", row)],
        reactions={"apply": "skip: Ada has pushed", "read-back": "skip: not ours"},
    )
    held = hold(book, "push-migration", drill)

    skipped = [event.reason for event in held.report.events if isinstance(event, StepSkipped)]
    assert skipped == ["Ada has pushed", "not ours"]
    assert held.report.passed


@pytest.mark.parametrize(("major", "status"), [(3, 429), (2, 503)])
def test_a_platform_that_fails_is_told_and_asked_again(book: Book, major: int, status: int) -> None:
    """A rate limit or a 5xx fails the step that met it, its number is shown, and trying again deploys once.

    At a 429 CLI 2.122 asks again by itself.
    """
    refused = next(
        each for each in book.procedure("deploy-edge-function").drills if each.name == "platform-refuses-once"
    )
    events = tuple(replace(event, status=status) for event in refused.scenario.events)
    drill = replace(refused, scenario=replace(refused.scenario, events=events))
    held = hold(book, "deploy-edge-function", drill, major=major)

    ended = [
        event for event in held.report.events if isinstance(event, StepFinished) and event.step.endswith("/deploy")
    ]
    assert [event.outcome for event in ended] == [Outcome.FAILED, Outcome.PASSED, Outcome.PASSED]
    assert str(status) in ended[0].output
    assert held.report.passed, (held.report.trouble, held.report.proofs)


def test_a_line_breaks_once_and_only_at_a_migration() -> None:
    """Other statements pass an armed line; the history row of a migration breaks it, and the next one passes."""
    insert = "insert into supabase_migrations.schema_migrations (version, name) values ('20260131000000', 'x')"
    with scene() as sandbox, open_relay(sandbox.postgres.command_url) as relay:
        relay.arm(Break.BEFORE)
        connect = partial(psycopg.connect, relay.url, password=sandbox.postgres.password, autocommit=True)
        with connect() as connection:
            assert connection.execute("select count(*) from public.tasks").fetchone() == (36,)
        with connect() as connection, pytest.raises(psycopg.OperationalError):
            connection.execute(insert)
        with connect() as connection:
            assert connection.execute(insert).rowcount == 1
        assert relay.breaks == 1


def test_what_happens_at_the_start_happens_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk that switches to another procedure introduces that one, too; the scenario doesn't begin again."""
    seen: list[str] = []
    monkeypatch.setitem(EVENTS, "remove_file", lambda _director, event: seen.append(event.what))
    director = Director(
        operator=SimpleNamespace(introduce=lambda *_: True),
        events=[ScenarioEvent("start", "remove_file", "supabase/x.sql")],
        sandbox=None,  # type: ignore[arg-type]
        journal=None,  # type: ignore[arg-type]
        lock="",
    )
    for _ in range(2):
        director.introduce(None, lambda: None)  # type: ignore[arg-type, return-value]
    assert seen == ["supabase/x.sql"]
