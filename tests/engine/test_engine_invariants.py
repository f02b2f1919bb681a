"""Whatever is written, answered, cut off and edited: what a walk must never do, and that it always ends.

`RANDOM_WALKS=1` plays other sequences each time, `RANDOM_WALKS=10` ten times as many of them.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from shutil import rmtree
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, assume, given, note, settings
from hypothesis import strategies as st
from support.random_walks import RandomWalk

SEQUENCES = 500
RANDOM = int(os.environ.get("RANDOM_WALKS", "0"))

COVERED = {
    "deaths": 125,
    "resumes": 500,
    "edits": 50,
    "give": 125,
    "recover": 125,
    "resolve": 125,
    "OptionChosen": 50,
    "StepResolved": 50,
    "StepSkipped": 50,
    "SteppedBack": 50,
    "ChangeAccepted": 50,
    "HandedOver": 25,
    "ValueGiven": 25,
    "TakenOver": 12,
    "undo failed": 12,
    "undo passed": 12,
    "verify failed": 12,
    "run interrupted": 12,
}
"""How often each of these must at least have happened: a walk in which nothing goes wrong proves nothing."""


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a directory in memory, where there is one: drafts and edited files are forced to the disk.

    The cache is there too. A thousand random files would push the packaged book out of the user's own cache.
    """
    shared = Path("/dev/shm")
    with TemporaryDirectory(dir=shared if shared.is_dir() else None) as directory:
        monkeypatch.setenv("XDG_CACHE_HOME", f"{directory}/cache")
        yield Path(directory)


def test_random_walks_keep_every_promise(memory: Path) -> None:
    """No write twice, nothing finished lost, no value missing, no run stuck, over random books, answers and deaths."""
    tally: Counter[str] = Counter()

    @settings(
        max_examples=SEQUENCES * max(1, RANDOM),
        derandomize=not RANDOM,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(dice=st.randoms(use_true_random=False))
    def play(dice: Random) -> None:
        tally["tried"] += 1
        directory = memory / str(tally["tried"])
        directory.mkdir()
        try:
            walk = RandomWalk.begin(dice, directory, tally)
            assume(walk is not None)
            assert walk is not None
            _play(walk)
        finally:
            rmtree(directory)
        tally["sequences"] += 1

    play()

    assert tally["sequences"] >= SEQUENCES
    assert {name: tally[name] for name, least in COVERED.items() if tally[name] < least} == {}


def _play(walk: RandomWalk) -> None:
    try:
        walk.play()
    except Exception:
        note(f"The book: {walk.first_plan}")
        note("\n".join(walk.world.log))
        raise
