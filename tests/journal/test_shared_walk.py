"""Walks that record in the shared journal: while the line drops, and while somebody else wants the target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from support.journal_engines import PostgresEngine
from support.network import Network, Trouble
from support.walks import (
    ME,
    FakeExecutor,
    FakeOperator,
    Walked,
    book,
    check,
    ended,
    procedure,
    short,
    step,
    tick,
)

from runbook.engine.ports import Execution, Go, Reply, Resolve, Screen, Undecided
from runbook.errors import ExitCode, RunTakenOverError, TargetHeldError
from runbook.journal.address import parse_address
from runbook.journal.chain import problems
from runbook.journal.events import HandedOver
from runbook.journal.postgres import PostgresJournal

FIX = book(
    procedure(step("push", "change it", verify=check("look at")), step("again", "change more"), tick("tell")),
    procedure(step("push", "change it"), name="other"),
)


@dataclass
class PatientOperator(FakeOperator):
    """Tries again as often as `mends` says, and calls each of them before."""

    mends: list[Callable[[], None]] = field(default_factory=list)
    unsent: list[str] = field(default_factory=list)

    def reconnect(self, why: str, unsent: str) -> bool:
        """Mend the network, or stop."""
        self.log.append(("reconnect", why.partition(":")[0]))
        self.unsent.append(unsent)
        if not self.mends:
            return False
        self.mends.pop(0)()
        return True


@pytest.fixture
def walked(network: Network, tmp_path: Path) -> Iterator[Walked]:
    """Return a walk whose journal is behind the network."""
    with closing(PostgresJournal(parse_address(network.url), tmp_path / "state")) as journal:
        yield Walked(FIX, tmp_path, operator=PatientOperator(), journal=journal)


def operator(walked: Walked) -> PatientOperator:
    """Return the walk's operator as what it is."""
    assert isinstance(walked.operator, PatientOperator)
    return walked.operator


def recorded(engine: PostgresEngine, run: str = "") -> list[tuple[str, ...]]:
    """Return what the server has of a run (default: the newest), after checking its chain."""
    journal = engine.open()
    name = run or journal.runs()[0]
    assert list(problems(name, *journal.record(name))) == []
    return short(journal.events(name))


STEP = [("StepStarted", "push", "run"), ("ChildStarted", "push"), ("StepFinished", "push", "run", "passed")]
CHECK = [("StepStarted", "push", "verify"), ("ChildStarted", "push"), ("StepFinished", "push", "verify", "passed")]
REST = [
    ("StepStarted", "again", "run"),
    ("ChildStarted", "again"),
    ("StepFinished", "again", "run", "passed"),
    ("StepStarted", "tell", "run"),
    ("StepFinished", "tell", "run", "passed"),
    ("RunFinished",),
]


@pytest.mark.parametrize("trouble", [Trouble.CUT, Trouble.NOTHING_ARRIVES, Trouble.NOTHING_RETURNS])
def test_a_line_that_drops_during_a_command_loses_nothing_and_starts_nothing(
    walked: Walked, network: Network, shared: PostgresEngine, trouble: Trouble
) -> None:
    """The command's end waits here, the next one waits for the journal, and no command runs twice."""

    def drop(_argv: Sequence[str]) -> Execution:
        network.breaks(trouble)
        return ended(0, "done")

    walked.executor = FakeExecutor({"change it": drop})
    operator(walked).mends = [lambda: None, lambda: network.breaks(Trouble.NONE, now=True)]

    assert walked.begin() is ExitCode.DONE
    asked = [entry for entry in operator(walked).log if entry[0] == "reconnect"]
    assert len(asked) == 2
    assert operator(walked).unsent[0].startswith("1 event waits in ")
    assert [argv[:2] for argv in walked.executor.ran] == [("change", "it"), ("look", "at"), ("change", "more")]
    assert recorded(shared) == [("RunStarted",), *STEP, *CHECK, *REST]


def test_a_step_whose_start_was_recorded_without_an_answer_is_asked_about(
    walked: Walked, network: Network, shared: PostgresEngine
) -> None:
    """The journal has its start, and nobody saw an end: the person decides. It hasn't run, and then runs once."""

    def lose(screen: Screen) -> Reply:
        network.breaks(Trouble.NOTHING_RETURNS)
        return Go("yes")

    operator(walked).script = [lambda _: Go("yes"), lose, lambda _: Resolve(Undecided.REDO, "it never began")]
    # Nothing returns of the question about the lock either, so it is the first that fails; mend it for the event alone.
    operator(walked).mends = [lambda: network.breaks(Trouble.NONE, now=True)]

    assert walked.begin() is ExitCode.DONE
    assert [argv[:2] for argv in walked.executor.ran].count(("change", "more")) == 1


