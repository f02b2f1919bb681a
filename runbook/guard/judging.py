"""Judge what a shell, a shim or an agent is about to run, and log what was stopped, one JSON object per line."""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runbook.errors import ExitCode
from runbook.guard.command_line import TeamReader, judge, judge_words
from runbook.guard.messages import encodable, hidden
from runbook.loading.files import read_policy
from runbook.loading.place import book_directory
from runbook.model import Policy, Verdict
from runbook.policy.judgement import Judgement
from runbook.printable import json_text
from runbook.user_directories import make_private, state_directory

if TYPE_CHECKING:
    from runbook.guard.events import Event
    from runbook.model import Team

__all__ = [
    "EXIT_CODES",
    "current_directory",
    "judge_argv",
    "judge_event",
    "judge_line",
    "log_path",
    "policy_of",
    "read_log",
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
    judged = judge(line, cwd=here, env=os.environ, policy=policy_of(book, here), team=team_reader(book, here))
    record(judged, line, face=face, directory=here)
    return judged


def judge_argv(argv: tuple[str, ...], *, book: str | None, face: str, directory: str | None = None) -> Judgement:
    """Judge a command that would run in a directory (default: here)."""
    here = directory or current_directory()
    policy = policy_of(book, here)
    judged = judge_words(argv, cwd=here, env=os.environ, policy=policy, team=team_reader(book, here))
    record(judged, " ".join(argv), face=face, directory=here)
    return judged


def judge_event(event: Event, *, book: str | None, face: str) -> Judgement:
    """Judge what an agent's event would do. Raises UnreadableEventError if a part of it can't be read."""
    from runbook.guard.event_judgement import judge_actions, shown_actions  # only agents need it

    here = event.directory or current_directory()
    judged = judge_actions(event.actions, cwd=here, policy=policy_of(book, here), team=team_reader(book, here))
    record(judged, shown_actions(event.actions), face=face, directory=here)
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


_LONGEST = 500


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line that was stopped. `at` is in UTC, `face` is who asked: a shell, a shim or an agent."""

    at: str
    verdict: str
    rule: str
    face: str
    directory: str
    line: str


def log_path() -> Path:
    """Return the path of the log."""
    return state_directory() / "guard.jsonl"


def record(judged: Judgement, line: str, *, face: str, directory: str | None) -> None:
    """Log a line that was stopped. If the log can't be written, the verdict stays the same."""
    if judged.verdict is Verdict.ALLOW:
        return
    shown = hidden(line)
    entry = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "verdict": judged.verdict.value,
        "rule": judged.rule,
        "face": face,
        "directory": encodable(directory or ""),
        "line": shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…",
    }
    try:
        make_private(state_directory())
        # O_NOFOLLOW: a link planted there would let the log overwrite another file.
        handle = os.open(log_path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json_text(entry) + "\n")
    except OSError:
        return


def read_log() -> Iterator[LogEntry]:
    """Yield the lines that were stopped, the oldest first. Lines of the log that aren't entries are skipped."""
    try:
        lines = log_path().read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return
    for line in lines:
        try:
            found = json.loads(line)
            yield LogEntry(**{name: encodable(str(found[name])) for name in LogEntry.__slots__})
        except (ValueError, KeyError, TypeError):
            continue
