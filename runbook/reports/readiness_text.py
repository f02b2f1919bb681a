"""The readiness of a team or a person as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from runbook.printable import counted, one_line
from runbook.rendering.command_text import broken
from runbook.reports.readiness import Drilled, ProcedureReadiness, Readiness, command_of

__all__ = ["as_text"]

_LONGEST_NAME = 20


def as_text(readiness: Readiness, width: int = 80) -> str:
    """Return lines of at most that many columns: what is due, what isn't, and what to do next."""
    return "\n".join(part for line in _lines(readiness) for part in _wrapped(line, width))


def _lines(readiness: Readiness) -> Iterator[str]:
    due = [one for one in readiness.due if one.latest]
    never = [one for one in readiness.due if not one.latest]
    ready = [one for one in readiness.procedures if not one.is_due]
    whose = f" of {one_line(readiness.operator)}" if readiness.operator else ""
    counts = ((len(due), "due"), (len(never), "never drilled"), (len(ready), "not due"))
    said = ", ".join(f"{number} {what}" for number, what in counts if number)
    yield f"Readiness{whose} on {readiness.today}: {said or 'nothing is due'}."
    yield from _unknown_person(readiness)
    if due:
        yield from ("", "Due")
        for one in due:
            yield f"  {one.procedure}  {_since(one, readiness.today)}"
            yield from (*_people(one.latest), f"    {command_of(one)}")
    if never:
        yield from ("", "Never drilled", *(f"  {command_of(one)}" for one in never))
    if ready:
        yield from ("", "Not due")
        for one in ready:
            yield f"  {one.procedure}  until {one.due}"
            yield from _people(one.latest)
    if readiness.reviews:
        yield from ("", "Reviews overdue")
        yield from (f"  {one.procedure}  since {one.due}, owner: {one.owner}" for one in readiness.reviews)
        yield "  Read each one through, then set its `reviewed:`."
    yield from _left_out(readiness)
    if readiness.due:
        yield from ("", f"Next: {command_of(readiness.due[0])}")
    elif ready:
        first = min(ready, key=lambda one: one.due or date.max)
        yield from ("", f"Next: {first.procedure}, due on {first.due}")


def _unknown_person(readiness: Readiness) -> Iterator[str]:
    if readiness.operator and readiness.operator.casefold() not in map(str.casefold, readiness.people):
        others = f" These people have: {', '.join(readiness.people)}." if readiness.people else ""
        yield f"Nobody of that name has drilled anything.{others}"


def _since(one: ProcedureReadiness, today: date) -> str:
    if one.due is None:
        return "never passed"
    if one.due > today:
        return "the last drill failed"
    days = counted(one.every, "day")
    return f"due today, after {days}" if one.due == today else f"due since {one.due}, after {days}"


def _people(latest: Sequence[Drilled]) -> Iterator[str]:
    room = min(max((len(one.operator) for one in latest), default=0), _LONGEST_NAME)
    for one in latest:
        yield f"    {one.operator:<{room}}  {'passed' if one.passed else 'FAILED'}  {one.day}  {one_line(one.scenario)}"


def _left_out(readiness: Readiness) -> Iterator[str]:
    """Yield what was recorded and doesn't count, each with the reason."""
    if readiness.gone:
        yield from ("", "Drilled, and not in this book")
        yield from (f"  {one_line(one.procedure)}  {one.day} by {one.operator}" for one in readiness.gone)
    if readiness.later:
        yield from ("", "Not counted, because the day is still to come: a clock was wrong")
        yield from (f"  {one_line(one.run)}  {one.day} by {one.operator}" for one in readiness.later)
    if readiness.unread:
        yield from ("", "Not counted, because the record is damaged: see `runbook verify RUN`")
        yield from (f"  {one_line(run)}" for run in readiness.unread)


def _wrapped(line: str, width: int) -> list[str]:
    indent = len(line) - len(line.lstrip())
    first, *rest = broken(line.strip(), max(width - indent - 2, 20))
    return [f"{' ' * indent}{first}", *(f"{' ' * (indent + 2)}{part}" for part in rest)]
