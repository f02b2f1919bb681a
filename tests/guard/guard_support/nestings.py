"""Build random shell texts around a command, and run them in a real bash with stubs that record what they run."""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from guard_support.layers import LAYERS, SHOWN
from guard_support.nester import Nester
from guard_support.spellings import SPELLINGS, TRAPS

__all__ = ["Case", "make_cases", "run_in_bash"]

RESETS = (
    ("supabase", "db", "reset", "--linked"),
    ("supabase", "db", "reset", "--remote"),
    ("supabase", "--debug", "db", "reset", "--linked"),
    ("supabase", "db", "--yes", "reset", "--linked"),
    ("npx", "supabase", "db", "reset", "--linked"),
    ("npx", "-y", "supabase@latest", "db", "reset", "--remote"),
    ("supabase", "migration", "down", "--linked"),
    ("supabase", "db", "reset", "--remote=abcdefghijklmnopqrst"),
)
HARMLESS = (
    ("supabase", "db", "push", "--linked"),
    ("npx", "supabase", "migration", "list", "--linked"),
    ("supabase", "functions", "deploy", "reset-password", "--project-ref", "abc"),
    ("echo", "supabase db reset --linked"),
    ("echo", "supabase", "db", "reset", "--linked"),
    ("git", "commit", "-m", "never run supabase db reset --linked"),
    ("git", "reset", "--hard", "HEAD"),
    ("grep", "-rn", "supabase db reset --linked", "docs"),
    ("printf", "%s\\n", "npx supabase db reset --linked"),
    ("supabase", "db", "reset", "--help"),
    ("ls", "supabase/migrations/1_db_reset.sql"),
    ("test", "x", "=", "supabase db reset --linked"),
)


@dataclass(frozen=True, slots=True)
class Case:
    """A text, and whether it was built around a harmless command."""

    text: str
    harmless: bool


def _case(nester: Nester) -> Case:
    """Return a command in one to five layers of shell."""
    harmless = nester.random.random() < 0.45
    words = nester.random.choice(HARMLESS if harmless else RESETS)
    text = nester.random.choice(SPELLINGS if harmless else SPELLINGS + TRAPS)(nester, words)
    for _ in range(nester.random.randint(1, 4)):
        text = nester.random.choice(LAYERS)(nester, text)
    if not harmless and nester.random.random() < 0.12:
        return Case(nester.random.choice(SHOWN)(nester, text), harmless=True)
    return Case(text, harmless)


def make_cases(seed: int, count: int) -> list[Case]:
    """Return that many cases. The same seed returns the same cases."""
    nester = Nester(seed)
    return [_case(nester) for _ in range(count)]


_STUB = """#!/bin/sh
printf '%s' "${0##*/}" >> "$NESTING_LOG"
for word in "$@"; do printf '\\037%s' "$word" >> "$NESTING_LOG"; done
printf '\\036' >> "$NESTING_LOG"
"""
_DRIVER = """
cd "$1" || exit
shift
for number; do
  (
    cd "work/$number" || exit
    export NESTING_LOG="$OLDPWD/logs/$number"
    : > "$NESTING_LOG"
    exec timeout 10 bash "$OLDPWD/texts/$number" </dev/null >/dev/null 2>&1
  )
done
true
"""


def run_in_bash(cases: list[Case], directory: Path) -> list[list[tuple[str, ...]]]:
    """Run each text in a directory of its own with stubs first on PATH; return the stub commands that each ran."""
    for name in ("bin", "texts", "logs", "work"):
        (directory / name).mkdir()
    for name in ("supabase", "npx", "git"):
        stub = directory / "bin" / name
        stub.write_text(_STUB)
        stub.chmod(stub.stat().st_mode | stat.S_IXUSR)
    for number, case in enumerate(cases):
        (directory / "texts" / str(number)).write_text(case.text)
        (directory / "work" / str(number)).mkdir()
    environment = {"PATH": f"{directory / 'bin'}:{os.environ['PATH']}", "HOME": str(directory), "LC_ALL": "C.UTF-8"}
    numbers = [str(number) for number in range(len(cases))]
    drivers = [
        subprocess.Popen(["bash", "-c", _DRIVER, "driver", str(directory), *half], env=environment)
        for half in (numbers[::2], numbers[1::2])
    ]
    for driver in drivers:
        driver.wait()
    return [_commands((directory / "logs" / str(number)).read_text(errors="replace")) for number in range(len(cases))]


def _commands(log: str) -> list[tuple[str, ...]]:
    return [tuple(entry.split("\037")) for entry in log.split("\036") if entry]
