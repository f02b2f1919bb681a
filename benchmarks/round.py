"""How long all drills of the book take on one core and on two: about an hour, so it runs only if it's asked for."""

from __future__ import annotations

from benchmarks.drills import drill_place, measure_on_cores
from benchmarks.figures import Figures

__all__ = ["measure"]


def measure(figures: Figures, rounds: int) -> None:
    """Run every drill once on each, on CLI 3: a drill on CLI 2 does the same work with another binary."""
    del rounds  # one round of all drills is many measurements
    with drill_place() as place:
        measure_on_cores(figures, place, (), cli="3", rounds=1)
