"""The journal that a team shares, in a PostgreSQL database. Once `append` returns, the event is on its disk."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, cached_property, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from runbook.errors import JournalError, JournalUnreachableError, RunbookError
from runbook.journal.address import JournalAddress
from runbook.journal.chain import Damage, Head, Link, start_of
from runbook.journal.codec import from_json, to_json
from runbook.journal.events import PERMITS, Event, NoteAdded, RunResumed, RunStarted
from runbook.journal.facts import DRILL, Query, facts_of
from runbook.journal.heartbeat import Heartbeat
from runbook.journal.interface import Holder
from runbook.journal.liveness import birth, is_alive, this_host
from runbook.journal.lock_rules import SILENT_SECONDS, is_same, may_replace
from runbook.journal.machine_locks import MachineLocks
from runbook.journal.postgres_connection import Row, SharedConnection
from runbook.journal.record import Contents, last_event, replay
from runbook.journal.spool import Entry, Spool

__all__ = ["PostgresJournal"]

_LINK = "e.sequence, e.run, e.number, e.at, e.body, e.hash"
_HEAD = "r.id, r.events, r.head, r.unproven"
_NO_LINK, _NO_HEAD = ", ".join(["null"] * 6), ", ".join(["null"] * 4)
_RECORDS = f"""
select {_LINK}, {_NO_HEAD} from events e where e.run = any(%s)
union all select {_NO_LINK}, {_HEAD} from runs r where r.id = any(%s)
"""  # noqa: S608 - only names of our own
_MATCHING = f"""
  (%s = '' or (select at from events where run = id and events.number = 1) >= %s)
  and case %s
    when '' then not exists (select from facts where run = id and kind = 'target' and name = '{DRILL}')
    else exists (select from facts where run = id and kind = 'target' and name = %s) end
"""  # noqa: S608
_LAST = f"""
select {_LINK}, {_HEAD}, coalesce((select hash from events where run = r.id and number = r.events - 1), '')
from runs r left join events e on e.run = r.id and e.number = r.events where
"""  # noqa: S608
_WITH_FACT = """
  and exists (select from facts where run = id and kind = %s and strpos(lower(value), %s) > 0)
"""
_HOLDER = """
select run, procedure, operator, host, pid, since, step, born, extract(epoch from clock_timestamp() - beat)::float8
from locks
"""
_TAKE = "select take(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
_FOR_ANYONE = (*PERMITS, NoteAdded)
"""Events that are recorded as they are, whoever walks the run by now: the target's lock decides on the first."""
_FACT = ("kind", "name", "value")
_TRIES = 5
"""How often to look who has a target if it changes hands meanwhile."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A target that this process has: as whom, and what tells the server so."""

    holder: Holder
    heartbeat: Heartbeat


