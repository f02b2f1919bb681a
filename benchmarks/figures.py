"""What was measured: each figure beside its limit or its peer, with the ratio, the budget and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from benchmarks.timing import Sample, Spread, ratios, spread

__all__ = ["Figure", "Figures", "Verdict"]

_ONCE = 1.25
"""How many times as large as another a ratio may be if that was measured once."""


class Verdict(StrEnum):
    """Whether a budget holds. A figure without a budget is only measured."""

    HELD = "held"
    MISSED = "missed"
    MEASURED = "measured"
    NOT_HERE = "not here"
    """It can't be measured on this machine; the note says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row. `ratio` is of the values of the same rounds, so it isn't the quotient of both medians."""

    group: str
    what: str
    unit: str
    value: Spread | None = None
    beside: str = ""
    other: Spread | None = None
    ratio: Spread | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def verdict(self) -> Verdict:
        """Whether the budget holds."""
        if self.value is None:
            return Verdict.NOT_HERE
        if self.at_most is None or self.ratio is None:
            return Verdict.MEASURED
        return Verdict.HELD if self.ratio.middle <= self.at_most else Verdict.MISSED

    def record(self) -> Mapping[str, Any]:
        """Return it as JSON has it."""
        return {**asdict(self), "verdict": self.verdict.value}


@dataclass
class Figures:
    """Everything that was measured in one run, and what to do with each figure as soon as it's known."""

    tell: Callable[[Figure], None] = lambda _: None
    rows: list[Figure] = field(default_factory=list)

    def add(self, figure: Figure) -> None:
        """Keep a figure, and tell it."""
        self.rows.append(figure)
        self.tell(figure)

    def compare(
        self,
        group: str,
        samples: Mapping[str, Sequence[Sample]],
        pairs: Mapping[str, tuple[str, float | None]],
        *,
        by: Callable[[Sample], float] = lambda sample: sample.seconds * 1000,
        unit: str = "ms",
        notes: Mapping[str, str] | None = None,
    ) -> None:
        """Keep a figure for each pair: what, beside what, and the budget."""
        for what, (beside, at_most) in pairs.items():
            ours, others = [by(one) for one in samples[what]], [by(one) for one in samples[beside]]
            self.add(
                Figure(
                    group=group,
                    what=what,
                    unit=unit,
                    value=spread(ours),
                    beside=beside,
                    other=spread(others),
                    ratio=ratios(ours, others),
                    at_most=at_most,
                    note=(notes or {}).get(what, ""),
                )
            )

    def record(self) -> Sequence[Mapping[str, Any]]:
        """Return all figures as JSON has them."""
        return [figure.record() for figure in self.rows]

    def differing(self, before: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """Yield a sentence for each figure whose range of ratios doesn't meet the one of an earlier run."""
        known = {(row["group"], row["what"], row["beside"]): row for row in before}
        for figure in self.rows:
            row = known.get((figure.group, figure.what, figure.beside))
            if figure.ratio is None or row is None or row["ratio"] is None:
                continue
            low, middle, high = row["ratio"]
            if low == high:  # it was measured once, which says nothing of how much it varies
                low, high = low / _ONCE, high * _ONCE
            if figure.ratio.low > high or figure.ratio.high < low:
                now = f"{figure.ratio.middle:.2f} ({figure.ratio.low:.2f} to {figure.ratio.high:.2f})"
                yield f"{figure.group}, {figure.what}: {now} now, {middle:.2f} ({low:.2f} to {high:.2f}) before"
