"""Hold one drill: sandbox, scenario, the walk, the proofs. The walk is the same one that runs on production."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from runbook import __version__
from runbook.drill.inventory import take_inventory
from runbook.drill.platform import begin
from runbook.drill.proofs import ProofResult, check_proof, prove_nothing_lost, prove_stayed_inside
from runbook.drill.sandbox import Sandbox, open_sandbox
from runbook.drill.scenario import play_scenario
from runbook.drill.surroundings import only_harmless
from runbook.drill.target import DrillTarget
from runbook.errors import ExitCode, RunbookError, UsageError
from runbook.model import Book, Drill, Procedure
from runbook.walk.events import Event
from runbook.walk.journal import SqliteJournal
from runbook.walk.ports import Clock, Executor, Operator
from runbook.walk.session import Identity, Settings, walk

__all__ = ["DrillReport", "Stage", "choose_drill", "hold_drill", "set_stage"]


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
    trouble: str
    proofs: tuple[ProofResult, ...]
    events: tuple[Event, ...] = field(repr=False)

    @property
    def passed(self) -> bool:
        """Tell whether the walk ended as it should and every proof holds."""
        return self.code is ExitCode.DONE and not self.trouble and all(proof.held for proof in self.proofs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A sandbox with a drill's scenario played in it, ready for the walk."""

    book: Book
    procedure: Procedure
    drill: Drill
    sandbox: Sandbox


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
    platform = begin(deployed=scenario.deployed, secrets=scenario.secrets, platform=scenario.platform)
    with (
        only_harmless(),
        open_sandbox(platform, major=major, postgres_url=postgres_url) as sandbox,
        play_scenario(sandbox, scenario),
    ):
        yield Stage(book=book, procedure=procedure, drill=drill, sandbox=sandbox)


def hold_drill(stage: Stage, *, operator: Operator, executor: Executor, clock: Clock) -> DrillReport:
    """Walk on that stage and prove what must hold. Errors of the walk are part of the report."""
    sandbox, drill = stage.sandbox, stage.drill
    before = take_inventory(sandbox.postgres.admin_url, sandbox.platform.state)
    journal = SqliteJournal(sandbox.state)
    began = time.monotonic()
    code, trouble = _walk(stage, journal, operator, executor, clock)
    seconds = time.monotonic() - began
    events = tuple(event for run in reversed(journal.runs()) for event in journal.events(run))
    journal.close()
    after = take_inventory(sandbox.postgres.admin_url, sandbox.platform.state)
    proofs = [check_proof(proof, sandbox.postgres.admin_url, sandbox.platform.state) for proof in drill.prove]
    return DrillReport(
        procedure=stage.procedure.id,
        drill=drill.name,
        cli=sandbox.cli.version,
        postgres=sandbox.postgres.version,
        seconds=seconds,
        code=code,
        trouble=trouble,
        proofs=(*proofs, prove_nothing_lost(before, after, drill.loses), prove_stayed_inside(sandbox.outside.attempts)),
        events=events,
    )


def _walk(
    stage: Stage, journal: SqliteJournal, operator: Operator, executor: Executor, clock: Clock
) -> tuple[ExitCode, str]:
    sandbox = stage.sandbox
    target = DrillTarget(stage.drill.name, sandbox, stage.book.policy, sandbox.postgres.url)
    try:
        code = walk(
            stage.procedure,
            stage.book,
            operator=operator,
            executor=executor,
            target=target,
            journal=journal,
            clock=clock,
            identity=Identity(operator="drill", host=socket.gethostname(), pid=os.getpid(), runbook=__version__),
            settings=Settings(environment={}, scratch=sandbox.state / "scratch"),
        )
    except RunbookError as error:
        return error.exit_code, f"{error.message} {error.hint}".strip()
    return code, ""
