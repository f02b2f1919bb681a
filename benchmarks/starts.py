"""How long short commands take, from the start of their process to its end, beside an interpreter that does nothing."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from benchmarks.books import HEAD
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
PAULRUN = "paulrun's first prompt, the same steps"
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
    samples = in_turns({BARE: candidates[BARE], **firsts}, rounds)
    figures.compare(GROUP, samples, dict.fromkeys(firsts, (BARE, None)))


# --- the first prompt -----------------------------------------------------------------------------------------------

BOOK = {
    "team.yaml": "name: Bench\nprojects: {production: {ref: abcdefghijklmnopqrst}}\n",
    "procedures/look-around.yaml": f"""\
{HEAD}steps:
  - {{id: short, title: See the list, run: git status --short}}
  - {{id: status, title: See what changed, run: git status}}
""",
}
THE_SAME_FOR_PAULRUN = """\
---
title: Look around
inputs:
  - name: PLACE
    description: Which place?
---
# Look around

## See the list

```sh run
git status --short
```

## See what changed

```sh run
git status
```
"""
"""paulrun asks for its inputs first; without one, it would begin at once."""


def _measure_prompts(figures: Figures, rounds: int, place: Workplace) -> None:
    """Measure until a person is asked something, in the same steps. Neither asks any target or network."""
    runbook, book = str(installed_runbook() / "runbook"), place.project / "team-runbook"
    for name, text in BOOK.items():
        (book / name).parent.mkdir(parents=True, exist_ok=True)
        (book / name).write_text(text, encoding="utf-8")
    file = place.project / "look-around.md"
    file.write_text(THE_SAME_FOR_PAULRUN, encoding="utf-8")

    def shown(argv: Sequence[str], text: str) -> Measure:
        return prompt(argv, text, environment={**place.environment, "TERM": "xterm"}, directory=place.project)

    what = "first prompt of run"
    try:
        theirs = shown([str(peer("runners", "paulrun")), str(file)], "Which place?")
    except MissingPeerError as error:
        figures.add(Figure(group=GROUP, what=what, unit="ms", beside=PAULRUN, note=str(error)))
        return
    argv = [runbook, "run", "look-around"]
    samples = in_turns(
        {what: shown(argv, "Press Enter"), "introduction of run": shown(argv, "Use it when"), PAULRUN: theirs},
        rounds,
    )
    figures.compare(GROUP, samples, {what: (PAULRUN, 0.6), "introduction of run": (PAULRUN, None)})
