"""How many lines a second the guard judges in one process, and how long an agent waits for its hook.

The peer is cc-safety-net, which also reads the shell's grammar. hol-guard isn't one: it takes seconds for a line, and
its service stays. How long one line takes at a prompt is among the starts.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.environments import ROOT, MissingPeerError, installed_runbook, node_peer
from benchmarks.figures import Figure, Figures
from benchmarks.timing import Measure, in_turns, process, spread
from benchmarks.workplace import Workplace, workplace

__all__ = ["measure"]

GROUP = "Guard"
LINES = 3000
EVERYDAY = (
    *("ls -la src", "cd app && npm ci", "git status", "git commit -am 'wip'", "npm run build", "npx vitest run", "pwd"),
    *("npx supabase db push --linked", "npx supabase migration list --linked", "docker compose up -d", "make test"),
    *("grep -rn 'TODO' src", "rg 'db reset' docs", "python -m pytest -q", "git push origin main", "mkdir -p build"),
    *("rm -rf dist", "curl -s localhost:3000/health | jq .", "echo $PATH", 'for f in *.ts; do echo "$f"; done'),
    *('git commit -m "$(cat note.txt)"', "export A=1", "ls > out.txt 2>&1", "kill %1", "npm test -- --watch", "htop"),
)
JUDGE = """
import random, sys, time
from runbook.guard.command_line import judge
lines = open(sys.argv[1], encoding="utf-8").read().split(chr(0))
judge("ls")
chosen = random.Random(1).choices(lines, k=int(sys.argv[2]))
began = time.perf_counter()
for line in chosen:
    judge(line)
print(len(chosen) / (time.perf_counter() - began))
"""


def measure(figures: Figures, rounds: int) -> None:
    """Measure lines of an everyday shell, those of the tests, which are harder, and an agent's hook."""
    with workplace() as place:
        for what, lines in (("lines of an everyday shell", EVERYDAY), ("lines of the tests", _table())):
            file = place.project / "lines"
            file.write_text("\0".join(lines), encoding="utf-8")
            rates = [_rate(place, file) for _ in range(max(3, rounds // 3))]
            figures.add(Figure(group=GROUP, what=what, unit="a second", value=spread(rates)))
        _measure_hooks(figures, rounds, place)


def _measure_hooks(figures: Figures, rounds: int, place: Workplace) -> None:
    """Measure what an agent waits before a command: one that the guard knows from before, and one that it judges."""
    group = f"{GROUP}: an agent's hook"
    ours = [str(installed_runbook() / "runbook"), "guard", "hook", "claude-code"]
    commands = ("ls -la", "npm run build")
    try:
        theirs = [str(node_peer("guards", "cc-safety-net")), "hook", "--claude-code"]
    except MissingPeerError as error:
        figures.add(Figure(group=group, what="runbook guard hook", unit="ms", beside="cc-safety-net", note=str(error)))
        return

    def asked(argv: Sequence[str], command: str) -> Measure:
        event = {
            "session_id": "bench",
            "cwd": str(place.project),
            "permission_mode": "default",
            "hook_event_name": "PreToolUse",
            "tool_name": "Bash",
            "tool_input": {"command": command},
        }
        return process(argv, environment=place.environment, directory=place.project, given=json.dumps(event).encode())

    for command in commands:
        what, beside = f"runbook guard hook, {command}", f"cc-safety-net, {command}"
        samples = in_turns({what: asked(ours, command), beside: asked(theirs, command)}, rounds)
        figures.compare(group, samples, {what: (beside, None)})


def _rate(place: Workplace, file: Path) -> float:
    argv = [str(installed_runbook() / "python"), "-c", JUDGE, str(file), str(LINES)]
    said = subprocess.run(argv, env=dict(place.environment), capture_output=True, text=True, check=True)
    return float(said.stdout)


def _table() -> tuple[str, ...]:
    rows = (ROOT / "tests/guard/data/lines.tsv").read_text(encoding="utf-8").split("\n")[1:]
    lines = [row.split("\t")[0] for row in rows if row]
    return tuple(line.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\") for line in lines)
