"""Map the guide that this book started from: what it says, and where the book says it now."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from runbook.model import Advice, Book, Step
from runbook.policy.judgement import classify
from runbook.steps.choose import Choose
from runbook.steps.each import Each
from runbook.steps.include import Include

__all__ = ["Item", "is_there", "items"]

MAP = Path(__file__).parents[1] / "book" / "data" / "guide-map.tsv"


@dataclass(frozen=True, slots=True)
class Item:
    """One statement of the guide, where it is now, and what was corrected."""

    kind: str
    section: str
    text: str
    homes: tuple[str, ...]
    correction: str


def items() -> list[Item]:
    """Read the list."""
    with MAP.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        Item(row["kind"], row["section"], row["item"], tuple(row["homes"].split(" | ")), row["correction"])
        for row in rows
    ]


def is_there(home: str, book: Book) -> bool:
    """Tell whether a place in the book exists."""
    kind, _, place = home.partition(":")
    match kind:
        case "proc":
            return place in book.procedures
        case "step":
            procedure, _, step = place.partition("/")
            return step in steps_of(book).get(procedure, ())
        case "pattern":
            return any(pattern.id == place for pattern in book.patterns)
        case "advice":
            return has_advice(place, book)
        case "refused" | "confirmed" | "allowed":
            verdict = {"refused": "refuse", "confirmed": "confirm", "allowed": "allow"}[kind]
            return all(classify(shlex.split(place), book.policy, major=major).verdict == verdict for major in (2, 3))
        case _:
            return False


def has_advice(place: str, book: Book) -> bool:
    """Tell whether a topic exists, or an entry in it that begins with a text: `topic/dont/Reset`."""
    topic, _, rest = place.partition("/")
    found = next((advice for advice in book.advice if advice.id == topic), None)
    if found is None or not rest:
        return found is not None
    return any(entry.startswith(rest.partition("/")[2]) for entry in entries(found, rest.partition("/")[0]))


def entries(advice: Advice, part: str) -> Iterator[str]:
    """Yield the texts of one list of a topic: `do`, `dont` or `watch`."""
    lists: Mapping[str, tuple[tuple[str, str], ...]] = {
        "do": advice.do,
        "dont": advice.dont,
        "watch": advice.watch,
    }
    yield from (text for text, _ in lists[part])


def steps_of(book: Book) -> dict[str, set[str]]:
    """Return the ids of every procedure's own steps, those in branches too."""
    return {
        procedure.id: set(own_steps((*procedure.before, *procedure.steps))) for procedure in book.procedures.values()
    }


def own_steps(steps: tuple[Step, ...]) -> Iterator[str]:
    """Yield the ids of steps and of those within them, but not of included procedures."""
    for step in steps:
        yield step.id
        match step.action:
            case Choose(options):
                for option in options:
                    yield from own_steps(option.steps)
            case Each():
                yield from own_steps(step.action.steps)
            case Include():
                continue
            case _:
                continue
