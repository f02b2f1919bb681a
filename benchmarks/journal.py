"""Measure the journal: how long an append takes beside a bare INSERT, and how reading grows with it. Check budgets.

    python benchmarks/journal.py [--events 100000] [--operators 50] [--json FILE]

It starts a PostgreSQL of its own (from the npm package, or this machine's) on a unix socket, with its data in a
temporary directory: set TMPDIR to measure another disk. The server waits for its disk (`fsync`, `synchronous_commit`
and `full_page_writes` are on), as one that a team uses.

- Operators are processes, each with its own connection, as on machines of their own. Each holds its target and walks
  one run after the other: 100 events with what real walks record, the outputs of commands included. There is no pause
  between events, so that fifty of them saturate the server.
- An append is `journal.append(run, event)`, all of it: JSON, chain, facts, the transaction, the answer.
- A bare INSERT writes the same bytes into a table with one text column and an identity as its key, over the same
  connection with the same settings: autocommit, durable, and prepared, by `execute` of psycopg, as an application does.
  Each operator appends ten events and then inserts the same ten, so that both meet the same disk, the same load and
  the same checkpoints. All that it lacks is what a journal adds: numbers, hashes, keys, locks, and what runs are found
  by. An append asks libpq itself, which takes less time than psycopg; what that saves is shown for one operator.
- `history` is measured as a whole process, and as what it asks of the journal. Half of the process is the import of
  psycopg, which no design of the journal changes, so the budget is for the rest. A Python that only imports it is
  started in turns with the command.

Example, on two cores of an AMD EPYC with a virtual disk:

    append      p50  11.73 ms beside  10.63 ms: 1.10  p99  61.56 ms beside  58.33 ms: 1.06  of 1.5 ok

The exit code is 1 if a budget is exceeded.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any, NamedTuple
from urllib.parse import quote

from runbook.drill.machine import cache_directory, find_binaries, server_account, temporary_base
from runbook.errors import JournalUnreachableError
from runbook.journal.address import parse_address
from runbook.journal.codec import to_json
from runbook.journal.events import (
    ChildStarted,
    Event,
    NoteAdded,
    Outcome,
    Purpose,
    RulesSeen,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
    TargetSeen,
)
from runbook.journal.facts import Query
from runbook.journal.interface import Holder, Journal
from runbook.journal.liveness import this_host
from runbook.journal.postgres import PostgresJournal
from runbook.journal.postgres_connection import connect
from runbook.journal.postgres_schema import install
from runbook.journal.record import findings_in
from runbook.journal.sqlite import SqliteJournal
from runbook.reports.run_history import rows

ROOT = Path(__file__).resolve().parents[1]
RUNBOOK = (sys.executable, "-c", "from runbook.__main__ import main; raise SystemExit(main())")
BARE = (sys.executable, "-c", "pass")
DRIVER = (sys.executable, "-c", "import psycopg")
EVENTS_OF_A_RUN = 100
BLOCK = 10
"""How many events an operator appends before it inserts the same ones."""
RATIO = 1.5
"""The budget: how many times as long as a bare INSERT an append may take, at p50 and at p99."""
HISTORY_MS = 200
"""The budget for `runbook history`: what its process takes beyond a Python that imports psycopg."""
ROUNDS = 20
SETTINGS = """
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 128MB
fsync = on
synchronous_commit = on
full_page_writes = on
timezone = 'UTC'
"""
INSERT = "insert into public.bare (body) values (%s)"
INSERT_BY_LIBPQ = "insert into public.bare (body) values ($1) returning 1"
SIZES = """
select sum(pg_total_relation_size(oid)), pg_total_relation_size('public.bare')
from pg_class where relnamespace = 'runbook_journal'::regnamespace and relkind = 'r'
"""
FILTERS = {
    "history": (),
    "history --value": ("--value", "20261123"),
    "history --operator": ("--operator", "operator 7"),
    "history --since": ("--since", "2026-11-24"),
    "history --target": ("--target", "project 3"),
    "history --value (none)": ("--value", "nobody ever entered this"),
}
QUERIES = {
    "history": Query(),
    "history --value": Query(value="20261123"),
    "history --operator": Query(operator="operator 7"),
    "history --since": Query(since=datetime(2026, 11, 24, tzinfo=UTC)),
    "history --target": Query(target="project 3"),
    "history --value (none)": Query(value="nobody ever entered this"),
}


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a budget is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000, help="how many events the journal has in the end")
    parser.add_argument("--operators", type=int, default=50)
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    asked = parser.parse_args(words)
    found = Figures()
    with tempfile.TemporaryDirectory(prefix="runbook-benchmark-", dir=temporary_base(server_account())) as directory:
        base = Path(directory)
        base.chmod(0o755)
        measure_sqlite(base / "sqlite", found)
        with server(base / "postgres") as url:
            measure_postgres(url, base / "state", asked.events, asked.operators, found)
    if asked.json:
        asked.json.write_text(json.dumps(found.figures, indent=2) + "\n", encoding="utf-8")
    return 0 if found.all_kept else 1


@dataclass
class Figures:
    """Everything that was measured, and whether each budget was kept."""

    figures: dict[str, Any] = field(default_factory=dict)
    all_kept: bool = True

    def add(self, name: str, value: object) -> None:
        """Keep a figure."""
        self.figures[name] = value

    def compare(self, name: str, appends: Sequence[float], inserts: Sequence[float], *, budget: bool = True) -> None:
        """Print and keep how long both took (seconds), and whether that is within the budget."""
        line, kept = f"{name:34}", True
        for share in (50, 99):
            ours, bare = percentile(appends, share), percentile(inserts, share)
            self.add(f"{name}: p{share} append, insert (ms)", [round(ours, 3), round(bare, 3)])
            line += f" p{share} {ours:6.2f} ms beside {bare:6.2f} ms: {ours / bare:4.2f} "
            kept = kept and (ours / bare <= RATIO or not budget)
        self.all_kept = self.all_kept and kept
        print(f"{line} {f'of {RATIO:g} ' if budget else ''}{verdict(kept) if budget else ''}", flush=True)

    def within(self, name: str, milliseconds: float, budget: float | None = None, *, key: str = "") -> None:
        """Print and keep a duration, and whether it's within the budget."""
        kept = budget is None or milliseconds <= budget
        self.all_kept = self.all_kept and kept
        self.add(f"{key or name} (ms)", round(milliseconds, 2))
        print(f"{name:44} {milliseconds:8.1f} ms {f'of {budget:g}   {verdict(kept)}' if budget else ''}", flush=True)


