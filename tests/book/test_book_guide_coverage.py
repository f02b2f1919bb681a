"""The guide that this book began from: every heading, command, SQL block and piece of advice has a home in the book."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from support.guide import Item, is_there, items

from runbook.loading import PACKAGED_BOOK, read_book

BOOK = read_book(PACKAGED_BOOK)
COUNTS = {"heading": 50, "command": 41, "sql": 8, "advice": 59, "note": 7, "prose": 3}
"""How many items of each kind the guide has."""


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
