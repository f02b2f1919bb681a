"""The guide that this book began from: every heading, command, SQL block and piece of advice has a home in the book."""

from __future__ import annotations

import csv
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from runbook.model import Advice, Book, Choose, Each, Include, Step
from runbook.reading import PACKAGED_BOOK, read_book
from runbook.safety.policy import classify

BOOK = read_book(PACKAGED_BOOK)
MAP = Path(__file__).parent / "data" / "guide-map.tsv"
COUNTS = {"heading": 50, "command": 41, "sql": 8, "advice": 59, "note": 7, "prose": 3}
"""How many items of each kind the guide has."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that the guide says, where it lives now, and what was corrected."""

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


ITEMS = items()


def test_no_item_of_the_guide_was_dropped() -> None:
    """The list is as long as the guide."""
    assert Counter(item.kind for item in ITEMS) == COUNTS


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: f"{item.kind}: {item.text[:50]}")
def test_every_item_of_the_guide_has_a_home(item: Item) -> None:
    """Each home names something that is in the book, or a line that the guard judges as it says."""
    assert item.homes
    assert [home for home in item.homes if not is_there(home, BOOK)] == []


@pytest.mark.parametrize(
    "home",
    [
        "proc:no-such-procedure",
        "step:safe-migration/no-such-step",
        "pattern:no-such-pattern",
        "advice:migrations/do/Reset often",
        "refused:npx supabase migration list --linked",
        "somewhere:else",
    ],
)
def test_a_home_that_does_not_exist_is_found(home: str) -> None:
    """The test above can fail."""
    assert not is_there(home, BOOK)


CORRECTED = [
    ("npx supabase db pull", "writes"),
    ("npx supabase db diff", "dry run"),
    ("npx supabase functions logs", "no functions logs"),
    ("git checkout previous-working-commit", "worktree"),
    ("npx supabase secrets set", "shell history"),
]


@pytest.mark.parametrize(("command", "says"), CORRECTED)
def test_a_command_that_the_guide_has_wrong_is_corrected(command: str, says: str) -> None:
    """Every such line says what is true instead."""
    wrong = [item for item in ITEMS if item.kind == "command" and item.text.startswith(command)]
    assert wrong
    assert [item.text for item in wrong if says not in item.correction and "no check" not in item.correction] == []


@pytest.mark.parametrize("never", ["db pull", "db diff", "functions logs", "--linked", "--yes", "db reset"])
def test_no_procedure_runs_what_was_corrected(never: str) -> None:
    """What the guide has wrong stands in no command of any procedure."""
    found = [
        f"{procedure.id}: {line}"
        for procedure in BOOK.procedures.values()
        for line in re.findall(r"^\s*(?:- )?(?:run|check): (.*)$", procedure.source, re.MULTILINE)
        if never in line and "runbook guard" not in line
    ]
    assert found == []


def is_there(home: str, book: Book) -> bool:
    """Tell whether a home exists."""
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
