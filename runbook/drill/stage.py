"""Hold one drill: sandbox, scenario, the walk, the proofs. The walk is the same one that runs on production."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TypedDict

from runbook import __version__
from runbook.drill.director import Director, needs_relay
from runbook.drill.isolation import harmless_environment
from runbook.drill.operator import NO_REASON, AutoOperator
from runbook.drill.platform_state import initial_state
from runbook.drill.proofs import ProofResult, check_proof, prove_nothing_lost, prove_stayed_inside, take_inventory
from runbook.drill.relay import Relay, open_relay
from runbook.drill.sandbox import Sandbox, open_sandbox
from runbook.drill.scenario import Scene, play_scenario
from runbook.drill.target import DrillTarget
from runbook.engine.ports import Clock, Executor, Operator
from runbook.engine.session import Identity, Settings, resume, walk
from runbook.errors import ExitCode, RunbookError, UsageError
from runbook.journal.events import Event, RunStopped
from runbook.journal.liveness import this_host
from runbook.journal.sqlite import SqliteJournal
from runbook.model import Book, Drill, Procedure, TargetKind

__all__ = ["DrillReport", "Stage", "choose_drill", "run_drill", "set_stage"]


_ENDS = {"done": ExitCode.DONE, "stopped": ExitCode.NOT_COMPLETED, "held": ExitCode.TARGET_HELD}


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillReport:
    """How a drill went. `trouble` is the error that ended the walk, empty where none did."""

    procedure: str
    drill: str
    cli: str
    postgres: str
    seconds: float
    """From the first screen to the last."""
    code: ExitCode
    ends: str
    """How the walk should have ended: `done`, `stopped` or `held`."""
    trouble: str
    proofs: tuple[ProofResult, ...]
    events: tuple[Event, ...] = field(repr=False)
    happened: tuple[tuple[str, str], ...] = ()
    """Which of the scenario's events came, and at which step."""

    @property
    def passed(self) -> bool:
        """Tell whether the walk ended as it should and every proof holds."""
        return self.code is _ENDS[self.ends] and not self.trouble and all(proof.held for proof in self.proofs)


@dataclass(frozen=True, slots=True)
class Actors:
    """Who walks, what runs the commands, whose time it is."""

    operator: Operator
    executor: Executor
    clock: Clock


class _Ports(TypedDict):
    operator: Operator
    executor: Executor
    target: DrillTarget
    journal: SqliteJournal
    clock: Clock
    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A sandbox with a drill's scenario played in it, ready for the walk."""

    book: Book
    procedure: Procedure
    drill: Drill
    sandbox: Sandbox
    scene: Scene
    relay: Relay | None = None
    """The way to the database, where the scenario breaks it."""

    @property
    def url(self) -> str:
        """Where commands find the database."""
        return self.relay.url if self.relay else self.sandbox.postgres.url


def choose_drill(procedure: Procedure, name: str | None) -> Drill:
    """Return the drill of that name, or the first one; raises UsageError naming those there are."""
    names = ", ".join(drill.name for drill in procedure.drills)
    if not procedure.drills:
        raise UsageError(f"'{procedure.id}' has no drill", hint="`runbook drill --list` shows all drills.")
    for drill in procedure.drills:
        if name in {None, drill.name}:
            return drill
    raise UsageError(f"'{procedure.id}' has no scenario called '{name}'", hint=f"It has: {names}")


@contextmanager
def set_stage(
    book: Book, procedure: Procedure, drill: Drill, *, major: int = 3, postgres_url: str | None = None
) -> Iterator[Stage]:
    """Set up everything for a drill and clear it away after the block; see `open_sandbox` for what it raises."""
    scenario = drill.scenario
    platform = initial_state(
        deployed=scenario.deployed,
        secrets=scenario.secrets,
        platform=scenario.platform,
        responses=scenario.responses,
    )
    with (
        harmless_environment(),
        open_sandbox(platform, major=major, postgres_url=postgres_url) as sandbox,
        play_scenario(sandbox, scenario) as scene,
        open_relay(sandbox.postgres.url) if needs_relay(scenario.events) else nullcontext() as relay,
    ):
        yield Stage(book=book, procedure=procedure, drill=drill, sandbox=sandbox, scene=scene, relay=relay)


