"""Measure how long short verbs take to start, compared with a bare interpreter (`python -c pass`), and check budgets.

    python benchmarks/startup.py [--rounds 20]

Each round starts the bare interpreter and then the command, so that both run under the same conditions. It measures
the processor time (user and system) of the started process, which other work on the machine hardly affects. Each
line shows the median of the ratios with their quartiles, both medians in milliseconds, and the verdict:

    show emergency-rollback     6.4 (6.1 to 6.7) of 7   119 ms beside 18 ms   ok

It measures the second and later starts, as with an installed package: bytecode is written and the user's cache is
filled. `--cold` gives each start an empty cache; budgets don't apply then. The exit code is 1 if a budget is
exceeded. The interpreter is the one that runs this file: the leaner its environment, the higher the ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
BARE = (sys.executable, "-c", "pass")
# Start it like the script that pip installs: `-m runbook` would add the search for the module.
RUNBOOK = (sys.executable, "-c", "from runbook.__main__ import main; raise SystemExit(main())")


class Budget(NamedTuple):
    """A command line and the most that its start may take, in starts of a bare interpreter."""

    words: tuple[str, ...]
    ratio: float


BUDGETS = (
    Budget(("show", "emergency-rollback"), 7),
    Budget(("find", "rows", "missing"), 4),
    Budget(("guard", "--line", "ls -la"), 4),
    Budget(("list",), 3),
)


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a budget is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="pairs of starts for each command")
    parser.add_argument("--cold", action="store_true", help="empty the user's cache before each start")
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as cache:
        environment = _environment(cache)
        kept = [_measure(budget, asked.rounds, environment, is_cold=asked.cold) for budget in BUDGETS]
    return 0 if all(kept) else 1


def _environment(cache: str) -> Mapping[str, str]:
    """Return this environment, with the checkout's package, bytecode, and a cache of its own."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": cache}


def _measure(budget: Budget, rounds: int, environment: Mapping[str, str], *, is_cold: bool) -> bool:
    """Print one command's line. Return whether it's within budget."""
    command = (*RUNBOOK, *budget.words)
    _start(command, environment)  # writes bytecode and fills the cache
    pairs: list[tuple[float, float]] = []
    for _ in range(rounds):
        bare = _start(BARE, environment)
        if is_cold:
            _empty(Path(environment["XDG_CACHE_HOME"]))
        pairs.append((bare, _start(command, environment)))
    low, middle, high = statistics.quantiles([whole / bare for bare, whole in pairs], n=4)
    bare, whole = (statistics.median(times) for times in zip(*pairs, strict=True))
    verdict = "ok" if middle <= budget.ratio else "TOO SLOW"
    ratios = f"{middle:5.1f} ({low:.1f} to {high:.1f}) of {budget.ratio:g}"
    print(f"{' '.join(budget.words):26} {ratios}   {whole:.0f} ms beside {bare:.0f} ms   {verdict}", flush=True)
    return middle <= budget.ratio


def _start(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Return the processor time of one whole process, in milliseconds. Raises RuntimeError if it fails."""
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    with process.stderr:
        said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} exited with {process.returncode}: {said.decode()}")
    return (usage.ru_utime + usage.ru_stime) * 1000


def _empty(directory: Path) -> None:
    for path in directory.rglob("*.json"):
        path.unlink()


if __name__ == "__main__":
    raise SystemExit(main())
