"""The policy's own tests: each line beside a rule gets the verdict that its author meant."""

from __future__ import annotations

from runbook.checks.findings import Notes
from runbook.model import Book

__all__ = ["check_rule_tests"]


def check_rule_tests(book: Book, notes: Notes) -> None:
    """Let the guard judge every test line, and compare."""
    from runbook.guard.command_line import judge  # slow to import, and a walk does without it

    for rule in book.policy.rules:
        for test in rule.tests:
            judged = judge(test.line, policy=book.policy)
            if judged.verdict is not test.verdict:
                by = f"rule '{judged.rule}'" if judged.rule else "no rule"
                message = f"the verdict is {judged.verdict}, by {by}, and not {test.verdict}"
                notes.add(test.at, message, "verdict:", test.verdict)
