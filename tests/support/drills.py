"""Builders for drills: sandboxes without a walk, and where their records are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from runbook.drill.platform import begin
from runbook.drill.sandbox import Sandbox, open_sandbox
from runbook.drill.scenario import play_scenario
from runbook.model import Scenario, ScenarioMigration

__all__ = ["migration", "scene"]


def migration(name: str, sql: str, state: str = "applied") -> ScenarioMigration:
    """Return a migration of January 2026, after the base one."""
    return ScenarioMigration(f"202601{len(name) % 18 + 10}000000_{name}", sql, state)


@contextmanager
def scene(scenario: Scenario | None = None, *, major: int = 3, url: str | None = None) -> Iterator[Sandbox]:
    """Open a sandbox with that scenario played."""
    wanted = scenario or Scenario()
    platform = begin(deployed=wanted.deployed, secrets=wanted.secrets, platform=wanted.platform)
    with open_sandbox(platform, major=major, postgres_url=url) as sandbox, play_scenario(sandbox, wanted):
        yield sandbox
