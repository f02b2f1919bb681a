"""Walk a procedure from its introduction to its end. The terminal, drills and tests all start here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from runbook.engine.changes import accept_changes, sources_of
from runbook.engine.context import Context, Identity, Ports
from runbook.engine.loop import End, Walk, screen_of
from runbook.engine.next_action import Finish, Over, next_action
from runbook.engine.parameters import ask, gather, parse, supplied
from runbook.engine.ports import Clock, Executor, Operator, Returning, Screen, Target
from runbook.engine.rules import reaches_target
from runbook.engine.state import RunState, fold
from runbook.engine.target_lock import lock_target
from runbook.errors import ExitCode, UsageError
from runbook.journal.directory import open_directory
from runbook.journal.events import Event, RunResumed, RunStarted, TakenOver, TargetSeen, ValueGiven
from runbook.journal.interface import Journal, MemoryJournal
from runbook.model import Book, Procedure, TargetKind
from runbook.secret_file import SecretFile, directory_below
from runbook.user_directories import state_directory

__all__ = ["Identity", "Settings", "resume", "walk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Optional settings of a walk.

    `environment` supplies parameters as RUNBOOK_<NAME>; `scratch` is a private directory for drafts (default: beside
    the journal), and files with secrets go beside it if they can't be kept in memory; `finished` is called with the
    run's id when it ends. `ticket` is the number of the ticket that the run is for. `suffix` ends the ids of its
    runs, so that they are unique in a journal that they reach only later. With `takes_snapshots`, the target's state
    is recorded before the first write and after the last one. `notify` is called with each event once it's recorded,
    with the state after it.
    """

    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    scratch: Path | None = None
    finished: Callable[[str], None] | None = None
    ticket: str = ""
    suffix: str = ""
    takes_snapshots: bool = False
    notify: Callable[[Event, RunState, Procedure], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """What stays the same when one walk is left for another."""

    book: Book
    ports: Ports
    identity: Identity
    settings: Settings


def walk(  # noqa: PLR0913 - each port by its name; all but two are keywords
    procedure: Procedure,
    book: Book,
    *,
    operator: Operator,
    executor: Executor,
    target: Target,
    journal: Journal,
    clock: Clock,
    identity: Identity,
    values: Mapping[str, str] | None = None,
    dry: bool = False,
    settings: Settings | None = None,
) -> ExitCode:
    """Walk through a procedure and return how it ended; `values` are texts for its parameters.

    Raises UsageError (values that don't fit), PolicyRefusal, TargetHeldError, JournalError, and what proving the target
    raises. A dry run only reads, and keeps its journal in memory.
    """
    ports = Ports(
        operator=operator,
        executor=executor,
        target=target,
        journal=MemoryJournal() if dry else journal,
        clock=clock,
    )
    world = _World(book=book, ports=ports, identity=identity, settings=settings or Settings())
    given = dict(values or {})
    while (end := _walk(world, procedure, given, dry=dry)).switch_to:
        procedure = book.procedure(end.switch_to)
        known = {parameter.name for parameter in procedure.parameters}
        given = {name: text for name, text in given.items() if name in known}
    return end.code


def resume(  # noqa: PLR0913 - each port by its name; all but two are keywords
    run: str,
    book: Book,
    *,
    operator: Operator,
    executor: Executor,
    target: Target,
    journal: Journal,
    clock: Clock,
    identity: Identity,
    settings: Settings | None = None,
) -> ExitCode:
    """Resume a run where its journal ends. Raises what `walk` raises, and UsageError if the run has finished.

    Changes since then, in the procedure or the target, are shown and must be accepted.
    """
    ports = Ports(operator=operator, executor=executor, target=target, journal=journal, clock=clock)
    world = _World(book=book, ports=ports, identity=identity, settings=settings or Settings())
    end = _resume(world, run)
    if not end.switch_to:
        return end.code
    return walk(
        book.procedure(end.switch_to),
        book,
        operator=operator,
        executor=executor,
        target=target,
        journal=journal,
        clock=clock,
        identity=identity,
        settings=settings,
    )


def _walk(world: _World, procedure: Procedure, given: Mapping[str, str], *, dry: bool) -> End:
    texts = supplied(procedure, given, world.settings.environment)
    prove = cache(world.ports.target.prove)
    if not world.ports.operator.introduce(procedure, prove):
        return End(ExitCode.NOT_COMPLETED)
    run = _new_run(procedure, world.ports, world.settings.suffix)
    with _context(world, procedure, run, dry=dry) as context, lock_target(context, prove()) as takes_over:
        _begin(context, prove(), texts, world.settings.ticket)
        if takes_over is not None:
            context.record(takes_over)
        return Walk(context).go()


@contextmanager
def _context(world: _World, procedure: Procedure, run: str, *, dry: bool = False) -> Iterator[Context]:
    with _scratch(world, dry=dry) as scratch, closing(SecretFile(directory_below(scratch.parent), run)) as secret_file:
        yield Context(
            run=run,
            procedure=procedure,
            book=world.book,
            ports=world.ports,
            identity=world.identity,
            scratch=scratch,
            secret_file=secret_file,
            dry=dry,
            takes_snapshots=world.settings.takes_snapshots and not dry,
            finished=None if dry else world.settings.finished,
            notify=None if dry else world.settings.notify,
        )


def _begin(context: Context, seen: TargetSeen, texts: Mapping[str, str], ticket: str) -> None:
    if seen.kind == TargetKind.MACHINE and reaches_target(context.procedure, context.book.policy):
        # The run before it needed no project, so nobody has proven one.
        name = context.procedure.id
        raise UsageError(
            f"'{name}' needs a project, and this run has none", hint=f"Begin it by itself: runbook run {name}"
        )
    reference = seen.project_ref or seen.name
    linked = {"project_ref": reference} if seen.kind in {TargetKind.PRODUCTION, TargetKind.DRILL} else {}
    operator, directory = context.ports.operator, context.ports.target.directory
    given = gather(context.procedure, texts, linked, operator, directory=directory)
    context.secrets = given.secrets
    context.record(
        RunStarted(
            at=context.ports.clock.now(),
            run=context.run,
            procedure=context.procedure.id,
            digest=context.procedure.digest,
            sources=sources_of(context.procedure, context.book),
            target=seen,
            runbook=context.identity.runbook,
            operator=context.identity.operator,
            host=context.identity.host,
            directory=context.ports.target.directory,
            values=given.values,
            dry=context.dry,
            rules=context.rules_at(seen),
            files=context.files() if seen.kind != TargetKind.MACHINE else {},
            role=context.identity.role,
            ticket=ticket,
        )
    )


def _resume(world: _World, run: str) -> End:
    ports = world.ports
    state = fold(ports.journal.events(run))
    procedure = world.book.procedure(_header_of(state, run).procedure)
    prove = cache(ports.target.prove)
    if not _comes_back(ports.operator, procedure, state, prove):
        return End(ExitCode.NOT_COMPLETED)
    with _context(world, procedure, run) as context, lock_target(context, prove()) as takes_over:
        return _go_on(context, prove(), takes_over, world.settings.environment)


def _comes_back(operator: Operator, procedure: Procedure, state: RunState, prove: Callable[[], TargetSeen]) -> bool:
    if isinstance(operator, Returning):
        return operator.come_back(procedure, state, prove)
    return operator.introduce(procedure, prove)


def _go_on(context: Context, seen: TargetSeen, takes_over: TakenOver | None, environment: Mapping[str, str]) -> End:
    # Read only now: until the target was ours, its last holder may have continued.
    context.state = fold(context.ports.journal.events(context.run))
    _header_of(context.state, context.run)
    changes = accept_changes(context, seen)
    if changes is None:
        return End(ExitCode.NOT_COMPLETED)
    now, identity = context.ports.clock.now(), context.identity
    resumed = RunResumed(
        at=now,
        operator=identity.operator,
        host=identity.host,
        target=seen,
        directory=context.ports.target.directory,
        role=identity.role,
    )
    for event in (*([takes_over] if takes_over else []), resumed, *changes):
        context.record(event, _standing(context))
    # Secrets first, because a new value must not contain one of them.
    context.secrets = _secrets(context, environment)
    _ask_for_new_values(context)
    return Walk(context).go()


def _ask_for_new_values(context: Context) -> None:
    """Ask for parameters that the procedure didn't have when the run began; an empty list counts as missing."""
    for parameter in context.procedure.parameters:
        if not parameter.secret and parameter.name not in context.state.parameters:
            operator, directory = context.ports.operator, context.ports.target.directory
            text = ask(parameter, operator, problem_with=context.problem_with, directory=directory)
            value = parse(parameter, text)
            context.record(ValueGiven(at=context.ports.clock.now(), step="", name=parameter.name, value=value))


def _standing(context: Context) -> Screen | None:
    """Return the screen of the run's current step: whoever resumes must see the state as it is."""
    action = next_action(context.way, context.state)
    return None if isinstance(action, Finish | Over) else screen_of(context, action.at)


def _header_of(state: RunState, run: str) -> RunStarted:
    """Return the first event of a run that can be resumed. Raises UsageError for a finished run."""
    if state.header is None or state.ended:
        raise UsageError(f"run {run} has finished", hint=f"`runbook report {run}` shows what it did.")
    return state.header


def _secrets(context: Context, environment: Mapping[str, str]) -> dict[str, str]:
    """Ask for the secrets again, because they were never stored."""
    secret = tuple(parameter for parameter in context.procedure.parameters if parameter.secret)
    texts = supplied(replace(context.procedure, parameters=secret), {}, environment)
    operator, directory = context.ports.operator, context.ports.target.directory
    asked = (one for one in secret if one.name not in texts)
    return {**texts, **{one.name: ask(one, operator, directory=directory) for one in asked}}


@contextmanager
def _scratch(world: _World, *, dry: bool) -> Iterator[Path]:
    """Yield the private directory; a dry run's is removed afterwards."""
    if dry:
        with TemporaryDirectory(prefix="runbook-dry-") as directory:
            # One level down, because files with secrets go beside it, and must be private and removed as well.
            yield open_directory(Path(directory) / "scratch")
        return
    yield open_directory(world.settings.scratch or state_directory() / "scratch")


def _new_run(procedure: Procedure, ports: Ports, suffix: str) -> str:
    """Return an unused id: the minute, the procedure and the suffix, and a number if that id is taken."""
    first = "-".join(filter(None, (f"{ports.clock.now():%Y%m%d-%H%M}", procedure.id, suffix)))
    taken = {*ports.journal.runs(), *(holder.run for holder in ports.journal.holders())}
    number = 1
    run = first
    while run in taken:
        number += 1
        run = f"{first}-{number}"
    return run
