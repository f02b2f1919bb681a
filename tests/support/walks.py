"""Build procedures from a few words, and provide the five ports as lists of what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from runbook.engine.context import Identity
from runbook.engine.ports import Execution, Go, ReadCommand, Reply, Resolve, Screen, Stop, Undecided
from runbook.engine.session import Settings, resume, walk
from runbook.errors import ExitCode
from runbook.journal.events import Event, Outcome, TargetSeen
from runbook.journal.interface import Holder, Journal, MemoryJournal
from runbook.model import (
    Action,
    Book,
    Capture,
    Check,
    Effect,
    Expectation,
    Family,
    Mode,
    Parameter,
    Policy,
    Position,
    Procedure,
    Rule,
    SearchWords,
    Section,
    Step,
    SupabaseMajor,
    TargetKind,
    Verdict,
)
from runbook.steps.choose import Choose, Option
from runbook.steps.command import Command
from runbook.steps.sql import Sql
from runbook.steps.tick import Tick

AT = Position("test.yaml", 1, 1)
START = datetime(2026, 11, 23, 1, 20, tzinfo=UTC)
PRODUCTION = TargetSeen("production", "qwertyuiopasdfghjklz", "3.1.0", "production")
ME = Identity("ada", "here", 4242, "0.1")


# --- procedures -------------------------------------------------------------------------------------------------


def command(text: str, **more: object) -> Command:
    """Return a command, split at spaces."""
    return Command(tuple(text.split()), AT, **more)  # type: ignore[arg-type]


def check(text: str, **expect: object) -> Check:
    """Return a check that runs a command."""
    return Check(command(text), Expectation(**expect), AT)  # type: ignore[arg-type]


def step(name: str, action: Action | str, **more: object) -> Step:
    """Return a step; a text is a command."""
    doing = command(action) if isinstance(action, str) else action
    return Step(id=name, title=more.pop("title", name.capitalize()), action=doing, at=AT, **more)  # type: ignore[arg-type]


def tick(name: str, **more: object) -> Step:
    """Return a step that is only ticked."""
    return step(name, Tick(f"Look at {name}"), **more)


def choose(name: str, **options: Sequence[Step]) -> Step:
    """Return a question; each keyword is an answer with the steps that it leads to."""
    return step(name, Choose(tuple(Option(when, tuple(steps), at=AT) for when, steps in options.items())))


def parameter(name: str, **more: object) -> Parameter:
    """Return a parameter."""
    return Parameter(name=name, ask=f"{name}?", example="x", at=AT, **more)  # type: ignore[arg-type]


def procedure(
    *steps: Step,
    name: str = "fix",
    before: Sequence[Step] = (),
    parameters: Sequence[Parameter] = (),
    source: str = "title: Fix\n",
) -> Procedure:
    """Return a procedure with these steps."""
    return Procedure(
        id=name,
        title=name.capitalize(),
        summary="It fixes things.",
        section=Section.WRONG,
        use_when=("It is broken",),
        not_for=(),
        owner="database",
        reviewed=date(2026, 11, 23),
        review_days=90,
        minutes=20,
        mode=Mode.READ_DO,
        needs=(),
        warnings=(),
        parameters=tuple(parameters),
        before=tuple(before),
        steps=tuple(steps),
        after=(),
        related=(),
        drills=(),
        source=source,
        digest=f"digest of {source}",
        at=AT,
    )


def book(*procedures: Procedure) -> Book:
    """Return a book with these procedures and a policy of programs named after what they do."""
    return Book(
        directory="",
        sources={},
        procedures={one.id: one for one in procedures},
        policy=policy(),
        patterns=(),
        advice=(),
        errors=(),
        search=SearchWords(at=AT),
    )


def policy() -> Policy:
    """Return rules for the programs `look`, `change`, `destroy`, `forbidden` and `publish`; any other is unknown.

    `publish` reaches the project, the others its database.
    """
    target = {family: {TargetKind.PRODUCTION: ("--remote",)} for family in Family}
    major = SupabaseMajor(
        major=3,
        proven="3.1.0",
        target=target,
        query=("query", "{{target}}", "{{sql}}"),
        query_read=("look", "{{target}}", "{{sql}}"),
    )
    rules = (
        _rule("look", Effect.READS, Verdict.ALLOW),
        _rule("change", Effect.WRITES, Verdict.ALLOW),
        _rule("destroy", Effect.DESTROYS, Verdict.CONFIRM),
        _rule("forbidden", Effect.DESTROYS, Verdict.REFUSE),
        _rule("publish", Effect.WRITES, Verdict.ALLOW, Family.PROJECT),
    )
    return Policy(rules=rules, global_value_flags={}, remote_flags=("--remote",), majors={3: major})


def _rule(program: str, effect: Effect, verdict: Verdict, reaches: Family = Family.DATABASE) -> Rule:
    return Rule(
        id=program,
        program=program,
        command=(),
        reaches=reaches,
        effect=effect,
        remote=verdict,
        local=verdict,
        reason=f"{program} does what it says",
        options=("--remote",),
        instead="do something else" if verdict is Verdict.REFUSE else "",
        at=AT,
    )


# --- ports ------------------------------------------------------------------------------------------------------

Answer = Reply | Callable[[Screen], Reply] | BaseException


def confirm(screen: Screen) -> Go:
    """Type exactly what the screen asks for."""
    return Go(typed={"enter": "", "yes": "yes", "name": screen.word}[screen.confirmation.value])


@dataclass
class FakeOperator:
    """Gives the answers of a script, one after the other, then confirms everything; writes down what it is asked."""

    script: list[Answer] = field(default_factory=list)
    values: Mapping[str, str | list[str]] = field(default_factory=dict)
    take: str | None = None
    accepts: bool = True
    log: list[tuple[object, ...]] = field(default_factory=list)
    screens: list[Screen] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)
    diffs: list[str] = field(default_factory=list)

    def introduce(self, procedure: Procedure, target: Callable[[], TargetSeen]) -> bool:
        """Look at the target and go on."""
        self.log.append(("introduce", procedure.id, target().name))
        return True

    def give(self, parameter: Parameter, *, problem: str = "") -> str:
        """Return the value from `values`; a list there is used up one by one."""
        self.log.append(("give", parameter.name, problem))
        given = self.values[parameter.name]
        return given if isinstance(given, str) else given.pop(0)

    def decide(self, screen: Screen) -> Reply:
        """Return the next answer."""
        self.log.append(("decide", screen.path, screen.confirmation.value))
        return self._next(screen, confirm)

    def recover(self, screen: Screen, execution: Execution) -> Reply:
        """Return the next answer; without one, stop."""
        self.log.append(("recover", screen.path, execution.purpose.value, execution.evidence))
        return self._next(screen, lambda _: Stop())

    def resolve(self, screen: Screen, known: Sequence[str], *, probe: Execution | None) -> Reply:
        """Return the next answer; without one, say that it was done."""
        self.log.append(("resolve", screen.path, probe.outcome.value if probe else None, *known))
        return self._next(screen, lambda _: Resolve(Undecided.DONE, "seen"))

    def accept(self, what: str, diff: str) -> bool:
        """Accept the change, or don't."""
        self.log.append(("accept", what))
        self.diffs.append(diff)
        return self.accepts

    def take_over(self, holder: Holder) -> str | None:
        """Return the reason, if there is one."""
        self.log.append(("take_over", holder.run, holder.alive))
        return self.take

    def tell(self, event: Event, screen: Screen | None) -> None:
        """Note the event."""
        self.told.append(event)

    def _next(self, screen: Screen, otherwise: Callable[[Screen], Reply]) -> Reply:
        self.screens.append(screen)
        answer = self.script.pop(0) if self.script else otherwise
        if isinstance(answer, BaseException):
            raise answer
        return answer(screen) if callable(answer) else answer