def test_whoever_stops_waiting_can_come_back_and_nothing_is_lost(
    walked: Walked, network: Network, shared: PostgresEngine, tmp_path: Path
) -> None:
    """The end of the command and the stop are on this machine until the next command reaches the journal."""

    def drop(_argv: Sequence[str]) -> Execution:
        network.breaks(Trouble.CUT)
        return ended(0, "done")

    walked.executor = FakeExecutor({"change it": drop})
    assert walked.begin() is ExitCode.NOT_COMPLETED
    assert walked.journal.waiting.startswith("2 events wait in ")

    network.breaks(Trouble.NONE)
    again = replace(walked, operator=PatientOperator(), executor=FakeExecutor())
    assert again.resume() is ExitCode.DONE
    assert [argv[:2] for argv in again.executor.ran] == [("look", "at"), ("change", "more")]
    stopped = ("RunStopped", "the shared journal can't be reached")
    assert recorded(shared) == [("RunStarted",), *STEP, stopped, ("RunResumed",), *CHECK, *REST]


def test_somebody_who_continues_the_run_ends_the_other_walk_at_its_next_prompt(
    walked: Walked, shared: PostgresEngine, tmp_path: Path
) -> None:
    """It runs nothing more, and writes nothing into a run that is theirs now."""
    grace = replace(ME, operator="grace", host="desktop", pid=4243)
    theirs = replace(walked, operator=PatientOperator(take="Ada is at lunch"), executor=FakeExecutor(), identity=grace)

    def lunch(screen: Screen) -> Reply:
        with closing(shared.open()) as journal:
            assert replace(theirs, journal=journal).resume() is ExitCode.DONE
        # The target is free again: theirs ended before anybody answered here.
        shared.tamper("delete from locks")
        return Go("yes")

    operator(walked).script = [lunch]
    with pytest.raises(RunTakenOverError, match="grace took over this run and continues it: Ada is at lunch"):
        walked.begin()

    assert walked.executor.ran == []
    assert [argv[:2] for argv in theirs.executor.ran] == [("change", "it"), ("look", "at"), ("change", "more")]
    assert recorded(shared)[-1] == ("RunFinished",)
    assert not [entry for entry in recorded(shared) if entry[0] == "RunStopped"]


def test_another_run_on_the_target_ends_the_walk_at_its_next_prompt(walked: Walked, shared: PostgresEngine) -> None:
    """With who and why, and both records say so."""
    grace = replace(ME, operator="grace", host="desktop", pid=4243)

    def lunch(screen: Screen) -> Reply:
        with closing(shared.open()) as journal:
            theirs = replace(
                walked, operator=PatientOperator(take="fire"), executor=FakeExecutor(), identity=grace, journal=journal
            )
            assert theirs.begin("other") is ExitCode.DONE
        return Go("yes")

    operator(walked).script = [lunch]
    with pytest.raises(TargetHeldError, match="grace took over the target during this run: fire"):
        walked.begin()

    first, second = reversed(shared.open().runs())
    assert walked.executor.ran == []
    assert ("TakenOver", "fire") in recorded(shared, second)
    assert [entry[0] for entry in recorded(shared, first)] == ["RunStarted", "TakenOver", "RunStopped"]


def test_a_handed_over_run_is_free(walked: Walked, shared: PostgresEngine) -> None:
    """The next person takes nothing over."""
    from runbook.engine.ports import HandOver

    operator(walked).script = [lambda _: HandOver("Grace knows the table", "Grace")]
    assert walked.begin() is ExitCode.NOT_COMPLETED
    with closing(shared.open()) as journal:
        theirs = replace(walked, operator=PatientOperator(), executor=FakeExecutor(), journal=journal)
        assert theirs.resume() is ExitCode.DONE
        handed = [event for event in journal.events(journal.runs()[0]) if isinstance(event, HandedOver)]
    assert [(event.note, event.to) for event in handed] == [("Grace knows the table", "Grace")]
    assert not [entry for entry in operator(theirs).log if entry[0] == "take_over"]
