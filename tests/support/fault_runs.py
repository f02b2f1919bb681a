"""Play a run in the shared journal through faults, and compare its record with what really happened."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from runbook.journal.address import parse_address
from runbook.journal.codec import to_json
from runbook.journal.events import ChildStarted, Decision, Event, NoteAdded, RunFinished, StepResolved, StepStarted
from runbook.journal.postgres import PostgresJournal
from runbook.journal.record import findings_in
from support.crashing_server import CrashingServer
from support.faulty_operator import WRITES, read_lines
from support.network import Network, Trouble

__all__ = ["FAULTS", "Machine", "Stage", "open_machine"]

FAULTS = (
    *("kill", "kill soon", "crash", "crash soon"),
    *("cut", "nothing arrives", "nothing returns", "late", "clock", "sleep"),
)
"""What happens to a walk: its process, the server, the network, its clock, or its whole machine."""
_LEGS = 12
"""How often a run is resumed at most. Faults get fewer from one to the next."""
_MOMENTS = 80
"""In about as many moments of a walk a fault can happen."""
_SOON = 0.006
"""Seconds within which something happens that comes soon: in the middle of whatever the walk does then."""
_PATIENCE = 60
_LATE = "Recorded only now, after somebody else had continued this run: "


@dataclass
class Machine:
    """Somebody's machine, with a state directory and a host name of its own."""

    name: str
    directory: Path
    process: subprocess.Popen[str]

    def say(self, text: str) -> None:
        """Send a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        """Return the next line. Raises AssertionError if none comes."""
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], _PATIENCE)[0]:
            raise AssertionError(f"{self.name} says nothing any more")
        return self.process.stdout.readline().strip()

    @property
    def tried(self) -> list[list[Any]]:
        """Each event before and after its journal took it."""
        return read_lines(self.directory / "tried")

    def send(self, url: str) -> str:
        """Send what waits on this machine, over a sound line; return what still waits."""
        with closing(PostgresJournal(parse_address(url), self.directory / "state")) as journal:
            journal.runs()
            return journal.waiting


@contextmanager
def open_machine(name: str, directory: Path) -> Iterator[Machine]:
    """Turn a machine on."""
    directory.mkdir(parents=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "support.faulty_operator", name],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Machine(name, directory, process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


@dataclass
class Stage:
    """Two machines, the network between them and a server, and the runs that are played on it."""

    machines: Sequence[Machine]
    server: CrashingServer
    network: Network
    effects: Path
    happened: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def direct(self) -> Iterator[PostgresJournal]:
        """Open the journal over a line that doesn't break, on a machine where nothing waits."""
        directory = self.effects.parent / "nobody"
        with closing(PostgresJournal(parse_address(self.server.postgres.url), directory)) as journal:
            yield journal

    def play(self, seed: int) -> None:
        """Play one run to its end, through the faults of that seed. Raises AssertionError with the seed."""
        play = _Play(self, seed)
        try:
            play.go()
        except AssertionError as broken:
            lines = [*play.log, *map(str, read_lines(self.effects)), *play.told()]
            broken.add_note(f"seed {seed}, which went like this:\n" + "\n".join(lines))
            raise


