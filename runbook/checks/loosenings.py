"""Check what a team's policy loosens."""

from __future__ import annotations

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject

__all__ = ["check_loosenings"]


def check_loosenings(subject: Subject, notes: Notes) -> None:
    """Report loosenings of rules that don't exist, can wipe production, or allow everything already."""
    policy = subject.book.policy
    if not policy.loosen or not policy.layers:
        return
    from runbook.policy.layers import loosening_problem  # most books loosen nothing

    for loosening in policy.loosen:
        if problem := loosening_problem(loosening, policy.layers[0]):
            notes.add(loosening.at, problem, "rule:", loosening.rule)