def verdict(kept: bool) -> str:
    """Return the word for it."""
    return "ok" if kept else "TOO SLOW"


def percentile(seconds: Sequence[float], share: int) -> float:
    """Return the percentile of durations, in milliseconds."""
    return statistics.quantiles(seconds, n=100)[share - 1] * 1000


# --- events ---------------------------------------------------------------------------------------------------------


def events_of(run: str, number: int) -> Iterator[Event]:
    """Yield the events of a run, with sizes as real ones have them; another number gives another run."""
    chance = random.Random(number)
    at = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(minutes=3 * number)
    sources = {"fix": "  - id: step\n    title: Look at what is there\n    run: npx supabase db push\n" * 40}
    yield RunStarted(
        at=at,
        run=run,
        procedure=f"procedure-{number % 12}",
        digest="0" * 64,
        sources=sources,
        target=TargetSeen("production", f"project {number % 20}", "3.1.0", "production"),
        runbook="0.1",
        operator=f"operator {number % 50}",
        host=this_host(),
        directory="/home/somebody/project",
        values={"table": "tasks", "version": f"{20261123000000 + number}"},
        rules=RulesSeen(digest="1" * 64, sources={"policy.yaml": "rule: x\n" * 300}),
        files={f"supabase/migrations/{name}.sql": "2" * 64 for name in range(20)},
    )
    steps = ("push", "check", "deploy", "look", "tell")
    for turn in range((EVENTS_OF_A_RUN - 2) // 4):
        step, argv = chance.choice(steps), ("npx", "supabase", "db", "push", "--linked", "--include-all")
        yield StepStarted(at=at, after=0.4, step=step, purpose=Purpose.RUN, argv=argv, effect="writes", confirmed="yes")
        yield ChildStarted(at=at, after=0.01, step=step, pid=4242, born="123456@0123456789ab", host=this_host())
        output = "".join(f"row {line}: {chance.random()}\n" for line in range(chance.choice((2, 10, 40, 120))))
        captured = {"last": f"{turn}"} if turn % 8 == 0 else {}
        yield StepFinished(
            at=at, after=2.5, step=step, purpose=Purpose.RUN, outcome=Outcome.PASSED, exit=0, seconds=2.5,
            output=output, evidence="exit 0, as expected", captured=captured,
        )  # fmt: skip
        yield NoteAdded(at=at, after=5.0, step=step, note="Looked at the dashboard: nothing unusual there.")
    yield NoteAdded(at=at, step="tell", note="done")
    yield RunFinished(at=at)


# --- a server of our own --------------------------------------------------------------------------------------------


@contextmanager
def server(directory: Path) -> Iterator[str]:
    """Run a PostgreSQL with an empty journal during the block; yield its URL."""
    account = server_account()
    binaries = find_binaries(cache_directory(account), account).directory
    directory.mkdir(mode=0o700)
    account.own(directory)
    data = directory / "data"
    user: Any = account.popen_options()
    words = ("--auth-local=trust", "--auth-host=reject", "--username=postgres", "--encoding=UTF8", "--locale=C")
    subprocess.run([binaries / "initdb", f"--pgdata={data}", *words], check=True, capture_output=True, cwd="/", **user)
    with (data / "postgresql.conf").open("a", encoding="utf-8") as conf:
        conf.write(SETTINGS)
    argv = [binaries / "postgres", "-D", data, "-k", directory, "-p", "5432"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, cwd="/", start_new_session=True, **user)
    url = f"postgresql://postgres@/postgres?host={quote(str(directory), safe='')}&port=5432"
    try:
        _wait_for(url, process)
        with closing(connect(parse_address(url))) as connection:
            install(connection)
            connection.execute("create table bare (id bigint generated always as identity primary key, body text)")
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1000):
        try:
            connect(parse_address(url)).close()
        except JournalUnreachableError:
            if process.poll() is not None:
                raise
            time.sleep(0.02)
        else:
            return
    raise TimeoutError


