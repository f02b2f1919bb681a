"""Provide ports of a walk that act at random: an operator, an executor and a journal whose process may die."""

from __future__ import annotations

import io
import json
import tarfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runbook.engine.ports import (
    AddNote,
    Back,
    Execution,
    Go,
    GoTo,
    HandOver,
    Reply,
    Resolve,
    RunOwn,
    Screen,
    Skip,
    Stop,
    SwitchTo,
    TakeBack,
    Undecided,
)
from runbook.engine.way import way_of
from runbook.journal.events import Event, Outcome, Purpose, RunStarted, StepFinished, StepStarted, TargetSeen
from runbook.journal.interface import Holder, MemoryJournal
from runbook.model import Parameter, Procedure
from support.ledger import Ledger, StepLedger, promise
from support.random_procedures import Dice, Plan, captured_names
from support.walks import confirm

__all__ = ["DiedError", "MortalJournal", "RandomExecutor", "RandomOperator", "World"]

LEG = 16
"""Answers until an impatient operator stops: fewer than the walk's own patience with answers that lead nowhere."""
PATIENCE = 200
"""As many questions as a patient operator needs at most to finish any of these procedures."""


class DiedError(BaseException):
    """The process is killed here."""


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
    """The process dies after that many more events, or never if it's 0."""
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
        if isinstance(event, StepFinished):
            world.tally[f"{event.purpose} {event.outcome}"] += 1
        shown = " ".join(str(getattr(event, name)) for name in _SHOWN if getattr(event, name, None))
        world.say(f"  {type(event).__name__} {shown}")
        world.ledgers.setdefault(run, Ledger(run)).take(event, world.granted)
        if isinstance(event, StepStarted):
            world.granted = None
        if dies:
            world.die()

    def release(self, target: str, run: str) -> None:
        """Release the target, unless the process is dead."""
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
        understands: Callable[[str], str] | None = None,
    ) -> Execution:
        """End somehow."""
        world = self.world
        fate = world.fate(*next((fates for word, fates in _FATES.items() if word in " ".join(argv))))
        if fate == "dies unborn":
            world.die()
        born(777, "born")
        world.say(f"    ran: {fate}: {' '.join(argv)}")
        if fate == "dies":
            world.die()
        if fate == "interrupted":
            return Execution(outcome=Outcome.INTERRUPTED, exit=None, seconds=1, output="", evidence="Ctrl-C")
        _archive(argv)
        if fate == "passed":
            return Execution(outcome=Outcome.PASSED, exit=0, seconds=1, output=self._output(argv))
        code = 1 if fate == "failed" else 0
        return Execution(outcome=Outcome.FAILED if code else Outcome.PASSED, exit=code, seconds=1, output="")

    def _output(self, argv: Sequence[str]) -> str:
        self.world.counter += 1
        values = dict.fromkeys(sorted(captured_names(self.world.plan)), f"w{self.world.counter}")
        pairs = " ".join(f"{name}={value}" for name, value in values.items())
        return f"ok {' '.join(argv)}\n{pairs}\n{json.dumps(values)}\n"


_FATES: Mapping[str, tuple[str, ...]] = {
    "back-": ("passed", "failed", "failed", "failed", "interrupted", "dies", "dies", "dies unborn"),
    "delete": ("passed", "failed", "failed", "failed", "interrupted", "dies", "dies", "dies unborn"),
    "check": ("passed", "passed", "passed", "failed", "failed", "interrupted", "dies"),
    "": (*("passed",) * 8, "failed", "failed", "interrupted", "empty", "dies", "dies unborn"),
}
"""How a command may end, by a word in it: undos and checks come seldom, and their failures must not be rare."""


def _archive(argv: Sequence[str]) -> None:
    """Write the archive that `git archive` is asked for, which exists whenever git succeeds."""
    wanted = [word.removeprefix("--output=") for word in argv if word.startswith("--output=")]
    for path in wanted:
        with tarfile.open(path, "w") as tar:
            text = b"select 1;\n"
            entry = tarfile.TarInfo(argv[-1])
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))


