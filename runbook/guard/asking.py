"""Judge a line for one of the guard's faces, and note what was stopped."""

from __future__ import annotations

import os
from pathlib import Path

from runbook.errors import ExitCode
from runbook.guard.command_line import judge, judge_words
from runbook.guard.policies import load_policy
from runbook.model import Verdict
from runbook.policy.judgement import Judgement

__all__ = ["EXIT_CODES", "current_directory", "judge_argv", "judge_line"]

EXIT_CODES = {
    Verdict.ALLOW: ExitCode.DONE,
    Verdict.CONFIRM: ExitCode.NEEDS_PERSON,
    Verdict.REFUSE: ExitCode.REFUSED,
}
"""What `runbook guard` ends with."""


def judge_line(line: str, *, book: str | None, face: str, directory: str | None = None) -> Judgement:
    """Judge a line that would run in a directory (default: here)."""
    here = directory or current_directory()
    judged = judge(line, cwd=here, env=os.environ, policy=load_policy(book))
    _note(judged, line, face, here)
    return judged


def judge_argv(argv: tuple[str, ...], *, book: str | None, face: str) -> Judgement:
    """Judge a command that would run here."""
    here = current_directory()
    judged = judge_words(argv, cwd=here, env=os.environ, policy=load_policy(book))
    _note(judged, " ".join(argv), face, here)
    return judged


def current_directory() -> str | None:
    """Return the current directory, None if it is gone."""
    try:
        return str(Path.cwd())
    except OSError:
        return None


def _note(judged: Judgement, line: str, face: str, directory: str | None) -> None:
    if judged.verdict is not Verdict.ALLOW:
        from runbook.guard.log import record

        record(judged, line, face=face, directory=directory or "")
