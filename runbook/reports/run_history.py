"""An overview of all runs, of what is running now and of what can be resumed: from the journal, in any terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from runbook.engine.state import RunState, fold
from runbook.errors import JournalError
from runbook.journal.events import Event, StepFinished, StepStarted
from runbook.journal.facts import Query
from runbook.journal.interface import Holder, Journal, events_of
from runbook.printable import lines_of, one_line, printable, span
from runbook.rendering.command_text import broken
from runbook.reports.outcome import outcome_of

if TYPE_CHECKING:
    from runbook.model import KnownError, Procedure

__all__ = ["Row", "Running", "rows", "running", "stopped"]

_LAST_LINES = 8
_LONGEST_COMMAND = 200
"""The most characters of a command that are shown; one with SQL may be pages long."""
_UNBROKEN = 100_000
"""Columns of a line that must not be broken, because a program reads it or somebody pastes it."""
_LOOKED_AT = 50
"""How many of the newest runs to search for stopped ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A summary of one run. `seconds` is the time from its first event to its last.

    If the run's record is damaged, `outcome` says so, and everything except `run` is empty.
    """

    run: str
    procedure: str
    target: str
    operator: str
    began: str
    seconds: float
    outcome: str

    def as_dict(self) -> dict[str, object]:
        """Return the row as JSON values."""
        return asdict(self)

    def as_text(self, width: int = _UNBROKEN) -> str:
        """Return the row as lines of at most that many columns: how the run ended, then where and by whom."""
        lines = _wrapped(f"{one_line(self.run)}  {one_line(self.outcome)}", width)
        if self.procedure:
            about = one_line(f"{self.target}, by {self.operator}, {span(self.seconds)}")
            lines += _wrapped(f"    {about}", width)
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A run that has its target now. `alive` is None if its process is on another machine."""

    run: str
    line: str
    """One line for a chat."""
    operator: str
    host: str
    pid: int
    alive: bool | None
    step: str
    command: tuple[str, ...]
    since: str
    """When that step's last execution began; empty before the first."""
    is_executing: bool
    output: tuple[str, ...]
    """The last lines that this command printed; none while it runs, because they are recorded when it ends."""
    outcome: str = ""
    """How that execution ended, as a word; empty while it runs, and before the first."""
    rules: str = ""
    """The book and the policy that it follows."""
    failure: str = ""
    """Why the last command failed, if it did and its output says why."""
    looks: tuple[str, ...] = ()
    """The commands that the step runs in parallel, instead of `command`."""

    def as_dict(self) -> dict[str, object]:
        """Return it as JSON values."""
        return asdict(self)

    def as_text(self, width: int = _UNBROKEN) -> str:
        """Return it for a person, in lines of at most that many columns; a pipe gets the first one unbroken."""
        where = one_line(f"process {self.pid} on {self.host}")
        if self.alive is False:
            process = f"Its {where} is gone. To continue: runbook resume {self.run}"
        else:
            process = f"In {where}" + (", which this machine can't see" if self.alive is None else "")
        lines = [one_line(self.line), f"  {process}", *([f"  Follows {one_line(self.rules)}"] if self.rules else [])]
        commands = (" ".join(self.command),) if self.command else self.looks
        if commands:
            doing = "running since" if self.is_executing else f"{self.outcome} at"
            what = one_line(commands[0]) if len(commands) == 1 else f"{len(commands)} commands at the same time"
            what = what if len(what) <= _LONGEST_COMMAND else f"{what[:_LONGEST_COMMAND]}…"
            lines.append(f"  {one_line(self.step)}, {doing} {self.since}: {what}")
        if self.is_executing:
            lines.append("  Its output is on its own terminal, and appears here once it has ended.")
        lines += [f"  Failed: {one_line(self.failure)}"] if self.failure else []
        lines += [f"  | {printable(line)}" for line in self.output]
        return "\n".join(part for line in lines for part in _wrapped(line, width))


def _wrapped(line: str, width: int) -> list[str]:
    """Break a line at spaces; its later lines are indented two columns more than the first."""
    indent = len(line) - len(line.lstrip())
    first, *rest = broken(line.strip(), max(width - indent - 2, 20))
    return [f"{' ' * indent}{first}", *(f"{' ' * (indent + 2)}{part}" for part in rest)]


def rows(journal: Journal, limit: int, query: Query | None = None) -> tuple[Row, ...]:
    """Return the newest runs that the query matches (default: all but drills), newest first. Raises JournalError."""
    held = {holder.run: holder for holder in journal.holders() if not holder.elsewhere}
    found = events_of(journal, journal.runs(query or Query(), limit=limit))
    return tuple(_row(run, events, held.get(run)) for run, events in found)


