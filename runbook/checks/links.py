"""Check the links in the book's texts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject
from runbook.model import Advice, KnownError, Pattern, Position, Procedure, Rule
from runbook.model.fields import Either, ListOf, MapOf, Shaped, Text, Type

__all__ = ["check_links"]


def check_links(subject: Subject, notes: Notes) -> None:
    """Report links that don't lead to http, https, mailto or a page of the site. They are shown as plain text.

    The texts of drills aren't checked: no page shows them.
    """
    from runbook.markup import unsafe_link_message, unsafe_links  # only `check` looks for links

    book = subject.book
    entries: tuple[Procedure | Rule | Pattern | Advice | KnownError, ...] = (
        *book.procedures.values(),
        *book.policy.rules,
        *book.patterns,
        *book.advice,
        *book.errors,
    )
    for entry in entries:
        for text, at in _texts(entry, entry.at):
            for _, address in unsafe_links(text):
                notes.add(at, unsafe_link_message(address), address)


def _texts(value: object, at: Position) -> Iterator[tuple[str, Position]]:
    """Yield every text in a value of the model that people read, with the nearest position that the model knows."""
    if isinstance(value, str):
        yield value, at
    elif isinstance(value, Mapping):
        yield from _texts(tuple(value.values()), at)
    elif isinstance(value, tuple) and not isinstance(value, Position):
        for item in value:
            yield from _texts(item, at)
    elif dataclasses.is_dataclass(value):
        at = getattr(value, "at", at)
        for field in dataclasses.fields(value):
            stated = field.metadata.get("key")
            if field.name not in {"source", "drills"} and (stated is None or _may_hold_texts(stated.type)):
                yield from _texts(getattr(value, field.name), at)


def _may_hold_texts(kind: Type) -> bool:
    match kind:
        case Text():
            return not kind.literal
        case ListOf(item):
            return _may_hold_texts(item)
        case MapOf(_, value):
            return _may_hold_texts(value)
        case Either(scalar, other):
            return _may_hold_texts(scalar) or _may_hold_texts(other)
    return isinstance(kind, Shaped)
