"""What a walk works with: the ports, the run's state, and the only way to record an event."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from runbook.engine.comparison import digest_of
from runbook.engine.parameters import holds_secret
from runbook.engine.ports import Clock, Executor, Operator, Screen, Target, Watching
from runbook.engine.project_files import files_of
from runbook.engine.rules import rules_of
from runbook.engine.state import RunState, apply, fold
from runbook.engine.stored_events import without_secrets
from runbook.engine.way import Way, way_of
from runbook.errors import RunbookError, RunTakenOverError, TargetHeldError
from runbook.journal.events import Event, RulesSeen, RunResumed, TakenOver, TargetSeen
from runbook.journal.interface import Holder, Journal
from runbook.journal.liveness import survivors
from runbook.journal.lock_rules import is_same
from runbook.model import Book, Parameter, Procedure, TargetKind
from runbook.policy.redaction import Redactor
from runbook.secret_file import SecretFile
from runbook.steps.destination import Destination
from runbook.steps.migration_files import migration_files

__all__ = ["Context", "Identity", "Ports", "TargetChanged", "difference", "lock_key"]


class TargetChanged(RunbookError):
    """The target is no longer the one that the run was started for."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who walks, and where; `runbook` is this program's version."""

    operator: str
    host: str
    pid: int
    runbook: str
    role: str = ""
    """The name by which the journal itself knows the operator; empty if it knows nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The world as the walk sees it."""

    operator: Operator
    executor: Executor
    target: Target
    journal: Journal
    clock: Clock
    survivors: Callable[[int, str, str], tuple[int, ...] | None] = survivors
    """Finds what is still running of a command (pid, kernel start time, host); None if this host can't tell."""


