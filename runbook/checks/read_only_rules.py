"""Check that no rule calls a program read-only if the program runs whatever it is given."""

from __future__ import annotations

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject
from runbook.model import Effect
from runbook.policy.read_only import runs_others

__all__ = ["check_read_only_rules"]


def check_read_only_rules(subject: Subject, notes: Notes) -> None:
    """Report rules that call a shell, an interpreter or a launcher read-only. A walk doesn't trust such a rule."""
    for rule in subject.book.policy.rules:
        outcomes = {rule.effect, *(variant.effect for variant in rule.variants)}
        program = next(filter(runs_others, (rule.program, *rule.also)), None)
        if Effect.READS in outcomes and program is not None:
            message = f"'{program}' runs what it is given, so no rule can prove that it reads: use 'effect: writes'"
            notes.add(rule.at, message, "effect: reads", program)
