"""The policy's own tests: each line beside a rule gets the verdict that its author meant."""

from __future__ import annotations

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject

__all__ = ["check_rule_tests"]


def check_rule_tests(subject: Subject, notes: Notes) -> None:
    """Let the guard judge every test line, and compare."""
    from runbook.guard.command_line import judge  # slow to import, and a walk does without it

    for rule in subject.book.policy.rules:
        for test in rule.tests:
            judged = judge(test.line, policy=subject.book.policy)
            if judged.verdict is not test.verdict:
                by = f"rule '{judged.rule}'" if judged.rule else "no rule"
                message = f"the verdict is {judged.verdict}, by {by}, and not {test.verdict}"
                notes.add(test.at, message, "verdict:", test.verdict)
