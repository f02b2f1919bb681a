"""A walk with random answers, failures, deaths and edits, and a model of what it must never do.

`Sequence` is one life of a run: legs that end in a stop or in the process's death, then a patient operator that
finishes it. `Ledger` reads the run's events and says at once what must not have happened.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from support.random_procedures import Dice, Plan, all_steps, captured_names, edit, open_plan, random_plan, write_shared
from support.walks import ME, PRODUCTION, FakeTarget, FixedClock, confirm

from runbook.engine.events import (
    ChangeAccepted,
    Decision,
    Event,
    Outcome,
    Purpose,
    RunFinished,
    RunStarted,
    StepFinished,
    SteppedBack,
    StepResolved,
    StepSkipped,
    StepStarted,
    TargetSeen,
    ValueGiven,
)
from runbook.engine.ports import (
    Back,
    Execution,
    Go,
    HandOver,
    Holder,
    Reply,
    Resolve,
    Screen,
    Skip,
    Stop,
    SwitchTo,
    TakeBack,
    Undecided,
)
from runbook.engine.session import Settings, resume, walk
from runbook.engine.state import RunState, fold
from runbook.errors import ExitCode, RunbookError, TargetHeldError, UsageError
from runbook.journal import MemoryJournal
from runbook.model import Book, Parameter, Procedure

__all__ = ["BrokenPromiseError", "DiedError", "Ledger", "RandomWalk"]

LEG = 16
"""Answers until an impatient operator stops: fewer than the walk's own patience with answers that lead nowhere."""
PATIENCE = 200
"""Questions that must be enough for a patient operator to get to the end of any of these procedures."""
CLI_2 = TargetSeen("production", PRODUCTION.name, "2.122.1")


class DiedError(BaseException):
    """The process is killed here."""


class BrokenPromiseError(Exception):
    """The walk did what it must never do."""


# --- what must hold ---------------------------------------------------------------------------------------------


@dataclass
class StepLedger:
    """What became of one step, told from its events alone."""

    state: str = "open"
    """`open`, `running` (started, its end unknown) or `done`."""
    undoing: str = ""
    """`running` or `failed`, while an undo is neither done nor given up."""
    writes: bool = False
    undo_writes: bool = False
    again: bool = False
    """The operator went back since: it may be done once more, if they confirm it."""


