"""What the target is like before the first write and after the last one: recorded around the writes, and compared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from support.walks import (
    AT,
    Answer,
    Ending,
    FakeExecutor,
    FakeOperator,
    Walked,
    book,
    command,
    confirm,
    ended,
    parameter,
    procedure,
    step,
)

from runbook.engine.ports import Go, RunOwn, Stop
from runbook.engine.snapshots import Difference, differences
from runbook.engine.state import RunState, apply, fold
from runbook.errors import ExitCode
from runbook.journal.events import Outcome, Snapshot, SnapshotTaken
from runbook.model import Family
from runbook.model.evidence import Evidence
from runbook.terminal.event_lines import render_event

FIX = procedure(step("see", "look"), step("push", "change one"), step("more", "change two"))
ROWS = Evidence(title="Rows", family=Family.DATABASE, action=command("look rows"), at=AT)
FUNCTIONS = Evidence(
    title="Functions",
    family=Family.PROJECT,
    action=command("look functions"),
    at=AT,
    list_name="functions",
    members=("slug", "version"),
)


def rows(*facts: str) -> Ending:
    """Return the output of a look that finds these facts."""
    return ended(output=json.dumps([{"fact": fact} for fact in facts]))


def walked(directory: Path, *answers: Answer, looks: tuple[Evidence, ...] = (ROWS,), **endings: object) -> Walked:
    """Begin a walk whose commands end as the keywords say (`look_rows`, `change_one`)."""
    done = Walked(
        replace(book(FIX), evidence=looks),
        directory,
        FakeOperator(list(answers)),
        FakeExecutor({name.replace("_", " "): ending for name, ending in endings.items()}),  # type: ignore[misc]
    )
    done.begin()
    return done


def state_of(done: Walked) -> RunState:
    """Return the state of the newest run."""
    return fold(done.journal.events(done.run))


def test_the_state_is_recorded_before_the_first_write_and_after_the_last(tmp_path: Path) -> None:
    """One snapshot each, whatever the number of writes."""
    done = walked(tmp_path, look_rows=[rows("a 1", "b 2"), rows("b 3", "c 1", "a 1")])
    assert [" ".join(argv) for argv in done.executor.ran] == [
        *("look", "look rows", "change one", "change two", "look rows")
    ]
    assert differences(state_of(done)) == (Difference(title="Rows", gone=("b 2",), new=("b 3", "c 1")),)


def test_nothing_is_recorded_by_a_run_that_only_reads_or_is_dry(tmp_path: Path) -> None:
    """There is no difference to find."""
    stopped = walked(tmp_path / "a", confirm, Stop("enough"))
    assert "look rows" not in [" ".join(argv) for argv in stopped.executor.ran]
    dry = Walked(replace(book(FIX), evidence=(ROWS,)), tmp_path / "b", FakeOperator(), FakeExecutor())
    assert dry.begin(dry=True) is ExitCode.DONE
    assert [" ".join(argv) for argv in dry.executor.ran] == ["look"]


def test_only_what_a_write_reaches_is_recorded(tmp_path: Path) -> None:
    """A deploy doesn't change rows; a push doesn't change functions."""
    done = walked(tmp_path, looks=(ROWS, FUNCTIONS), look_rows=[rows("a"), rows("a")])
    assert set(state_of(done).snapshots[Snapshot.BEFORE].found) == {"Rows"}


def test_a_run_that_writes_to_both_records_each_before_its_own_first_write(tmp_path: Path) -> None:
    """The second look joins the first, and nothing that is known is asked again."""
    fix = procedure(step("push", "change one"), step("deploy", "publish one"), step("more", "publish two"))
    listed: list[Ending] = [ended(output=json.dumps({"functions": [{"slug": "pay", "version": n}]})) for n in (1, 2)]
    executor = FakeExecutor({"look rows": [rows("a"), rows("b")], "look functions": listed})
    done = Walked(replace(book(fix), evidence=(ROWS, FUNCTIONS)), tmp_path, FakeOperator(), executor)
    assert done.begin() is ExitCode.DONE
    assert [" ".join(argv) for argv in executor.ran] == [
        *("look rows", "change one", "look functions", "publish one", "publish two"),
        *("look rows", "look functions"),
    ]
    assert differences(state_of(done)) == (
        Difference(title="Rows", gone=("a",), new=("b",)),
        Difference(title="Functions", gone=("pay, version 1",), new=("pay, version 2",)),
    )


def test_a_line_has_the_members_that_matter(tmp_path: Path) -> None:
    """The others, such as the time of the last request, would always be different."""
    look = replace(FUNCTIONS, family=Family.DATABASE)
    output = ended(output=json.dumps({"functions": [{"slug": "pay", "version": 7, "at": 1}, {"slug": "x"}]}))
    done = walked(tmp_path, looks=(look,), look_functions=output)
    assert state_of(done).snapshots[Snapshot.BEFORE].found == {"Functions": "pay, version 7\nx"}


def test_a_look_that_fails_stops_no_write(tmp_path: Path) -> None:
    """The report says what isn't known, and why."""
    failed = replace(ended(1, "ERROR: too many connections"), outcome=Outcome.FAILED)
    done = walked(tmp_path, look_rows=failed)
    assert state_of(done).ended
    (one,) = differences(state_of(done))
    assert one.problem.startswith("unknown before the first write: ")
    assert "too many connections" in one.problem


