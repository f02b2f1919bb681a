"""Take turns: each round measures every candidate once, so that all meet the same machine; ratios are of one round."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pexpect

__all__ = ["Measure", "Sample", "Spread", "in_turns", "process", "prompt", "ratios", "spread", "with_memory"]


class Sample(NamedTuple):
    """One measurement: seconds by the clock, seconds of processor time with children, and the most memory in bytes.

    Only `with_memory` measures memory: elsewhere it's 0.
    """

    seconds: float
    processor: float = 0.0
    memory: int = 0


Measure = Callable[[], Sample]


class Spread(NamedTuple):
    """The middle of some values, and the range that holds nine in ten of them (all, if there are fewer than ten)."""

    low: float
    middle: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Return the median of values with their range. Raises ValueError if there are none."""
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)
    left_out = len(ordered) // 20
    return Spread(ordered[left_out], statistics.median(ordered), ordered[len(ordered) - 1 - left_out])


def in_turns(candidates: Mapping[str, Measure], rounds: int, *, warm_up: bool = True) -> Mapping[str, Sequence[Sample]]:
    """Measure all candidates in each round, in another order each time.

    The first round doesn't count, unless each takes minutes and needs no `warm_up`.
    """
    names = list(candidates)
    found: dict[str, list[Sample]] = {name: [] for name in names}
    for turn in range(-1 if warm_up else 0, rounds):
        shift = turn % len(names)
        for name in (*names[shift:], *names[:shift]):
            sample = candidates[name]()
            if turn >= 0:
                found[name].append(sample)
    return found


def ratios(ours: Sequence[float], beside: Sequence[float]) -> Spread:
    """Return how many times as large ours is, round by round."""
    return spread([one / other for one, other in zip(ours, beside, strict=True)])


def process(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    given: bytes | None = None,
    exits: Sequence[int] = (0,),
    first: Callable[[], None] = lambda: None,
) -> Measure:
    """Return what measures a whole process, from its start to its end. `first` is called before, and doesn't count.

    Measuring raises RuntimeError if the exit code is none of `exits`: a process that fails is quick.
    """

    def measure() -> Sample:
        first()
        began = time.perf_counter()
        started = subprocess.Popen(
            argv,
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert started.stderr is not None
        if started.stdin is not None:
            started.stdin.write(given or b"")
            started.stdin.close()
        with started.stderr:
            said = started.stderr.read()
        _, status, usage = os.wait4(started.pid, 0)
        seconds = time.perf_counter() - began
        started.returncode = os.waitstatus_to_exitcode(status)
        if started.returncode not in exits:
            raise RuntimeError(f"{' '.join(argv)} exited with {started.returncode}: {said.decode(errors='replace')}")
        return Sample(seconds, usage.ru_utime + usage.ru_stime)

    return measure


_WEIGH = """
import os, resource, sys
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
with open(sys.argv[1], "w") as report:
    report.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""


def with_memory(argv: Sequence[str], *, environment: Mapping[str, str], directory: Path) -> Measure:
    """Return what measures a whole process that takes seconds, and the memory of the largest of its processes.

    A small process starts it, which takes some ms: the system counts as a process's peak also that of the one it was
    started by, and this one has grown. Raises as `process` does.
    """

    def measure() -> Sample:
        with tempfile.NamedTemporaryFile("r", prefix="runbook-bench-") as report:
            launcher = [sys.executable, "-I", "-S", "-c", _WEIGH, report.name]
            sample = process([*launcher, *argv], environment=environment, directory=directory)()
            return sample._replace(memory=int(report.read()) * 1024)

    return measure


def prompt(
    argv: Sequence[str],
    shown: str,
    *,
    environment: Mapping[str, str],
    directory: Path,
    first: Callable[[], None] = lambda: None,
) -> Measure:
    """Return what measures the time from a start in a terminal until it shows a text, and then ends the process."""

    def measure() -> Sample:
        first()
        began = time.perf_counter()
        child = pexpect.spawn(
            argv[0], [*argv[1:]], env={**environment}, cwd=str(directory), timeout=60, dimensions=(24, 80), echo=False
        )
        child.delaybeforesend = None
        try:
            child.expect_exact(shown.encode())
            seconds = time.perf_counter() - began
        finally:
            child.close(force=True)
        return Sample(seconds)

    return measure
