"""Records what the target is like before a run's first write and after its last one, and tells the difference."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from runbook.engine.context import Context
from runbook.engine.execution import prepare_at, refuse_if_forbidden
from runbook.engine.ports import Execution, ReadCommand
from runbook.engine.state import RunState
from runbook.errors import MissingPartError, PolicyRefusal, ProgramChangedError, UsageError
from runbook.journal.events import Snapshot, SnapshotStarted, SnapshotTaken
from runbook.model import Effect
from runbook.model.evidence import Evidence
from runbook.printable import one_line
from runbook.steps.destination import Prepared
from runbook.steps.scope import Place
from runbook.steps.survey import rows_of, why_failed

__all__ = ["WHEN", "Difference", "differences", "take_after", "take_before"]

WHEN = {Snapshot.BEFORE: "before the first write", Snapshot.AFTER: "after the last write"}
"""When a snapshot is taken, in words."""
_TIMEOUT = 20.0
"""Seconds for one look."""
_MOST = 1000
"""The most lines of one look."""
_ENDED = "ended by Ctrl-C"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What one look found before and after. `problem` says why they can't be compared, "" if they can."""

    title: str
    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    problem: str = ""


def take_before(context: Context, at: Place, prepared: Prepared) -> bool:
    """Record the state before the run's first write to what the command reaches; do nothing before any later write.

    Return False if the operator ended that: then the command must not run unasked.
    """
    judgement = prepared.judgement
    if not context.takes_snapshots or prepared.effect is Effect.READS or judgement is None:
        return True
    taken = context.state.snapshots.get(Snapshot.BEFORE)
    known = {*taken.found, *taken.problems} if taken else set()
    looks = [look for look in context.book.evidence if look.family == judgement.family and look.title not in known]
    return not looks or _take(context, at, Snapshot.BEFORE, looks)


def take_after(context: Context, at: Place) -> None:
    """Record the state after the newest write, for everything that was recorded before the first one."""
    taken = context.state.snapshots.get(Snapshot.BEFORE)
    if taken is not None and context.state.has_written_since:
        looks = [look for look in context.book.evidence if look.title in taken.found]
        if looks:
            _take(context, at, Snapshot.AFTER, looks)


def _take(context: Context, at: Place, when: Snapshot, looks: Sequence[Evidence]) -> bool:
    ready, problems = dict[str, Prepared](), dict[str, str]()
    for look in looks:
        try:
            prepared = prepare_at(context, at, look.action)
            refuse_if_forbidden(prepared, reading_only=True)
            ready[look.title] = prepared
        except (PolicyRefusal, UsageError) as error:
            problems[look.title] = error.message
    commands = tuple(shlex.join(one.argv) for one in ready.values())
    context.record(SnapshotStarted(at=context.ports.clock.now(), when=when, looks=commands))
    found, was_ended = dict[str, str](), False
    try:
        ended = dict(zip(ready, _read(context, list(ready.values())), strict=True))
    except (MissingPartError, ProgramChangedError) as error:
        problems |= dict.fromkeys(ready, error.message)
    except KeyboardInterrupt:
        problems |= dict.fromkeys(ready, _ENDED)
        was_ended = True
    else:
        for look in looks:
            lines = _lines(look, ended[look.title]) if look.title in ended else None
            if lines is not None:
                found[look.title] = "\n".join(lines)
            elif look.title in ended:
                problems[look.title] = why_failed(ended[look.title])
    context.record(SnapshotTaken(at=context.ports.clock.now(), when=when, found=found, problems=problems))
    return not was_ended


def _read(context: Context, commands: Sequence[Prepared]) -> Sequence[Execution]:
    if not commands:
        return ()
    target = context.ports.target
    return context.ports.executor.read_in_parallel(
        [ReadCommand(argv=one.argv, environment={**target.environment(), **one.environment}) for one in commands],
        directory=target.directory,
        timeout=_TIMEOUT,
        born=lambda _pid, _born: None,  # they only read, so nobody has to look for them
        secrets=tuple(context.secrets.values()),
    )


def _lines(look: Evidence, ended: Execution) -> list[str] | None:
    """Return a line for each item of the output; None if the look failed."""
    rows = rows_of(ended.document or ended.output, look.list_name) if ended.outcome == "passed" else None
    if rows is None:
        return None
    first, *others = look.members
    lines = [
        one_line(", ".join([str(row.get(first, row)), *(f"{name} {row[name]}" for name in others if name in row)]))
        for row in rows[:_MOST]
    ]
    return [*lines, f"and {len(rows) - _MOST} more"] if len(rows) > _MOST else lines


def differences(state: RunState) -> tuple[Difference, ...]:
    """Return what each look found in one snapshot and not in the other, in the order of the looks."""
    before, after = (state.snapshots.get(when) for when in Snapshot)
    if before is None:
        return ()
    return tuple(_difference(title, before, after) for title in {**before.found, **before.problems})


def _difference(title: str, before: SnapshotTaken, after: SnapshotTaken | None) -> Difference:
    if title in before.problems:
        return Difference(title=title, problem=f"unknown before the first write: {before.problems[title]}")
    if after is None or title not in after.found:
        why = after.problems.get(title) if after else None
        return Difference(title=title, problem=f"unknown after the last write: {why or 'the run has no end yet'}")
    was, now = ([line for line in taken.found[title].split("\n") if line] for taken in (before, after))
    gone, new = ([line for line in these if line not in those] for these, those in ((was, {*now}), (now, {*was})))
    return Difference(title=title, gone=tuple(gone), new=tuple(new))
