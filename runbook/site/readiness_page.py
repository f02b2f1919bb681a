"""The page of readiness: who has practised what, if the team exported that, and what is due in any case."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from runbook.checks.review_dates import overdue
from runbook.model import Procedure
from runbook.reports.readiness import ProcedureReadiness, readiness_of
from runbook.site.source import book, exported_readiness, today
from runbook.site.templating import render

__all__ = ["drills", "reviews"]


@dataclass(frozen=True, slots=True)
class _Row:
    """A procedure of the book, and what the export says about it, if it has it."""

    procedure: Procedure
    readiness: ProcedureReadiness
    is_exported: bool

    @property
    def is_due(self) -> bool:
        """Whether the export says that it's due, or that it would be by the day of the build."""
        due = self.readiness.due
        return self.is_exported and (self.readiness.is_due or due is None or due <= today())

    @property
    def scenario(self) -> str:
        """The scenario to drill next: the export may be older than the book."""
        names = [drill.name for drill in self.procedure.drills if drill.practice]
        return self.readiness.scenario if self.readiness.scenario in names else names[0]


def drills() -> Markup:
    """Render the procedures that can be drilled, in the order of need: the team's export, or else the first drills."""
    exported = exported_readiness()
    known = {one.procedure: one for one in exported.procedures} if exported else {}
    # A procedure that is newer than the export, and every one without it, has no drill that is known.
    undrilled = {one.procedure: one for one in readiness_of(book(), (), today()).procedures}
    rows = [
        _Row(book().procedure(name), known.get(name, undrilled[name]), name in known)
        for name in dict.fromkeys((*known, *undrilled))
        if name in undrilled
    ]
    return render("reference/readiness.html", exported=exported, rows=rows)


def reviews() -> Markup:
    """Render the procedures whose review is overdue on the day of the build, the longest one first."""
    return render("reference/overdue_reviews.html", procedures=overdue(book(), today()), today=today())
