"""Measure the guard: its start beside a bare interpreter's, events and lines that are too long, and lines per second.

Usage: python benchmarks/guard.py [--lines 10000] [--starts 20]
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from runbook.guard.command_line import judge
from runbook.guard.shell.parser import read_plain

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.multiplying_lines import ASKED  # noqa: E402 - the path to it is set above

DATA = ROOT / "tests/guard/data"
STARTED = (
    "npx supabase db reset --linked",
    "ls -la",
    "A=reset; npx supabase db $A --linked",
    "sh -c 'sh -c \"ls $X\"'",
)
EVERYDAY = (
    *("ls -la src", "cd app && npm ci", "git status", "git commit -am 'wip'", "npm run build", "npx vitest run", "pwd"),
    *("npx supabase db push --linked", "npx supabase migration list --linked", "docker compose up -d", "make test"),
    *("grep -rn 'TODO' src", "rg 'db reset' docs", "python -m pytest -q", "git push origin main", "mkdir -p build"),
    *("rm -rf dist", "curl -s localhost:3000/health | jq .", "echo $PATH", 'for f in *.ts; do echo "$f"; done'),
    *('git commit -m "$(cat note.txt)"', "export A=1", "ls > out.txt 2>&1", "kill %1", "npm test -- --watch", "htop"),
)


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--starts", type=int, default=20)
    asked = parser.parse_args(words)
    measure_starts(asked.starts)
    measure_hooks()
    measure_limits()
    measure_lines("the lines of the tests", _table(), asked.lines)
    measure_lines("lines of an everyday shell", list(EVERYDAY), asked.lines)
    return 0


def measure_starts(count: int) -> None:
    """Print the medians of whole starts side by side, by the clock and in processor time."""
    runbook = str(Path(sys.executable).with_name("runbook"))
    commands = {"bare interpreter": [sys.executable, "-c", "pass"]}
    commands |= {f"guard --line {line!r}": [runbook, "guard", "--line", line] for line in STARTED}
    for command in commands.values():
        _start(command)  # reads the policy once, and brings files into memory
    found = {name: [_start(command) for _ in range(count)] for name, command in commands.items()}
    clock, processor = (statistics.median(each[n] for each in found["bare interpreter"]) for n in (0, 1))
    for name, times in found.items():
        wall, spent = (statistics.median(each[n] for each in times) for n in (0, 1))
        print(f"{wall:7.1f} ms  {wall / clock:4.1f}x   {spent:7.1f} ms cpu  {spent / processor:4.1f}x   {name}")


def measure_hooks() -> None:
    """Print how fast a hook answers an event that is too long, and one that never ends."""
    megabyte = json.dumps({"tool_name": "Bash", "tool_input": {"command": "x" * 2**20}, "cwd": "/"}).encode()
    for name, data, ends in (("a megabyte", megabyte, True), ("an event without an end", b'{"tool_name": "Ba', False)):
        started = time.perf_counter()
        child = subprocess.Popen(
            [str(Path(sys.executable).with_name("runbook")), "guard", "hook", "claude-code"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert child.stdin is not None
        with suppress(BrokenPipeError):  # it answers without reading the whole event
            child.stdin.write(data)
            child.stdin.flush()
            if ends:
                child.stdin.close()
        code = child.wait()
        print(f"{(time.perf_counter() - started) * 1000:7.1f} ms  exit {code}   guard hook: {name}")


def measure_limits() -> None:
    """Print the slowest of the lines whose work multiplies, in processor time. A person waits for the answer."""
    judge("ls")
    times = []
    for name, line in ASKED.items():
        began = time.process_time()
        judge(line)
        times.append((time.process_time() - began, name))
    for seconds, name in sorted(times, reverse=True)[:5]:
        print(f"{seconds * 1000:7.1f} ms cpu   a line that multiplies: {name}, {len(ASKED[name])} characters")


def _start(command: list[str]) -> tuple[float, float]:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (time.perf_counter() - started) * 1000, spent * 1000


def measure_lines(name: str, lines: list[str], count: int) -> None:
    """Print how many lines per second one process judges."""
    judge("ls")
    chosen = random.Random(1).choices(lines, k=count)
    started = time.perf_counter()
    verdicts = [judge(line).verdict for line in chosen]
    seconds = time.perf_counter() - started
    plain = sum(read_plain(line) is not None for line in chosen)
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts))
    print(f"{count} x {name}: {count / seconds:.0f} lines/s in {seconds:.1f} s ({plain} without a process; {counts})")


def _table() -> list[str]:
    rows = (DATA / "lines.tsv").read_text(encoding="utf-8").split("\n")[1:]
    lines = [row.split("\t")[0] for row in rows if row]
    return [line.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\") for line in lines]


if __name__ == "__main__":
    raise SystemExit(main())
