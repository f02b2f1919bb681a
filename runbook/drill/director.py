"""Play the events of a scenario: a connection drops, the CLI is killed, a colleague takes over, a function fails."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from runbook.drill.database import execute
from runbook.drill.database_relay import Break, DatabaseRelay
from runbook.drill.platform_state import Fault
from runbook.drill.sandbox import Sandbox
from runbook.engine.ports import (
    Advised,
    Concluding,
    Execution,
    Operator,
    Pausing,
    Reply,
    Returning,
    Screen,
    Watching,
)
from runbook.engine.state import RunState
from runbook.expansion import plain_path
from runbook.journal.events import ChildStarted, Event, Purpose, StepStarted, TargetSeen
from runbook.journal.interface import Holder
from runbook.journal.sqlite import SqliteJournal
from runbook.linear_regex import linear_regex
from runbook.model import Parameter, Procedure, ScenarioEvent

__all__ = ["EVENTS", "Director", "needs_relay"]

_ON_THE_CONNECTION = {"drop_connection", "kill_cli"}
_BY_HAND = {"remove_file", "write_file"}
"""Events that are a person's work at a tick. In a drill by hand, the person does them."""


def needs_relay(events: Sequence[ScenarioEvent]) -> bool:
    """Tell whether an event happens on the connection to the database."""
    return any(event.kind in _ON_THE_CONNECTION for event in events)


