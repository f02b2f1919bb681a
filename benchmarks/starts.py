"""How long short commands take, from the start of their process to its end, beside an interpreter that does nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from benchmarks.environments import MissingPeerError, installed_runbook, peer
from benchmarks.figures import Figure, Figures
from benchmarks.timing import Measure, in_turns, process, prompt
from benchmarks.workplace import Workplace, workplace

__all__ = ["measure"]

GROUP = "Start"
BARE = "python -c pass"
BUDGETS = {
    "runbook list": 3.0,
    "runbook show emergency-rollback": 7.0,
    "runbook guard --line 'ls -la'": 4.0,
}
"""The most starts of a bare interpreter. The answers of `list` and `show` are known from before, as for most people."""
PROCEDURE = "add-index"
PEERS = {
    "task --list": ("tasks", "task", ("--list-all",)),
    "just --list": ("tasks", "just", ("--list",)),
    "clf-play --help": ("tasks", "clf-play", ("--help",)),
    "paulrun --help": ("runners", "paulrun", ("--help",)),
    "audited-runbook --help": ("runners", "runbook", ("--help",)),
}


def measure(figures: Figures, rounds: int) -> None:
    """Measure short commands, then the first prompts."""
    with workplace() as place:
        _measure_commands(figures, rounds, place)
        _measure_prompts(figures, rounds, place)


def _measure_commands(figures: Figures, rounds: int, place: Workplace) -> None:
    bin_ = installed_runbook()
    runbook, python = str(bin_ / "runbook"), str(bin_ / "python")
    (place.project / "Taskfile.yml").write_text("version: '3'\ntasks: {one: {cmds: [echo one]}}\n", encoding="utf-8")
    (place.project / "justfile").write_text("one:\n  echo one\n", encoding="utf-8")

    def started(*argv: str, is_first: bool = False) -> Measure:
        def forget() -> None:
            if is_first:
                shutil.rmtree(place.cache, ignore_errors=True)

        return process(argv, environment=place.environment, directory=place.project, first=forget)

    candidates = {BARE: started(python, "-c", "pass"), "python -c 'import yaml'": started(python, "-c", "import yaml")}
    words = {
        "runbook --version": ("--version",),
        "runbook list": ("list",),
        "runbook show emergency-rollback": ("show", "emergency-rollback"),
        "runbook find rows missing": ("find", "rows", "missing"),
        "runbook guard --line 'ls -la'": ("guard", "--line", "ls -la"),
        "runbook guard --line 'npm run build'": ("guard", "--line", "npm run build"),
    }
    candidates |= {name: started(runbook, *each) for name, each in words.items()}
    missing: dict[str, str] = {}
    for name, (group, program, arguments) in PEERS.items():
        try:
            candidates[name] = started(str(peer(group, program)), *arguments)
        except MissingPeerError as error:
            missing[name] = str(error)
    for each in words.values():  # twice: the first time nothing is known
        for _ in range(2):
            subprocess.run(
                [runbook, *each], env=dict(place.environment), cwd=place.project, capture_output=True, check=False
            )
    samples = in_turns(candidates, rounds)
    figures.compare(GROUP, samples, {name: (BARE, BUDGETS.get(name)) for name in candidates if name != BARE})
    for name, why in missing.items():
        figures.add(Figure(group=GROUP, what=name, unit="ms", beside=BARE, note=why))
    firsts = {
        f"{name}, for the first time": started(runbook, *words[name], is_first=True)
        for name in ("runbook list", "runbook show emergency-rollback", "runbook guard --line 'ls -la'")
    }
    samples = in_turns({BARE: candidates[BARE], **firsts}, max(3, rounds // 3))
    figures.compare(GROUP, samples, dict.fromkeys(firsts, (BARE, None)))


# --- the first prompt -----------------------------------------------------------------------------------------------


def _measure_prompts(figures: Figures, rounds: int, place: Workplace) -> None:
    runbook = str(installed_runbook() / "runbook")
    shown = {"environment": place.environment, "directory": place.project}
    ours = prompt([runbook, "run", PROCEDURE, "--target", "local"], "Press Enter", **shown)
    try:
        paulrun = str(peer("runners", "paulrun"))
    except MissingPeerError as error:
        figures.add(
            Figure(group=GROUP, what=f"first prompt of run {PROCEDURE}", unit="ms", beside="paulrun", note=str(error))
        )
        return
    file = place.project / "add-index.md"
    file.write_text(_same_steps(runbook, place.environment, place.project), encoding="utf-8")
    theirs = prompt([paulrun, str(file)], "[y/N]", **shown)
    samples = in_turns({f"first prompt of run {PROCEDURE}": ours, "paulrun": theirs}, max(5, rounds // 2))
    figures.compare(GROUP, samples, {f"first prompt of run {PROCEDURE}": ("paulrun", 0.6)})


def _same_steps(runbook: str, environment: Mapping[str, str], directory: Path) -> str:
    """Return the commands of the procedure as paulrun's Markdown."""
    said = subprocess.run(
        [runbook, "show", PROCEDURE, "--format", "json"],
        env=dict(environment), cwd=directory, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    record = json.loads(said)
    parts = [f"# {record['title']}\n"]
    for step in record["steps"]:
        parts.append(f"## {step['title']}\n")
        commands = [one for one in step.get("commands", []) if one]
        parts += [
            f"```sh run\n{' '.join(map(str, command)) if isinstance(command, list) else command}\n```\n"
            for command in commands
        ]
    return "\n".join(parts)