# --- appending ------------------------------------------------------------------------------------------------------


class Share(NamedTuple):
    """What one operator does: runs by their numbers, and whether it inserts beside them."""

    url: str
    state: Path
    operator: int
    runs: Sequence[int]
    beside: bool


class Done(NamedTuple):
    """How long each append and each insert took, in seconds, and when the first began and the last ended.

    One operator alone also inserts by libpq.
    """

    appends: list[float]
    inserts: list[float]
    by_libpq: list[float]
    began: float
    ended: float


def walk(share: Share, barrier: Barrier | None = None) -> Done:
    """Append the events of the runs, with bare inserts beside them, once all operators are connected and ready."""
    runs = [(run_id(number), list(events_of(run_id(number), number))) for number in share.runs]
    appends: list[float] = []
    inserts: list[float] = []
    by_libpq: list[float] = []
    gc.freeze()  # as the command line does
    gc.set_threshold(50_000)
    with closing(PostgresJournal(parse_address(share.url), share.state / str(share.operator))) as journal:
        journal.holders()
        if barrier is not None:
            barrier.wait()
        began = time.perf_counter()
        for run, events in runs:
            target = f"production:{share.operator}"
            assert journal.hold(target, _holder(run)) is None
            for first in range(0, len(events), BLOCK):
                block = events[first : first + BLOCK]
                appends += [_timed(journal.append, run, event) for event in block]
                bodies = [to_json(event) for event in block] if share.beside else []
                inserts += [_timed(_insert, journal, body) for body in bodies]
                by_libpq += [_timed(_insert_by_libpq, journal, body) for body in bodies if barrier is None]
            journal.release(target, run)
        return Done(appends, inserts, by_libpq, began, time.perf_counter())


def run_id(number: int) -> str:
    """Return the id of a run, as walks make them."""
    return f"20261123-0120-procedure-{number}"


def _holder(run: str) -> Holder:
    return Holder(run=run, procedure="p", operator="o", host=this_host(), pid=os.getpid(), since=datetime.now(UTC))


def _insert(journal: PostgresJournal, body: str) -> None:
    """Insert on the journal's own connection, with its settings, as an application does with psycopg."""
    journal._shared.ask(INSERT, (body,))  # noqa: SLF001


def _insert_by_libpq(journal: PostgresJournal, body: str) -> None:
    """Insert with the client code of an append."""
    journal._shared.call(INSERT_BY_LIBPQ, (body,))  # noqa: SLF001


def _timed(do: Callable[..., object], *values: object) -> float:
    """Return how many seconds it takes to do it."""
    began = time.perf_counter()
    do(*values)
    return time.perf_counter() - began


def load(url: str, state: Path, runs: Sequence[int], operators: int, *, beside: bool = True) -> Done:
    """Let the operators share those runs, each in a process of its own; return how long everything took."""
    shares = [Share(url, state, number, runs[number::operators], beside) for number in range(operators)]
    shares = [share for share in shares if share.runs]
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(len(shares)) as pool:
        barrier = manager.Barrier(len(shares))
        done = pool.starmap(walk, [(share, barrier) for share in shares], chunksize=1)
    return Done(
        [one for each in done for one in each.appends],
        [one for each in done for one in each.inserts],
        [],
        min(each.began for each in done),
        max(each.ended for each in done),
    )


