"""How long it takes to read, check and list a book of 15, 150 and 1,500 more procedures, beside its YAML alone."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks.books import SIZES, make_book
from benchmarks.environments import installed_runbook
from benchmarks.figures import Figures
from benchmarks.timing import Measure, in_turns, process
from benchmarks.workplace import Workplace, workplace

__all__ = ["measure"]

GROUP = "Book"
ALONE = "CSafeLoader"
PARSE = """
import pathlib, sys, yaml
for file in sorted(pathlib.Path(sys.argv[1]).rglob("*.yaml")):
    yaml.load(file.read_bytes(), yaml.CSafeLoader)
"""


def measure(figures: Figures, rounds: int) -> None:
    """Measure each size; the largest ones in fewer turns."""
    with tempfile.TemporaryDirectory(prefix="runbook-bench-") as directory, workplace() as place:
        for size in SIZES:
            book = make_book(Path(directory) / str(size), size)
            _measure_size(figures, max(3, min(rounds, 1500 // size)), place, book, size)


def _measure_size(figures: Figures, rounds: int, place: Workplace, book: Path, size: int) -> None:
    bin_ = installed_runbook()

    def started(*words: str, is_first: bool = False) -> Measure:
        def forget() -> None:
            if is_first:
                shutil.rmtree(place.cache, ignore_errors=True)

        environment = {**place.environment, "RUNBOOK_BOOK": str(book)}
        return process(
            [str(bin_ / words[0]), *words[1:]], environment=environment, directory=place.project, first=forget
        )

    alone = f"{ALONE}, {size}"
    parse = started("python", "-c", PARSE, str(book))
    first, later = f"list, {size}, for the first time", f"list, {size}, from the cache"
    samples = in_turns({alone: parse, first: started("runbook", "list", is_first=True)}, rounds)
    figures.compare(GROUP, samples, {first: (alone, 1.3)})
    samples = in_turns({alone: parse, later: started("runbook", "list")}, rounds)
    figures.compare(GROUP, samples, {later: (alone, 0.3)})
    check = f"check, {size}, for the first time"
    checked = {alone: parse, check: started("runbook", "check", is_first=True)}
    samples = in_turns(checked, max(2, rounds // 2), warm_up=False)
    figures.compare(GROUP, samples, {check: (alone, None)})
