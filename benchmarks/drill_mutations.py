#!/usr/bin/env python3
"""Spoil every procedure in every way we know, and count what the check or a drill catches.

    python benchmarks/drill_mutations.py [PROCEDURE...] [--cli 3] [--out mutations.json]

A mutation that survives is a page that could mislead unnoticed: read it, and write the drill that fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.mutations import Mutation, mutations_of, spoiled_book

from runbook.checking import find_problems, open_book
from runbook.drill.isolation import cut_off_network
from runbook.drill.rounds import Job, hold_one


def judge(mutation: Mutation, major: int) -> str:
    """Return what catches the mutation: `check: …`, `drill: …`, or an empty text."""
    with tempfile.TemporaryDirectory(prefix="runbook-mutation-") as place:
        book = str(spoiled_book(Path(place), mutation))
        findings = find_problems(book)[1]
        if findings:
            return f"check: {findings[0].message}"
        for drill in open_book(book).procedure(mutation.procedure).drills:
            result = hold_one(book, Job(mutation.procedure, drill.name, major), None)
            if not result.passed:
                return f"drill: {drill.name}: {result.why[:200]}"
    return ""


def main() -> int:
    """Run and report; exit 1 if something survived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("procedures", nargs="*")
    parser.add_argument("--cli", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    cut_off_network()
    names = options.procedures or sorted(open_book(None).procedures)
    mutations = [mutation for name in names for mutation in mutations_of(name)]
    caught: dict[str, dict[str, str]] = {}
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        verdicts = pool.map(judge, mutations, [options.cli] * len(mutations))
        for mutation, verdict in zip(mutations, verdicts, strict=True):
            caught.setdefault(mutation.procedure, {})[mutation.what] = verdict
            print(
                f"{'caught ' if verdict else 'SURVIVED'} {mutation.procedure}: {mutation.what}  [{verdict[:110]}]",
                flush=True,
            )
    if options.out:
        options.out.write_text(json.dumps(caught, indent=2) + "\n", encoding="utf-8")
    total = sum(len(each) for each in caught.values())
    by = [verdict.partition(":")[0] for each in caught.values() for verdict in each.values()]
    print(
        f"planted {total}: caught by check {by.count('check')}, by a drill {by.count('drill')}, survived {by.count('')}"
    )
    return 1 if by.count("") else 0


if __name__ == "__main__":
    raise SystemExit(main())