@dataclass(slots=True, kw_only=True)
class Director:
    """Wraps an operator: it plays the scenario's events when their steps begin, and passes everything on.

    An event happens when its step (`at`: the path or the id) starts, for the `turn`-th time if that is given.
    """

    operator: Operator
    events: Sequence[ScenarioEvent]
    sandbox: Sandbox
    journal: SqliteJournal
    lock: str
    """The name under which the drill's target is locked."""
    relay: DatabaseRelay | None = None
    unattended: bool = True
    """Nobody is there to do what a tick says, so the scenario does it."""
    played: list[tuple[str, str]] = field(default_factory=list)
    """The events so far: the kind of each, and the path of its step (`start` before the first step)."""
    _starts: dict[str, int] = field(default_factory=dict)
    _child: int = 0
    _begun: bool = False

    def introduce(self, procedure: Procedure, target: Callable[[], TargetSeen]) -> bool:
        """Play the events of the start, only once even if the walk begins several procedures. Then pass on."""
        if not self._begun:
            self._begun = True
            for event in self.events:
                if event.at == "start":
                    self._play(event, "start")
        return self.operator.introduce(procedure, target)

    def come_back(self, procedure: Procedure, state: RunState, target: Callable[[], TargetSeen]) -> bool:
        """Pass on."""
        if isinstance(self.operator, Returning):
            return self.operator.come_back(procedure, state, target)
        return self.operator.introduce(procedure, target)

    def advise(self, text: str) -> None:
        """Pass on."""
        if isinstance(self.operator, Advised):
            self.operator.advise(text)

    def give(self, parameter: Parameter, *, problem: str = "") -> str:
        """Pass on."""
        return self.operator.give(parameter, problem=problem)

    def decide(self, screen: Screen) -> Reply:
        """Pass on."""
        return self.operator.decide(screen)

    def conclude(self, screen: Screen) -> Reply | None:
        """Pass on to an operator that wants a last word."""
        return self.operator.conclude(screen) if isinstance(self.operator, Concluding) else None

    def during(self, what: str) -> AbstractContextManager[None]:
        """Pass on to an operator that shows what it's waiting for."""
        return self.operator.during(what) if isinstance(self.operator, Watching) else nullcontext()

    def pause(self, seconds: float) -> float:
        """Pass on."""
        return self.operator.pause(seconds) if isinstance(self.operator, Pausing) else 0.0

    def recover(self, screen: Screen, execution: Execution) -> Reply:
        """Pass on."""
        return self.operator.recover(screen, execution)

    def resolve(self, screen: Screen, known: Sequence[str], *, probe: Execution | None) -> Reply:
        """Pass on."""
        return self.operator.resolve(screen, known, probe=probe)

    def accept(self, what: str, diff: str) -> bool:
        """Pass on."""
        return self.operator.accept(what, diff)

    def take_over(self, holder: Holder) -> str | None:
        """Pass on."""
        return self.operator.take_over(holder)

    def tell(self, event: Event, screen: Screen | None) -> None:
        """Play the events that are due as a step starts, then pass on."""
        # The operator comes first, so that its line about the step is above what happens in it.
        self.operator.tell(event, screen)
        if isinstance(event, ChildStarted):
            self._child = event.pid
        elif isinstance(event, StepStarted) and event.purpose is Purpose.RUN:
            path = event.step
            turn = self._starts[path] = self._starts.get(path, 0) + 1
            names = {path, plain_path(path), path.rpartition("/")[2]}
            for due in self.events:
                if due.at in names and due.turn in {None, turn}:
                    self._play(due, path)

    def _play(self, event: ScenarioEvent, path: str) -> None:
        # In a drill by hand, the person removes and writes files themselves, as the tick says.
        if event.kind in _BY_HAND and not self.unattended:
            return
        EVENTS[event.kind](self, event)
        self.played.append((event.kind, path))

    # --- the events -------------------------------------------------------------------------------------------------

    def drop_connection(self, event: ScenarioEvent) -> None:
        """Break the connection to the database in the middle of the push."""
        assert self.relay is not None
        self.relay.arm(Break(event.what))

    def kill_cli(self, event: ScenarioEvent) -> None:
        """Kill the command, and all it started, in the middle of the push."""
        assert self.relay is not None

        def kill() -> None:
            # The command leads its own process group. Otherwise what npx started would survive and finish the push.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child, signal.SIGKILL)

        self.relay.arm(Break(event.what), kill)

    def second_operator(self, event: ScenarioEvent) -> None:
        """Let somebody else take over the target (or, at the start, already have it locked)."""
        found = self.journal.holders()
        holder = Holder(
            run="20260101-0900-colleague",
            procedure="push-migration",
            operator=event.what,
            host="laptop",  # another machine, so nobody can tell whether the process is still running
            pid=os.getpid(),
            since=datetime.now(UTC),
        )
        self.journal.hold(self.lock, holder, over=found[0] if found else None)

    def fail_requests(self, event: ScenarioEvent) -> None:
        """Make requests to the platform fail or be slow."""
        self.sandbox.platform.state.faults.append(
            Fault(request=linear_regex(event.what), status=event.status, delay=event.delay, times=event.times)
        )

    def run_sql(self, event: ScenarioEvent) -> None:
        """Change production at this moment, as somebody else."""
        execute(self.sandbox.postgres.admin_url, event.what)

    def fail_function(self, event: ScenarioEvent) -> None:
        """Make calls of an edge function fail from now on."""
        with self.sandbox.platform.state.lock:
            self.sandbox.platform.state.fail_calls(event.what)

    def keep_version(self, event: ScenarioEvent) -> None:
        """Make the platform accept the next deploy of a function but keep the version that is live."""
        with self.sandbox.platform.state.lock:
            self.sandbox.platform.state.kept.add(event.what)

    def keep_secret(self, event: ScenarioEvent) -> None:
        """Make the platform accept the next value of a secret but keep the one that is set."""
        with self.sandbox.platform.state.lock:
            self.sandbox.platform.state.kept_secrets.add(event.what)

    def remove_file(self, event: ScenarioEvent) -> None:
        """Do what the tick says: remove a file of the project."""
        (self.sandbox.project / event.what).unlink()

    def write_file(self, event: ScenarioEvent) -> None:
        """Do what the tick says: write a file of the project."""
        file = self.sandbox.project / event.what
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(event.text, encoding="utf-8")


EVENTS: Mapping[str, Callable[[Director, ScenarioEvent], None]] = {
    "drop_connection": Director.drop_connection,
    "kill_cli": Director.kill_cli,
    "second_operator": Director.second_operator,
    "fail_requests": Director.fail_requests,
    "run_sql": Director.run_sql,
    "fail_function": Director.fail_function,
    "keep_version": Director.keep_version,
    "keep_secret": Director.keep_secret,
    "remove_file": Director.remove_file,
    "write_file": Director.write_file,
}
"""The method for each kind of event."""