@dataclass
class Ledger:
    """One run's events, kept by rules that don't know the engine."""

    run: str
    steps: dict[str, StepLedger] = field(default_factory=dict)
    given: set[tuple[str, str]] = field(default_factory=set)
    """(step, name) of the values given by hand, while nothing happened that makes them void."""
    is_smooth: bool = True
    """No step was skipped or taken as done, and the procedure is what it was: no value may be missing."""
    ended: bool = False

    def take(self, event: Event, granted: tuple[str, Purpose] | None) -> None:
        """Enter an event. Raises BrokenPromiseError; `granted` is what the operator just confirmed."""
        match event:
            case StepStarted():
                self._started(event, granted)
            case StepFinished():
                self._finished(event)
            case StepResolved():
                self._resolved(event)
            case StepSkipped():
                self.is_smooth = False
            case SteppedBack():
                for one in self.steps.values():
                    one.again = True
                self.given.clear()
            case ChangeAccepted():
                self.is_smooth = False
                self.given.clear()
            case ValueGiven():
                self._given(event)
            case RunFinished():
                self._ended()
            case _:
                pass
        if isinstance(event, StepStarted | StepFinished | StepSkipped | StepResolved):
            self.given = {key for key in self.given if key[0] != event.step}

    def step(self, path: str) -> StepLedger:
        """Return what is known of a step."""
        return self.steps.setdefault(path, StepLedger())

    @property
    def unknown(self) -> list[str]:
        """Steps that started, or whose undo did, and whose end is not known."""
        return [path for path, one in self.steps.items() if "running" in {one.state, one.undoing}]

    def compare(self, state: RunState) -> None:
        """Hold the run's folded state against this. Raises BrokenPromiseError."""
        for path, one in self.steps.items():
            status = state.step(path).status.value
            if one.state == "done" and not one.undoing:
                _promise(status == "passed", f"the finished step {path} is {status}")
            if "running" in {one.state, one.undoing} and one.undoing != "failed":
                _promise(status in {"running", "unknown"}, f"the end of {path} is not known, and it is {status}")
            if one.state == "open" and not one.undoing:
                _promise(status != "passed", f"{path} was not done, or taken back, and it is {status}")

    def _started(self, event: StepStarted, granted: tuple[str, Purpose] | None) -> None:
        if event.purpose not in {Purpose.RUN, Purpose.UNDO}:
            return
        one = self.step(event.step)
        writes = event.effect != "reads"
        if writes:
            wanted = (event.step, event.purpose)
            _promise(granted == wanted, f"{event.purpose} of {event.step} was not confirmed: {granted}")
        if event.purpose is Purpose.UNDO:
            one.undoing, one.undo_writes, one.again = "running", writes, False
            return
        if writes:
            _promise(one.state != "running", f"{event.step} runs again, and how it ended is not known")
            _promise(one.state != "done" or one.again, f"{event.step} runs again, and it had passed")
        one.state, one.undoing, one.writes, one.again = "running", "", writes, False

    def _finished(self, event: StepFinished) -> None:
        one = self.step(event.step)
        if event.purpose is Purpose.RUN:
            lost = "running" if one.writes else "open"
            ends = {Outcome.PASSED: "done", Outcome.FAILED: "open", Outcome.INTERRUPTED: lost}
            one.state = ends[event.outcome]
        elif event.purpose is Purpose.UNDO and event.outcome is Outcome.PASSED:
            one.state, one.undoing = "open", ""
        elif event.purpose is Purpose.UNDO:
            one.undoing = "running" if event.outcome is Outcome.INTERRUPTED and one.undo_writes else "failed"

    def _resolved(self, event: StepResolved) -> None:
        one, done = self.step(event.step), event.decision is Decision.DONE
        if one.undoing:
            one.undoing = ""
            one.state = "open" if done else one.state
        else:
            one.state = "done" if done else "open"
            self.is_smooth = self.is_smooth and not done

    def _given(self, event: ValueGiven) -> None:
        key = (event.step, event.name)
        _promise(key not in self.given, f"{event.name} is asked for again")
        self.given.add(key)

    def _ended(self) -> None:
        _promise(not self.unknown, f"the run finished, and the end of {self.unknown} is not known")
        _promise(not self.ended, "the run finished twice")
        self.ended = True


def _promise(kept: bool, otherwise: str) -> None:
    if not kept:
        raise BrokenPromiseError(otherwise)


# --- the ports --------------------------------------------------------------------------------------------------


@dataclass
class World:
    """What the ports of one sequence share."""

    dice: Dice
    tally: Counter[str]
    plan: Plan = field(default_factory=dict)
    is_wild: bool = True
    ledgers: dict[str, Ledger] = field(default_factory=dict)
    granted: tuple[str, Purpose] | None = None
    """The step and the purpose that the operator's last answer confirmed."""
    appends_to_live: int = 0
    """The process dies at that many more events; 0: it does not."""
    dies_before: bool = False
    """The event that the process dies at does not reach the disk."""
    is_dead: bool = False
    counter: int = 0
    log: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Note what happened, for whoever reads a failure."""
        self.log.append(text)

    def fate(self, *options: str) -> str:
        """Return one of the options; with a patient operator always the first."""
        return self.dice.choice(options) if self.is_wild else options[0]

    def die(self) -> None:
        """Kill the process."""
        self.is_dead = True
        self.tally["deaths"] += 1
        self.say("DIED")
        raise DiedError


class MortalJournal(MemoryJournal):
    """Outlives the process, which may die at any event: with it on disk, or just before."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def append(self, run: str, event: Event) -> None:
        """Keep the event, or die."""
        world = self._world
        if world.is_dead:
            raise DiedError
        world.appends_to_live -= 1
        dies = world.appends_to_live == 0
        if dies and world.dies_before:
            world.die()
        super().append(run, event)
        world.tally[type(event).__name__] += 1
        shown = " ".join(str(getattr(event, name)) for name in _SHOWN if getattr(event, name, None))
        world.say(f"  {type(event).__name__} {shown}")
        world.ledgers.setdefault(run, Ledger(run)).take(event, world.granted)
        if isinstance(event, StepStarted):
            world.granted = None
        if dies:
            world.die()

    def release(self, target: str, run: str) -> None:
        """Give the target back, unless nobody lives who could."""
        if not self._world.is_dead:
            super().release(target, run)


