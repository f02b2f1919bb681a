"""Run one drill: sandbox, scenario, walk, proofs. The walk is the same as on production."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from random import Random

from runbook import __version__
from runbook.cli.run_options import WalkPorts
from runbook.drill.auto_operator import NO_REASON, AutoOperator
from runbook.drill.database_relay import DatabaseRelay, open_relay
from runbook.drill.director import Director, needs_relay
from runbook.drill.isolation import harmless_environment
from runbook.drill.platform_state import initial_state
from runbook.drill.proofs import ProofResult, check_proof, prove_nothing_lost, prove_stayed_inside, take_inventory
from runbook.drill.sandbox import DrillTarget, Sandbox, open_sandbox
from runbook.drill.scenario import Scene, play_scenario
from runbook.engine.ports import Clock, Executor, Operator
from runbook.engine.session import Identity, Settings, resume, walk
from runbook.errors import ExitCode, RunbookError, UsageError
from runbook.expansion import EveryWay, expand
from runbook.journal.events import Event, RunStopped
from runbook.journal.liveness import this_host
from runbook.journal.sqlite import SqliteJournal
from runbook.model import Book, Drill, Procedure, ScenarioEvent, Section, TargetKind
from runbook.runtime.running_mark import running
from runbook.steps.scope import Scope

__all__ = ["DrillReport", "Stage", "choose_drill", "pick_surprise", "run_drill", "set_stage"]


_ENDS = {"done": ExitCode.DONE, "stopped": ExitCode.NOT_COMPLETED, "held": ExitCode.TARGET_HELD}


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillReport:
    """How a drill went. `trouble` is the error that ended the walk, empty if none did."""

    procedure: str
    drill: str
    cli: str
    postgres: str
    seconds: float
    """The time from the first screen to the last."""
    code: ExitCode
    ends: str
    """How the walk should have ended: `done`, `stopped` or `held`."""
    trouble: str
    proofs: tuple[ProofResult, ...]
    events: tuple[Event, ...] = field(repr=False)
    happened: tuple[tuple[str, str], ...] = ()
    """The events of the scenario that took place, each with its step."""

    @property
    def passed(self) -> bool:
        """Tell whether the walk ended as it should and every proof passed."""
        return self.code is _ENDS[self.ends] and not self.trouble and all(proof.held for proof in self.proofs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A sandbox with a drill's scenario played in it, ready for the walk."""

    book: Book
    procedure: Procedure
    drill: Drill
    sandbox: Sandbox
    scene: Scene
    relay: DatabaseRelay | None = None
    """The relay to the database, if the scenario breaks the connection."""

    @property
    def url(self) -> str:
        """The URL at which commands find the database."""
        return self.relay.url if self.relay else self.sandbox.postgres.command_url


def choose_drill(procedure: Procedure, name: str | None) -> Drill:
    """Return the drill of that name, or the first one. Raises UsageError with the names of all if there is none."""
    names = ", ".join(drill.name for drill in procedure.drills)
    if not procedure.drills:
        raise UsageError(f"'{procedure.id}' has no drill", hint="`runbook drill --list` shows all drills.")
    for drill in procedure.drills:
        if name in {None, drill.name}:
            return drill
    raise UsageError(f"'{procedure.id}' has no scenario called '{name}'", hint=f"It has: {names}")


def pick_surprise(book: Book, procedure: Procedure | None, random: Random) -> tuple[Procedure, Drill]:
    """Return a procedure (that one, or any for when things go wrong) and a drill whose name gives nothing away.

    About half of them have a twist: a broken connection or a dead command in the middle of a push, or a colleague who
    has the target locked. Raises UsageError if there is nothing to drill.
    """
    every = [procedure] if procedure else [each for each in book.procedures.values() if each.section is Section.WRONG]
    pairs = [(each, drill) for each in every for drill in each.drills if drill.practice]
    if not pairs:
        raise UsageError("there is no drill to pick from", hint="`runbook drill --list` shows all drills.")
    chosen, drill = random.choice(pairs)
    commands = [(place.step.id, place.step.action.words) for place in expand(chosen, EveryWay(), Scope()).places]
    pushes = [step for step, words in commands if "push" in words and "--dry-run" not in words]
    # A scenario with events of its own needs no twist.
    if pushes and not drill.scenario.events and random.random() < 0.5:
        twists = (
            ScenarioEvent(pushes[-1], "drop_connection", "after", turn=1),
            ScenarioEvent(pushes[-1], "drop_connection", "before", turn=1),
            ScenarioEvent(pushes[-1], "kill_cli", "after", turn=1),
            ScenarioEvent("start", "second_operator", "Ada"),
        )
        drill = replace(drill, scenario=replace(drill.scenario, events=(random.choice(twists),)))
    return chosen, replace(drill, name="surprise")


@contextmanager
def set_stage(
    book: Book, procedure: Procedure, drill: Drill, *, major: int = 3, postgres_url: str | None = None
) -> Iterator[Stage]:
    """Set up everything for a drill, and remove it after the block. See `open_sandbox` for what it raises."""
    scenario = drill.scenario
    platform = initial_state(
        deployed=scenario.deployed,
        secrets=scenario.secrets,
        platform=scenario.platform,
        responses=scenario.responses,
    )
    # Clean the environment first: git, the server and the CLI inherit what is left of it.
    with (
        harmless_environment(),
        open_sandbox(
            platform, major=major, postgres_url=postgres_url, drill=f"{procedure.id} --scenario {drill.name}"
        ) as sandbox,
        play_scenario(sandbox, scenario) as scene,
        open_relay(sandbox.postgres.command_url) if needs_relay(scenario.events) else nullcontext() as relay,
    ):
        yield Stage(book=book, procedure=procedure, drill=drill, sandbox=sandbox, scene=scene, relay=relay)


