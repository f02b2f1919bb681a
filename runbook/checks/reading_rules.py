"""Rules that call a command a reading one: none for a program that runs whatever it is given."""

from __future__ import annotations

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject
from runbook.model import Effect
from runbook.policy.reading import runs_others

__all__ = ["check_reading_rules"]


def check_reading_rules(subject: Subject, notes: Notes) -> None:
    """No rule calls a shell, an interpreter or a launcher a reader. A walk takes no such rule's word for it."""
    for rule in subject.book.policy.rules:
        outcomes = {rule.effect, *(variant.effect for variant in rule.variants)}
        if Effect.READS in outcomes and runs_others(rule.program):
            message = f"'{rule.program}' runs what it is given, so no rule can call it a reader: write 'effect: writes'"
            notes.add(rule.at, message, "effect: reads", rule.program)
