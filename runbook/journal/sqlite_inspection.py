"""Reads a whole SQLite journal: finds the damage, and returns everything that can still be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime

from runbook.journal.chain import Damage
from runbook.journal.record import Contents
from runbook.journal.sqlite_rows import DAMAGE, HEAD, LINK, head_of, link_of, text_of
from runbook.printable import counted, one_line

__all__ = ["inspect", "read_all"]

_SHOWN = 20
"""How many of the problems that SQLite finds in its own file, and how many lost rows, to list."""


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
