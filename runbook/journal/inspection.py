"""Reads a whole journal: finds the damage, and returns everything that can still be read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runbook.errors import JournalError
from runbook.journal.chain import Damage, Head, Link, problems
from runbook.journal.codec import from_json
from runbook.journal.sqlite_rows import DAMAGE, HEAD, LINK, head_of, link_of, text_of
from runbook.printable import counted, one_line

__all__ = ["Contents", "from_lines", "inspect", "read_all", "to_lines"]

_SHOWN = 20
"""How many of the problems that SQLite finds in its own file, and how many lost rows, to list."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything in a journal that can be read; `unreadable` names the rest."""

    links: Sequence[Link]
    heads: Mapping[str, Head]
    unreadable: Sequence[Damage] = ()

    @property
    def runs(self) -> Sequence[str]:
        """Every run that has an entry or an event, oldest first."""
        return tuple(dict.fromkeys((*self.heads, *(link.run for link in self.links))))

    @property
    def unproven(self) -> int:
        """How many events were recorded by a version without hashes."""
        return sum(max(0, head.unproven) for head in self.heads.values())

    def by_run(self) -> Mapping[str, Sequence[Link]]:
        """Return each run's events in the order of their numbers."""
        found: dict[str, list[Link]] = {run: [] for run in self.runs}
        for link in sorted(self.links, key=lambda link: link.number):
            found[link.run].append(link)
        return found

    def findings(self) -> Iterator[Damage]:
        """Yield the damage, run by run."""
        yield from self.unreadable
        for run, links in self.by_run().items():
            found = list(problems(run, links, self.heads.get(run)))
            yield from found
            yield from () if found else _unknown_events(run, links)


def _unknown_events(run: str, links: Iterable[Link]) -> Iterator[Damage]:
    for link in links:
        try:
            from_json(link.body.decode())
        except (JournalError, ValueError) as error:
            yield Damage(run, link.number, f"it is as it was recorded, but {error}")


# --- a SQLite file ------------------------------------------------------------------------------------------------


def inspect(database: sqlite3.Connection) -> tuple[Contents, Sequence[Damage]]:
    """Return everything that can be read, and every finding. If others write, call it in a transaction."""
    record = read_all(database)
    found = [*_structure(database), *record.findings(), *_lost_runs(database, record), *_locks(database)]
    return record, found


def read_all(database: sqlite3.Connection) -> Contents:
    """Return all rows, except those on damaged pages, which are named."""
    unreadable: list[Damage] = []
    heads = [head_of(row) for row in _rows(database, "runs", "number", HEAD, unreadable)]
    links = [link_of(row) for row in _rows(database, "events", "sequence", LINK, unreadable)]
    return Contents(links, {head.run: head for head in heads}, unreadable)


def _rows(
    database: sqlite3.Connection, table: str, key: str, columns: str, unreadable: list[Damage]
) -> Sequence[Sequence[object]]:
    try:
        return database.execute(f"select {columns} from {table} order by {key}").fetchall()  # noqa: S608 - our own names
    except DAMAGE as error:
        why = one_line(str(error))
    rows, lost = [], []
    # One by one, so that a damaged page hides only its own rows.
    for number in range(1, _highest(database, table, key) + 1):
        try:
            rows += database.execute(f"select {columns} from {table} where {key} = ?", (number,)).fetchall()  # noqa: S608
        except DAMAGE:
            lost.append(number)
    which = f" (number {', '.join(map(str, lost[:_SHOWN]))}{' and more' if len(lost) > _SHOWN else ''})"
    unreadable.append(
        Damage("", 0, f"{counted(len(lost), table.removesuffix('s'))} can't be read{which if lost else ''}: {why}")
    )
    return rows


def _highest(database: sqlite3.Connection, table: str, key: str) -> int:
    """Return the highest number that a row of the table ever had, as far as that can be read."""
    found = 0
    for query in (f"select seq from sqlite_sequence where name = '{table}'", f"select max({key}) from {table}"):  # noqa: S608
        with suppress(*DAMAGE):
            row = database.execute(query).fetchone()
            found = max(found, row[0]) if row and isinstance(row[0], int) else found
    # A damaged number must not make the search endless, so it is limited: the file has more bytes than rows.
    pages = database.execute("pragma page_count").fetchone()[0] * database.execute("pragma page_size").fetchone()[0]
    return min(found, int(pages))