Ending = Execution | BaseException | Callable[[Sequence[str]], Execution]


def ended(exit_code: int = 0, output: str = "", outcome: Outcome = Outcome.PASSED) -> Execution:
    """Return how a command ended."""
    return Execution(outcome=outcome, exit=exit_code, seconds=1.5, output=output)


INTERRUPTED = Execution(outcome=Outcome.INTERRUPTED, exit=None, seconds=2, output="", evidence="ended by SIGINT")


@dataclass
class FakeExecutor:
    """Runs nothing. Ends each command as `endings` says for its first words, by default well."""

    endings: dict[str, Ending | list[Ending]] = field(default_factory=dict)
    ran: list[tuple[str, ...]] = field(default_factory=list)
    environments: list[Mapping[str, str]] = field(default_factory=list)
    secrets: list[tuple[str, ...]] = field(default_factory=list)

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
        """Note the argv and end."""
        born(777, "born")
        self.ran.append(tuple(argv))
        self.environments.append(environment)
        self.secrets.append(tuple(secrets))
        ending = self._ending(argv)
        if isinstance(ending, BaseException):
            raise ending
        return ending(argv) if callable(ending) else ending

    def read_in_parallel(
        self,
        commands: Sequence[ReadCommand],
        *,
        directory: str,
        timeout: float,
        born: Callable[[int, str], None],
        secrets: Sequence[str] = (),
    ) -> Sequence[Execution]:
        """Run them one after the other."""
        return [
            self.execute(
                one.argv,
                environment=one.environment,
                directory=directory,
                timeout=timeout,
                born=born,
                secrets=secrets,
            )
            for one in commands
        ]

    def _ending(self, argv: Sequence[str]) -> Ending:
        text = " ".join(argv)
        found = next((ending for start, ending in self.endings.items() if text.startswith(start)), ended())
        return found.pop(0) if isinstance(found, list) else found


