"""What was measured: each figure beside its limit or its peer, with the ratio, the budget and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from benchmarks.timing import Sample, Spread, ratios, spread

__all__ = ["Figure", "Figures", "Verdict"]

_MANY = 10
"""Turns that fall into the faster and the slower minutes of a machine."""
_UNSEEN = 1.25
"""How far a ratio may be beyond its range if it had fewer turns.

On a machine that was shared with others, a command took 0.72 s or 1.05 s, for seconds or for a minute. All of a few
turns may fall into the one or the other, and then their range is narrow and wrong.
"""


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
    turns: int = 1

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
                    turns=len(ours),
                )
            )

    def record(self) -> Sequence[Mapping[str, Any]]:
        """Return all figures as JSON has them."""
        return [figure.record() for figure in self.rows]

    def differing(self, before: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """Yield a sentence for each ratio that differs from an earlier run's by more than turns and minutes vary."""
        known = _ratios(before)
        for figure in self.rows:
            row = known.get((figure.group, figure.what, figure.beside))
            if figure.ratio is None or row is None:
                continue
            before_low, before_high = _known_within(row["ratio"], row["turns"])
            low, high = _known_within(figure.ratio, figure.turns)
            if low > before_high or high < before_low:
                now, earlier = _shown(figure.ratio), _shown(Spread(*row["ratio"]))
                yield f"{figure.group}, {figure.what}: {now} now, {earlier} before"

    def lacking(self, before: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """Yield the name of each ratio of an earlier run that this one lacks, so that nobody takes it for the same."""
        here = {(figure.group, figure.what, figure.beside) for figure in self.rows if figure.ratio is not None}
        for group, what, beside in _ratios(before):
            if (group, what, beside) not in here:
                yield f"{group}, {what}, beside {beside}"


def _ratios(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    """Return the rows that have a ratio, by what tells them apart."""
    return {(row["group"], row["what"], row["beside"]): row for row in rows if row["ratio"] is not None}


def _known_within(ratio: Sequence[float], turns: int) -> tuple[float, float]:
    """Return the range in which another run's ratio is expected to have a part of its own."""
    low, _, high = ratio
    return (low, high) if turns >= _MANY else (low / _UNSEEN, high * _UNSEEN)


def _shown(ratio: Spread) -> str:
    return f"{ratio.middle:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
