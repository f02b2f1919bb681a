"""Events as JSON: what is read back is equal to what was written."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.journals import START

from runbook.errors import JournalError
from runbook.journal import codec
from runbook.journal import events as known
from runbook.journal.events import Event, Purpose, StepStarted

KINDS = [
    kind
    for name in known.__all__
    if isinstance(kind := getattr(known, name), type) and issubclass(kind, Event) and kind is not Event
]


# --- events as JSON ---------------------------------------------------------------------------------------------

BROKEN = st.integers(0xDC80, 0xDCFF).map(chr)  # what Python makes of a byte that is not UTF-8
TEXT = st.text(st.characters(exclude_categories=["Cs"]) | BROKEN, max_size=20)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    datetime: st.datetimes(timezones=st.just(UTC)),
    int: st.integers(),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
}


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Return any value of that type."""
    if hint in VALUES:
        return VALUES[hint]
    if is_dataclass(hint):
        return instances_of(hint)
    if isinstance(hint, type):
        return st.sampled_from(list(hint))  # type: ignore[call-overload]  # an enum
    text = str(hint)
    if "Mapping" in text:
        if is_dataclass(get_args(hint)[1]):
            return st.dictionaries(TEXT, instances_of(get_args(hint)[1]), max_size=3)
        return st.dictionaries(TEXT, TEXT | st.lists(TEXT).map(tuple) if "tuple" in text else TEXT, max_size=3)
    return st.none() | st.integers() if "None" in text else st.lists(TEXT, max_size=3).map(tuple)


def instances_of(kind: Any) -> st.SearchStrategy[Any]:
    """Return any instance of a dataclass."""
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: values_of(hints[field.name]) for field in fields(kind)})


@given(event=st.one_of([instances_of(kind) for kind in KINDS]))
@settings(max_examples=300, deadline=None)
def test_every_event_survives_the_journal_s_form(event: Event) -> None:
    """What is read back is equal, whatever the values hold; the form is plain ASCII."""
    text = codec.to_json(event)

    assert text.isascii()
    assert "\n" not in text
    assert codec.from_json(text) == event


def test_fields_of_a_newer_version_are_left_out_and_new_fields_have_defaults() -> None:
    """A journal of last year, or of next year, can be read."""
    document = codec.encode(StepStarted(at=START, step="a", purpose=Purpose.RUN))
    del document["argv"]
    document["mood"] = "good"

    assert codec.decode(document) == StepStarted(at=START, step="a", purpose=Purpose.RUN)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"event": "Unheard"}', '{"event": "StepStarted", "at": "soon"}'])
def test_a_damaged_event_is_one_sentence(text: str) -> None:
    """Never a traceback."""
    with pytest.raises(JournalError, match="the journal contains"):
        codec.from_json(text)
