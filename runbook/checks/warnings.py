"""Check that a step with a command that a person must confirm has a warning."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.checks.findings import Notes
from runbook.checks.subject import JudgedCommand, JudgedStep, Subject
from runbook.model import Policy, Role, Verdict
from runbook.policy.judgement import Judgement, classify

__all__ = ["check_warnings"]


def check_warnings(subject: Subject, notes: Notes) -> None:
    """Report commands that need confirmation but have no warning, or one that doesn't name the risky flag."""
    for step in subject.steps:
        for judged in step.commands:
            if judged.role is Role.STEP and judged.action.words:
                for message, token in _unsaid(step, judged, subject.book.policy):
                    notes.add(judged.action.place(step.place.step.at), message, token)


def _unsaid(step: JudgedStep, judged: JudgedCommand, policy: Policy) -> Iterator[tuple[str, str]]:
    warning = step.place.step.warning or ""
    for major, judgement in judged.judgements.items():
        if judgement.verdict is not Verdict.CONFIRM:
            continue
        if not warning:
            yield f"a person has to confirm this: {judgement.reason} Say in 'warning' what to watch out for", ""
        for flag in _reasons(judgement, policy, major):
            if flag not in warning:
                yield f"{flag} needs a person: {judgement.reason} Say in 'warning' what {flag} does here", flag


def _reasons(judgement: Judgement, policy: Policy, major: int) -> Iterator[str]:
    """Yield the flags without which policy would allow the command, except those that name the target."""
    argv = judgement.commands[0]
    for at, word in enumerate(argv):
        if word.startswith("-") and word.partition("=")[0] not in policy.remote_flags:
            rest = (*argv[:at], *argv[at + 1 :])
            if classify(rest, policy, major=major).verdict is Verdict.ALLOW:
                yield word.partition("=")[0]
