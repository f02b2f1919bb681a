"""Measure runbook beside its limits and its peers: `scripts/bench`.

Each figure is measured in turns with what it is beside, in this run and on this machine. A ratio is of one turn; shown
are its median and the range that holds nine in ten.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.environments import ROOT
from benchmarks.figures import Figure, Figures, Verdict

GROUPS = ("starts", "walk", "guard", "book", "migrations", "journal", "drills", "round", "site")
"""In the order in which they are measured and reported."""
LONG = "round"
"""The group that takes half an hour or more, so that it is only measured if it's asked for."""
REPORT = ROOT / "runbook/site/data/benchmarks.json"


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print the tables, and return 1 if a budget is missed or a ratio differs from the report's."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "groups",
        nargs="*",
        choices=[[], *GROUPS],  # on Python 3.11, no group is a choice, too
        metavar="GROUP",
        help=f"what to measure: {', '.join(GROUPS)} (default: all but {LONG}, which takes half an hour or more)",
    )
    parser.add_argument("--rounds", type=int, default=10, help="turns for each figure of a short command")
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="also write the figures to FILE; groups that aren't measured stay in it",
    )
    parser.add_argument(
        "--compare",
        action="store_true",
        help=f"name each ratio that differs from {REPORT.name} by more than turns and minutes vary, or is only there",
    )
    asked = parser.parse_args(words)
    if asked.json and not asked.json.parent.is_dir():  # writing it would fail only after the first group
        parser.error(f"argument --json: there is no directory {asked.json.parent}")
    about = machine.describe(ROOT)
    print("\n".join(f"{name}: {value}" for name, value in about.items()))
    before = json.loads(REPORT.read_text(encoding="utf-8")) if asked.compare else {}
    table, measured, differing, lacking = _Table(), {}, list[str](), list[str]()
    for name in asked.groups or [name for name in GROUPS if name != LONG]:
        measure: Callable[[Figures, int], None] = import_module(f"benchmarks.{name}").measure
        measured[name] = Figures(tell=table.tell)
        measure(measured[name], asked.rounds)
        rows_before = before.get(name, {}).get("figures", ())
        differing += measured[name].differing(rows_before)
        lacking += measured[name].lacking(rows_before)
        if asked.json:  # after each group, because a later one may fail
            _write(asked.json, {done: {"machine": about, "figures": each.record()} for done, each in measured.items()})
    rows = [figure for each in measured.values() for figure in each.rows]
    missed = [f"{one.group}: {one.what}" for one in rows if one.verdict is Verdict.MISSED]
    print(f"\n{len(rows)} figures; {len(missed)} over their budget", *missed, sep="\n  ")
    if asked.compare:
        print("\nBeside the report:", *(differing or ["no ratio differs"]), sep="\n  ")
        if lacking:
            print("\nOnly in the report:", *lacking, sep="\n  ")
    return 1 if missed or differing else 0


def _write(file: Path, groups: Mapping[str, Any]) -> None:
    """Write what was measured, and keep the other groups that are there from earlier."""
    kept = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    found = {**kept, **groups}
    ordered = {name: found[name] for name in GROUPS if name in found}
    file.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")


class _Table:
    """Prints each figure as soon as it is known: measuring takes minutes."""

    def __init__(self) -> None:
        self._group = ""

    def tell(self, figure: Figure) -> None:
        """Print a row, and the head of its group before the first one."""
        if figure.group != self._group:
            self._group = figure.group
            print(f"\n{figure.group}")
        print(f"  {row(figure)}", flush=True)


def row(figure: Figure) -> str:
    """Return a figure as a line."""
    if figure.value is None:
        return f"{figure.what:44} not here: {figure.note}"
    shown = f"{figure.what:44} {figure.value.middle:10.4g} {figure.unit}"
    if figure.other is not None and figure.ratio is not None:
        low, middle, high = figure.ratio
        shown += f"  beside {figure.other.middle:10.4g}  {middle:5.2f} ({low:.2f} to {high:.2f})"
        shown += f" of {figure.at_most:g}" if figure.at_most is not None else ""
        shown += f"  {figure.beside}"
    return f"{shown}  {figure.verdict.value}" + (f"  ({figure.note})" if figure.note else "")


if __name__ == "__main__":
    sys.exit(main())
