"""Judge what a shell, a shim or an agent is about to run, and log what was stopped, one JSON object per line."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from runbook.errors import ExitCode
from runbook.guard import quick
from runbook.guard.command_line import TeamReader, is_harmless, judge, judge_words
from runbook.guard.outline import outline_of
from runbook.loading.files import read_policy
from runbook.loading.place import book_directory
from runbook.model import Policy, Verdict
from runbook.policy.judgement import Judgement

if TYPE_CHECKING:
    from runbook.guard.events import Event
    from runbook.model import Team

__all__ = [
    "EXIT_CODES",
    "current_directory",
    "judge_argv",
    "judge_event",
    "judge_line",
    "policy_of",
    "team_reader",
]

EXIT_CODES = {
    Verdict.ALLOW: ExitCode.DONE,
    Verdict.CONFIRM: ExitCode.NEEDS_PERSON,
    Verdict.REFUSE: ExitCode.REFUSED,
}
"""The exit code of `runbook guard` for each verdict."""


def judge_line(line: str, *, book: str | None, face: str, directory: str | None = None) -> Judgement:
    """Judge a line that would run in a directory (default: here)."""
    here = directory or current_directory()
    policy = policy_of(book, here)
    judged = judge(line, cwd=here, env=os.environ, policy=policy, team=team_reader(book, here))
    _record(judged, line, face=face, directory=here)
    if judged.verdict is Verdict.ALLOW:
        _note_harmless(line, policy)
    return judged


def judge_argv(argv: tuple[str, ...], *, book: str | None, face: str, directory: str | None = None) -> Judgement:
    """Judge a command that would run in a directory (default: here)."""
    here = directory or current_directory()
    policy = policy_of(book, here)
    judged = judge_words(argv, cwd=here, env=os.environ, policy=policy, team=team_reader(book, here))
    _record(judged, " ".join(argv), face=face, directory=here)
    return judged


def judge_event(event: Event, *, book: str | None, face: str) -> Judgement:
    """Judge what an agent's event would do. Raises UnreadableEventError if a part of it can't be read."""
    from runbook.guard.event_judgement import judge_actions, shown_actions  # only agents need it

    here = event.directory or current_directory()
    policy = policy_of(book, here)
    judged = judge_actions(event.actions, cwd=here, policy=policy, team=team_reader(book, here))
    shown = shown_actions(event.actions)
    _record(judged, shown, face=face, directory=here)
    if judged.verdict is Verdict.ALLOW and len(event.actions) == 1:
        _note_harmless(shown, policy)
    return judged


def policy_of(book: str | None, directory: str | None = None) -> Policy:
    """Return the policy of a book; None means that of the team whose project the directory is in, or the packaged one.

    Raises BookError and UsageError.
    """
    return read_policy(book_directory(book, directory))


def team_reader(book: str | None, directory: str | None) -> TeamReader:
    """Return what reads the file of the team whose book counts in a directory, when it's first needed."""

    @functools.cache
    def read() -> Team | None:
        from runbook.guard.projects import team_of  # only before a write to a hosted project

        return team_of(book, directory)

    return read


def current_directory() -> str | None:
    """Return the current directory, None if it is gone."""
    try:
        # This fails if the directory has been removed.
        return str(Path.cwd())
    except OSError:
        return None


def _note_harmless(line: str, policy: Policy) -> None:
    """Let the next line that is the same, or begins with a quiet command, be answered without a policy."""

    def names() -> frozenset[str]:
        from runbook.guard.programs.quiet import quiet_commands  # once for each policy

        return quiet_commands(outline_of(policy))

    quick.note(line, is_harmless=lambda: is_harmless(line, policy), names=names)


def _record(judged: Judgement, line: str, *, face: str, directory: str | None) -> None:
    """Log a line that was stopped."""
    if judged.verdict is not Verdict.ALLOW:
        from runbook.guard.log import record  # most lines are allowed

        record(judged, line, face=face, directory=directory)
