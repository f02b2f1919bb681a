"""Log what the guard stopped, one JSON object per line, and read it again."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runbook.guard.messages import encodable, hidden
from runbook.policy.judgement import Judgement
from runbook.printable import json_text
from runbook.user_directories import make_private, state_directory

__all__ = ["LogEntry", "log_path", "read_log", "record"]

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
