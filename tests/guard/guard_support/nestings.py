"""Build random shell texts around a command, and run them in a real bash with stubs that record what they run.

make, just, npm, node and psql are the real ones too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from guard_support.layers import LAYERS, SHOWN
from guard_support.nester import Nester
from guard_support.postgres_stand_in import run_stand_in
from guard_support.spellings import SPELLINGS, TRAPS

__all__ = ["Case", "make_cases", "project_of", "run_in_bash"]

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
    """A text, whether it was built around a harmless command, and the files that the project has before it runs."""

    text: str
    harmless: bool
    files: Mapping[str, str] = field(default_factory=dict)
    is_committed: bool = False


def _case(nester: Nester) -> Case:
    """Return a command in one to five layers of shell and other programs."""
    nester.start_project()
    harmless = nester.random.random() < 0.45
    words = nester.random.choice(HARMLESS if harmless else RESETS)
    text = nester.random.choice(SPELLINGS if harmless else SPELLINGS + TRAPS)(nester, words)
    for _ in range(nester.random.randint(1, 4)):
        text = nester.random.choice(LAYERS)(nester, text)
    if not harmless and nester.random.random() < 0.12:
        text, harmless = nester.random.choice(SHOWN)(nester, text), True
    return Case(text, harmless, nester.files, nester.is_committed)


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


def project_of(directory: Path, number: int) -> Path:
    """Return the project of a case as it was before the text ran."""
    return directory / "before" / str(number)


def run_in_bash(cases: list[Case], directory: Path) -> list[list[tuple[str, ...]]]:
    """Run each text in a project of its own, with stubs first on PATH; return the stub commands that each ran."""
    for name in ("bin", "texts", "logs", "work", "before"):
        (directory / name).mkdir()
    for number, case in enumerate(cases):
        (directory / "texts" / str(number)).write_text(case.text)
        _make_project(case, project_of(directory, number))
        shutil.copytree(project_of(directory, number), directory / "work" / str(number))
    environment = {"PATH": f"{directory / 'bin'}:{os.environ['PATH']}", "HOME": str(directory), "LC_ALL": "C.UTF-8"}
    numbers = [str(number) for number in range(len(cases))]
    with run_stand_in() as port:
        _write_programs(directory / "bin", port)
        drivers = [
            subprocess.Popen(["bash", "-c", _DRIVER, "driver", str(directory), *half], env=environment)
            for half in (numbers[::2], numbers[1::2])
        ]
        for driver in drivers:
            driver.wait()
    return [_commands((directory / "logs" / str(number)).read_text(errors="replace")) for number in range(len(cases))]


def _make_project(case: Case, directory: Path) -> None:
    directory.mkdir()
    for path, content in case.files.items():
        file = directory / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(content)
    if case.is_committed:
        author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        for words in (("init", "-q", "--template="), ("add", "--all"), (*author, "commit", "-q", "-m", "Start")):
            subprocess.run(["git", *words], cwd=directory, check=True)


def _write_programs(directory: Path, port: int) -> None:
    """Write the stubs, and start the real psql, just, and `git show` in their places."""
    settings = f"PGPORT={port} PGSSLMODE=disable PGGSSENCMODE=disable PGUSER=postgres PGCONNECT_TIMEOUT=5"
    programs = {
        "supabase": _STUB,
        "npx": _STUB,
        "git": f'{_STUB}[ "$1" != show ] || exec {_found("git")} "$@"\n',
        "psql": f'#!/bin/sh\n{settings} exec {_found("psql")} -X "$@"\n',
        "just": f'#!/bin/sh\nexec {Path(sys.executable).with_name("just")} "$@"\n',
    }
    for name, text in programs.items():
        program = directory / name
        program.write_text(text)
        program.chmod(0o755)
    for name in ("make", "node", "npm"):
        _found(name)


def _found(name: str) -> str:
    path = shutil.which(name)
    assert path, f"There is no {name} on PATH: run scripts/setup shells"
    return path


def _commands(log: str) -> list[tuple[str, ...]]:
    return [tuple(entry.split("\037")) for entry in log.split("\036") if entry]