@dataclass
class _Play:
    stage: Stage
    seed: int
    run: str = ""
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        with self.stage.direct() as journal:
            self.before = frozenset(journal.runs())

    def go(self) -> None:
        machine = self.random.choice(self.stage.machines)
        for leg in range(_LEGS):
            status = self.walk(machine, self.faults(leg))
            self.mend()
            self.find_run()  # its first event may have been on its way
            if status == 0 or self.has_finished():
                break
            machine = self.random.choice(self.stage.machines)
        for each in self.stage.machines:
            assert each.send(self.stage.server.postgres.url) == ""
        self.compare()

    def faults(self, leg: int) -> list[tuple[int, str]]:
        """Return what happens in that leg, and when. The first one of each run takes its turn, and does happen."""
        first = [(self.random.randint(1, _MOMENTS // 2), FAULTS[self.seed % len(FAULTS)])] if leg == 0 else []
        earliest = first[0][0] if first else 1
        others = self.random.choices(FAULTS, k=max(0, self.random.randint(0, 2) - leg))
        return [*first, *sorted((self.random.randint(earliest, _MOMENTS), kind) for kind in others)]

    # --- one walk ---------------------------------------------------------------------------------------------------

    def walk(self, machine: Machine, faults: Sequence[tuple[int, str]]) -> int:
        """Let somebody begin the run or resume it; return how the process ended."""
        self.log.append(f"{machine.name} {'resumes' if self.run else 'begins'}: {faults}")
        order = {
            "url": self.stage.network.url,
            "directory": str(machine.directory),
            "effects": str(self.stage.effects),
            "run": self.run,
            "faults": faults,
            "seed": self.random.getrandbits(32),
            "hours": self.random.choice((0, -30, 30)),
            "redoes": self.random.random() < 0.2,
        }
        machine.say(json.dumps(order))
        while not (line := machine.hear()).startswith("ENDED"):
            self.log.append(f"  {line}")
            if line == "RECONNECT":
                self.mend()
                machine.say(self.random.choice(("yes", "yes", "yes", "yes", "no")))
            else:
                _, kind, pid = _split(line)
                self.stage.happened[kind] += 1
                self.happen(kind, pid, machine)
        status = int(line.split()[1])
        self.log.append(f"  ended with {status}")
        assert status in {0, 1, 2, -signal.SIGKILL}, "the walk ended in another way"
        self.find_run()
        return status

    def happen(self, kind: str, pid: int, machine: Machine) -> None:
        """Do it to the process, which waits for an answer, and to the world."""
        network = self.stage.network
        match kind:
            case "kill":
                os.kill(pid, signal.SIGKILL)
                return
            case "crash":
                self.stage.server.crash()
            case "cut":
                network.breaks(Trouble.CUT)
            case "nothing arrives" | "nothing returns" | "late":
                network.breaks(Trouble(kind))
        machine.say(str(self.random.choice((-5, -1, 1, 5))))
        match kind:
            case "kill soon":
                self.soon()
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            case "crash soon":
                self.soon()
                self.stage.server.crash()
            case "sleep":
                self.soon()
                self.sleep(pid, machine)

    def sleep(self, pid: int, machine: Machine) -> None:
        """Let the machine sleep while somebody else continues the run to its end; then it wakes up."""
        with suppress(ProcessLookupError):  # it may have ended by now
            os.kill(pid, signal.SIGSTOP)
            try:
                self.mend()
                self.find_run()
                if self.run and not self.has_finished():
                    other = next(one for one in self.stage.machines if one is not machine)
                    assert self.walk(other, ()) == 0
            finally:
                os.kill(pid, signal.SIGCONT)

    def soon(self) -> None:
        """Let a moment pass: nobody knows what the walk does then."""
        time.sleep(self.random.uniform(0, _SOON))

    def mend(self) -> None:
        """Let everything work again. What was late arrives before anybody asks, or after."""
        network, is_late = self.stage.network, self.random.random() < 0.5
        if not is_late:
            network.deliver()
        self.stage.server.restart()
        network.breaks(Trouble.NONE, now=network.trouble in {Trouble.NOTHING_ARRIVES, Trouble.NOTHING_RETURNS})

    # --- the record -------------------------------------------------------------------------------------------------

    def find_run(self) -> None:
        """Find out which run it is, once it has begun."""
        if not self.run and self.stage.server.is_up():
            with self.stage.direct() as journal:
                self.run = next((run for run in journal.runs() if run not in self.before), "")

    def has_finished(self) -> bool:
        """Tell whether the run's end is on record."""
        return any(isinstance(event, RunFinished) for event in self.events())

    def events(self) -> Sequence[Event]:
        """Return the run's events, none if it hasn't begun."""
        with self.stage.direct() as journal:
            return journal.events(self.run) if self.run else ()

    def told(self) -> list[str]:
        """Return the record in short, for whoever reads a failure."""
        return [f"{type(event).__name__} {_written(event)}"[:400] for event in self.events()]

    def compare(self) -> None:
        """Compare the record of the run with what was written and with what ran."""
        assert self.run, "the run never began"
        with self.stage.direct() as journal:
            links, head = journal.record(self.run)
            assert list(findings_in(self.run, links, head)) == []
            assert [one.run for one in journal.holders() if one.run == self.run and one.alive] in ([], [self.run])
            events = journal.events(self.run)
        assert sum(isinstance(event, RunFinished) for event in events) == 1, "the run's end"
        self.nothing_is_lost_or_doubled(events)
        self.nothing_ran_unasked(events)

    def nothing_is_lost_or_doubled(self, events: Sequence[Event]) -> None:
        """Each event that the journal took is there once and in order; each that is there was written once."""
        recorded = [_written(event) for event in events]
        for machine in self.stage.machines:
            lines = [(what, pid, body) for what, run, pid, body in machine.tried if run == self.run]
            for pid in dict.fromkeys(pid for _, pid, _ in lines):
                kept = [body for what, one, body in lines if (what, one) == ("kept", pid)]
                assert _is_in_order(kept, recorded), f"{machine.name}'s process {pid} wrote: {kept}"
        for what, most in (("kept", False), ("tried", True)):
            counted = Counter(
                body for machine in self.stage.machines for name, run, _, body in machine.tried
                if (name, run) == (what, self.run)
            )  # fmt: skip
            there = Counter(recorded)
            wrong = there - counted if most else counted - there
            assert not wrong, f"{'doubled or from nowhere' if most else 'lost'}: {wrong}"

    def nothing_ran_unasked(self, events: Sequence[Event]) -> None:
        """Each command that ran has one start in the record, and another one only after a person's decision."""
        ran = [str(token) for token, run, _ in read_lines(self.stage.effects) if run == self.run]
        assert len(ran) == len(set(ran))
        starts: dict[str, tuple[int, ChildStarted]] = {}
        for token in ran:
            (at,) = [n for n, one in enumerate(events) if isinstance(one, ChildStarted) and one.born == token]
            child = events[at]
            assert isinstance(child, ChildStarted)
            step, before = child.step, enumerate(events[:at])
            starts[token] = (max(n for n, one in before if isinstance(one, StepStarted) and one.step == step), child)
        assert len({at for at, _ in starts.values()}) == len(ran), "two commands with one start"
        for step in WRITES:
            times = sorted(at for at, child in starts.values() if child.step == step and _writes(events[at]))
            assert times, f"{step} never ran"
            for first, second in pairwise(times):
                between = events[first:second]
                decided = [one for one in between if isinstance(one, StepResolved) and one.step == step]
                assert any(one.decision is Decision.REDO for one in decided), f"{step} ran again unasked"


def _split(line: str) -> tuple[str, str, int]:
    first, *kind, pid = line.split()
    assert first == "FAULT", line
    return first, " ".join(kind), int(pid)


def _writes(event: Event) -> bool:
    return isinstance(event, StepStarted) and event.effect != "reads"


def _written(event: Event) -> str:
    """Return the event as its writer gave it to the journal: one that came too late is inside a note."""
    if isinstance(event, NoteAdded) and event.note.startswith(_LATE):
        return event.note.removeprefix(_LATE)
    return to_json(event)


def _is_in_order(some: Sequence[str], of: Sequence[str]) -> bool:
    rest = iter(of)
    return all(one in rest for one in some)
