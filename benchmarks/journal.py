"""How long an append to the journal takes beside a bare commit that is as durable, and how reading grows with it.

- A bare INSERT writes the same bytes into a table with one text column and a number as its key, on the same disk, with
  the same settings: committed by itself, and on the disk when it returns. All that it lacks is what a journal adds:
  numbers, hashes, keys, locks, and what runs are found by.
- An append is `journal.append(run, event)`, all of it: JSON, chain, facts, the transaction, the answer.
- Ten events are appended, and the same ten inserted, by the same process; in the next ten, the insert comes first. So
  both meet the same disk, the same load and the same checkpoints.
- A ratio is of one round: the p50 or the p99 of 500 appends, beside that of the same 500 inserts. Ratios of single
  pairs would only show how much the disk varies, and one operator's hundred events are too few for a p99. If the disk
  stalls, only one round has it, so each note has the percentiles of all rounds together.
- Fifty operators are fifty processes with a connection each, and without a pause: they saturate the server, which has
  the same cores.
- psycopg makes the insert, as in applications. An append asks libpq itself, so one operator also inserts that way.
- `history` is measured in the journal, within a process, and as a whole process. Most of that is the import of psycopg,
  which no design of the journal changes, so it's beside a Python that only imports it.
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from benchmarks.environments import installed_runbook
from benchmarks.figures import Figure, Figures
from benchmarks.operators import ROUND, Done, Way, in_blocks, let_work, timed
from benchmarks.postgres import journal_server
from benchmarks.runs import EVENTS_OF_A_RUN, FIRST_DAY, events_of, run_id
from benchmarks.timing import Sample, in_turns, process, spread
from benchmarks.workplace import workplace
from runbook.journal.address import parse_address
from runbook.journal.codec import to_json
from runbook.journal.events import Event
from runbook.journal.facts import Query
from runbook.journal.postgres import PostgresJournal
from runbook.journal.postgres_connection import connect
from runbook.journal.sqlite import SqliteJournal
from runbook.reports.run_history import rows

__all__ = ["measure"]

GROUP = "Journal"
SIZES = (1_000, 10_000, 100_000)
"""How many events the journal has when its measurements begin. The growth between them shows what depends on it."""
OPERATORS = 50
ALONE = 35
"""How many runs one operator walks at each size: seven rounds, so that a size is left before the next one begins."""
AT_MOST = 1.5
"""The budget: how many times as long as a bare INSERT an append may take, at p50 and at p99."""
BARE = {Way.INSERT: "bare INSERT", Way.INSERT_BY_LIBPQ: "bare INSERT by libpq"}
DRIVER = "python -c 'import psycopg'"
QUERIES = {
    "history": Query(),
    "history --value": Query(value="20261123"),
    "history --operator": Query(operator="operator 7"),
    "history --since": Query(since=FIRST_DAY + timedelta(hours=12)),
    "history --target": Query(target="project 3"),
    "history --procedure": Query(procedure="procedure-7"),
    "history --value (none)": Query(value="nobody ever entered this"),
}
DISK = """
select (select count(*) from runbook_journal.events), sum(pg_total_relation_size(oid))::int8
from pg_class where relnamespace = 'runbook_journal'::regnamespace and relkind = 'r'
"""


def measure(figures: Figures, rounds: int) -> None:
    """Measure the journal in a file, then the shared one at each size."""
    _measure_sqlite(figures, rounds)
    with journal_server() as url, tempfile.TemporaryDirectory(prefix="runbook-bench-") as directory:
        _measure_postgres(figures, rounds, url, Path(directory))
        _measure_process(figures, rounds, url)


# --- appending ------------------------------------------------------------------------------------------------------


def _measure_sqlite(figures: Figures, rounds: int) -> None:
    """Append to the journal's file, and insert into another one with the same settings."""
    with (
        tempfile.TemporaryDirectory(prefix="runbook-bench-") as directory,
        closing(SqliteJournal(Path(directory) / "journal")) as journal,
        closing(sqlite3.connect(Path(directory) / "bare.sqlite3", isolation_level=None)) as bare,
    ):
        for setting in ("journal_mode = wal", "synchronous = full", "foreign_keys = on"):
            bare.execute(f"pragma {setting}")
        bare.execute("create table bare (id integer primary key, body text)")
        done = [_in_files(journal, bare, number) for number in range(rounds * ROUND // EVENTS_OF_A_RUN)]
    times = {way: [block for each in done for block in each[way]] for way in (Way.APPEND, Way.INSERT)}
    _add_append(figures, "SQLite", "append", Done([times], 0, 0), Way.INSERT, AT_MOST)


def _in_files(journal: SqliteJournal, bare: sqlite3.Connection, number: int) -> Mapping[Way, Sequence[list[float]]]:
    def append(events: Sequence[Event]) -> list[float]:
        return [timed(journal.append, run_id(number), event) for event in events]

    def insert(events: Sequence[Event]) -> list[float]:
        bodies = [(to_json(event),) for event in events]
        return [timed(bare.execute, "insert into bare (body) values (?)", body) for body in bodies]

    times: dict[Way, list[list[float]]] = {Way.APPEND: [], Way.INSERT: []}
    for way, seconds in in_blocks(list(events_of(number)), {Way.APPEND: append, Way.INSERT: insert}):
        times[way].append(seconds)
    return times


def _measure_postgres(figures: Figures, rounds: int, url: str, state: Path) -> None:
    """Fill the journal to each size, and measure there how reading and appending go."""
    walked = 0

    def work(runs: int, operators: int, *ways: Way) -> Done:
        nonlocal walked
        walked += runs
        return let_work(url, state, range(walked - runs, walked), operators=operators, ways=ways)

    for size in SIZES:
        where = f"PostgreSQL, {size:,} events"
        filled = work(size // EVENTS_OF_A_RUN - walked, OPERATORS, Way.APPEND)
        if size == max(SIZES):
            _add_rate(figures, where, filled)
        _measure_reading(figures, rounds, where, url, state)
        done = work(OPERATORS, OPERATORS, Way.APPEND, Way.INSERT)
        _add_append(figures, where, f"append by {OPERATORS} operators", done, Way.INSERT, AT_MOST)
        done = work(ALONE, 1, Way.APPEND, *BARE)
        for bare in BARE:
            _add_append(figures, where, "append by one operator", done, bare, None)


def _add_append(figures: Figures, where: str, name: str, done: Done, bare: Way, at_most: float | None) -> None:
    ours, others = done.rounds(Way.APPEND), done.rounds(bare)
    for share in (50, 99):
        what, beside = f"{name}, p{share}", BARE[bare]
        samples = {
            name: [Sample(_percentile(times, share)) for times in each]
            for name, each in ((what, ours), (beside, others))
        }
        all_ours, all_others = (_percentile([one for times in each for one in times], share) for each in (ours, others))
        note = f"of all {len(ours) * ROUND:,}: {all_ours * 1000:.3g} beside {all_others * 1000:.3g} ms"
        figures.compare(f"{GROUP}: {where}", samples, {what: (beside, at_most)}, notes={what: note})


def _percentile(seconds: Sequence[float], share: int) -> float:
    return statistics.quantiles(seconds, n=100)[share - 1]


def _add_rate(figures: Figures, where: str, done: Done) -> None:
    events = sum(len(block) for each in done.blocks for block in each[Way.APPEND])
    figures.add(
        Figure(
            group=f"{GROUP}: {where}",
            what=f"appends by {OPERATORS} operators, on the way there",
            unit="a second",
            value=spread([events / (done.ended - done.began)]),
            note=f"{events:,} events, one time",
        )
    )


# --- reading --------------------------------------------------------------------------------------------------------


def _measure_reading(figures: Figures, rounds: int, where: str, url: str, state: Path) -> None:
    """Measure what `history` asks of the journal: without a filter, and with the one that takes longest."""
    with closing(PostgresJournal(parse_address(url), state / "reader")) as journal:

        def asked(query: Query) -> Callable[[], Sample]:
            return lambda: Sample(timed(rows, journal, 20, query))

        samples = in_turns({name: asked(query) for name, query in QUERIES.items()}, rounds)
    times = {name: spread([one.seconds * 1000 for one in each]) for name, each in samples.items()}
    plain = times.pop("history")
    longest = max(times, key=lambda name: times[name].middle)
    for what, value, note in (("history", plain, ""), ("history, with the slowest filter", times[longest], longest)):
        figures.add(Figure(group=f"{GROUP}: {where}", what=what, unit="ms", value=value, note=note))


def _measure_process(figures: Figures, rounds: int, url: str) -> None:
    """Measure `runbook history` as it's typed, in the largest journal, and how large that is."""
    group, what = f"{GROUP}: PostgreSQL, whole processes", "runbook history"
    bin_ = installed_runbook()
    with workplace() as place:
        environment = {**place.environment, "RUNBOOK_JOURNAL": url, "RUNBOOK_LOCKS": str(place.project)}

        def started(*argv: str) -> Callable[[], Sample]:
            return process([str(bin_ / argv[0]), *argv[1:]], environment=environment, directory=place.project)

        candidates = {what: started("runbook", "history"), DRIVER: started("python", "-c", "import psycopg")}
        figures.compare(group, in_turns(candidates, rounds), {what: (DRIVER, None)})
    with closing(connect(parse_address(url))) as connection:
        events, size = connection.execute(DISK).fetchall()[0]
    figures.add(
        Figure(
            group=group, what="journal on the disk", unit="MB", value=spread([size / 1e6]), note=f"{events:,} events"
        )
    )
