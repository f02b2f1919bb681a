"""Add the guard to runbook: its verb, an answer before click loads, and the policy's own tests in `runbook check`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runbook.extras import Extra

if TYPE_CHECKING:
    import click

    from runbook.checks.findings import Notes
    from runbook.checks.subject import Subject
    from runbook.model import LineTest, Policy, Programs

__all__ = ["EXTRA"]


def _load_command() -> click.Command:
    from runbook.guard.verb import command

    return command


def _answer_early(words: Sequence[str]) -> int | None:
    from runbook.guard.fast_path import answer

    return answer(words)


def check_rule_tests(subject: Subject, notes: Notes) -> None:
    """Judge the test lines of every rule, request and program, and report each verdict that its author didn't expect.

    A team's policy may judge the packaged lines more strictly. It may never allow what the packaged policy refuses,
    however that came about. There are hundreds of lines, so if all are as expected, that is kept for the next check of
    the same files.
    """
    from runbook.cache import entry_of, find_kept, keep
    from runbook.loading.files import SHARED

    texts = [text for shown, text in sorted(subject.book.sources.items()) if shown.rpartition("/")[2] in SHARED]
    entry = entry_of("\0".join(texts).encode(), use="rule tests", code=_JUDGING_CODE)
    if find_kept(entry) == _ALL_AS_EXPECTED:
        return
    before = len(notes.findings)
    _judge_tests(subject, notes)
    if len(notes.findings) == before:
        keep(entry, _ALL_AS_EXPECTED)


_ALL_AS_EXPECTED = "all as expected"
_JUDGING_CODE = (
    *("guard", "guard/command_files", "guard/programs", "guard/shell", "linear_regex.py", "loading", "model", "policy"),
)


def _judge_tests(subject: Subject, notes: Notes) -> None:
    from runbook.guard.command_line import judge, packaged_policy
    from runbook.loading.files import shown_name
    from runbook.model import Position, Verdict

    policy, packaged = subject.book.policy, packaged_policy()
    for test in _tests(policy.all_layers[-1]):
        judged = judge(test.line, policy=policy, files=test.files or None)
        if judged.verdict is not test.verdict:
            by = f"rule '{judged.rule}'" if judged.rule else "no rule"
            message = f"expected the verdict {test.verdict}, got {judged.verdict} by {by}"
            notes.add(test.at, message, "verdict:", test.verdict)
    _check_command_files(policy.programs.all_layers[-1], notes)
    for line in _refused_lines(packaged) if policy != packaged else ():
        if judge(line, policy=policy).verdict is Verdict.ALLOW:
            at = Position(f"{shown_name(Path(subject.book.directory))}/policy.yaml", 1, 1)
            notes.add(at, f"this policy allows what the packaged one refuses: {line}")


def _check_command_files(programs: Programs, notes: Notes) -> None:
    """Read the test files beside each kind of file, and report commands that its author didn't expect."""
    from runbook.guard.command_files.contents import NotReadableError
    from runbook.guard.command_files.reading import read_commands

    for kind in programs.command_files:
        for test in kind.tests:
            try:
                commands = list(read_commands(test.text, kind, programs=("supabase", "psql")).commands)
            except NotReadableError as error:
                notes.add(test.at, f"the text can't be read: line {error.line}: {error.message}", "text:")
                continue
            found = tuple(" ".join(each.words) or each.text for each in commands)
            if found != test.commands:
                notes.add(test.at, f"expected other commands, found {list(found)}", "commands:")


def _tests(policy: Policy) -> Iterator[LineTest]:
    """Yield the test lines of a policy's own rules, requests and programs."""
    programs = policy.programs.all_layers[-1]
    for tests in (each.tests for entries in (policy.rules, policy.http_requests) for each in entries):
        yield from tests
    for table in (programs.launchers, programs.interpreters, programs.code_calls, programs.task_runners):
        for each in table:
            yield from each.tests


def _refused_lines(policy: Policy) -> Iterator[str]:
    from runbook.model import Verdict

    for entries in (policy.rules, policy.http_requests):
        for each in entries:
            yield from (test.line for test in each.tests if test.verdict is Verdict.REFUSE)


EXTRA = Extra(
    summary="Judge a command line before it runs.",
    listed_before="check",
    load_command=_load_command,
    answer_early=_answer_early,
    check_book=check_rule_tests,
)
