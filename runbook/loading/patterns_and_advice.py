"""Records to SQL patterns and advice."""

from __future__ import annotations

from runbook.loading.records import Record
from runbook.model import Advice, Pattern

__all__ = ["build_advice", "build_patterns"]


def build_patterns(record: Record) -> tuple[Pattern, ...]:
    """Return the patterns of a patterns.yaml."""
    return tuple(_pattern(each) for each in record.many("patterns", Record))


def build_advice(record: Record) -> tuple[Advice, ...]:
    """Return the topics of an advice.yaml."""
    return tuple(_topic(each) for each in record.many("advice", Record))


def _pattern(record: Record) -> Pattern:
    return Pattern(
        id=record.get("id", str),
        title=record.get("title", str),
        safe=record.get("safe", str).rstrip(),
        unsafe=record.get("unsafe", str).rstrip(),
        why=record.get("why", str).strip(),
        caught_by=record.get("caught_by", str),
        notes=record.many("notes", str),
        see=record.maybe("see", str),
        at=record.at,
    )


def _topic(record: Record) -> Advice:
    return Advice(
        id=record.get("id", str),
        title=record.get("title", str),
        do=_points(record, "do"),
        dont=_points(record, "dont"),
        watch=_points(record, "watch"),
        at=record.at,
    )


def _points(record: Record, name: str) -> tuple[tuple[str, str], ...]:
    return tuple((each.get("text", str), each.maybe("why", str) or "") for each in record.many(name, Record))
