"""Play one life of a run: a random book is walked, cut off, edited and resumed until a patient operator finishes it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from runbook.engine.session import Settings, resume, walk
from runbook.engine.state import fold
from runbook.errors import ExitCode, TargetHeldError, UsageError
from runbook.journal.events import TargetSeen
from runbook.model import Book
from support.ledger import BrokenPromiseError, promise
from support.random_ports import DiedError, MortalJournal, RandomExecutor, RandomOperator, World
from support.random_procedures import Dice, all_steps, edit, open_plan, random_plan, write_shared
from support.walks import ME, PRODUCTION, FakeTarget, FixedClock

__all__ = ["RandomWalk"]

CLI_2 = TargetSeen("production", PRODUCTION.name, "2.122.1")


@dataclass
class RandomWalk:
    """One random book, walked, cut off, edited and resumed until a patient operator brings it to its end."""

    world: World
    directory: Path
    book: Book
    journal: MortalJournal
    target: FakeTarget
    clock: FixedClock = field(default_factory=FixedClock)
    edits: int = 0
    first_plan: str = ""

    @classmethod
    def begin(cls, dice: Dice, directory: Path, tally: Counter[str]) -> RandomWalk | None:
        """Return a walk of a new random book, or None if the checks refuse the book."""
        write_shared(directory / "book")
        (directory / "project").mkdir()
        plan = random_plan(dice)
        book = open_plan(directory / "book", plan)
        if book is None:
            return None
        world = World(dice, tally, plan)
        seen = dice.choice((PRODUCTION, PRODUCTION, PRODUCTION, CLI_2))
        target = FakeTarget(seen=seen, directory=str(directory / "project"))
        return cls(world, directory, book, MortalJournal(world), target, first_plan=json.dumps(plan))

    def play(self) -> None:
        """Walk in legs, then finish every run. Raises BrokenPromiseError, or what the engine must not raise."""
        for leg in range(self.world.dice.choice((1, 0, 2, 3, 4, 6))):
            if leg:
                self._edit()
            self._leg(self._newest())
        self.world.is_wild = False
        self.world.say("--- a patient operator from here on")
        if not self._unfinished():
            self._leg("")
        for run in self._unfinished():
            code = self._leg(run)
            promise(code is ExitCode.DONE, f"a patient operator does not get to the end of {run}: {code}")
        self._finished_stays_finished()

    def _edit(self) -> None:
        if self.world.dice.choice((True, True, False)):
            return
        self.edits += 1
        plan = edit(self.world.dice, self.world.plan, self.edits)
        book = open_plan(self.directory / "book", plan)
        if book is not None:
            self.world.plan, self.book = plan, book
            self.world.tally["edits"] += 1
            self.world.say(f"--- edited: {json.dumps(plan)}")

    def _newest(self) -> str:
        unfinished = self._unfinished()
        return self.world.dice.choice(unfinished) if unfinished else ""

    def _unfinished(self) -> tuple[str, ...]:
        ledgers = self.world.ledgers
        return tuple(run for run in self.journal.runs() if ledgers[run].has_begun and not ledgers[run].ended)

    def _leg(self, run: str) -> ExitCode | None:
        """Walk until the end, a stop or a death; return how it ended, if it did."""
        world, operator = self.world, RandomOperator(self.world, self.journal, run)
        world.is_dead, world.granted = False, None
        world.appends_to_live = world.dice.choice((0, 0, *range(1, 40))) if world.is_wild else 0
        world.dies_before = world.is_wild and world.dice.choice((False, True))
        world.say(f"--- {f'resume {run}' if run else 'walk p0'}")
        world.tally["resumes" if run else "walks"] += 1
        try:
            code = self._resume(run, operator) if run else self._walk(operator)
        except DiedError:
            code = None
        except KeyboardInterrupt:
            code = None
            promise(operator.interrupts, "Ctrl-C out of nowhere")
        except TargetHeldError:
            code = None
            promise(operator.leaves, "the target is held by nobody")
        self._compare()
        if code is ExitCode.DONE and operator.run:
            self._lists_were_walked(operator.run)
        return code

    def _walk(self, operator: RandomOperator) -> ExitCode:
        procedure = self.book.procedures["p0"]
        return walk(procedure, self.book, operator=operator, **self._ports())  # type: ignore[arg-type]

    def _resume(self, run: str, operator: RandomOperator) -> ExitCode:
        return resume(run, self.book, operator=operator, **self._ports())  # type: ignore[arg-type]

    def _ports(self) -> dict[str, object]:
        return {
            "executor": RandomExecutor(self.world),
            "target": self.target,
            "journal": self.journal,
            "clock": self.clock,
            "identity": ME,
            "settings": Settings(environment={}, scratch=self.directory / "state"),
        }

    def _compare(self) -> None:
        for run, ledger in self.world.ledgers.items():
            ledger.compare(fold(self.journal.events(run)))

    def _lists_were_walked(self, run: str) -> None:
        """See that an `each` that is surely on the way had its steps for at least one value."""
        state = fold(self.journal.events(run))
        assert state.header is not None
        for step in self.world.plan[state.header.procedure]["steps"]:
            if "each" in step and list(all_steps(step["steps"])):
                walked = any(path.startswith(f"{step['id']}[") for path in state.steps)
                promise(walked, f"{step['id']} went through no value of {step['each']}")

    def _finished_stays_finished(self) -> None:
        run = next(run for run, ledger in self.world.ledgers.items() if ledger.ended)
        try:
            self._resume(run, RandomOperator(self.world, self.journal, run))
        except UsageError:
            return
        raise BrokenPromiseError("a finished run was resumed")
