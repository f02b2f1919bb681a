"""The page of benchmarks: the report of `scripts/bench` as bars, each with its ratio, its budget and the verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, floor, log2, log10
from typing import Any, NamedTuple

from markupsafe import Markup

from runbook.errors import RunbookError
from runbook.site.source import DATA, for_one_build
from runbook.site.templating import render

__all__ = ["REPORT", "Figure", "Machine", "Report", "Scale", "Spread", "Verdict", "figures", "machine", "read_report"]

REPORT = "benchmarks.json"
"""The report, among the site's data."""
_MANY = 10
"""Turns that are enough for a range: of fewer, the page says how many there were."""
_SPREADS = ("value", "other", "ratio")


class Verdict(StrEnum):
    """Whether a budget holds, as the report says it."""

    HELD = "held"
    MISSED = "missed"
    MEASURED = "measured"
    NOT_HERE = "not here"


class Spread(NamedTuple):
    """The median of several turns, and the range that holds nine in ten of them."""

    low: float
    middle: float
    high: float

    @property
    def median(self) -> str:
        """The median in three digits."""
        return _rounded(self.middle)

    @property
    def range(self) -> str:
        """The range in three digits; empty if it was measured once."""
        low, high = _rounded(self.low), _rounded(self.high)
        return f"{low} to {high}" if low != high else ""


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine that the figures are of, on that day; `others` has its versions by their names."""

    date: str
    processor: str
    cores: str
    memory: str
    others: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row of the report: a value, what it is beside, the ratio of both and the most that is accepted."""

    group: str
    what: str
    unit: str
    value: Spread | None
    beside: str
    other: Spread | None
    ratio: Spread | None
    at_most: float | None
    note: str
    turns: int
    verdict: Verdict
    machine: Machine

    @property
    def spread(self) -> str:
        """The range of its ratios, with the number of turns if they were few; empty if it was measured once."""
        if self.ratio is None or not self.ratio.range:
            return ""
        return f"{self.ratio.range}, {self.turns} turns" if self.turns < _MANY else self.ratio.range

    @property
    def drawn(self) -> tuple[float, ...]:
        """The places that its bar needs: the ratio's and the budget's; none if one is 0, which a logarithm lacks."""
        places = () if self.ratio is None else (*self.ratio, 1 if self.at_most is None else self.at_most)
        return places if all(place > 0 for place in places) else ()


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured. `machine` is of the newest figures; some groups may be of another day."""

    machine: Machine
    figures: tuple[Figure, ...]


class Scale(NamedTuple):
    """The axis of a group, in doublings: the logarithm to base 2. The places on it are in per cent of its width."""

    low: int
    high: int

    def place(self, ratio: float) -> float:
        """Return where a ratio is. Half a doubling is left at either end, for the labels."""
        return round(100 * (log2(ratio) - self.low + 0.5) / (self.high - self.low + 1), 2)

    def ticks(self) -> Iterator[tuple[str, float]]:
        """Yield each label with its place: at most eight, and 1 is among them."""
        step = ceil((self.high - self.low) / 7)
        for power in range(ceil(self.low / step) * step, self.high + 1, step):
            yield (f"1/{2**-power}" if power < 0 else f"{2**power}"), self.place(2**power)


@for_one_build
def read_report() -> Report:
    """Return what `scripts/bench --json` wrote. Raises RunbookError if that can't be read."""
    file = DATA / REPORT
    hint = f"Measure again: scripts/bench --json {file}"
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        groups = [(_machine(**group["machine"]), group["figures"]) for group in record.values()]
        rows = tuple(_figure(machine=machine, **row) for machine, rows in groups for row in rows)
        return Report(max((machine for machine, _ in groups), key=lambda one: one.date), rows)
    except (OSError, ValueError) as error:
        raise RunbookError(f"the benchmark report {file} can't be read: {error}", hint=hint) from error
    except (AttributeError, KeyError, TypeError) as error:
        wrong = "a field is missing or has the wrong type"
        raise RunbookError(f"the benchmark report {file} can't be read: {wrong}", hint=hint) from error


def _machine(*, date: str, processor: str, cores: str, memory: str, **others: str) -> Machine:
    return Machine(date, processor, cores, memory, others)


def _figure(**row: Any) -> Figure:
    spreads = {name: None if row[name] is None else Spread(*map(float, row[name])) for name in _SPREADS}
    return Figure(**{**row, **spreads, "verdict": Verdict(row["verdict"])})


def machine() -> Markup:
    """Render when and on what the figures were measured."""
    return render("reference/speed_machine.html", machine=read_report().machine)


def figures() -> Markup:
    """Render the missed budgets in words, then each group with a bar for each ratio."""
    report = read_report()
    groups: dict[str, list[Figure]] = {}
    for figure in report.figures:
        groups.setdefault(figure.group, []).append(figure)
    return render(
        "reference/speed.html",
        budgets=[one for one in report.figures if one.verdict in {Verdict.HELD, Verdict.MISSED}],
        missed=[one for one in report.figures if one.verdict is Verdict.MISSED],
        newest=report.machine.date,
        groups=[(name, _scale(rows), rows) for name, rows in groups.items()],
    )


def _scale(rows: Sequence[Figure]) -> Scale | None:
    """Return the scale with room for a group's ratios and budgets, from 1/2 to 2 at least; None if there is no ratio.

    On a shorter one, 1.02 would look like a lot.
    """
    places = [place for row in rows for place in row.drawn]
    return Scale(floor(log2(min(*places, 1 / 2))), ceil(log2(max(*places, 2)))) if places else None


def _rounded(value: float) -> str:
    """Return a number in three digits, with commas between thousands: 0.0213, 2.31, 61.2, 15,200."""
    # Of the number in three digits, because 99.96 has three before the point.
    places = 2 - floor(log10(abs(float(f"{value:.2e}")))) if value else 0
    return f"{round(value, places):,.{max(places, 0)}f}"
