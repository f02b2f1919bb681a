"""Run many drills, some at a time, and keep their results where the site finds them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from multiprocessing import get_context, parent_process
from pathlib import Path

from runbook.checks.drill_answers import places_reached, switched_to
from runbook.drill.auto_operator import AutoOperator, answer_cli
from runbook.drill.proofs import checked_steps
from runbook.drill.stage import choose_drill, run_drill, set_stage
from runbook.errors import RunbookError, UsageError
from runbook.installation import checkout
from runbook.journal.events import OptionChosen
from runbook.loading.place import PACKAGED_BOOK, RESULTS, is_team_book
from runbook.model import Book, Drill, Procedure
from runbook.user_directories import state_directory

__all__ = ["DrillJob", "Result", "plan_rounds", "results_file", "run_rounds", "write_results"]


@dataclass(frozen=True, slots=True, order=True)
class DrillJob:
    """One drill on one major of the CLI."""

    procedure: str
    drill: str
    major: int

    def __str__(self) -> str:
        """Render as in the progress output."""
        return f"{self.procedure}/{self.drill}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one drill went, as plain values that can pass between processes. `at` is ISO 8601 in UTC."""

    job: DrillJob
    passed: bool = False
    seconds: float = 0
    cli: str = ""
    postgres: str = ""
    at: str = ""
    why: str = ""
    """What went wrong, empty if nothing did."""
    digest: str = ""
    """The digest of the procedure that was drilled."""
    branches: tuple[str, ...] = ()
    """The options taken, as `procedure/step: option`."""
    checked: tuple[str, ...] = ()
    """The steps whose expectation or check compared something and passed."""


def plan_rounds(
    book: Book, majors: Sequence[int], *, known: Path, only: Sequence[str] = (), if_different: bool = False
) -> tuple[DrillJob, ...]:
    """Return a job for every drill and major, those that took longest first, so that the last ones end together.

    With `if_different`, a drill has no job for a later major if the steps that it reaches are the same as on the first.
    """
    for name in only:
        book.procedure(name)
    seconds = {
        (procedure, drill): float(str(entry.get("seconds", 60)))
        for procedure, drills in _read(known).items()
        for drill, entry in drills.items()
    }
    first = majors[0]
    jobs = [
        DrillJob(procedure.id, drill.name, major)
        for procedure in book.procedures.values()
        if not only or procedure.id in only
        for drill in procedure.drills
        for major in majors
        if major == first or not if_different or _reaches_other_steps(book, procedure, drill, first, major)
    ]
    return tuple(sorted(jobs, key=lambda job: (-seconds.get((job.procedure, job.drill), 60.0), job)))


def _reaches_other_steps(book: Book, procedure: Procedure, drill: Drill, one: int, other: int) -> bool:
    """Return whether a step that the drill can reach with its answers does something else on the other CLI major.

    Only `on_cli` makes a step do something else: `runbook check` requires it for commands that a major lacks. How a
    command names its target and asks for JSON differs in every procedure, and so in all drills that are left.
    """
    places = [place for each in (procedure, *switched_to(book, drill)) for place in places_reached(each, drill)]
    return any(place.step.action_on(one) != place.step.action_on(other) for place in places)


