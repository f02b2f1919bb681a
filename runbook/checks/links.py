"""Links that nobody may follow, in all sentences of the book."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject
from runbook.model import Advice, Pattern, Position, Procedure, Rule
from runbook.model.fields import Either, ListOf, MapOf, Shaped, Text, Type

__all__ = ["check_links"]


def check_links(subject: Subject, notes: Notes) -> None:
    """Have links lead to http, https, mailto and pages of the site alone; others stand as text wherever they are shown.

    Drills are left out: nobody reads their texts on a page.
    """
    from runbook.markup import unsafe_link_message, unsafe_links  # only `check` looks for links

    book, noted = subject.book, set[tuple[Position, str]]()
    wholes: tuple[Procedure | Rule | Pattern | Advice, ...] = (
        *book.procedures.values(),
        *book.policy.rules,
        *book.patterns,
        *book.advice,
    )
    for whole in wholes:
        for sentence, at in _sentences(whole, whole.at):
            for _, address in unsafe_links(sentence):
                if (at, address) not in noted:
                    noted.add((at, address))
                    notes.add(at, unsafe_link_message(address), address)


def _sentences(value: object, at: Position) -> Iterator[tuple[str, Position]]:
    """Yield every sentence within a value of the model, with the nearest place that the model knows."""
    if isinstance(value, str):
        yield value, at
    elif isinstance(value, Mapping):
        yield from _sentences(tuple(value.values()), at)
    elif isinstance(value, tuple) and not isinstance(value, Position):
        for item in value:
            yield from _sentences(item, at)
    elif dataclasses.is_dataclass(value):
        at = getattr(value, "at", at)
        for field in dataclasses.fields(value):
            stated = field.metadata.get("key")
            if field.name not in {"source", "drills"} and (stated is None or _may_hold_sentences(stated.type)):
                yield from _sentences(getattr(value, field.name), at)


def _may_hold_sentences(kind: Type) -> bool:
    match kind:
        case Text():
            return not kind.literal
        case ListOf(item):
            return _may_hold_sentences(item)
        case MapOf(_, value):
            return _may_hold_sentences(value)
        case Either(scalar, other):
            return _may_hold_sentences(scalar) or _may_hold_sentences(other)
    return isinstance(kind, Shaped)
