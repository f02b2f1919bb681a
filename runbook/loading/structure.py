"""Check one file beyond its fields: names are unique, and phases are short."""

from __future__ import annotations

from collections.abc import Iterable

from runbook.loading.records import Record
from runbook.loading.source_text import Problems
from runbook.model import Position

__all__ = ["PHASE_LIMIT", "check_structure"]

PHASE_LIMIT = 9
"""In steps: about as many as a person in a hurry can keep track of."""

_UNIQUE = {
    "step": ("id", "a step"),
    "drill": ("name", "a drill"),
    "rule": ("id", "a rule"),
    "http-request": ("id", "a request"),
    "pattern": ("id", "a pattern"),
    "topic": ("id", "a topic"),
    "error": ("id", "an error"),
    "migration-rule": ("id", "a rule"),
}


def check_structure(records: Iterable[Record], problems: Problems) -> None:
    """Note names that are used twice and phases that are too long."""
    known = sorted(records, key=lambda record: record.at)
    for shape, (name, noun) in _UNIQUE.items():
        _check_unique([record for record in known if record.shape.name == shape], name, noun, problems)
    for record in known:
        shape = record.shape.name
        if shape in {"procedure", "step", "option"}:
            _check_phases(record, "steps", problems)
        if shape == "procedure":
            _check_phases(record, "before", problems)
        if shape == "step":
            _check_unique(_records(record, "choose"), "when", "an option", problems)


def _check_unique(records: list[Record], name: str, noun: str, problems: Problems) -> None:
    seen: dict[str, Position] = {}
    for record in records:
        value = record.values.get(name)
        if not isinstance(value, str):
            continue
        if value in seen:
            message = f"{noun} called '{value}' is already on line {seen[value].line}"
            problems.add(record.places[name], message, width=len(value))
        seen.setdefault(value, record.places[name])


def _check_phases(record: Record, name: str, problems: Problems) -> None:
    count, phase = 0, ""
    for step in _records(record, name):
        title = step.values.get("phase")
        if isinstance(title, str):
            count, phase = 0, f" '{title}'"
        count += 1
        if count == PHASE_LIMIT + 1:
            problems.add(step.at, f"the phase{phase} has more than {PHASE_LIMIT} steps: start a new phase here")


def _records(record: Record, name: str) -> list[Record]:
    value = record.values.get(name)
    return [each for each in value if isinstance(each, Record)] if isinstance(value, tuple) else []