def run_drill(
    stage: Stage,
    *,
    operator: Operator,
    executor: Executor,
    clock: Clock,
    again: Callable[[], bool] | None = None,
    person: str = "",
) -> DrillReport:
    """Walk on that stage and check the proofs. Errors of the walk are part of the report.

    `again` is called when the walk was stopped, also by Ctrl-C. If it returns True, the walk resumes, as with
    `runbook resume`. `person` is who walks, if somebody does: the events name them, and the ids of the runs are unique
    among those of a team, which may drill the same procedure at the same minute.
    """
    sandbox, drill = stage.sandbox, stage.drill
    began = time.monotonic()
    unattended = isinstance(operator, AutoOperator)
    with closing(SqliteJournal(sandbox.state)) as journal:
        director = Director(
            operator=operator,
            events=drill.scenario.events,
            sandbox=sandbox,
            journal=journal,
            lock=f"{TargetKind.DRILL.value}:{drill.name}",
            relay=stage.relay,
            unattended=unattended,
        )
        code, error = _walk(stage, journal, director, executor, clock, again, person=person)
        # A walk that switches to another procedure has a run for each; the journal lists the newest first.
        events = tuple(event for run in reversed(journal.runs()) for event in journal.events(run))
    seconds = time.monotonic() - began
    with nullcontext() if unattended else running("Checking the proofs", sys.stdout):
        proofs = _prove(stage, events, unattended=unattended)
    return DrillReport(
        procedure=stage.procedure.id,
        drill=drill.name,
        cli=sandbox.cli.version,
        postgres=sandbox.postgres.version,
        seconds=seconds,
        code=code,
        ends=drill.ends,
        trouble=_trouble(drill, code, error, events, unattended=unattended),
        proofs=proofs,
        events=events,
        happened=tuple(director.played),
    )


def _walk(  # noqa: PLR0913 - each port by its name
    stage: Stage,
    journal: SqliteJournal,
    director: Director,
    executor: Executor,
    clock: Clock,
    again: Callable[[], bool] | None,
    *,
    person: str = "",
) -> tuple[ExitCode, str]:
    """Return how the walk ended, and the error that ended it, empty if none did."""
    ports = WalkPorts(
        operator=director,
        executor=executor,
        target=DrillTarget(stage.drill.name, stage.sandbox, stage.book.policy, stage.url),
        journal=journal,
        clock=clock,
        identity=Identity(operator=person or "drill", host=this_host(), pid=os.getpid(), runbook=__version__),
    )
    suffix = f"drill-{secrets.token_hex(3)}" if person else ""
    # Empty, because a value that the person exported for production must not answer the drill's questions.
    # An unattended drill proves the procedure; the snapshots, which are the same for all, have tests of their own.
    scratch = stage.sandbox.state / "scratch"
    settings = Settings(environment={}, scratch=scratch, suffix=suffix, takes_snapshots=bool(person))

    def leg() -> ExitCode:
        """Walk, or continue the walk, until it ends or stops."""
        try:
            if journal.runs():
                return resume(journal.runs()[0], stage.book, **ports, settings=settings)
            return walk(stage.procedure, stage.book, **ports, settings=settings)
        except KeyboardInterrupt:
            if again is None or not journal.runs():
                raise
            return ExitCode.NOT_COMPLETED

    try:
        code = leg()
        while code is ExitCode.NOT_COMPLETED and journal.runs() and again is not None and again():
            code = leg()
    except RunbookError as error:
        return error.exit_code, ". ".join(part.removesuffix(".") for part in (error.message, error.hint) if part) + "."
    return code, ""


def _trouble(drill: Drill, code: ExitCode, error: str, events: tuple[Event, ...], *, unattended: bool) -> str:
    """Return the unexpected reason the walk ended, or "". A stop is expected only if the drill plans it."""
    # A locked target is an error for the walk, but some drills are supposed to end with it.
    if code is ExitCode.TARGET_HELD and drill.ends == "held":
        return ""
    answers = (answer if isinstance(answer, tuple) else (answer,) for answer in drill.reactions.values())
    stops = (words.partition(":") for each in answers for words in each if words.startswith("stop"))
    planned = tuple(reason.strip() or NO_REASON for _, _, reason in stops)
    why = events[-1].reason if events and isinstance(events[-1], RunStopped) else ""
    if error or code is not _ENDS[drill.ends]:
        reason = "".join(f" ({each})" for each in planned)
        return error or why or f"Expected the run to end with '{drill.ends}'{reason}, not with '{code.name.lower()}'."
    # The unattended operator also stops if it has no answer. A person may stop for any reason.
    return why if unattended and drill.ends == "stopped" and why not in planned else ""


def _prove(stage: Stage, events: tuple[Event, ...], *, unattended: bool) -> tuple[ProofResult, ...]:
    """Check the drill's own proofs, then those that hold for every drill."""
    url, platform = stage.sandbox.postgres.admin_url, stage.sandbox.platform.state
    # Which steps were done and checked says something about the page if the drill's own answers are used. A person may
    # skip a step with a reason. The debrief mentions that, and only the result counts.
    proofs = [
        proof for proof in stage.drill.prove if unattended or not (proof.walked or proof.checked or proof.diagnosed)
    ]
    project = stage.sandbox.project
    own = [check_proof(proof, url, platform, events, stage.book.errors, project) for proof in proofs]
    # The inventory reads every table and would wait for the scenario's lock, but a proof may look for its session.
    stage.scene.release()
    return (
        *own,
        prove_nothing_lost(stage.scene.before, take_inventory(url, platform), stage.drill.loses),
        prove_stayed_inside(stage.sandbox.proxy.attempts),
    )
