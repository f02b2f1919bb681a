"""The policy's own tests: each line beside a rule gets the verdict that its author meant."""

from __future__ import annotations

import shlex

from runbook.checking.notes import Notes
from runbook.model import Book
from runbook.safety.policy import classify

__all__ = ["check_rule_tests"]


def check_rule_tests(book: Book, notes: Notes) -> None:
    """Judge every test line and compare."""
    for rule in book.policy.rules:
        for test in rule.tests:
            try:
                judged = classify(shlex.split(test.line), book.policy)
            except ValueError as error:
                notes.add(test.at, f"this line can't be read: {error}")
                continue
            if judged.verdict is not test.verdict:
                by = f"rule '{judged.rule}'" if judged.rule else "no rule"
                message = f"the verdict is {judged.verdict}, by {by}, and not {test.verdict}"
                notes.add(test.at, message, "verdict:", test.verdict)
