"""What a walk adds: to each key, to what its commands print, and to a long run that somebody resumes.

Beside it are the same programs in the same terminal without a walk: alone, in `script` of util-linux, which also puts
a terminal of its own between a person and a command, and in Python's `pty.spawn`, which does the same and nothing else.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

from benchmarks.books import HEAD
from benchmarks.environments import installed_runbook
from benchmarks.figures import Figure, Figures
from benchmarks.terminals import Terminal, opened
from benchmarks.timing import Measure, Sample, in_turns, process, prompt
from benchmarks.workplace import Workplace, workplace
from runbook.journal.events import (
    ChildStarted,
    Event,
    NoteAdded,
    Outcome,
    Purpose,
    RunStopped,
    StepFinished,
    SteppedBack,
    StepStarted,
)
from runbook.journal.liveness import this_host
from runbook.journal.sqlite import SqliteJournal

__all__ = ["measure"]

GROUP = "Walk"
OUTPUT = f"{GROUP}: output"
KEYS = "abcdefghijklmnopqrstuvwxyz"
PAUSE = 0.02
"""Seconds between two keys."""
READING = 0.2
"""Seconds before a question is answered. A walk discards what comes sooner: nobody can have read the question."""
QUESTION = "Which table? "
DONE = b"  done  "
"""How a walk says that a step came out as expected."""
MEGABYTE = 1_000_000
LOAD = "import json, sys; json.load(open(sys.argv[1], encoding='utf-8'))"
EVENTS = (100, 1000, 10_000)
"""How many events a run has. The growth between them shows whether the time is linear."""
REPEATED = ("one", "two", "three", "four", "five")
"""The steps that a long run does over and over."""

TEAM = "name: Bench\nprojects: {production: {ref: abcdefghijklmnopqrst}}\n"
POLICY = """\
rules:
  - {id: cat, program: cat, command: "", reaches: nothing, effect: reads, remote: allow, local: allow,
     reason: It prints files.}
  - {id: print-json, program: print-json, command: "", reaches: nothing, effect: reads, remote: allow, local: allow,
     value_flags: [--output-format], options: [--output-format], reason: It prints a file.}
"""
"""Rules for programs that reach nothing, so that a run needs no project."""
STEPS = """\
steps:
  - {{id: one, title: Run it, warning: It waits for Enter., {}}}
  - {{id: last, title: Look, tick: Look at it}}
"""
PROCEDURES = {
    "value": "parameters:\n  table: {ask: Which table?, example: tasks}\n" + STEPS.format("tick: 'Look at {{table}}'"),
    "question": STEPS.format("run: cat question.txt -"),
    "lines": STEPS.format("run: cat lines.txt"),
    "line": STEPS.format("run: cat line.txt"),
    "json": STEPS.format("run: print-json json.json --output-format json, expect: {json: {0.number: '0'}}"),
    "pattern": STEPS.format(
        "run: print-json pattern.json --output-format json, capture: {found: {pattern: 'number\\W+([0-9]+)'}}"
    ),
    "long": "steps:\n"
    + "".join(f"  - {{id: {name}, title: Look, warning: It waits for Enter., run: git status}}\n" for name in REPEATED)
    + "  - {id: last, title: Look, tick: Look at it}\n",
}


def measure(figures: Figures, rounds: int) -> None:
    """Measure keys, output, and runs that are resumed."""
    with workplace() as place:
        bin_ = installed_runbook()
        desk = _Desk(place, str(bin_ / "runbook"), str(bin_ / "python"))
        desk.furnish()
        turns = max(5, rounds // 2)
        if shutil.which("script") is None:
            note = "needs `script` of util-linux"
            figures.add(Figure(group=GROUP, what="keys and lines", unit="ms", beside="script", note=note))
        else:
            _measure_keys(figures, rounds, desk)  # they differ most, and take least
            _measure_output(figures, turns, desk)
        _measure_json(figures, turns, desk)
        _measure_long_runs(figures, turns, desk)


@dataclass(frozen=True, slots=True)
class _Desk:
    """A workplace with a team's book, and with the programs and files of its commands."""

    place: Workplace
    runbook: str
    python: str

    @property
    def environment(self) -> Mapping[str, str]:
        """The place's, with the book, the programs, and locks that no other run on this machine sees."""
        project = self.place.project
        return {
            **self.place.environment,
            "PATH": os.pathsep.join([str(project / "bin"), self.place.environment["PATH"]]),
            "RUNBOOK_BOOK": str(project / "book"),
            "RUNBOOK_LOCKS": str(project / "locks"),
        }

    @property
    def state(self) -> Path:
        """Where runs are recorded."""
        return Path(self.place.environment["HOME"]) / ".local/state/runbook"

    def furnish(self) -> None:
        """Write the book, the program and the question."""
        project = self.place.project
        for name in ("book/procedures", "bin", "locks"):
            (project / name).mkdir(parents=True)
        _write(project / "book/team.yaml", TEAM)
        _write(project / "book/policy.yaml", POLICY)
        for name, steps in PROCEDURES.items():
            _write(project / f"book/procedures/{name}.yaml", HEAD + steps)
        _write(project / "bin/print-json", '#!/bin/sh\nexec cat "$1"\n').chmod(0o755)
        _write(project / "question.txt", QUESTION)

    def opened(self, *argv: str) -> AbstractContextManager[Terminal]:
        """Start a program in a terminal."""
        return opened(argv, environment=self.environment, directory=self.place.project)

    def record(self, kept: Path | None = None) -> None:
        """Put a journal in place of the present one, or none."""
        # The key of the cache is beside it. Without that key, the next command would read the whole book again.
        for file in self.state.glob("journal.sqlite3*"):
            file.unlink()
        if kept is not None:
            shutil.copy(kept / "journal.sqlite3", self.state)

    @contextmanager
    def begun(self, procedure: str) -> Iterator[Terminal]:
        """Begin the only run on record; yield its terminal at the first question, once it can be answered."""
        self.record()
        with self.opened(self.runbook, "run", procedure) as terminal:
            terminal.wait_for(b"to begin")
            terminal.wait_for(b"> ")
            time.sleep(READING)
            terminal.press(b"\r")
            terminal.wait_for(b"> ")
            time.sleep(READING)
            yield terminal


