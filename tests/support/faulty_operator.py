"""A machine on which somebody walks, each time in a process of its own: `python -m support.faulty_operator NAME`.

It reads an order (a line of JSON) for each walk, and prints `ENDED status` after it. At the moments that the order
names, the walk prints `FAULT kind pid` and waits for a line; what happens to it then is up to the reader. It prints
`RECONNECT` when the operator is asked whether to try again, and does as the line says.

What really happens is written to two files by the walk itself: `tried` has each event before and after the journal took
it, and `effects` has a line for each command that ran.
"""

from __future__ import annotations

import json
import os
import random
import socket
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from runbook.engine.context import Identity
from runbook.engine.ports import Execution, Reply, Resolve, Screen, Undecided
from runbook.errors import ExitCode, JournalError, JournalUnreachableError, RunTakenOverError, TargetHeldError
from runbook.journal import postgres_connection
from runbook.journal.address import parse_address
from runbook.journal.codec import to_json
from runbook.journal.events import Event
from runbook.journal.interface import Holder
from runbook.journal.liveness import this_host
from runbook.journal.machine_locks import MachineLocks
from runbook.journal.postgres import PostgresJournal
from support.walks import START, FakeExecutor, FakeOperator, Walked, book, check, ended, procedure, step, tick

__all__ = ["NO_PROCESS", "WRITES", "main", "read_lines"]

NO_PROCESS = 2**31 - 1
"""The pid of each command: no process has it, so none is taken for a command that still runs."""
WRITES = {"push": "change it", "more": "change more", "drop": "destroy it"}
"""The command of each step that must not run twice."""
_BOOK = book(
    procedure(
        tick("warn"),
        step("see", "look at"),
        step("push", WRITES["push"], verify=check("look at")),
        step("more", WRITES["more"]),
        step("drop", WRITES["drop"]),
        tick("tell"),
    )
)
_IMPATIENT = 0.2
"""How many seconds to wait for an answer that the network may have lost."""
_PATIENT = 3.0
_NETWORK = {"nothing arrives", "nothing returns", "late"}


@dataclass
class _Faults:
    """What happens to this process, and when."""

    due: list[tuple[int, str]]
    clock: _Clock
    passed: int = 0

    def moment(self) -> None:
        """Let happen what is due at this moment, one of many between any two things that matter."""
        self.passed += 1
        while self.due and self.due[0][0] <= self.passed:
            _, kind = self.due.pop(0)
            if kind in _NETWORK:
                postgres_connection._ANSWER_SECONDS = _IMPATIENT
            hours = ask(f"FAULT {kind} {os.getpid()}")
            if kind == "clock":
                self.clock.moved += timedelta(hours=float(hours))


@dataclass
class _Clock:
    """Tells what the machine's clock tells, and measures what really passes."""

    moved: timedelta
    passed: float = 0

    def now(self) -> datetime:
        """Return the time as it is set."""
        self.passed += 1
        return START + timedelta(seconds=self.passed) + self.moved

    def monotonic(self) -> float:
        """Return the seconds that passed."""
        return self.passed

    def wait(self, seconds: float) -> None:
        """Wait."""
        self.passed += seconds


@dataclass
class _Effects:
    """The file of what really ran, which no journal knows of."""

    file: Path
    run: Callable[[], str]

    def add(self, token: str, argv: Sequence[str]) -> None:
        """Note that a command runs, on disk."""
        write_line(self.file, [token, self.run(), " ".join(argv)])

    def have(self, run: str, step: str) -> bool:
        """Tell whether that step's command has run."""
        lines = read_lines(self.file)
        return any(line[1] == run and str(line[2]).startswith(WRITES.get(step, "?")) for line in lines)


@dataclass
class _Executor(FakeExecutor):
    """Runs a command by noting it on disk, after the journal has its process."""

    effects: _Effects = field(kw_only=True)
    faults: _Faults = field(kw_only=True)

    def execute(self, argv: Sequence[str], *, born: Callable[[int, str], None], **more: object) -> Execution:
        """Note the command under a name of its own."""
        token = f"{os.getpid()}-{random.getrandbits(64):x}"
        born(NO_PROCESS, token)
        self.faults.moment()
        self.effects.add(token, argv)
        self.faults.moment()
        return ended(0, token)


