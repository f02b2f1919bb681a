"""Who notices a planted mistake: the checks of the book, the map of the guide, or a drill with the real CLI."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from support.guide import is_there, items

from drill_support.planted import Planted, plant, planted
from drill_support.spoiled import spoiled
from runbook.checks import open_book
from runbook.checks.book import find_problems
from runbook.checks.drill_answers import places_reached
from runbook.model import Drill

__all__ = ["Catch", "caught", "caught_by_reading", "main"]

_DRILL_LIMIT = 600
"""Seconds. The longest drill takes a minute on an idle machine."""


@dataclass(frozen=True, slots=True)
class Catch:
    """Who noticed (nobody: the empty text), and what was said."""

    by: str
    said: str


def caught_by_reading(book: Path) -> Catch:
    """Hold a book against its checks and the guide's map; no command is run."""
    reading, findings = find_problems(str(book))
    if findings or reading.book is None:
        return Catch("check", "; ".join(finding.message for finding in findings))
    homeless = [home for item in items() for home in item.homes if not is_there(home, reading.book)]
    return Catch("guide", ", ".join(homeless)) if homeless else Catch("", "")


def caught(mutation: Planted, book: Path, *, major: int) -> Catch:
    """Plant nothing more: read the book, then hold the drill that should notice, then the others that might."""
    read = caught_by_reading(book)
    if read.by:
        return read
    for procedure, drill in _drills(mutation):
        said = _drill_fails(book, procedure, drill, major)
        if said is not None:
            return Catch(drill, said)
    return Catch("", "every drill passed")


def _drills(mutation: Planted) -> Iterator[tuple[str, str]]:
    """Yield the drill that should notice, if the table names one, then the others that reach the changed steps.

    Shortest first: such a drill was usually written for the very step that is changed.
    """
    first = (mutation.drilled, mutation.by)
    if mutation.by:
        yield first
    unchanged, changed = open_book(None).procedure(mutation.procedure), _steps_changed(mutation)
    paths = {drill.name: {place.step.id for place in places_reached(unchanged, drill)} for drill in unchanged.drills}

    def reaches(drill: Drill) -> bool:
        return not changed or bool(changed & paths[drill.name])

    for drill in sorted(unchanged.drills, key=lambda one: (not reaches(one), len(paths[one.name]))):
        # A drill that reacts may leave the path that its answers describe.
        if (reaches(drill) or drill.reactions) and (mutation.procedure, drill.name) != first:
            yield mutation.procedure, drill.name


def _steps_changed(mutation: Planted) -> set[str]:
    """Return the ids of the steps that a generated mistake changes; none for one of the table: its drill is named."""
    if mutation.by:
        return set()
    change = mutation.change
    return {*change.get("swap", ()), *(change[key] for key in ("drop", "at") if key in change)}


def _drill_fails(book: Path, procedure: str, drill: str, major: int) -> str | None:
    """Hold one drill; return what it printed from the first sign of trouble on, None if it passed."""
    words = ["--book", str(book), "drill", procedure, "--scenario", drill, "--auto", "--cli", str(major)]
    done = subprocess.run(
        [sys.executable, "-m", "runbook", *words],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # a terminal that somebody works at is none of its business
        timeout=_DRILL_LIMIT,
        env={**os.environ, "NO_COLOR": "1"},
    )
    if done.returncode == 0:
        return None
    assert done.returncode == 1, f"the drill itself broke: {done.stdout}{done.stderr}"
    told = f"{done.stdout}\n{done.stderr}"
    passed = re.compile(r"\s*(ok|chosen|skipped)\s")
    return "\n".join(line for line in told.splitlines() if line.strip() and not passed.match(line))


def main(arguments: list[str]) -> int:
    """Plant all mistakes whose id holds one of the words, two at a time, and report; 1 if one went unnoticed."""
    chosen = [each for each in (*planted(), *spoiled()) if not arguments or any(word in each.id for word in arguments)]
    tally: Counter[tuple[str, str]] = Counter()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for number, (mutation, catch) in enumerate(zip(chosen, pool.map(_try, chosen), strict=True), start=1):
            mark = _judge(mutation, catch)
            tally[mark, catch.by if catch.by in {"check", "guide", ""} else "a drill"] += 1
            _say(f"{number:>3}/{len(chosen)}  {mark:<8}  {catch.by:<24}  {mutation.id}")
            if mark != "caught":
                _say(f"{'':>19}wanted: {mutation.by}: {mutation.because}\n{'':>19}said: {catch.said[-700:]}")
    _say(f"{len(chosen)} mistakes planted: " + ", ".join(f"{n} {mark} {by}" for (mark, by), n in sorted(tally.items())))
    return 0 if {mark for mark, _ in tally} <= {"caught"} else 1


def _try(mutation: Planted) -> Catch:
    with tempfile.TemporaryDirectory(prefix="runbook-mutation-") as place:
        return caught(mutation, plant(mutation, Path(place) / "book"), major=3)


def _judge(mutation: Planted, catch: Catch) -> str:
    """Say `caught`, `OTHER` where another one noticed, or said something else, than the table says, or `SURVIVED`."""
    if not catch.by:
        return "SURVIVED"
    return "caught" if mutation.by in {"", catch.by} and mutation.because in catch.said else "OTHER"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
