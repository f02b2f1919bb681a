"""Runs in the shared journal through every fault: none loses an event, and none starts a step twice unasked.

Each run has a seed, which a failure names: `FAULTS_SEEDS=17 pytest tests/journal/test_faults.py` plays that one alone,
and `FAULTS_SEEDS=1000-1999` others than usual. The faults of a run's first walk, and their moments, are always the same
for a seed; what comes "soon" is a few milliseconds later, in the middle of whatever happens then.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from support.crashing_server import CrashingServer, crashing_postgres
from support.fault_runs import FAULTS, Stage, open_machine
from support.journal_engines import empty_journal
from support.network import open_network

_FIRST, _, _LAST = os.environ.get("FAULTS_SEEDS", "0-39").partition("-")
_SEEDS = range(int(_FIRST), int(_LAST or _FIRST) + 1)
_GROUPS = [_SEEDS[start : start + 10] for start in range(0, len(_SEEDS), 10)]


@pytest.fixture(scope="module")
def crashing() -> Iterator[CrashingServer]:
    """Run a server that the tests kill."""
    with crashing_postgres() as server:
        yield server


@pytest.fixture
def stage(crashing: CrashingServer, tmp_path: Path) -> Iterator[Stage]:
    """Set up an empty journal, a network to it, and the machines of two people."""
    empty_journal(crashing.postgres)
    asked = parse_qs(urlsplit(crashing.postgres.url).query)
    with (
        open_network(Path(asked["host"][0]), int(asked["port"][0])) as network,
        open_machine("laptop", tmp_path / "ada") as ada,
        open_machine("desktop", tmp_path / "grace") as grace,
    ):
        network.is_quick_to_refuse = True
        yield Stage((ada, grace), crashing, network, tmp_path / "effects")


@pytest.mark.parametrize("seeds", _GROUPS, ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_runs_survive_whatever_happens_to_them(stage: Stage, seeds: range) -> None:
    """Processes and servers are killed, lines drop, clocks jump, machines sleep; the record stays true and whole."""
    for seed in seeds:
        stage.play(seed)
    with stage.direct() as journal:
        record, damage = journal.inspect()
    assert list(damage) == []
    assert len(record.runs) == len(seeds)
    if len(seeds) >= len(FAULTS):
        assert set(stage.happened) == set(FAULTS)