def run_drill(
    stage: Stage, *, operator: Operator, executor: Executor, clock: Clock, again: Callable[[], bool] = lambda: False
) -> DrillReport:
    """Walk on that stage and prove what must hold. Errors of the walk are part of the report.

    `again` is asked when the walk was stopped: true resumes it, as `runbook resume` would.
    """
    sandbox, drill = stage.sandbox, stage.drill
    journal = SqliteJournal(sandbox.state)
    began = time.monotonic()
    unattended = isinstance(operator, AutoOperator)
    with closing(journal):
        director = _direct(stage, journal, operator, unattended=unattended)
        code, trouble = _walk(stage, journal, Actors(director, executor, clock), again)
        events = tuple(event for run in reversed(journal.runs()) for event in journal.events(run))
    return DrillReport(
        procedure=stage.procedure.id,
        drill=drill.name,
        cli=sandbox.cli.version,
        postgres=sandbox.postgres.version,
        seconds=time.monotonic() - began,
        code=code,
        ends=drill.ends,
        trouble=_trouble(drill, code, trouble, _why_stopped(events), unattended=unattended),
        proofs=_prove(stage, events, unattended=unattended),
        events=events,
        happened=tuple(director.played),
    )


def _prove(stage: Stage, events: tuple[Event, ...], *, unattended: bool) -> tuple[ProofResult, ...]:
    """Check the drill's own proofs, then, without the scenario's locks, those that hold for every drill.

    Which steps were done and checked says something of the page where the drill's own answers walk it. A person may
    leave a step out with a reason; the debrief tells it, and what counts is how things are then.
    """
    url, platform = stage.sandbox.postgres.admin_url, stage.sandbox.platform.state
    proofs = [proof for proof in stage.drill.prove if unattended or not (proof.walked or proof.checked)]
    own = [check_proof(proof, url, platform, events) for proof in proofs]
    stage.scene.release()
    return (
        *own,
        prove_nothing_lost(stage.scene.before, take_inventory(url, platform), stage.drill.loses),
        prove_stayed_inside(stage.sandbox.proxy.attempts),
    )


def _walk(stage: Stage, journal: SqliteJournal, actors: Actors, again: Callable[[], bool]) -> tuple[ExitCode, str]:
    ports = _ports(stage, journal, actors)
    settings = Settings(environment={}, scratch=stage.sandbox.state / "scratch")
    try:
        code = walk(stage.procedure, stage.book, settings=settings, **ports)
        while code is ExitCode.NOT_COMPLETED and journal.runs() and again():
            code = resume(journal.runs()[0], stage.book, settings=settings, **ports)
    except RunbookError as error:
        return error.exit_code, ". ".join(part.removesuffix(".") for part in (error.message, error.hint) if part) + "."
    return code, ""


def _trouble(drill: Drill, code: ExitCode, error: str, why: str, *, unattended: bool) -> str:
    """Return what ended the walk where it was not to end, or not so: only a planned stop is the drill's stop."""
    if code is ExitCode.TARGET_HELD and drill.ends == "held":
        return ""
    if error or code is not _ENDS[drill.ends]:
        reason = "".join(f" ({planned})" for planned in _planned(drill))
        return error or why or f"The walk was to end '{drill.ends}'{reason}, and ended '{code.name.lower()}'."
    return why if unattended and drill.ends == "stopped" and why not in _planned(drill) else ""


def _planned(drill: Drill) -> tuple[str, ...]:
    """Return the reasons for which the drill's operator stops."""
    answers = (answer if isinstance(answer, tuple) else (answer,) for answer in drill.reactions.values())
    stops = (words.partition(":") for each in answers for words in each if words.startswith("stop"))
    return tuple(reason.strip() or NO_REASON for _, _, reason in stops)


def _ports(stage: Stage, journal: SqliteJournal, actors: Actors) -> _Ports:
    return _Ports(
        operator=actors.operator,
        executor=actors.executor,
        target=DrillTarget(stage.drill.name, stage.sandbox, stage.book.policy, stage.url),
        journal=journal,
        clock=actors.clock,
        identity=Identity(operator="drill", host=this_host(), pid=os.getpid(), runbook=__version__),
    )


def _direct(stage: Stage, journal: SqliteJournal, operator: Operator, *, unattended: bool) -> Director:
    return Director(
        operator=operator,
        events=stage.drill.scenario.events,
        sandbox=stage.sandbox,
        journal=journal,
        lock=f"{TargetKind.DRILL.value}:{stage.drill.name}",
        relay=stage.relay,
        unattended=unattended,
    )


def _why_stopped(events: tuple[Event, ...]) -> str:
    """Return the reason that the walk gives for stopping."""
    last = events[-1] if events else None
    return last.reason if isinstance(last, RunStopped) else ""