def stopped(journal: Journal) -> tuple[Row, ...]:
    """Return the runs that can be resumed and hold no target, newest first. Raises JournalError."""
    held = {holder.run for holder in journal.holders() if not holder.elsewhere}
    free = [run for run in journal.runs(Query(), limit=_LOOKED_AT) if run not in held]
    waiting = [_row(run, events, None) for run, events in events_of(journal, free)]
    return tuple(row for row in waiting if row.procedure and row.outcome != "finished")


def _row(run: str, events: Sequence[Event] | JournalError, holder: Holder | None) -> Row:
    if isinstance(events, JournalError):  # it must not hide the other runs
        return Row(run=run, procedure="", target="", operator="", began="", seconds=0, outcome=events.message)
    state = fold(events)
    header = state.header
    assert header is not None
    # A process on another machine can't be checked (None), so a run that holds its target there counts as running.
    is_running = holder is not None and holder.alive is not False and not state.ended
    return Row(
        run=run,
        procedure=header.procedure,
        target=f"{header.target.kind} {header.target.name}",
        operator=state.operator,
        began=header.at.isoformat(),
        seconds=state.seconds,
        outcome="running now" if is_running else outcome_of(state),
    )


def running(
    journal: Journal, procedures: Mapping[str, Procedure], now: datetime, errors: Sequence[KnownError] = ()
) -> tuple[Running, ...]:
    """Return the runs that hold a target; `errors` are the book's known errors. Raises JournalError."""
    # The target is taken before the first event is written, so a holder may have no recorded run yet.
    begun = frozenset(journal.runs())
    found = []
    for holder in journal.holders():
        state, damage, failure = RunState(), "", ""
        if holder.run in begun and not holder.elsewhere:
            try:
                events = journal.events(holder.run)
                state, failure = fold(events), _last_failure(events, errors)
            except JournalError as error:
                damage = error.message
        found.append(replace(_running(holder, state, procedures, now, damage), failure=failure))
    return tuple(found)


def _running(
    holder: Holder, state: RunState, procedures: Mapping[str, Procedure], now: datetime, damage: str
) -> Running:
    from runbook.reports.run_report import rules_line, status_line  # here, because a list of runs doesn't need them

    ran = [record for record in state.steps.values() if record.attempts]
    record = max(ran, key=lambda one: one.attempts[-1].number, default=None)
    attempt = record.attempts[-1] if record else None
    procedure = procedures.get(holder.procedure)
    # Count the steps in the procedure that the run began with; a changed one would give other numbers.
    same = procedure if procedure and procedure.digest == state.digest else None
    return Running(
        run=holder.run,
        line=status_line(state, same, now, alive=holder.alive)
        if state.header
        else _line_without_record(holder, damage),
        operator=holder.operator,
        host=holder.host,
        pid=holder.pid,
        alive=holder.alive,
        step=record.path if record else holder.step,
        command=attempt.argv if attempt else (),
        since=f"{attempt.started:%H:%M:%S} UTC" if attempt else "",
        is_executing=attempt is not None and attempt.outcome is None,
        output=tuple(lines_of(attempt.output.rstrip("\n"))[-_LAST_LINES:]) if attempt and attempt.output else (),
        outcome=attempt.outcome.value if attempt and attempt.outcome else "",
        rules=rules_line(state),
        looks=attempt.looks if attempt else (),
    )


def _last_failure(events: Sequence[Event], errors: Sequence[KnownError]) -> str:
    """Return why the newest command failed, "" if it didn't or its output doesn't say."""
    from runbook.reports.failures import failures, in_one_sentence

    newest = next((event for event in reversed(events) if isinstance(event, StepStarted | StepFinished)), None)
    found = [diagnosis for event, diagnosis in failures(events, errors) if event is newest and diagnosis]
    return in_one_sentence(found[0]) if found else ""


def _line_without_record(holder: Holder, damage: str) -> str:
    who = f"{holder.procedure} on this machine, by {holder.operator} since {holder.since:%Y-%m-%d %H:%M} UTC"
    if holder.elsewhere:
        step = f", at step {holder.step}" if holder.step else ""
        return f"{who}{step}. Run {holder.run}; its record is in {holder.elsewhere}"
    return f"{who}: {damage}" if damage else f"{holder.procedure}: about to begin, by {holder.operator}"
