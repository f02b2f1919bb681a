"""What the guard stopped: one JSON object per line, in a private file."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runbook.guard.telling import hidden
from runbook.policy.judgement import Judgement
from runbook.runtime.user_directories import make_private, state_directory

__all__ = ["Entry", "log_path", "read_log", "record"]

_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One line that was stopped. `at` is UTC, `face` who asked: a shell, a shim, an agent."""

    at: str
    verdict: str
    rule: str
    face: str
    directory: str
    line: str


def log_path() -> Path:
    """Return where the log is."""
    return state_directory() / "guard.jsonl"


def record(judged: Judgement, line: str, *, face: str, directory: str) -> None:
    """Append what was stopped. A log that can't be written stops nothing and lets nothing through."""
    shown = hidden(line)
    entry = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "verdict": judged.verdict.value,
        "rule": judged.rule,
        "face": face,
        "directory": directory,
        "line": shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…",
    }
    try:
        make_private(state_directory())
        handle = os.open(log_path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
    except OSError:
        return


def read_log() -> Iterator[Entry]:
    """Yield what was stopped, the oldest first. Lines that are no entries are passed over."""
    try:
        lines = log_path().read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        try:
            found = json.loads(line)
            yield Entry(**{name: str(found[name]) for name in Entry.__slots__})
        except (ValueError, KeyError, TypeError):
            continue
