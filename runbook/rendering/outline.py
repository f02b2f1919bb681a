"""The overview of a procedure: its phases and the answers to its questions, with the size of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from runbook.rendering.shown_procedure import ShownProcedure
from runbook.steps.scope import Place

__all__ = ["outline"]


class _Size(NamedTuple):
    steps: int = 0
    minutes: float = 0
    writes: int = 0


_Pick = Callable[[Iterable[_Size]], _Size]
"""`min` or `max`: which answer to a question counts."""


def outline(shown: ShownProcedure) -> Iterator[tuple[int, str]]:
    """Yield each phase, the questions in it and their answers, each as its depth and its line.

    What an answer leads to counts for the answer; its minimum and maximum size depend on the questions in it.
    """
    phases: list[tuple[str, list[Place]]] = [("Before step 1", [*shown.expansion.before])]
    for place in shown.expansion.steps:
        if place.step.phase or len(phases) == 1:
            phases.append((place.step.phase or "Steps", []))
        phases[-1][1].append(place)
    for title, places in phases:
        if places:
            # The answers to its questions are lines of their own.
            own = (_total(_own(shown, place, pick) for place in places) for pick in (min, max))
            yield (0, f"{title}: {_worded(*own)}")
        for place in places:
            answers = [branch for branch in place.branches if branch.letter]
            if answers:
                yield (1, f"{place.shown_number}  {shown.title(place)}")
            for branch in answers:
                sizes = (_size(shown, branch.places, pick) for pick in (min, max))
                yield (2, f"{branch.letter.removeprefix(place.number)}) {branch.title}: {_worded(*sizes)}")


def _size(shown: ShownProcedure, places: Iterable[Place], pick: _Pick) -> _Size:
    """Return how much there is to do with the smallest or the largest answer to each question."""
    found = list[_Size]()
    for place in places:
        found.append(_own(shown, place, pick))
        answers = [_size(shown, branch.places, pick) for branch in place.branches if branch.letter]
        if answers:
            found.append(pick(answers))
    return _total(found)


def _own(shown: ShownProcedure, place: Place, pick: _Pick) -> _Size:
    """Return the size of a step, with what it repeats or includes."""
    inner = [_size(shown, branch.places, pick) for branch in place.branches if not branch.letter]
    if place.step.action.is_container:
        return _total(inner)
    note = shown.effect_note(place)
    writes = note is not None and note.effect.value != "reads"
    return _total([_Size(1, place.step.minutes or 0, int(writes)), *inner])


def _total(sizes: Iterable[_Size]) -> _Size:
    listed = [*sizes]
    return _Size(*(sum(column) for column in zip(*listed, strict=True))) if listed else _Size()


def _worded(least: _Size, most: _Size) -> str:
    """Return both as words: `8 to 12 steps, 11 to 14 min, 1 write`."""
    if not most.steps:
        return "nothing to do"
    parts = [_range(least.steps, most.steps, " step")]
    parts += [_range(least.minutes, most.minutes, " min").removesuffix("s")] if most.minutes else []
    parts += [_range(least.writes, most.writes, " write") if most.writes else "only reads"]
    return ", ".join(parts)


def _range(least: float, most: float, unit: str) -> str:
    low, high = min(least, most), max(least, most)
    number = f"{high:g}" if low == high else f"{low:g} to {high:g}"
    return f"{number}{unit}" + ("" if high == 1 else "s")