def test_a_look_that_policy_refuses_is_not_run(tmp_path: Path) -> None:
    """A book can't smuggle a write in as evidence."""
    for words in ("change rows", "destroy rows", "forbidden"):
        done = walked(tmp_path / words, looks=(replace(ROWS, action=command(words)),))
        assert words not in [" ".join(argv) for argv in done.executor.ran]
        assert state_of(done).ended


def test_ctrl_c_during_the_first_snapshot_asks_again_before_anything_is_written(tmp_path: Path) -> None:
    """Whoever presses it may mean the write. The second time, the write begins at once."""
    done = walked(tmp_path, confirm, Go("yes"), Go("yes"), look_rows=KeyboardInterrupt())
    assert [screen.path for screen in done.operator.screens] == ["see", "push", "push", "more"]
    assert [" ".join(argv) for argv in done.executor.ran] == ["look", "look rows", "change one", "change two"]
    assert state_of(done).snapshots[Snapshot.BEFORE].problems == {"Rows": "ended by Ctrl-C"}


def test_a_resumed_run_keeps_its_first_snapshot(tmp_path: Path) -> None:
    """Whoever continues sees the difference from before the very first write."""
    first = walked(tmp_path, confirm, Go("yes"), Stop("lunch"), look_rows=[rows("a 1")])
    second = first.again(executor=FakeExecutor({"look rows": [rows("a 2")]}))
    assert second.resume() is ExitCode.DONE
    assert differences(state_of(second)) == (Difference(title="Rows", gone=("a 1",), new=("a 2",)),)


def test_a_run_without_an_end_says_so(tmp_path: Path) -> None:
    """A report of a stopped run has the first snapshot."""
    done = walked(tmp_path, confirm, Go("yes"), Stop("lunch"), look_rows=[rows("a 1")])
    (one,) = differences(state_of(done))
    assert one.problem == "unknown after the last write: the run has no end yet"


def test_an_own_command_that_writes_counts_as_the_first_write(tmp_path: Path) -> None:
    """It changes the target like a step's."""
    done = walked(tmp_path, RunOwn("change own"), Go("yes"), look_rows=[rows("a"), rows("b")])
    ran = [" ".join(argv) for argv in done.executor.ran]
    assert ran.index("look rows") < ran.index("change own")
    assert ran[-1] == "look rows"


def test_a_secret_in_a_snapshot_is_hidden(tmp_path: Path) -> None:
    """A query may hold the value that somebody typed for this run."""
    fix = procedure(step("push", "change one"), parameters=[parameter("key", secret=True)])
    operator = FakeOperator(values={"key": "hunter2-zebra"})
    executor = FakeExecutor({"look rows": rows("waits: select 'hunter2-zebra'")})
    done = Walked(replace(book(fix), evidence=(ROWS,)), tmp_path, operator, executor)
    done.begin()
    taken = [event for event in done.journal.events(done.run) if isinstance(event, SnapshotTaken)]
    assert len(taken) == 2
    assert all("hunter2" not in text and "waits: select" in text for one in taken for text in one.found.values())


def printed(done: Walked) -> list[str]:
    """Return what is printed about the last snapshot."""
    state = RunState()
    for event in done.journal.events(done.run):
        state = apply(state, event)
        if isinstance(event, SnapshotTaken):
            lines = [line.plain for line in render_event(event, state, None)]
    return lines


def test_the_end_of_a_run_shows_the_differences(tmp_path: Path) -> None:
    """Eight of them; the report has the others. Without any, it says what was compared."""
    few = walked(tmp_path / "a", look_rows=[rows("a 1"), rows("a 2")])
    assert printed(few) == ["  Different from before the first write:", "    - a 1", "    + a 2"]
    many = walked(tmp_path / "b", look_rows=[rows(), rows(*map(str, range(10)))])
    assert printed(many)[-2:] == ["    + 7", "    and 2 more, in the report"]
    none = walked(tmp_path / "c", look_rows=[rows("a"), rows("a")])
    assert printed(none) == ["  As before the first write: Rows."]