def _structure(database: sqlite3.Connection) -> Iterator[Damage]:
    try:
        lines = database.execute(f"pragma integrity_check({_SHOWN})").fetchall()
    except DAMAGE as error:
        lines = [(str(error),)]
    for (line,) in lines:
        if line != "ok":
            yield Damage("", 0, f"the file's structure is damaged: {one_line(str(line))}")


def _lost_runs(database: sqlite3.Connection, record: Contents) -> Iterator[Damage]:
    """Yield the damage that only shows across all runs: entire runs lost, or runs out of order."""
    if record.unreadable:
        return
    for table, name, count in (("runs", "number", len(record.heads)), ("events", "sequence", len(record.links))):
        lost = _highest(database, table, name) - count
        if lost:
            size = counted(abs(lost), table.removesuffix("s"))
            yield Damage("", 0, f"the journal has lost {size}" if lost > 0 else f"the journal has {size} too many")
    first: dict[str, int] = {}
    for link in record.links:
        first.setdefault(link.run, link.sequence)
    begun = [first[run] for run in record.heads if run in first]
    if begun != sorted(begun):
        yield Damage("", 0, "the list of runs is not in the order in which they began")


def _locks(database: sqlite3.Connection) -> Iterator[Damage]:
    try:
        rows = database.execute("select cast(target as blob), pid, cast(since as blob) from locks").fetchall()
        for target, pid, since in rows:
            with suppress(ValueError):
                datetime.fromisoformat(text_of(since))
                if isinstance(pid, int):
                    continue
            yield Damage("", 0, f"the lock of {one_line(text_of(target))} is damaged")
    except DAMAGE as error:
        yield Damage("", 0, f"the locks can't be read: {one_line(str(error))}")


# --- lines of JSON ------------------------------------------------------------------------------------------------


def to_lines(record: Contents, runs: Iterable[str]) -> Iterator[str]:
    """Yield a line of JSON for each event, and after the last event of a run a line for the end of its chain."""
    by_run = record.by_run()
    for run in runs:
        for link in by_run.get(run, ()):
            body = link.body.decode("utf-8", "surrogateescape")
            yield json.dumps({
                "run": run, "number": link.number, "at": link.at, "body": body, "hash": link.hash,
                "sequence": link.sequence,
            })  # fmt: skip
        head = record.heads.get(run)
        if head is not None:
            yield json.dumps({"run": run, "events": head.events, "head": head.hash, "unproven": head.unproven})


def from_lines(lines: Iterable[str]) -> Contents:
    """Return the record that `to_lines` wrote; `unreadable` lists the lines that it can't have written."""
    links: list[Link] = []
    heads: dict[str, Head] = {}
    unreadable: list[Damage] = []
    for number, line in enumerate(lines, 1):
        try:
            said = json.loads(line)
            if "body" in said:
                run, event, at, body, hashed, sequence = _values(said, _EVENT)
                links.append(Link(run, event, at, body.encode("utf-8", "surrogateescape"), hashed, sequence))
            else:
                head = Head(*_values(said, _END))
                heads[head.run] = head
        except (ValueError, KeyError, TypeError, RecursionError):
            unreadable.append(Damage("", 0, f"line {number} isn't from an export"))
    return Contents(links, heads, unreadable)


_EVENT = {"run": str, "number": int, "at": str, "body": str, "hash": str, "sequence": int}
_END = {"run": str, "events": int, "head": str, "unproven": int}


def _values(said: Mapping[str, Any], kinds: Mapping[str, type]) -> list[Any]:
    """Return the values in the order of `kinds`. Raises KeyError, and TypeError for a value of another type."""
    values = [said[name] for name in kinds]
    if [type(value) for value in values] != list(kinds.values()):
        raise TypeError
    return values
