"""A quick copy of a frozen value with other fields."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from support.journals import START, began

from runbook.engine.frozen import replace
from runbook.engine.state import RunState, fold
from runbook.journal.events import NoteAdded


def test_it_returns_what_dataclasses_returns() -> None:
    """And leaves the first value as it was."""
    state = fold([began(), NoteAdded(at=START, step="", note="seen")])
    before = dataclasses.replace(state)
    changes = {"events": 7, "paused": "lunch", "notes": ()}

    changed = replace(state, **changes)
    assert changed == dataclasses.replace(state, **changes)  # type: ignore[arg-type]
    assert type(changed) is RunState
    assert state == before


def test_a_field_that_the_class_inherits_changes_too() -> None:
    """Every event has its time from the class of all events."""
    note = NoteAdded(at=START, step="", note="seen")
    later = START + timedelta(hours=1)
    assert replace(note, at=later, note="read") == NoteAdded(at=later, step="", note="read")


def test_a_field_that_does_not_exist_is_an_error() -> None:
    """Instead of nothing, which nobody would notice."""
    with pytest.raises(KeyError):
        replace(RunState(), mood="good")