def run_rounds(jobs: Sequence[DrillJob], directory: str, *, workers: int, url: str | None) -> Iterator[Result]:
    """Run the drills in `workers` processes and yield each result as it arrives. `directory` is the book's."""
    # Fresh processes: the walk forks, and forking a process with threads isn't safe.
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_end_with_parent)
    with tempfile.TemporaryDirectory(prefix="runbook-rounds-") as place:
        # Use a copy: somebody may edit the book during the drills.
        book = shutil.copytree(directory, Path(place) / "book")
        try:
            futures = [pool.submit(_hold_one, str(book), job, url) for job in jobs]
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _hold_one(directory: str, job: DrillJob, url: str | None) -> Result:
    """Run one drill unattended. If anything goes wrong, the result is a failure."""
    from runbook.policy.redaction import Redactor
    from runbook.runtime.executor import FALLBACK_SIZE, PtyExecutor, SystemClock

    result = Result(job=job)
    try:
        book = _book(directory)
        procedure = book.procedure(job.procedure)
        result = replace(result, digest=procedure.digest)
        drill = choose_drill(procedure, job.drill)
        with set_stage(book, procedure, drill, major=job.major, postgres_url=url) as stage:
            report = run_drill(
                stage,
                operator=AutoOperator(drill.answers, drill.reactions),
                executor=PtyExecutor(Redactor, lambda _: None, lambda: FALLBACK_SIZE, answerer=answer_cli),
                clock=SystemClock(),
            )
    except SystemExit:
        os._exit(1)  # the parent is gone; the pool would take the exception for a result and start the next drill
    except RunbookError as error:
        return replace(result, at=_now(), why=f"{error.message} {error.hint}".strip())
    broken = [f"{proof.text}: {proof.found}" for proof in report.proofs if not proof.held]
    taken = [event for event in report.events if isinstance(event, OptionChosen)]
    return replace(
        result,
        passed=report.passed,
        seconds=round(report.seconds, 1),
        cli=report.cli,
        postgres=report.postgres,
        at=_now(),
        why="; ".join(part for part in (report.trouble, *broken) if part),
        branches=tuple(f"{report.procedure}/{event.step}: {event.option}" for event in taken),
        checked=tuple(sorted(checked_steps(report.events))),
    )


@lru_cache(maxsize=1)
def _book(directory: str) -> Book:
    """Open a book once for all drills of a process, because reading and checking it takes half a second."""
    from runbook.checks import open_book

    return open_book(directory)


def results_file(directory: str) -> Path:
    """Return the file for results: the site's own in a checkout for the packaged book, and a team's book for theirs.

    For any other book it's in the state directory.
    """
    root, place = checkout(), Path(directory)
    if place == PACKAGED_BOOK and root is not None:
        return root / "runbook" / "site" / "data" / RESULTS
    return place / RESULTS if is_team_book(place) else state_directory() / RESULTS


def write_results(file: Path, results: Sequence[Result]) -> None:
    """Put the results into the file, and keep those of other drills. Raises UsageError if it can't be written."""
    known = _read(file)
    for procedure, drill in sorted({(result.job.procedure, result.job.drill) for result in results}):
        runs = [result for result in results if (result.job.procedure, result.job.drill) == (procedure, drill)]
        runs.sort(key=lambda result: -result.job.major)
        # One entry for all majors, as the site shows it. A step counts as checked if it was checked on each of them.
        known.setdefault(procedure, {})[drill] = {
            "cli": " and ".join(run.cli for run in runs if run.cli),
            "postgres": runs[0].postgres,
            "seconds": max(run.seconds for run in runs),
            "at": max(run.at for run in runs),
            "passed": all(run.passed for run in runs),
            "digest": runs[0].digest,
            "checked": sorted(set.intersection(*({*run.checked} for run in runs))),
            "branches": sorted({branch for run in runs for branch in run.branches}),
        }
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"can't write the results to {file}: {error.strerror}") from error


def _read(file: Path) -> dict[str, dict[str, dict[str, object]]]:
    """Return the results in the file, or none if it's missing or isn't one of ours."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- processes of a round -------------------------------------------------------------------------------------------


def _end_with_parent() -> None:
    """Make this process clean up and end as soon as the process that started it is gone."""

    def leave(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_IGN)  # the clean-up must not be interrupted
        sys.exit(1)

    def watch() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            while True:
                # Repeat it: a command that is running takes the first signal, which ends only that command.
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(1)

    signal.signal(signal.SIGTERM, leave)
    threading.Thread(target=watch, daemon=True).start()
