"""Keep a drill that a person walked: in the journal of the book's team, once it's over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from runbook.drill.stage import DrillReport
from runbook.errors import RunbookError
from runbook.journal.events import DrillEnded, Event, RunStarted
from runbook.journal.interface import StoredJournal

__all__ = ["Practice", "keep_practice", "runs_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """A drill that `person` walked and that ended at that time, after asking so often for more help."""

    person: str
    at: datetime
    report: DrillReport
    hints: int = 0

    @property
    def ended(self) -> DrillEnded:
        """The event that says how it went."""
        report = self.report
        return DrillEnded(
            at=self.at,
            procedure=report.procedure,
            scenario=report.drill,
            operator=self.person,
            passed=report.passed,
            failed=tuple(proof.text for proof in report.proofs if not proof.held),
            trouble=report.trouble,
            hints=self.hints,
            cli=report.cli,
        )


def keep_practice(practice: Practice, journal: StoredJournal) -> str:
    """Append the drill's runs to the journal, and return a sentence for the person. Raises nothing that is expected."""
    runs = tuple(runs_of(practice))
    if not runs:
        return "No run began, so there is nothing to keep in the journal."
    first = runs[0][0]
    try:
        waits = [why for run, events in runs if (why := journal.add(run, events))]
    except RunbookError as error:
        return f"This drill isn't in the journal: {error.message}. {error.hint}".strip()
    if waits:
        return (
            f"This drill waits on this machine: {waits[0]}. The next command that reaches the journal, such as "
            "`runbook readiness`, sends it."
        )
    return f"In the journal as run {first}\nReport: runbook report {first}"


def runs_of(practice: Practice) -> Iterator[tuple[str, Sequence[Event]]]:
    """Yield each run of the drill with its events. The first one ends with how the drill went.

    A walk that switches to another procedure has a run for each; the drill is about the first one's.
    """
    runs: list[tuple[str, list[Event]]] = []
    for event in practice.report.events:
        if isinstance(event, RunStarted):
            runs.append((event.run, []))
        runs[-1][1].append(event)
    for number, (run, events) in enumerate(runs):
        yield run, events if number else (*events, practice.ended)
