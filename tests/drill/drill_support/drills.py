"""Builders for drills: sandboxes without a walk, and where their records are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from runbook.drill.auto_operator import AutoOperator, answer_cli
from runbook.drill.platform_state import initial_state
from runbook.drill.sandbox import Sandbox, open_sandbox
from runbook.drill.scenario import play_scenario
from runbook.drill.stage import DrillReport, run_drill, set_stage
from runbook.model import Book, Drill, Scenario, ScenarioMigration
from runbook.policy.redaction import Redactor
from runbook.runtime.executor import PtyExecutor, SystemClock

__all__ = ["Held", "hold", "migration", "scene"]


def migration(name: str, sql: str, state: str = "applied") -> ScenarioMigration:
    """Return a migration of January 2026, after the base one."""
    return ScenarioMigration(f"202601{len(name) % 18 + 10}000000_{name}", sql, state)


@contextmanager
def scene(scenario: Scenario | None = None, *, major: int = 3, url: str | None = None) -> Iterator[Sandbox]:
    """Open a sandbox with that scenario played."""
    wanted = scenario or Scenario()
    platform = initial_state(deployed=wanted.deployed, secrets=wanted.secrets, platform=wanted.platform)
    with open_sandbox(platform, major=major, postgres_url=url) as sandbox, play_scenario(sandbox, wanted):
        yield sandbox


@dataclass(frozen=True, slots=True)
class Held:
    """A drill that was held: its report, what its operator said, what it printed."""

    report: DrillReport
    said: list[str]
    printed: str


def hold(book: Book, procedure: str, drill: Drill, *, major: int = 3) -> Held:
    """Hold a drill unattended, with the real CLI."""
    said: list[str] = []
    printed: list[str] = []
    with set_stage(book, book.procedure(procedure), drill, major=major) as stage:
        report = run_drill(
            stage,
            operator=AutoOperator(drill.answers, drill.reactions, say=said.append),
            executor=PtyExecutor(Redactor, printed.append, lambda: (80, 24), answerer=answer_cli),
            clock=SystemClock(),
        )
    return Held(report, said, "".join(printed))
