"""All drills at once: in processes of their own, with results that the site can show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runbook.checks import open_book
from runbook.drill.registry import records
from runbook.drill.rounds import DrillJob, Result, plan_rounds, results_file, run_rounds, write_results
from runbook.errors import UsageError
from runbook.loading import PACKAGED_BOOK


def result(drill: str, major: int, *, passed: bool = True, seconds: float = 5) -> Result:
    """Return a result of a drill."""
    return Result(
        job=DrillJob("add-column", drill, major), passed=passed, seconds=seconds, cli=f"{major}.1.0", postgres="17.10",
        at="2026-11-23T01:20:00Z", why="", digest="d", branches=(f"add-column/{major}: Yes",),
        checked=("a", str(major)),
    )  # fmt: skip


def test_every_drill_is_planned_once_for_each_major(tmp_path: Path) -> None:
    """The plan holds all drills of the book; those that took longest come first."""
    book = open_book(None)
    known = tmp_path / "drills.json"
    write_results(known, [result("constant-default", 3, seconds=500)])
    jobs = plan_rounds(book, (3, 2), known=known)

    assert len(jobs) == 2 * sum(len(procedure.drills) for procedure in book.procedures.values())
    assert {job.drill for job in jobs[:2]} == {"constant-default"}
    assert {job.procedure for job in plan_rounds(book, (3,), known=known, only=["add-index"])} == {"add-index"}
    with pytest.raises(UsageError, match="no procedure"):
        plan_rounds(book, (3,), known=known, only=["add-indx"])


def test_a_major_is_left_out_where_the_steps_are_the_same(tmp_path: Path) -> None:
    """With `if_different`: everything on CLI 3; on CLI 2 what reaches a step of its own there, also an included one."""
    book = open_book(None)
    jobs = plan_rounds(book, (3, 2), known=tmp_path / "none", if_different=True)

    every = {(procedure.id, drill.name) for procedure in book.procedures.values() for drill in procedure.drills}
    assert {(job.procedure, job.drill) for job in jobs if job.major == 3} == every
    on_2 = {job.procedure for job in jobs if job.major == 2}
    assert {"emergency-rollback", "edge-function-health"} <= on_2, "they have steps of their own for CLI 2"
    assert {"rename-column", "deploy-edge-functions"} <= on_2, "they include a procedure that has such steps"
    assert on_2.isdisjoint({"add-column", "push-migration", "data-recovery"})
    renaming = {job.drill for job in jobs if (job.procedure, job.major) == ("rename-column", 2)}
    assert renaming == {"thumbnail-to-preview"}, "the other one reaches no such step"


def test_results_of_both_majors_make_one_entry(tmp_path: Path) -> None:
    """A drill has passed when it passed on every major; what was checked was checked on all of them."""
    file = tmp_path / "drills.json"
    write_results(file, [result("one", 2, seconds=7), result("one", 3), result("two", 3, passed=False)])
    entries = json.loads(file.read_text(encoding="utf-8"))["add-column"]

    assert entries["one"]["cli"] == "3.1.0 and 2.1.0"
    assert entries["one"]["seconds"] == 7
    assert entries["one"]["passed"] is True
    assert entries["one"]["checked"] == ["a"]
    assert entries["one"]["branches"] == ["add-column/2: Yes", "add-column/3: Yes"]
    assert entries["two"]["passed"] is False


def test_results_of_other_drills_stay(tmp_path: Path) -> None:
    """A part of the book can be drilled again without losing the rest; a file that is broken is written anew."""
    file = tmp_path / "deep" / "drills.json"
    write_results(file, [result("one", 3)])
    write_results(file, [result("two", 3)])
    assert set(json.loads(file.read_text(encoding="utf-8"))["add-column"]) == {"one", "two"}
    file.write_text("{", encoding="utf-8")
    write_results(file, [result("two", 3)])
    assert set(json.loads(file.read_text(encoding="utf-8"))["add-column"]) == {"two"}


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The error names the file."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match=r"drills\.json"):
        write_results(tmp_path / "file" / "drills.json", [result("one", 3)])


def test_results_of_another_book_stay_out_of_the_docs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only the packaged book's results are the site's."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert results_file("/somewhere") == tmp_path / "runbook" / "drills.json"
    assert results_file(str(PACKAGED_BOOK)).parts[-3:] == ("site", "data", "drills.json")


def test_drills_run_side_by_side_and_a_broken_one_is_a_result() -> None:
    """Two processes, real drills; one that can't be held fails with its reason instead of ending the others."""
    jobs = [
        DrillJob("backup-before-migration", "only-adds", 3),
        DrillJob("backup-before-migration", "no-such-drill", 3),
    ]
    found = {each.job.drill: each for each in run_rounds(jobs, str(PACKAGED_BOOK), workers=2, url=None)}

    assert found["only-adds"].passed, found["only-adds"].why
    assert found["only-adds"].cli.startswith("3.")
    assert "backup-before-migration/what-to-save: Nothing, it only adds" in found["only-adds"].branches
    assert not found["no-such-drill"].passed
    assert "no scenario called" in found["no-such-drill"].why


ROUND = """
from runbook.drill.registry import records
from runbook.drill.rounds import DrillJob, run_rounds
from runbook.loading import PACKAGED_BOOK
if __name__ == "__main__":
    jobs = [DrillJob("push-migration", drill, 3) for drill in ("one-file", "two-files-wait", "table-is-busy")]
    list(run_rounds(jobs, str(PACKAGED_BOOK), workers=2, url=None))
"""


def test_nothing_outlives_a_round_that_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Kill -9 of a round: its processes clear their sandboxes away and end; no further drill begins."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    script = tmp_path / "round.py"
    script.write_text(ROUND, encoding="utf-8")
    with subprocess.Popen([sys.executable, str(script)], start_new_session=True) as started:
        _await(lambda: len(records()) == 2 and all(record.servers for record in records()))
        directories = [Path(record.directory) for record in records()]
        started.kill()
    _await(lambda: not any(directory.exists() for directory in directories))
    _await(lambda: not _lives(started.pid))

    assert records() == ()


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _await(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)