class PostgresJournal:
    """The record of all runs of a team.

    Every append is a transaction of its own, in one round trip, for which the server waits until it's on disk. While
    the server can't be reached, events that only say what has happened wait in `state`/spool; `waiting` says so. The
    next append or question that reaches the server appends them first, in their order, each once. `machine` locks
    targets against runs that record in another journal of this machine.
    """

    def __init__(self, address: JournalAddress, state: Path, machine: MachineLocks | None = None) -> None:
        self.address = address
        self._state = state
        self._shared = SharedConnection(address)
        self._machine = machine
        self._held: dict[str, _Held] = {}
        self._walks: dict[str, int] = {}
        """The number of the event with which this process began or resumed each run."""

    @property
    def place(self) -> str:
        """The address, without a password."""
        return self.address.place

    @property
    def role(self) -> str:
        """The database role of this process."""
        self._know()
        return self._shared.role

    @property
    def waiting(self) -> str:
        """How many events wait on this machine, and where; empty if none do."""
        spools = (self._spool, self._unmet) if self._shared.journal else (self._unmet,)
        return "; ".join(filter(None, (spool.waiting() for spool in spools)))

    def exists(self) -> bool:
        """Return True: whoever names a shared journal means to have one."""
        return True

    # --- events ---------------------------------------------------------------------------------------------------

    def append(self, run: str, event: Event) -> None:
        """Write the event; return once it's on the server's disk, or on this one's if it may wait.

        If this process walked the run and somebody else has resumed it since, the event is recorded as a note. Raises
        JournalUnreachableError for an event of `PERMITS` that can't be written now, and JournalError for one in a run
        whose target this process held and somebody else has taken since.
        """
        walk = None if isinstance(event, _FOR_ANYONE) else self._walks.get(run)
        entry = _entry(event, walk)
        self._know()
        try:
            self._send_earlier(run)
            self._append(run, entry, event)
        except JournalUnreachableError:
            if isinstance(event, PERMITS):
                raise
            self._spool.keep(run, entry)

    def add(self, run: str, events: Sequence[Event]) -> str:
        """Append a run that is over. Return why its events wait on this machine, "" if the journal has them.

        They go through the spool, so that a process that dies on the way loses none of them.
        """
        why = ""
        try:
            self._know()
            waiting = self._spool
        except RunbookError as error:
            waiting, why = self._unmet, error.message
        for event in events:
            waiting.keep(run, _entry(event))
        if not why:
            try:
                self._send()
            except JournalError as error:
                why = error.message
        return why or (waiting.problem if waiting.count(run) else "")

    def _send_earlier(self, run: str) -> None:
        """Send what waits, because events must arrive in order. Raises JournalUnreachableError if any still waits."""
        if self._spool.is_empty():
            return
        self._send()
        if self._spool.count(run):
            hint = "Nothing more of this run can be recorded before them, so nothing ran."
            raise JournalUnreachableError(f"earlier events of run {run} wait: {self.waiting}", hint=hint)

    def _append(self, run: str, entry: Entry, event: Event) -> None:
        write = partial(self._write, run, entry, event)
        try:
            write(again=False)
        except JournalUnreachableError:
            # The connection may have been lost long ago, or after the event had arrived.
            write(again=True)

    def _write(self, run: str, entry: Entry, event: Event, *, again: bool) -> None:
        values = {"p_run": run, "p_at": entry.at, "p_body": entry.body, "p_key": str(entry.key)}
        if entry.walk is not None:
            values["p_walk"] = str(entry.walk)
        if again:
            values["p_again"] = "true"
        if isinstance(event, RunStarted):
            values["p_start"] = start_of(run)
        if isinstance(event, RunResumed):
            values["p_resumes"] = "true"
        if isinstance(event, PERMITS):
            values |= self._lock_of(run)
        if facts := facts_of(event):
            values["p_facts"] = json.dumps([{name: _storable(getattr(fact, name)) for name in _FACT} for fact in facts])
        number = self._shared.call(_append_with(tuple(values)), tuple(values.values()))
        if number is None:
            note = _as_note(event)
            self._write(run, replace(entry, body=to_json(note), walk=None), note, again=True)
        elif isinstance(event, RunStarted | RunResumed):
            self._walks[run] = int(number)

    def _lock_of(self, run: str) -> dict[str, str]:
        """Return the target that this process holds for the run, if any, and the process as the lock names it."""
        for target, held in self._held.items():
            if held.holder.run == run:
                return {"p_target": target, "p_host": held.holder.host, "p_pid": str(held.holder.pid)}
        return {}

    @cached_property
    def _spool(self) -> Spool:
        """The events that wait for this very journal, whatever its address is today."""
        self._know()
        return Spool(self._state / "spool" / self._shared.journal)

    @cached_property
    def _unmet(self) -> Spool:
        """The events that wait for the journal at this address: it never said which one it is."""
        return Spool(self._state / "spool" / f"at-{sha256(self.place.encode()).hexdigest()[:32]}")

    def _know(self) -> None:
        """Find out which journal this is, once. Raises JournalError."""
        if not self._shared.journal:
            self._read("select 1")

    def _send(self) -> None:
        """Append the events that wait."""
        for spool in (self._spool, self._unmet):
            spool.send(lambda run, entry: self._write(run, entry, from_json(entry.body), again=True))

    def events(self, run: str) -> Sequence[Event]:
        """Return the run's events in order. Raises JournalError if there is no such run, or its record is damaged."""
        return replay(run, *self.record(run))

    def record(self, run: str) -> tuple[Sequence[Link], Head | None]:
        """Return the run's events as stored, damaged or not, and its entry in the list of runs."""
        return self.records((run,))[run]

    def records(self, runs: Sequence[str]) -> Mapping[str, tuple[Sequence[Link], Head | None]]:
        """Return what `record` returns, for each of the runs, in one round trip."""
        links: dict[str, list[Link]] = {run: [] for run in runs}
        heads: dict[str, Head] = {}
        # A single statement sees a single state, even if others append meanwhile. Its order is ours to make.
        for row in self._read_all(_RECORDS, (list(runs), list(runs))):
            if row[0] is None:
                heads[row[6]] = _head(row[6:])
            else:
                links[row[1]].append(_link(row[:6]))
        return {run: (sorted(links[run], key=lambda link: link.number), heads.get(run)) for run in runs}

    def runs(self, query: Query | None = None, *, limit: int | None = None) -> Sequence[str]:
        """Return the ids of the runs that the query matches (default: all), newest first."""
        matching, asked = ("true", ()) if query is None else _matching(query)
        rows = self._read_all(f"select id from runs where {matching} order by number desc limit %s", (*asked, limit))  # noqa: S608
        return tuple(row[0] for row in rows)

    def last_events(self, query: Query) -> Sequence[tuple[str, Event | None]]:
        """Return the last event of each run that the query matches, newest run first; None for a damaged one."""
        matching, asked = _matching(query)
        found = []
        for row in self._read_all(f"{_LAST}{matching} order by r.number desc", asked):
            head = _head(row[6:10])
            link = None if row[0] is None else _link(row[:6])
            found.append((head.run, last_event(head, link, row[10])))
        return tuple(found)

    def inspect(self) -> tuple[Contents, Sequence[Damage]]:
        """Return everything in the journal, and all damage."""
        self._send()
        with self._shared.one_state():
            (begun,) = self._shared.ask("select runs from about")[0]
            heads = [_head(row) for row in self._shared.ask(f"select {_HEAD} from runs r order by number")]  # noqa: S608
            numbers = {row[0] for row in self._shared.ask("select number from runs")}
            links = [_link(row) for row in self._shared.ask(f"select {_LINK} from events e order by sequence")]  # noqa: S608
        record = Contents(links, {head.run: head for head in heads})
        lost = [number for number in range(1, begun + 1) if number not in numbers]
        found = [Damage("", 0, f"the journal has lost the run that began as number {number}") for number in lost]
        return record, [*record.findings(), *found]

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        self._shared.close()

    def _read_all(self, query: str, values: Sequence[object]) -> list[Row]:
        """Read events, including those that wait here."""
        self._send()
        return self._read(query, values)

    def _read(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        try:
            return self._shared.ask(query, values)
        except JournalUnreachableError:
            return self._shared.ask(query, values)  # the server may have been restarted since the last question

    # --- locks ----------------------------------------------------------------------------------------------------

    def hold(self, target: str, holder: Holder, *, over: Holder | None = None) -> Holder | None:
        """Take the target's lock, or say who has it.

        We get it if it's free, if this very process has it for this run, if `over` still has it, or if its holder died
        or went silent, in a run that hadn't begun or was over. It must also be free in every other journal of this
        machine. While we have it, the server hears of us every few seconds. If it was taken from us and released, we
        don't get it back: somebody else has worked there.
        """
        other = self._machine.hold(target, holder, over) if self._machine else None
        if other is not None:
            return other
        other = self._hold_there(target, holder, over)
        if other is not None and self._machine:
            self._machine.release(target)
        if other is None and target not in self._held:
            self._held[target] = self._hold_on(target, holder)
        return other

    def _hold_there(self, target: str, holder: Holder, over: Holder | None) -> Holder | None:
        born = birth(holder.pid) if holder.host == this_host() else ""
        who = (holder.run, holder.procedure, holder.operator, holder.host, holder.pid, born)
        ours = (target, *who, holder.since.isoformat(), holder.step)
        held = self._held.get(target)
        was_ours = held is not None and is_same(held.holder, holder)
        now: Holder | None = None
        for _ in range(_TRIES):
            now = next((_holder(row) for row in self._read(f"{_HOLDER} where target = %s", (target,))), None)
            if now is not None and is_same(now, holder) and now.step == holder.step:
                return None
            if was_ours and (now is None or not is_same(now, holder)):
                return now or replace(holder, operator="somebody")
            if now is not None and not may_replace(now, holder, over, last_event=self._last_event(now.run)):
                return now
            seen = (None, None, None) if now is None else (now.run, now.host, now.pid)
            if self._read(_TAKE, (*ours, *seen)) == [(True,)]:
                return None
        return now

    def release(self, target: str, run: str) -> None:
        """Release the lock, if that run has it in this process."""
        held = self._held.pop(target, None)
        if held is not None:
            held.heartbeat.stop()
        if self._machine:
            self._machine.release(target)
        self._read("select release(%s, %s, %s, %s)", (target, run, os.getpid(), this_host()))

    def holders(self) -> Sequence[Holder]:
        """Return the holders, each with whether its process is still alive; those of other journals come last."""
        here = tuple(_holder(row) for row in self._read(f"{_HOLDER} order by since"))
        return (*here, *self._machine.elsewhere()) if self._machine else here

    def _last_event(self, run: str) -> str | None:
        rows = self._read("select body from events where run = %s order by number desc limit 1", (run,))
        return str(rows[0][0]) if rows else None

    def _hold_on(self, target: str, holder: Holder) -> _Held:
        shared = SharedConnection(self.address)  # of its own: the walk's may be busy, or used by no thread but its own

        def beat() -> None:
            with suppress(JournalError):
                shared.ask("select beat(%s, %s, %s, %s)", (target, holder.run, holder.pid, holder.host))

        return _Held(holder, Heartbeat(beat, shared.close))


@cache
def _append_with(names: tuple[str, ...]) -> str:
    """Return the statement that appends an event with those parameters: each one more makes it slower."""
    return f"select append({', '.join(f'{name} => ${place}' for place, name in enumerate(names, 1))})"


def _storable(text: str) -> str:
    """Return the text as PostgreSQL can store it: with escapes for bytes that aren't UTF-8, and for NUL."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def _as_note(event: Event) -> NoteAdded:
    """Return what to record instead if somebody else has resumed the run: it must not change how their run stands."""
    note = f"Recorded only now, after somebody else had continued this run: {to_json(event)}"
    return NoteAdded(at=event.at, after=event.after, step=getattr(event, "step", ""), note=note)


def _matching(query: Query) -> tuple[str, Sequence[object]]:
    """Return the condition for the runs that a query matches, and its values."""
    asked = [query.earliest, query.earliest, query.kind, query.kind]
    for kind, text in query.texts.items():
        asked += [kind.value, text]
    return _MATCHING + _WITH_FACT * len(query.texts), asked


def _link(row: Sequence[Any]) -> Link:
    sequence, run, number, at, body, hashed = row
    return Link(run, number, at, body.encode("utf-8", "surrogateescape"), hashed, sequence)


def _entry(event: Event, walk: int | None = None) -> Entry:
    return Entry(event.at.isoformat(), to_json(event), secrets.randbits(63), walk)


def _head(row: Sequence[Any]) -> Head:
    run, events, head, unproven = row
    return Head(run, events, head, unproven)


def _holder(row: Row) -> Holder:
    run, procedure, operator, host, pid, since, step, born, silent = row
    alive = is_alive(pid, born, host)
    if alive is None and silent < SILENT_SECONDS:
        alive = True
    return Holder(
        run=run,
        procedure=procedure,
        operator=operator,
        host=host,
        pid=pid,
        since=datetime.fromisoformat(since).astimezone(UTC),
        step=step,
        alive=alive,
        silent=max(0.0, silent),
    )