@dataclass
class FakeTarget:
    """A target that is what `seen` says; `later` is what it turns into when it is proven again."""

    seen: TargetSeen = PRODUCTION
    later: TargetSeen | None = None
    directory: str = "/project"
    proofs: int = 0

    def prove(self) -> TargetSeen:
        """Return what it is."""
        self.proofs += 1
        return self.seen

    def recheck(self, seen: TargetSeen) -> TargetSeen:
        """Return what it is by now."""
        self.proofs += 1
        return self.later or self.seen

    def words(self, argv_template: Sequence[str], major: int) -> tuple[str, ...]:
        """Return the words of CLI 3."""
        return ("--remote",)

    def functions_url(self) -> str:
        """Return an address that exists nowhere."""
        return "https://functions.invalid/functions/v1"

    def environment(self) -> Mapping[str, str]:
        """Return one variable, to see that it arrives."""
        return {"FROM_TARGET": "1"}


@dataclass
class FixedClock:
    """Stands at START; each look moves it on by a second, each wait by its length."""

    moment: datetime = START
    waited: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        """Return the time."""
        self.moment += timedelta(seconds=1)
        return self.moment

    def monotonic(self) -> float:
        """Return the time as seconds, without moving on."""
        return self.moment.timestamp()

    def wait(self, seconds: float) -> None:
        """Note the wait."""
        self.waited.append(seconds)
        self.moment += timedelta(seconds=seconds)


@dataclass
class Walked:
    """A walk with fakes: what went in, and after `begin` or `resume` what came out."""

    book: Book
    scratch: Path
    operator: FakeOperator = field(default_factory=FakeOperator)
    executor: FakeExecutor = field(default_factory=FakeExecutor)
    target: FakeTarget = field(default_factory=FakeTarget)
    journal: Journal = field(default_factory=MemoryJournal)
    clock: FixedClock = field(default_factory=FixedClock)
    identity: Identity = ME
    environment: Mapping[str, str] = field(default_factory=dict)
    finished: list[str] = field(default_factory=list)

    def begin(self, procedure: str = "fix", /, *, dry: bool = False, **values: str) -> ExitCode:
        """Walk a procedure of the book."""
        return walk(
            self.book.procedures[procedure],
            self.book,
            operator=self.operator,
            executor=self.executor,
            target=self.target,
            journal=self.journal,
            clock=self.clock,
            identity=self.identity,
            values=values,
            dry=dry,
            settings=self._settings(),
        )

    def resume(self, run: str = "") -> ExitCode:
        """Go on with a run, by default the newest."""
        return resume(
            run or self.run,
            self.book,
            operator=self.operator,
            executor=self.executor,
            target=self.target,
            journal=self.journal,
            clock=self.clock,
            identity=self.identity,
            settings=self._settings(),
        )

    def again(self, *answers: Answer, **more: object) -> Walked:
        """Return the same walk for another go, with a new operator and executor."""
        fresh = replace(self, operator=FakeOperator(list(answers)), executor=FakeExecutor())
        return replace(fresh, **more)  # type: ignore[arg-type]

    @property
    def run(self) -> str:
        """The newest run."""
        return self.journal.runs()[0]

    @property
    def events(self) -> list[tuple[str, ...]]:
        """The newest run's events as short tuples."""
        return short(self.journal.events(self.run))

    def _settings(self) -> Settings:
        return Settings(
            environment=self.environment, scratch=self.scratch, finished=self.finished.append, takes_snapshots=True
        )


def short(events: Iterable[Event]) -> list[tuple[str, ...]]:
    """Return each event as its kind and what tells it from others of the kind."""
    names = ("step", "purpose", "outcome", "option", "reason", "decision", "what", "name")
    return [
        (type(event).__name__, *(str(getattr(event, name)) for name in names if getattr(event, name, None)))
        for event in events
    ]


__all__ = [
    "AT",
    "INTERRUPTED",
    "ME",
    "PRODUCTION",
    "START",
    "Answer",
    "Capture",
    "Ending",
    "FakeExecutor",
    "FakeOperator",
    "FakeTarget",
    "FixedClock",
    "Sql",
    "Walked",
    "book",
    "check",
    "choose",
    "command",
    "confirm",
    "ended",
    "parameter",
    "policy",
    "procedure",
    "short",
    "step",
    "tick",
]