def _write(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


# --- keys -----------------------------------------------------------------------------------------------------------


def _measure_keys(figures: Figures, rounds: int, desk: _Desk) -> None:
    def at_question() -> Sample:
        with desk.begun("value") as terminal:
            return _echo(terminal)

    def in_command() -> Sample:
        with desk.begun("question") as terminal:
            terminal.press(b"\r")
            terminal.wait_for(QUESTION.encode())
            return _echo(terminal)

    def alone(*argv: str) -> Measure:
        def measured() -> Sample:
            with desk.opened(*argv) as terminal:
                terminal.wait_for(QUESTION.encode())
                return _echo(terminal)

        return measured

    asked, passed = "a key at a question of the walk", "a key for the walk's command"
    candidates = {
        asked: at_question,
        passed: in_command,
        "cat": alone("cat", "question.txt", "-"),
        "readline": alone(desk.python, "-c", f"import readline; input({QUESTION!r})"),
        "script": alone("script", "-qec", "cat question.txt -", "/dev/null"),
    }
    samples = in_turns(candidates, rounds)
    for what, beside in ((asked, "cat"), (asked, "readline"), (passed, "script")):
        figures.compare(f"{GROUP}: keys", samples, {what: (beside, None)})


def _echo(terminal: Terminal) -> Sample:
    """Press keys one by one; return the median of the times until each was shown."""
    time.sleep(READING)
    found = []
    for key in KEYS:
        found.append(terminal.echo_of(key.encode()))
        time.sleep(PAUSE)
    return Sample(statistics.median(found))


# --- output ---------------------------------------------------------------------------------------------------------


def _measure_output(figures: Figures, rounds: int, desk: _Desk) -> None:
    project = desk.place.project
    with (project / "lines.txt").open("w", encoding="utf-8") as lines:
        lines.writelines(_lines(100 * MEGABYTE))
    what = "100 MB in lines of 80 characters"
    candidates = {
        what: _walked(desk, "lines", "lines.txt"),
        "script": _alone(desk, "lines.txt", "script", "-qec", "cat lines.txt", "/dev/null"),
        "pty.spawn": _alone(desk, "lines.txt", desk.python, "-c", "import pty; pty.spawn(['cat', 'lines.txt'])"),
    }
    samples = in_turns(candidates, rounds, warm_up=False)
    for beside, at_most in (("script", 1.5), ("pty.spawn", None)):
        figures.compare(OUTPUT, samples, {what: (beside, at_most)}, by=lambda one: one.seconds, unit="s")
    _write(project / "line.txt", "0123456789" * (MEGABYTE // 10) + "\n")
    what = "1 MB in one line"
    candidates = {
        what: _walked(desk, "line", "line.txt"),
        "script, 1 MB": _alone(desk, "line.txt", "script", "-qec", "cat line.txt", "/dev/null"),
    }
    figures.compare(OUTPUT, in_turns(candidates, rounds), {what: ("script, 1 MB", None)})


def _measure_json(figures: Figures, rounds: int, desk: _Desk) -> None:
    """Measure a document that a step reads, and one that it searches by a pattern."""
    load = process([desk.python, "-c", LOAD, "json.json"], environment=desk.environment, directory=desk.place.project)
    beside = "json.load, 10 MB"
    for name, what in (("json", "10 MB of JSON, read"), ("pattern", "10 MB of JSON, searched by a pattern")):
        _write(desk.place.project / f"{name}.json", _rows(10 * MEGABYTE))
        figures.compare(OUTPUT, in_turns({what: _walked(desk, name), beside: load}, rounds), {what: (beside, None)})


def _walked(desk: _Desk, procedure: str, printed: str = "") -> Measure:
    """Return what measures from the key that starts a command until the screen says that its step is done."""

    def measured() -> Sample:
        with desk.begun(procedure) as terminal:
            began, before = time.perf_counter(), terminal.received
            terminal.press(b"\r")
            terminal.wait_for(DONE)
            seconds = time.perf_counter() - began
            _check(terminal.received - before, desk.place.project / printed)
        return Sample(seconds)

    return measured


def _alone(desk: _Desk, printed: str, *argv: str) -> Measure:
    """Return what measures a program that prints a file, from its start to its end."""

    def measured() -> Sample:
        began = time.perf_counter()
        with desk.opened(*argv) as terminal:
            terminal.wait_for_end()
            seconds = time.perf_counter() - began
            _check(terminal.received, desk.place.project / printed)
        return Sample(seconds)

    return measured


def _check(received: int, printed: Path) -> None:
    """Raise RuntimeError if less was received than is in the file, if it is one."""
    if printed.is_file() and received < printed.stat().st_size:
        raise RuntimeError(f"only {received} of {printed.stat().st_size} bytes of {printed.name} were shown")


def _lines(size: int) -> Iterator[str]:
    """Yield pieces of a long output, each of a megabyte: the memory of this process would count as its children's."""
    tables = ("orders", "customers", "order_items", "payments")
    lines = (f"{number:08} copied a batch of rows from {tables[number % 4]} " for number in range(size // 81))
    while piece := "".join(f"{line:.<80}\n" for line in islice(lines, MEGABYTE // 81)):
        yield piece


def _rows(size: int) -> str:
    """Return a list of objects as JSON."""
    row = {"number": 10_000, "name": "orders", "owner": "postgres", "is_empty": False, "comment": "Orders of the shop"}
    count = size // len(f"{json.dumps(row)}, ")
    return f"[{', '.join(json.dumps({**row, 'number': number}) for number in range(count))}]"


# --- long runs ------------------------------------------------------------------------------------------------------


def _measure_long_runs(figures: Figures, rounds: int, desk: _Desk) -> None:
    """Measure the first prompt of `resume`, and `report`, of the same run with more and more events."""
    project, environment = desk.place.project, desk.environment
    run = _stop_run(desk)

    def prompted(shown: str, *words: str, first: Callable[[], object] = lambda: None) -> Measure:
        return prompt([desk.runbook, *words], shown, environment=environment, directory=project, first=first)

    candidates = {
        "first prompt of run": prompted("to begin", "run", "long"),
        "python -c pass": process([desk.python, "-c", "pass"], environment=environment),
    }
    for size in EVENTS:
        kept = shutil.copytree(desk.state, project / f"state-{size}")
        _lengthen(kept, run, size)
        first = partial(desk.record, kept)
        resume, report = _named(size)
        candidates[resume] = prompted("to continue", "resume", run, first=first)
        candidates[report] = process(
            [desk.runbook, "report", run], environment=environment, directory=project, first=first
        )
    samples = in_turns(candidates, rounds)
    smallest = _named(EVENTS[0])
    for size, beside in zip(EVENTS, (("first prompt of run", "python -c pass"), smallest, smallest), strict=True):
        pairs = zip(_named(size), beside, strict=True)
        figures.compare(f"{GROUP}: a long run", samples, {what: (other, None) for what, other in pairs})


def _named(size: int) -> tuple[str, str]:
    return f"first prompt of resume, {size:,} events", f"report, {size:,} events"


def _stop_run(desk: _Desk) -> str:
    """Begin a run, stop it before its first step, and return its id."""
    with desk.begun("long") as terminal:
        terminal.press(b"q")
        terminal.wait_for(b"q")
        time.sleep(READING)
        terminal.press(b"\r")
        terminal.wait_for(b"Come back with")
    with closing(SqliteJournal(desk.state)) as journal:
        return journal.runs()[0]


def _lengthen(state: Path, run: str, size: int) -> None:
    """Add events to a run until it has that many and is stopped again."""
    with closing(SqliteJournal(state)) as journal:
        more = size - len(journal.events(run)) - 1
        journal.add(run, [*islice(_events(), more), RunStopped(at=datetime.now(UTC), reason="stopped by the operator")])


def _events() -> Iterator[Event]:
    """Yield what a run records that does its steps over and over, with outputs as long as real ones."""
    chance, at, host = random.Random(1), datetime.now(UTC), this_host()
    while True:
        for step in REPEATED:
            yield StepStarted(at=at, after=0.4, step=step, purpose=Purpose.RUN, argv=("git", "status"))
            yield ChildStarted(at=at, after=0.01, step=step, pid=4242, born="123456@0123456789ab", host=host)
            output = "".join(f"row {line}: {chance.random()}\n" for line in range(chance.choice((2, 10, 40, 120))))
            yield StepFinished(
                at=at, after=2.5, step=step, purpose=Purpose.RUN, outcome=Outcome.PASSED, exit=0, seconds=2.5,
                output=output, evidence="exit 0, as expected",
            )  # fmt: skip
        yield NoteAdded(at=at, after=5.0, step=step, note="Looked at the dashboard: nothing unusual there.")
        yield SteppedBack(at=at, after=1.0, step=REPEATED[0])