@dataclass
class _Operator(FakeOperator):
    """Confirms everything, and looks at what really ran before deciding on a step whose end nobody saw."""

    effects: _Effects = field(kw_only=True)
    faults: _Faults = field(kw_only=True)
    redoes: bool = False
    """Whether it has a step done again that has run: because it was asked."""

    def decide(self, screen: Screen) -> Reply:
        """Confirm."""
        self.faults.moment()
        return super().decide(screen)

    def resolve(self, screen: Screen, known: Sequence[str], *, probe: Execution | None) -> Reply:
        """Look whether the step has run."""
        has_run = self.effects.have(self.effects.run(), screen.path)
        return Resolve(Undecided.DONE if has_run and not self.redoes else Undecided.REDO, "I looked")

    def take_over(self, holder: Holder) -> str | None:
        """Take it."""
        return "nothing is heard of it"

    def reconnect(self, why: str, unsent: str) -> bool:
        """Try again once the journal may be back, or stop."""
        tries = ask("RECONNECT") == "yes"
        postgres_connection._ANSWER_SECONDS = _PATIENT
        return tries


class _Journal(PostgresJournal):
    """The journal, with a note of each event before and after, on this machine."""

    tried: Path
    faults: _Faults
    newest = ""

    def append(self, run: str, event: Event) -> None:
        """Write the event, between two notes."""
        self.newest = run
        self.faults.moment()
        write_line(self.tried, ["tried", run, os.getpid(), to_json(event)])
        super().append(run, event)
        write_line(self.tried, ["kept", run, os.getpid(), to_json(event)])
        self.faults.moment()

    def hold(self, target: str, holder: Holder, *, over: Holder | None = None) -> Holder | None:
        """Take the target."""
        self.newest = holder.run
        self.faults.moment()
        return super().hold(target, holder, over=over)


def write_line(file: Path, what: Sequence[object]) -> None:
    """Add a line that is there even if this process dies right after."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, json.dumps(what).encode() + b"\n")
    finally:
        os.close(descriptor)


def read_lines(file: Path) -> list[list[Any]]:
    """Return what `write_line` wrote."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def ask(text: str) -> str:
    """Print a line and return the answer."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
    return sys.stdin.readline().strip()


def walk(order: Mapping[str, Any]) -> int:
    """Walk as ordered. Return 0 at the run's end, 1 if it may be resumed, 2 if somebody else has it."""
    random.seed(order["seed"])
    postgres_connection._ANSWER_SECONDS = _PATIENT
    root = Path(order["directory"])
    clock = _Clock(timedelta(hours=order["hours"]))
    faults = _Faults([(at, kind) for at, kind in order["faults"]], clock)
    place = MachineLocks(root, "shared")
    with closing(_Journal(parse_address(order["url"]), root / "state", place)) as journal:
        journal.tried, journal.faults = root / "tried", faults
        effects = _Effects(Path(order["effects"]), lambda: journal.newest)
        walked = Walked(
            _BOOK,
            root / "scratch",
            operator=_Operator(effects=effects, faults=faults, redoes=order["redoes"]),
            executor=_Executor(effects=effects, faults=faults),
            journal=journal,
            clock=cast("Any", clock),
            identity=Identity(this_host(), this_host(), os.getpid(), "0.1"),
        )
        try:
            code = walked.resume(order["run"]) if order["run"] else walked.begin()
        except JournalUnreachableError:
            return 1
        except (RunTakenOverError, TargetHeldError):
            return 2
        except JournalError as error:
            if "somebody else has the target" in error.message:
                return 2
            raise
        return 0 if code is ExitCode.DONE else 1


def main(name: str) -> int:
    """Be a machine of that name until the input ends."""
    socket.gethostname = lambda: name
    while line := sys.stdin.readline():
        if not line.startswith("{"):  # an answer for a process that was killed
            continue
        child = os.fork()
        if child == 0:
            code = 99
            try:
                code = walk(json.loads(line))
            except BaseException:  # noqa: BLE001 - the child must end here, whatever it was
                traceback.print_exc()
            finally:
                os._exit(code)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"ENDED {status}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