_SHOWN = ("step", "purpose", "outcome", "effect", "option", "reason", "decision", "name", "value", "argv")


@dataclass
class RandomExecutor:
    """Runs nothing: each command passes, fails, is interrupted, or takes the process with it."""

    world: World

    def execute(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: str,
        timeout: float | None,
        born: Callable[[int, str], None],
        secrets: Sequence[str] = (),
    ) -> Execution:
        """End somehow."""
        world = self.world
        fate = world.fate(*("passed",) * 7, "failed", "failed", "interrupted", "empty", "dies", "dies unborn")
        if fate == "dies unborn":
            world.die()
        born(777, "born")
        world.say(f"    ran: {fate}: {' '.join(argv)}")
        if fate == "dies":
            world.die()
        if fate == "interrupted":
            return Execution(outcome=Outcome.INTERRUPTED, exit=None, seconds=1, output="", evidence="Ctrl-C")
        if fate == "passed":
            _archive(argv)
            return Execution(outcome=Outcome.PASSED, exit=0, seconds=1, output=self._output(argv))
        code = 1 if fate == "failed" else 0
        return Execution(outcome=Outcome.FAILED if code else Outcome.PASSED, exit=code, seconds=1, output="")

    def _output(self, argv: Sequence[str]) -> str:
        self.world.counter += 1
        values = {name: f"w{self.world.counter}" for name in sorted(captured_names(self.world.plan))}
        pairs = " ".join(f"{name}={value}" for name, value in values.items())
        return f"ok {' '.join(argv)}\n{pairs}\n{json.dumps(values)}\n"


def _archive(argv: Sequence[str]) -> None:
    """Write the archive that `git archive` is asked for."""
    wanted = [word.removeprefix("--output=") for word in argv if word.startswith("--output=")]
    for path in wanted:
        with tarfile.open(path, "w") as tar:
            text = b"select 1;\n"
            entry = tarfile.TarInfo(argv[-1])
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))