def measure_postgres(url: str, state: Path, events: int, operators: int, found: Figures) -> None:
    """Fill the journal step by step; measure appends on the way, and reading at each size."""
    appends: list[float] = []
    inserts: list[float] = []
    first = 0
    for size in (events // 100, events // 10, events):
        runs = range(first, size // EVENTS_OF_A_RUN)
        first = runs.stop
        print(f"\n{size} events in {runs.stop} runs", flush=True)
        done = load(url, state, runs, operators)
        appends, inserts = appends + done.appends, inserts + done.inserts
        found.compare(f"{operators} operators, to {size} events", done.appends, done.inserts, budget=False)
        alone = walk(Share(url, state, operators, range(10**7 + size, 10**7 + size + 20), beside=True))
        found.compare(f"one operator, at {size} events", alone.appends, alone.inserts, budget=False)
        found.compare("  beside an INSERT by libpq alone", alone.appends, alone.by_libpq, budget=False)
        measure_reading(url, state, size, run_id(runs.stop - 1), found, is_last=size == events)

    print(f"\n{len(appends)} events, {operators} operators, all at once", flush=True)
    found.compare("append", appends, inserts)
    spare = 2 * 10**7
    done = load(url, state, range(spare, spare + 10 * operators), operators, beside=False)
    rate = len(done.appends) / (done.ended - done.began)
    found.add("events a second, saturated", round(rate))
    print(f"{rate:.0f} events a second with {operators} operators who do nothing else", flush=True)


# --- reading --------------------------------------------------------------------------------------------------------


def measure_reading(url: str, state: Path, size: int, run: str, found: Figures, *, is_last: bool) -> None:
    """Print how long reading takes in a journal of that size, and how large it is."""
    with closing(PostgresJournal(parse_address(url), state / "reader")) as journal:
        for name, query in QUERIES.items():
            found.within(f"{size}: {name}, in the journal", _median(rows, journal, 20, query))
        found.within(f"{size}: watch, each look at a run", _median(journal.events, run))
        found.within(f"{size}: verify a run", _median(_verify, journal, run))
        total, bare = journal._shared.ask(SIZES)[0]  # noqa: SLF001
    found.add(f"{size}: bytes on disk, of the bare table", [int(total), int(bare)])
    print(f"{size}: {int(total) / 2**20:.1f} MiB on disk, {int(bare) / 2**20:.1f} of the same bytes alone", flush=True)

    environment = {**os.environ, "RUNBOOK_JOURNAL": url, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(state)}
    found.within("a bare interpreter", _median(_start, BARE, environment))
    for name, words in FILTERS.items():
        measure_process(f"{size}: runbook {name}", (*RUNBOOK, "history", *words), environment, found, budget=is_last)


def measure_process(
    name: str, command: Sequence[str], environment: Mapping[str, str], found: Figures, *, budget: bool
) -> None:
    """Print how long a whole process takes, and beyond one that only imports psycopg, in turns."""
    _start(command, environment)
    pairs = [(_timed(_start, DRIVER, environment), _timed(_start, command, environment)) for _ in range(ROUNDS)]
    found.within(name, statistics.median(whole for _, whole in pairs) * 1000)
    beyond = statistics.median(whole - driver for driver, whole in pairs) * 1000
    found.within("  beyond psycopg's import", beyond, HISTORY_MS if budget else None, key=f"{name}, beyond")


def _median(do: Callable[..., object], *values: object) -> float:
    """Return how many milliseconds it usually takes, after a first time that doesn't count."""
    do(*values)
    return statistics.median(_timed(do, *values) for _ in range(ROUNDS)) * 1000


def _verify(journal: PostgresJournal, run: str) -> None:
    assert list(findings_in(run, *journal.record(run))) == []


def _start(command: Sequence[str], environment: Mapping[str, str]) -> None:
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)


# --- SQLite ---------------------------------------------------------------------------------------------------------


def measure_sqlite(directory: Path, found: Figures) -> None:
    """Compare appends to the file with bare inserts into another one, with the same settings, in turns."""
    print("SQLite, one process", flush=True)
    appends: list[float] = []
    inserts: list[float] = []
    bare_directory = directory / "bare"
    bare_directory.mkdir(parents=True)
    bare = sqlite3.connect(bare_directory / "bare.sqlite3", isolation_level=None)
    for statement in ("pragma journal_mode = wal", "pragma synchronous = full"):
        bare.execute(statement)
    bare.execute("create table bare (id integer primary key, body text)")
    journal: Journal
    with closing(SqliteJournal(directory)) as journal, closing(bare):
        for number in range(20):
            events = list(events_of(run_id(number), number))
            for first in range(0, len(events), BLOCK):
                block = events[first : first + BLOCK]
                appends += [_timed(journal.append, run_id(number), event) for event in block]
                bodies = [to_json(event) for event in block]
                inserts += [_timed(bare.execute, "insert into bare (body) values (?)", (body,)) for body in bodies]
    found.compare("SQLite append", appends, inserts, budget=False)


if __name__ == "__main__":
    raise SystemExit(main())
