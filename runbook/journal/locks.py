"""Who holds which target: one row each, changed inside the journal's transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from runbook.journal.codec import from_json
from runbook.journal.events import HandedOver, RunFinished, RunStopped
from runbook.journal.interface import Holder
from runbook.journal.liveness import is_alive, start_time, this_host

__all__ = ["ALL", "SCHEMA", "hold", "holders", "release"]

SCHEMA = """
create table locks (
    target text primary key, run text not null, procedure text not null, operator text not null, host text not null,
    pid integer not null, born text not null, since text not null, step text not null
) without rowid;
"""
ALL = "select run, procedure, operator, host, pid, since, step, born from locks order by since"
_ONE = "select run, procedure, operator, host, pid, since, step, born from locks where target = ?"
_INSERT = "insert or replace into locks values (?, ?, ?, ?, ?, ?, ?, ?, ?)"


def hold(database: sqlite3.Connection, target: str, holder: Holder, over: Holder | None) -> Holder | None:
    """Take the target for `holder` and return None, or return who has it."""
    row = database.execute(_ONE, (target,)).fetchone()
    now = None if row is None else _holder(row)
    if now is not None and not _may_replace(database, now, holder, over):
        return now
    _write(database, target, holder)
    return None


def release(database: sqlite3.Connection, target: str, run: str, pid: int) -> None:
    """Give the target back, if that run has it in that process."""
    database.execute("delete from locks where target = ? and run = ? and pid = ?", (target, run, pid))


def holders(rows: Sequence[Sequence[object]]) -> tuple[Holder, ...]:
    """Return the rows of `ALL` as holders, each with whether its process still lives."""
    return tuple(_holder(row) for row in rows)


def _may_replace(database: sqlite3.Connection, now: Holder, holder: Holder, over: Holder | None) -> bool:
    if _same(now, holder) or (over is not None and _same(now, over)):
        return True
    if now.alive is not False:
        return False
    return now.run == holder.run or _is_over(database, now.run)


def _is_over(database: sqlite3.Connection, run: str) -> bool:
    """Return True if a run never began, or came to its end or to a stop: its process died on the way out."""
    query = "select body from events where run = ? order by number desc limit 1"
    last = database.execute(query, (run,)).fetchone()
    return last is None or isinstance(from_json(str(last[0])), RunFinished | RunStopped | HandedOver)


def _same(one: Holder, other: Holder) -> bool:
    return (one.run, one.host, one.pid) == (other.run, other.host, other.pid)


def _write(database: sqlite3.Connection, target: str, holder: Holder) -> None:
    born_at = start_time(holder.pid) if holder.host == this_host() else ""
    database.execute(
        _INSERT,
        (
            target,
            holder.run,
            holder.procedure,
            holder.operator,
            holder.host,
            holder.pid,
            born_at,
            holder.since.isoformat(),
            holder.step,
        ),
    )


def _holder(row: Sequence[object]) -> Holder:
    run, procedure, operator, host, pid, since, step, born_at = (str(value) for value in row)
    return Holder(
        run=run,
        procedure=procedure,
        operator=operator,
        host=host,
        pid=int(pid),
        since=datetime.fromisoformat(since),
        step=step,
        alive=is_alive(int(pid), born_at, host),
    )