@dataclass
class RandomOperator:
    """Answers at random while the world is wild, and like a patient person afterwards."""

    world: World
    journal: MortalJournal
    run: str = ""
    """The run that it is asked about, once that has begun."""
    questions: int = 0
    misfits: int = 0
    interrupts: bool = False
    """It pressed Ctrl-C."""
    leaves: bool = False
    """It left the target to its holder, or a changed procedure as it is."""
    seen: Counter[tuple[object, ...]] = field(default_factory=Counter)
    asked_by_tick: str = ""
    introduced: bool = False

    # what it is asked

    def introduce(self, procedure: Procedure, target: Callable[[], TargetSeen]) -> bool:
        """Look at the target and continue. The second time is for the procedure that the first one switched to."""
        self.run = "" if self.introduced else self.run
        self.introduced = True
        target()
        return True

    def give(self, parameter: Parameter, *, problem: str = "") -> str:
        """Give a value that fits, or not."""
        self._question("give", parameter.name)
        ledger = self.world.ledgers.get(self.run)
        if ledger is not None and not parameter.secret and parameter.name != self.asked_by_tick:
            promise(not ledger.is_smooth, f"the checks passed, and there is no value for {parameter.name}")
        misfit = self.world.fate("fits", "fits", "fits", "misfit", "strange") if self.misfits < 3 else "fits"
        self.misfits = self.misfits + 1 if misfit == "misfit" else 0
        # Nothing else looks like a secret: a value that does is refused.
        strange = "-Xq7-zw9" if parameter.secret else "-x"
        text = {"misfit": "", "strange": strange}.get(misfit, self._fitting(parameter))
        self.world.say(f"give {parameter.name}: {text!r}")
        return text

    def decide(self, screen: Screen) -> Reply:
        """Answer at a step that is next."""
        self._question("decide", screen.path, screen.purpose, screen=screen)
        if self.run in self.world.ledgers and screen.purpose is Purpose.RUN:
            self._nothing_unknown("decide", screen)
            one = self.world.ledgers[self.run].steps.get(screen.path, StepLedger())
            again = one.state != "done" or one.undoing or one.again or hasattr(screen.action, "options")
            promise(bool(again), f"{screen.path} is asked for again, and it had passed")
        return self._answer("decide", screen, self._going(screen), screen.purpose, _DECIDE)

    def recover(self, screen: Screen, execution: Execution) -> Reply:
        """Answer after a failure."""
        self._question("recover", screen.path, execution.purpose, screen=screen)
        self._nothing_unknown("recover", screen)
        going = self._going(screen) if self._is_new("recover", screen) else Skip("it does not work")
        return self._answer("recover", screen, going, execution.purpose, _RECOVER)

    def resolve(self, screen: Screen, known: Sequence[str], *, probe: Execution | None) -> Reply:
        """Answer what became of a step."""
        self._question("resolve", screen.path, probe is None, screen=screen)
        what = Undecided.DONE if self.world.dice.choice((True, False)) else Undecided.REDO
        return self._answer("resolve", screen, Resolve(what, "seen"), Purpose.PROBE, _RESOLVE)

    def accept(self, what: str, diff: str) -> bool:
        """Usually accept the change."""
        self.world.say(f"accept {what}")
        self.leaves = self.world.fate("accept", "accept", "accept", "leave") == "leave"
        return not self.leaves

    def take_over(self, holder: Holder) -> str | None:
        """Usually take over."""
        self.leaves = self.world.fate("take", "take", "leave") == "leave"
        self.world.say(f"take over from {holder.run}: {not self.leaves}")
        return None if self.leaves else "it is dead"

    def tell(self, event: Event, screen: Screen | None) -> None:
        """Follow which run this is about, and check that the reported events are on disk."""
        if isinstance(event, RunStarted):
            self.run = event.run
        promise(self.journal.events(self.run)[-1] is event, "an event is told that is not on disk")

    def conclude(self, screen: Screen) -> Reply | None:
        """Have a last look."""
        self._question("conclude", screen.path)
        last = self.world.fate("end", "end", "end", "back", "stop")
        self.world.say(f"conclude: {last}")
        replies: Mapping[str, Reply] = {"back": Back(), "stop": Stop()}
        return replies.get(last)

    # what it answers

    def _question(self, kind: str, *what: object, screen: Screen | None = None) -> None:
        self.questions += 1
        self.world.tally[kind] += 1
        self.world.granted = None
        if screen is not None and self.run in self.world.ledgers:
            self.world.ledgers[self.run].compare(screen.state)
        promise(self.questions <= PATIENCE, f"there is no end of questions: {kind} {what}")
        if not self.world.is_wild and kind != "give":
            key = (kind, *what, len(self.journal.events(self.run)))
            self.seen[key] += 1
            promise(self.seen[key] <= 3, f"{kind} {what} is asked over and over")

    def _is_new(self, kind: str, screen: Screen) -> bool:
        """Return False if the same was asked and nothing has happened since: a patient person tries another way."""
        key = ("tried", kind, screen.path, len(self.journal.events(self.run)))
        self.seen[key] += 1
        return self.seen[key] == 1

    def _nothing_unknown(self, kind: str, screen: Screen) -> None:
        ledger = self.world.ledgers[self.run]
        unknown = [path for path in ledger.unknown if path != screen.path or kind == "decide"]
        unknown = [path for path in unknown if ledger.step(path).undoing != "failed"]  # this the operator has seen
        promise(not unknown, f"{screen.path} is asked for, and the end of {unknown} is not known")

    def _going(self, screen: Screen) -> Go:
        """Return the answer that does the step."""
        action, typed = screen.action, confirm(screen).typed
        self.asked_by_tick = ""
        if screen.draft:
            if not self.world.is_wild:
                Path(screen.draft).write_text("select 1;\n")
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
        has_passed = screen.state.step(screen.path).status.value == "passed"
        captures = kind == "decide" and bool(getattr(screen.step, "capture", ()))
        seldom = ("take back at once",) * (8 * has_passed) + ("skip",) * (8 * captures)
        which = self.world.fate(*options, *seldom)
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
            "go to": GoTo(self._somewhere(screen) if which == "go to" else "", "not needed"),
            "go to without a reason": GoTo(self._somewhere(screen) if "go to" in which else ""),
            "note": AddNote("look at this"),
            "own": RunOwn("git log own"),
            "own refused": RunOwn("supabase db reset --linked"),
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

    def _somewhere(self, screen: Screen) -> str:
        places = way_of(screen.procedure, screen.state).places
        return self.world.dice.choice([place.path for place in places] or [screen.path])

    def _grant(self, screen: Screen, reply: Reply, purpose: Purpose) -> None:
        """Note what this answer confirms: a `Go` the step or its undo, a `TakeBack` with a word the undo."""
        right = {"enter": True, "yes": getattr(reply, "typed", "") == "yes", "name": False}
        right["name"] = getattr(reply, "typed", "") == screen.word
        ledger = self.world.ledgers[self.run]
        looks_back = isinstance(reply, TakeBack) or reply == Resolve(Undecided.PROBE)
        if looks_back and ledger.steps.get(screen.path, StepLedger()).state != "done":
            ledger.is_smooth = False  # what the step itself would have captured may be wanted for that
        if isinstance(reply, TakeBack) and reply.typed:
            self.world.granted = (screen.path, Purpose.UNDO)
        elif isinstance(reply, Go) and (right[screen.confirmation.value] or purpose is Purpose.UNDO):
            self.world.granted = (screen.path, purpose)


_DECIDE = (
    *("go",) * 14,
    *("wrong", "skip", "skip without a reason", "back", "back", "take back", "take back at once"),
    *("stop", "hand over", "switch", "interrupt", "redo", "go to", "go to without a reason", "note", "own"),
    "own refused",
)
_RECOVER = (
    *("go",) * 7,
    *("wrong", "skip", "skip without a reason", "back", "take back", "take back at once", "take back at once"),
    *("stop", "hand over", "switch", "interrupt", "redo", "probe", "go to", "note", "own"),
)
_RESOLVE = (
    *("as drawn",) * 4,
    *("probe", "redo", "done", "take back", "take back at once", "stop", "hand over", "switch", "go", "skip", "back"),
    *("go to", "note", "own"),
)
