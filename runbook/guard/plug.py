"""Add the guard to runbook: its verb, an answer before click loads, and the policy's own tests in `runbook check`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runbook.extras import Extra

if TYPE_CHECKING:
    import click

    from runbook.checks.findings import Notes
    from runbook.checks.subject import Subject

__all__ = ["EXTRA"]


def _load_command() -> click.Command:
    from runbook.guard.verb import command

    return command


def _answer_early(words: Sequence[str]) -> int | None:
    from runbook.guard.fast_path import answer

    return answer(words)


def check_rule_tests(subject: Subject, notes: Notes) -> None:
    """Judge the test lines of every rule in the policy, and report each verdict that its author didn't expect."""
    from runbook.guard.command_line import judge

    policy = subject.book.policy
    for rule in policy.rules:
        for test in rule.tests:
            judged = judge(test.line, policy=policy)
            if judged.verdict is not test.verdict:
                by = f"rule '{judged.rule}'" if judged.rule else "no rule"
                message = f"expected the verdict {test.verdict}, got {judged.verdict} by {by}"
                notes.add(test.at, message, "verdict:", test.verdict)


EXTRA = Extra(
    summary="Judge a command line before it runs.",
    listed_before="check",
    load_command=_load_command,
    answer_early=_answer_early,
    check_book=check_rule_tests,
)
