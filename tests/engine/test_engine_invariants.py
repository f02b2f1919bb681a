"""Whatever is written, answered, cut off and edited: what a walk must never do, and that it always ends."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from random import Random
from shutil import rmtree

from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st
from support.random_walks import RandomWalk

AT_LEAST = 2_000
RANDOM = int(os.environ.get("RUNBOOK_RANDOM", "0"))
"""0: the same sequences every time. 1 or more: other ones, that many times as many."""


def test_random_walks_keep_every_promise(tmp_path: Path) -> None:
    """No write twice, nothing finished lost, no value missing, no run stuck: over random books, answers and deaths."""
    tally: Counter[str] = Counter()

    @settings(
        max_examples=AT_LEAST * max(1, RANDOM),
        derandomize=not RANDOM,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.randoms(use_true_random=False))
    def play(dice: Random) -> None:
        tally["tried"] += 1
        directory = tmp_path / str(tally["tried"])
        directory.mkdir()
        walk = RandomWalk.begin(dice, directory, tally)
        assume(walk is not None)
        assert walk is not None
        try:
            walk.play()
        except Exception:
            note(f"The book: {walk.first_plan}")
            note("\n".join(walk.world.log))
            raise
        finally:
            rmtree(directory)
        tally["sequences"] += 1

    play()

    print(tally)
    assert tally["sequences"] >= AT_LEAST
