"""Operators who append to one journal at once, each in a process with a connection of its own, as on many machines."""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from threading import Barrier
from typing import NamedTuple

from benchmarks.runs import events_of, run_id
from runbook.journal.address import parse_address
from runbook.journal.codec import to_json
from runbook.journal.events import Event
from runbook.journal.interface import Holder
from runbook.journal.liveness import this_host
from runbook.journal.postgres import PostgresJournal

__all__ = ["ROUND", "Done", "Way", "in_blocks", "let_work", "timed"]

BLOCK = 10
"""How many events an operator writes in one way before the same ones are written in the next one."""
ROUND = 500
"""How many events a round has: ten of each of fifty operators, or so many of one."""
_INSERT = "insert into public.bare (body) values (%s)"
_INSERT_BY_LIBPQ = "insert into public.bare (body) values ($1) returning 1"


class Way(StrEnum):
    """How an event is written."""

    APPEND = "append"
    INSERT = "insert"
    """By psycopg, as an application inserts, on the journal's own connection with its settings."""
    INSERT_BY_LIBPQ = "insert by libpq"
    """With the client code of an append."""


class Share(NamedTuple):
    """What one operator does: runs by their numbers, each block of events in each of the ways."""

    url: str
    state: Path
    operator: int
    runs: Sequence[int]
    ways: Sequence[Way]


class Done(NamedTuple):
    """How long everything took, in seconds: each event in each way, block by block, for one operator after the other.

    `began` and `ended` are when the first one began and the last one ended.
    """

    blocks: Sequence[Mapping[Way, Sequence[Sequence[float]]]]
    began: float
    ended: float

    def rounds(self, way: Way) -> Sequence[Sequence[float]]:
        """Return the times by rounds. Fifty operators' first one has the first block of each, and so on.

        Raises ValueError if one operator did more than another.
        """
        in_turns = zip(*(each[way] for each in self.blocks), strict=True)
        times = [one for blocks in in_turns for block in blocks for one in block]
        return [times[first : first + ROUND] for first in range(0, len(times), ROUND)]


def let_work(url: str, state: Path, runs: Sequence[int], *, operators: int, ways: Sequence[Way]) -> Done:
    """Let the operators share those runs. They begin once all of them are connected, and never pause."""
    shares = [Share(url, state, number, runs[number::operators], ways) for number in range(operators)]
    shares = [share for share in shares if share.runs]
    # Processes that begin as copies of one that has imported everything: fifty imports take longer than the work.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with context.Manager() as manager, context.Pool(len(shares)) as pool:
        barrier = manager.Barrier(len(shares))
        done = pool.starmap(_work, [(share, barrier) for share in shares], chunksize=1)
    return Done(
        [blocks for each in done for blocks in each.blocks],
        min(each.began for each in done),
        max(each.ended for each in done),
    )


def in_blocks(
    events: Sequence[Event], writers: Mapping[Way, Callable[[Sequence[Event]], list[float]]], shift: int = 0
) -> Iterator[tuple[Way, list[float]]]:
    """Write the events block by block, each block in every way; another way comes first in each. Yield the times."""
    ways = list(writers)
    for number, first in enumerate(range(0, len(events), BLOCK), shift):
        turn = number % len(ways)
        for way in (*ways[turn:], *ways[:turn]):
            yield way, writers[way](events[first : first + BLOCK])


def timed(do: Callable[..., object], *values: object) -> float:
    """Return how many seconds it takes to do it."""
    began = time.perf_counter()
    do(*values)
    return time.perf_counter() - began


def _work(share: Share, barrier: Barrier) -> Done:
    """Do one operator's share: hold the target, append a run, release the target, and so on."""
    gc.set_threshold(50_000)  # as the command line does
    runs = [(run_id(number), list(events_of(number))) for number in share.runs]
    blocks: dict[Way, list[list[float]]] = {way: [] for way in share.ways}
    target = f"production:{share.operator}"
    with closing(PostgresJournal(parse_address(share.url), share.state / str(share.operator))) as journal:
        journal.holders()
        barrier.wait(120)  # seconds: if one of them has failed, the others must not wait for it
        began = time.perf_counter()
        for run, events in runs:
            writers = {way: _writer(journal, run, way) for way in share.ways}
            other = journal.hold(target, _holder(run))
            if other is not None:
                raise RuntimeError(f"{target} is held by {other}")
            for way, seconds in in_blocks(events, writers, share.operator):
                blocks[way].append(seconds)
            journal.release(target, run)
        ended = time.perf_counter()
        if journal.waiting:
            raise RuntimeError(f"events wait, so they weren't appended: {journal.waiting}")
    return Done([blocks], began, ended)


def _writer(journal: PostgresJournal, run: str, way: Way) -> Callable[[Sequence[Event]], list[float]]:
    shared = journal._shared  # noqa: SLF001 - so that an insert meets the same connection

    def write(events: Sequence[Event]) -> list[float]:
        if way is Way.APPEND:
            return [timed(journal.append, run, event) for event in events]
        bodies = [(to_json(event),) for event in events]
        if way is Way.INSERT:
            return [timed(shared.ask, _INSERT, body) for body in bodies]
        return [timed(shared.call, _INSERT_BY_LIBPQ, body) for body in bodies]

    return write


def _holder(run: str) -> Holder:
    return Holder(run=run, procedure="p", operator="o", host=this_host(), pid=os.getpid(), since=datetime.now(UTC))
