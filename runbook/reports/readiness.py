"""Who has drilled which procedure and when, what is due, and which reviews are overdue. Pure.

A procedure is due if nobody has passed a drill of it within its time. A later failure doesn't change that for the team:
somebody else can still do it. Whoever failed last is due at once in their own readiness.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from runbook.checks.review_dates import overdue
from runbook.journal.events import DrillEnded, Event
from runbook.model import Book, Procedure
from runbook.model.team import DRILL_DAYS
from runbook.printable import one_line

__all__ = ["Drilled", "ProcedureReadiness", "Readiness", "Review", "command_of", "readiness_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """One drill that somebody walked, and when it ended."""

    run: str
    procedure: str
    scenario: str
    operator: str
    at: datetime
    passed: bool

    @property
    def day(self) -> date:
        """The day in UTC."""
        return self.at.astimezone(UTC).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedureReadiness:
    """How ready people are for one procedure."""

    procedure: str
    title: str
    every: int
    """For how many days a passed drill counts."""
    passed: Drilled | None
    """The last drill that was passed."""
    latest: tuple[Drilled, ...]
    """The latest drill of each person, by name."""
    due: date | None
    """The day on which it's due (again); None if nobody has passed a drill of it."""
    is_due: bool
    scenario: str
    """The one to drill next: the last one if it failed, one that nobody passed, or the one passed longest ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A procedure whose review is overdue since the day after `due`."""

    procedure: str
    title: str
    owner: str
    due: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """The readiness of a team, or of one `operator`, on a day."""

    today: date
    operator: str
    procedures: tuple[ProcedureReadiness, ...]
    """Those that a person can drill: what is due comes first, an emergency before everything else."""
    reviews: tuple[Review, ...]
    """The longest overdue first."""
    gone: tuple[Drilled, ...] = ()
    """The latest drill of each procedure that the book doesn't have: it was renamed, removed, or is another book's."""
    later: tuple[Drilled, ...] = ()
    """Drills of a day that is still to come, by a clock that was wrong. They don't count."""
    unread: tuple[str, ...] = ()
    """Runs of drills whose end can't be read, or was changed. They don't count either."""
    people: tuple[str, ...] = ()
    """Everybody who has drilled anything."""

    @property
    def due(self) -> tuple[ProcedureReadiness, ...]:
        """The procedures to be drilled now."""
        return tuple(one for one in self.procedures if one.is_due)


def readiness_of(
    book: Book, recorded: Iterable[tuple[str, Event | None]], today: date, operator: str = ""
) -> Readiness:
    """Return the readiness of everybody, or of one person, whose name may be in any case.

    `recorded` has the last event of each run of a drill, None for one that can't be read.
    """
    known = tuple(recorded)
    every = sorted(
        (_drilled(run, event) for run, event in known if isinstance(event, DrillEnded)),
        key=lambda one: (one.at, one.run),
    )
    wanted = [one for one in every if operator.casefold() in {"", one.operator.casefold()}]
    # Elsewhere on Earth it's already tomorrow.
    latest_day = today + timedelta(days=1)
    counted = [one for one in wanted if one.day <= latest_day]
    of: dict[str, list[Drilled]] = {}
    for one in counted:
        of.setdefault(one.procedure, []).append(one)
    found = [
        _procedure(book, procedure, of.get(procedure.id, []), today, is_one_person=bool(operator))
        for procedure in book.procedures.values()
        if any(drill.practice for drill in procedure.drills)
    ]
    return Readiness(
        today=today,
        operator=operator,
        procedures=tuple(sorted(found, key=lambda one: _urgency(book.procedures[one.procedure], one))),
        reviews=tuple(
            Review(procedure=one.id, title=one.title, owner=one.owner, due=one.due) for one in overdue(book, today)
        ),
        gone=tuple(drills[-1] for name, drills in sorted(of.items()) if name not in book.procedures),
        later=tuple(one for one in wanted if one.day > latest_day),
        unread=tuple(run for run, event in known if event is None),
        people=tuple(sorted({one.operator for one in every})),
    )


def command_of(one: ProcedureReadiness) -> str:
    """Return the command that drills it next."""
    return f"runbook drill {one.procedure} --scenario {one.scenario}"


def _drilled(run: str, ended: DrillEnded) -> Drilled:
    return Drilled(
        run=run,
        procedure=ended.procedure,
        scenario=ended.scenario,
        operator=one_line(ended.operator),
        at=ended.at.astimezone(UTC),
        passed=ended.passed,
    )


def _procedure(
    book: Book, procedure: Procedure, drills: Sequence[Drilled], today: date, *, is_one_person: bool
) -> ProcedureReadiness:
    """Return the readiness for one procedure; `drills` are those of it that count, the oldest first."""
    every = procedure.drill_days
    if every is None:
        every = book.team.drill_days if book.team else DRILL_DAYS
    passed = next((one for one in reversed(drills) if one.passed), None)
    due = passed.day + timedelta(days=every) if passed else None
    has_failed = is_one_person and bool(drills) and not drills[-1].passed
    return ProcedureReadiness(
        procedure=procedure.id,
        title=procedure.title,
        every=every,
        passed=passed,
        latest=tuple(sorted({one.operator: one for one in drills}.values(), key=lambda one: one.operator)),
        due=due,
        is_due=due is None or due <= today or has_failed,
        scenario=_next_scenario(procedure, drills),
    )


def _next_scenario(procedure: Procedure, drills: Sequence[Drilled]) -> str:
    names = [drill.name for drill in procedure.drills if drill.practice]
    if drills and not drills[-1].passed and drills[-1].scenario in names:
        return drills[-1].scenario
    passed = {one.scenario: one.day for one in drills if one.passed}
    return min(names, key=lambda name: passed.get(name, date.min))


def _urgency(procedure: Procedure, one: ProcedureReadiness) -> tuple[object, ...]:
    is_wrong = procedure.section.value == "wrong"
    return (not one.is_due, not procedure.is_emergency, not is_wrong, one.due or date.min, procedure.id)