@dataclass
class RandomOperator:
    """Answers anything while the world is wild, and afterwards what a patient person would."""

    world: World
    journal: MortalJournal
    run: str = ""
    """The run that it is asked about, once that has begun."""
    questions: int = 0
    misfits: int = 0
    interrupts: bool = False
    """It pressed Ctrl-C."""
    leaves: bool = False
    """It left the target to who holds it, or a changed procedure as it is."""
    seen: Counter[tuple[object, ...]] = field(default_factory=Counter)
    asked_by_tick: str = ""
    introduced: bool = False

    # what it is asked

    def introduce(self, procedure: Procedure, target: Callable[[], TargetSeen]) -> bool:
        """Look at the target and go on; a second time, it is for the procedure that the first was left for."""
        self.run = "" if self.introduced else self.run
        self.introduced = True
        target()
        return True

    def give(self, parameter: Parameter, *, problem: str = "") -> str:
        """Give a value that fits, or not."""
        self._question("give", parameter.name)
        ledger = self.world.ledgers.get(self.run)
        if ledger is not None and not parameter.secret and parameter.name != self.asked_by_tick:
            _promise(not ledger.is_smooth, f"the checks passed, and there is no value for {parameter.name}")
        misfit = self.world.fate("fits", "fits", "fits", "misfit", "strange") if self.misfits < 3 else "fits"
        self.misfits = self.misfits + 1 if misfit == "misfit" else 0
        text = {"misfit": "", "strange": "-x"}.get(misfit, self._fitting(parameter))
        self.world.say(f"give {parameter.name}: {text!r}")
        return text

    def decide(self, screen: Screen) -> Reply:
        """Answer at a step that is next."""
        self._question("decide", screen.path, screen.purpose, screen=screen)
        if self.run in self.world.ledgers and screen.purpose is Purpose.RUN:
            self._nothing_unknown(screen)
            one = self.world.ledgers[self.run].steps.get(screen.path, StepLedger())
            again = one.state != "done" or one.undoing or one.again or hasattr(screen.action, "options")
            _promise(bool(again), f"{screen.path} is asked for again, and it had passed")
        return self._answer("decide", screen, self._going(screen), screen.purpose, _DECIDE)

    def recover(self, screen: Screen, execution: Execution) -> Reply:
        """Answer after a failure."""
        self._question("recover", screen.path, execution.purpose, screen=screen)
        self._nothing_unknown(screen)
        going = self._going(screen) if self._is_new("recover", screen) else Skip("it does not work")
        return self._answer("recover", screen, going, execution.purpose, _RECOVER)

    def resolve(self, screen: Screen, known: Sequence[str], *, probe: Execution | None) -> Reply:
        """Answer what became of a step."""
        self._question("resolve", screen.path, probe is None, screen=screen)
        what = Undecided.DONE if self.world.dice.choice((True, False)) else Undecided.REDO
        return self._answer("resolve", screen, Resolve(what, "seen"), Purpose.PROBE, _RESOLVE)

    def accept(self, what: str, diff: str) -> bool:
        """Go on with what changed, mostly."""
        self.world.say(f"accept {what}")
        self.leaves = self.world.fate("accept", "accept", "accept", "leave") == "leave"
        return not self.leaves

    def take_over(self, holder: Holder) -> str | None:
        """Take over, mostly."""
        self.leaves = self.world.fate("take", "take", "leave") == "leave"
        self.world.say(f"take over from {holder.run}: {not self.leaves}")
        return None if self.leaves else "it is dead"

    def tell(self, event: Event, screen: Screen | None) -> None:
        """Follow which run this is about, and see that what is told is on disk."""
        if isinstance(event, RunStarted):
            self.run = event.run
        _promise(self.journal.events(self.run)[-1] is event, "an event is told that is not on disk")

    def conclude(self, screen: Screen) -> Reply | None:
        """Have a last look."""
        self._question("conclude", screen.path)
        last = self.world.fate("end", "end", "end", "back", "stop")
        self.world.say(f"conclude: {last}")
        return {"back": Back(), "stop": Stop()}.get(last)

    # what it answers

    def _question(self, kind: str, *what: object, screen: Screen | None = None) -> None:
        self.questions += 1
        self.world.tally[kind] += 1
        self.world.granted = None
        if screen is not None and self.run in self.world.ledgers:
            self.world.ledgers[self.run].compare(screen.state)
        _promise(self.questions <= PATIENCE, f"there is no end of questions: {kind} {what}")
        if not self.world.is_wild and kind != "give":
            key = (kind, *what, len(self.journal.events(self.run)))
            self.seen[key] += 1
            _promise(self.seen[key] <= 3, f"{kind} {what} is asked over and over")

    def _is_new(self, kind: str, screen: Screen) -> bool:
        """Return False if the same was asked and nothing has happened since: a patient person tries another way."""
        key = ("tried", kind, screen.path, len(self.journal.events(self.run)))
        self.seen[key] += 1
        return self.seen[key] == 1

    def _nothing_unknown(self, screen: Screen) -> None:
        unknown = self.world.ledgers[self.run].unknown
        _promise(not unknown, f"{screen.path} is asked for, and the end of {unknown} is not known")

    def _going(self, screen: Screen) -> Go:
        """Return the answer that does the step."""
        action, typed = screen.action, confirm(screen).typed
        self.asked_by_tick = ""
        if screen.draft:
            return Go(typed=typed, value=screen.draft)
        if hasattr(action, "options"):
            return Go(value=self.world.dice.choice([option.when for option in action.options]))
        asks = getattr(action, "asks", None)
        if asks is None:
            return Go(typed=typed)
        self.asked_by_tick = asks.name
        return Go(typed=typed, value=self._fitting(asks))

    def _fitting(self, parameter: Parameter) -> str:
        return parameter.choices[0] if parameter.choices else parameter.example or "x"

    def _answer(self, kind: str, screen: Screen, going: Reply, purpose: Purpose, options: Sequence[str]) -> Reply:
        which = self.world.fate(*options)
        if self.world.is_wild and self.questions >= LEG:
            which = "stop"
        reply = self._reply(which, screen, going)
        self.world.say(f"{kind} {screen.path} ({purpose}): {which} {reply}")
        self._grant(screen, reply, Purpose.UNDO if purpose is Purpose.UNDO else Purpose.RUN)
        if which == "interrupt":
            self.interrupts = True
            raise KeyboardInterrupt
        return reply

    def _reply(self, which: str, screen: Screen, going: Reply) -> Reply:
        other = self.world.dice.choice(tuple(self.world.plan)) if which == "switch" else ""
        replies: Mapping[str, Reply] = {
            "wrong": Go(typed="maybe", value="nothing like it"),
            "skip": Skip("not needed"),
            "skip without a reason": Skip(""),
            "back": Back(),
            "take back": TakeBack(),
            "take back at once": TakeBack("yes"),
            "stop": Stop(),
            "hand over": HandOver("mind the step", "grace"),
            "switch": SwitchTo(other),
            "redo": Resolve(Undecided.REDO, "once more"),
            "probe": Resolve(Undecided.PROBE),
            "done": Resolve(Undecided.DONE, "seen"),
        }
        return replies.get(which, going)

    def _grant(self, screen: Screen, reply: Reply, purpose: Purpose) -> None:
        """Note what this answer confirms: a `Go` the step or its undo, a `TakeBack` with a word the undo."""
        right = {"enter": True, "yes": getattr(reply, "typed", "") == "yes", "name": False}
        right["name"] = getattr(reply, "typed", "") == screen.word
        if isinstance(reply, TakeBack) and reply.typed:
            self.world.granted = (screen.path, Purpose.UNDO)
        elif isinstance(reply, Go) and (right[screen.confirmation.value] or purpose is Purpose.UNDO):
            self.world.granted = (screen.path, purpose)


