"""How long all drills of the book take on one core and on two: half an hour or more, so only if it's asked for."""

from __future__ import annotations

from benchmarks.drills import drill_place, measure_on_cores
from benchmarks.figures import Figures

__all__ = ["measure"]


def measure(figures: Figures, rounds: int) -> None:
    """Run every drill on CLI 3, once on one core and once on two. CLI 2 is left out to save time."""
    del rounds  # one round of all drills is many measurements
    with drill_place() as place:
        measure_on_cores(figures, place, (), cli="3", rounds=1)