@dataclass(slots=True, kw_only=True)
class Context:
    """A walk in progress."""

    run: str
    procedure: Procedure
    book: Book
    ports: Ports
    identity: Identity
    scratch: Path
    """A private directory for files that must stay out of the project, such as those being edited."""
    secret_file: SecretFile
    """The file from which a command reads its secrets."""
    dry: bool = False
    state: RunState = field(default_factory=RunState)
    secrets: Mapping[str, str] = field(default_factory=dict)
    takes_snapshots: bool = False
    """Whether to record the target's state before the first write and after the last one."""
    finished: Callable[[str], None] | None = None
    """Called with the run's id once its last event is on disk, before the operator sees it."""
    notify: Callable[[Event, RunState, Procedure], None] | None = None
    """Called with each event once it is recorded."""
    _way: tuple[RunState, Way] | None = None
    _recorded: float | None = None
    """When this process last recorded an event, by the monotonic clock."""
    _redactor: tuple[Mapping[str, str], Redactor] | None = None

    @property
    def target(self) -> TargetSeen:
        """The target as it was last proven or accepted."""
        assert self.state.target is not None
        return self.state.target

    @property
    def way(self) -> Way:
        """The steps of this run, as far as they are known now."""
        if self._way is None or self._way[0] is not self.state:
            reference = self.target.project_ref or self.target.name
            built_ins = {"project_ref": reference, "env_file": self.secret_file.path}
            self._way = (self.state, way_of(self.procedure, self.state, built_ins))
        return self._way[1]

    @property
    def redactor(self) -> Redactor:
        """The redactor for this run's secrets."""
        if self._redactor is None or self._redactor[0] is not self.secrets:
            # A check may have printed a secret's digest, and the digest of a short secret gives the secret away.
            hidden = [text for value in self.secrets.values() for text in (value, digest_of(value))]
            self._redactor = (self.secrets, Redactor(hidden))
        return self._redactor[1]

    def problem_with(self, parameter: Parameter, text: str) -> str:
        """Return why a value can't be stored, "" if it can."""
        return parameter.problem_with(text) or holds_secret(text, self.redactor)

    @property
    def destination(self) -> Destination:
        """Where commands go, and how to write that for the CLI that is installed there."""
        return self.destination_at(self.target)

    def destination_at(self, seen: TargetSeen) -> Destination:
        """Return the destination for a proven target."""
        target, major = self.ports.target, seen.major
        return Destination(
            policy=self.book.policy,
            major=major,
            words=lambda words: target.words(words, major),
            functions_url=target.functions_url,
            migrations=lambda: migration_files(Path(target.directory)),
        )

    def rules_at(self, seen: TargetSeen) -> RulesSeen:
        """Return the rules for this run's commands on that target."""
        return rules_of(self.book, self.procedure, self.destination_at(seen), reference=seen.project_ref)

    def record(
        self, event: Event, screen: Screen | None = None, *, before_telling: Callable[[], None] | None = None
    ) -> None:
        """Write the event, without secrets, to disk, apply it to the state, tell the operator. Raises JournalError."""
        now = self.ports.clock.monotonic()
        if self._recorded is not None:
            event = replace(event, after=round(max(0.0, now - self._recorded), 3))
        self._recorded = now
        event = without_secrets(event, self.redactor.redact)
        self.ports.journal.append(self.run, event)
        self.state = apply(self.state, event)
        if self.notify is not None:
            self.notify(event, self.state, self.procedure)
        if before_telling is not None:
            before_telling()
        self.ports.operator.tell(event, None if screen is None else replace(screen, state=self.state))

    def files(self) -> dict[str, str]:
        """Return a digest for each file of the project that counts; none if the run needs no project."""
        needs_project = self.state.target is None or self.target.kind != TargetKind.MACHINE
        return files_of(Path(self.ports.target.directory)) if needs_project and not self.dry else {}

    def read_again(self) -> None:
        """Take the state from the journal: it may have an event that it didn't confirm. Raises JournalError."""
        self.state = fold(self.ports.journal.events(self.run))

    def during(self, what: str) -> AbstractContextManager[None]:
        """Let the operator show what the walk is waiting for until the `with` block ends."""
        operator = self.ports.operator
        return operator.during(what) if isinstance(operator, Watching) else nullcontext()

    def seconds_so_far(self) -> float:
        """Return how long the run has taken. This process's share is measured by a clock that nobody can set."""
        if self._recorded is not None:
            return self.state.seconds + self.ports.clock.monotonic() - self._recorded
        return self.state.seconds_until(self.ports.clock.now())

    def holder(self, step: str = "") -> Holder:
        """Return how this walk identifies itself in the target's lock."""
        return Holder(
            run=self.run,
            procedure=self.procedure.id,
            operator=self.identity.operator,
            host=self.identity.host,
            pid=self.identity.pid,
            since=self.ports.clock.now() if self.state.header is None else self.state.header.at,
            step=step,
        )

    def hold_on(self, step: str) -> None:
        """Make sure that the target is still ours, and note the step.

        Raises TargetHeldError if it was taken over, and RunTakenOverError if somebody else continues this very run.
        """
        if self.dry:
            return
        journal, ours = self.ports.journal, self.holder(step)
        # Whoever took it over may have released it since: a free lock isn't ours either.
        if not any(is_same(one, ours) for one in journal.holders()):
            raise self._lost()
        other = journal.hold(lock_key(self.target, self.identity, self.ports.target), ours)
        if other is not None:
            raise self._lost(other.operator)

    def _lost(self, holder: str = "somebody") -> TargetHeldError:
        news = self.ports.journal.events(self.run)[self.state.events :]
        taken = [event for event in news if isinstance(event, TakenOver)]
        who, why = (taken[-1].operator, f": {taken[-1].reason}") if taken else (holder, "")
        if any(isinstance(event, RunResumed) for event in news):
            return RunTakenOverError(
                f"{who} took over this run and continues it{why}",
                hint=f"Nothing more runs here. `runbook watch {self.run}` shows what {who} does.",
            )
        return TargetHeldError(
            f"{who} took over the target during this run{why}",
            hint=f"Nothing more ran. Talk to {who}; then `runbook resume {self.run}` continues here.",
        )

    def recheck(self) -> None:
        """Prove the target again, right before a write. Raises TargetChanged with the difference."""
        with self.during("Checking again where commands will land"):
            changed = difference(self.target, self.ports.target.recheck(self.target))
        if changed:
            raise TargetChanged(
                f"the target changed during this run:\n{changed}",
                hint=f"The step didn't run. `runbook resume {self.run}` shows this again and asks.",
            )


def difference(before: TargetSeen, after: TargetSeen) -> str:
    """Return a line-by-line diff of two targets, "" if they are the same."""
    # An older version didn't record the program.
    before = replace(before, program=before.program or after.program)
    lines = difflib.unified_diff(_lines(before), _lines(after), "when the run began", "now", n=9, lineterm="")
    return "\n".join(lines)


def lock_key(seen: TargetSeen, identity: Identity, target: Target) -> str:
    """Return the name under which a target is locked: one per project for everybody, one per directory on a machine."""
    if seen.kind in {TargetKind.LOCAL, TargetKind.MACHINE}:
        return f"{seen.kind}:{identity.host}:{target.directory}"
    return f"{seen.kind}:{seen.name}"


def _lines(seen: TargetSeen) -> list[str]:
    return [f"{field.name}: {getattr(seen, field.name)}" for field in fields(seen)]