_DECIDE = (
    *("go",) * 14,
    *("wrong", "skip", "skip without a reason", "back", "back", "take back", "take back at once"),
    *("stop", "hand over", "switch", "interrupt", "redo"),
)
_RECOVER = (
    *("go",) * 6,
    *("wrong", "skip", "skip without a reason", "back", "take back", "take back at once", "take back at once"),
    *("stop", "hand over", "switch", "interrupt", "redo", "probe"),
)
_RESOLVE = (
    *("as drawn",) * 4,
    *("probe", "redo", "done", "take back", "take back at once", "stop", "hand over", "switch", "go", "skip", "back"),
)


# --- one sequence -----------------------------------------------------------------------------------------------


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
        """Return a walk of a new random book, None if the checks refuse the book."""
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
        if not self.journal.runs():
            self._leg("")
        for run in self._unfinished():
            code = self._leg(run)
            _promise(code is ExitCode.DONE, f"a patient operator does not get to the end of {run}: {code}")
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
        return tuple(run for run in self.journal.runs() if not self.world.ledgers[run].ended)

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
            _promise(operator.interrupts, "Ctrl-C out of nowhere")
        except TargetHeldError:
            code = None
            _promise(operator.leaves, "the target is held by nobody")
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
        """An `each` that is surely on the way had its steps for at least one value."""
        state = fold(self.journal.events(run))
        assert state.header is not None
        for step in self.world.plan[state.header.procedure]["steps"]:
            if "each" in step and list(all_steps(step["steps"])):
                walked = any(path.startswith(f"{step['id']}[") for path in state.steps)
                _promise(walked, f"{step['id']} went through no value of {step['each']}")

    def _finished_stays_finished(self) -> None:
        run = self.world.dice.choice(self.journal.runs())
        try:
            self._resume(run, RandomOperator(self.world, self.journal, run))
        except UsageError:
            return
        raise BrokenPromiseError("a finished run was resumed")


_ = cast, RunbookError
