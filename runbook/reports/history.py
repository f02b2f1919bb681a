"""All runs at a glance, and what is running now: read from the journal, from any terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from runbook.engine.state import RunState, StepRecord, fold
from runbook.engine.unknown_step import span
from runbook.journal.interface import Holder, Journal
from runbook.model import Procedure
from runbook.reports.run_report import outcome_of, status_line

__all__ = ["Row", "Running", "rows", "running"]

_LAST_LINES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One run, summed up. `seconds` is the time from its first event to its last."""

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

    def as_text(self) -> str:
        """Return the row as two lines that fit 80 columns in most cases."""
        return f"{self.run}  {self.outcome}\n    {self.target}, by {self.operator}, {span(self.seconds)}"


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
    """The last lines that a finished command printed."""

    def as_dict(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def as_text(self) -> str:
        """Return it for a person."""
        lines = [self.line, f"  {self._process()}"]
        if self.command:
            doing = "running" if self.is_executing else "ran"
            lines.append(f"  {self.step}, {doing} since {self.since}: {' '.join(self.command)}")
        lines += [f"  | {line}" for line in self.output]
        return "\n".join(lines)

    def _process(self) -> str:
        where = f"process {self.pid} on {self.host}"
        if self.alive is False:
            return f"Its {where} is gone. Go on with: runbook resume {self.run}"
        return f"In {where}" + (", which can't be seen from here" if self.alive is None else "")


def rows(journal: Journal, limit: int) -> tuple[Row, ...]:
    """Return the newest runs, newest first. Raises JournalError."""
    held = {holder.run: holder for holder in journal.holders()}
    states = ((run, fold(journal.events(run))) for run in journal.runs()[:limit])
    return tuple(_row(run, state, held.get(run)) for run, state in states)


def running(journal: Journal, procedures: Mapping[str, Procedure], now: datetime) -> tuple[Running, ...]:
    """Return the runs that hold a target. Raises JournalError."""
    begun = frozenset(journal.runs())
    states = ((one, fold(journal.events(one.run)) if one.run in begun else RunState()) for one in journal.holders())
    return tuple(_running(holder, state, procedures, now) for holder, state in states)


def _row(run: str, state: RunState, holder: Holder | None) -> Row:
    header = state.header
    assert header is not None
    is_running = holder is not None and holder.alive is not False and not state.ended
    ended = state.updated or header.at
    return Row(
        run=run,
        procedure=header.procedure,
        target=f"{header.target.kind} {header.target.name}",
        operator=state.operator,
        began=header.at.isoformat(),
        seconds=(ended - header.at).total_seconds(),
        outcome="running now" if is_running else outcome_of(state),
    )


def _running(holder: Holder, state: RunState, procedures: Mapping[str, Procedure], now: datetime) -> Running:
    record = _newest(tuple(state.steps.values()))
    attempt = record.attempts[-1] if record and record.attempts else None
    procedure = procedures.get(holder.procedure)
    # The steps are counted in the procedure that the run began with; a changed one would tell other numbers.
    same = procedure if procedure and procedure.digest == state.digest else None
    waiting = f"{holder.procedure}: about to begin, by {holder.operator}"
    return Running(
        run=holder.run,
        line=status_line(state, same, now) if state.header else waiting,
        operator=holder.operator,
        host=holder.host,
        pid=holder.pid,
        alive=holder.alive,
        step=record.path if record else "",
        command=attempt.argv if attempt else (),
        since=f"{attempt.started:%H:%M:%S} UTC" if attempt else "",
        is_executing=attempt is not None and attempt.outcome is None,
        output=_last_lines(tuple(state.steps.values())),
    )


def _newest(records: Sequence[StepRecord]) -> StepRecord | None:
    ran = [record for record in records if record.attempts]
    return max(ran, key=lambda record: record.attempts[-1].started, default=None)


def _last_lines(records: Sequence[StepRecord]) -> tuple[str, ...]:
    attempts = [attempt for record in records for attempt in record.attempts if attempt.finished and attempt.output]
    last = max(attempts, key=lambda attempt: attempt.started, default=None)
    return tuple(last.output.rstrip("\n").splitlines()[-_LAST_LINES:]) if last else ()
