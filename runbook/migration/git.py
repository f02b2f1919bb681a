"""Ask git about the repository around a directory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from runbook.errors import UsageError

if TYPE_CHECKING:
    from runbook.runtime.subprocesses import Answer

__all__ = ["git", "try_git"]


def git(directory: Path, *words: str, problem: str) -> str:
    """Return what a git command prints. Raises UsageError with that problem, and what git said, if it fails."""
    answer = try_git(directory, *words)
    if answer.code:
        said = answer.stderr.strip().splitlines()[-1:] or ["no message"]
        raise UsageError(problem, hint=f"git said: {said[0]}")
    return answer.stdout


def try_git(directory: Path, *words: str) -> Answer:
    """Run a git command that only reads, and return how it ended."""
    from runbook.runtime.subprocesses import ask  # few checks ask git, and starting programs needs many modules

    environment = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    return ask(["git", *words], directory=str(directory), environment=environment)
