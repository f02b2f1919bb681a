"""The unattended operator of a drill. It gives the answers that the book gives for a person, and no others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from runbook.engine.ports import (
    Back,
    Confirmation,
    Execution,
    Go,
    Reply,
    Resolve,
    Screen,
    Skip,
    Stop,
    SwitchTo,
    TakeBack,
    Undecided,
)
from runbook.errors import RunbookError
from runbook.expansion import plain_path
from runbook.journal.events import Event, OptionChosen, Outcome, StepFinished, StepSkipped, TargetSeen
from runbook.journal.interface import Holder
from runbook.model import Answer, Parameter, Procedure
from runbook.printable import one_line

__all__ = ["NO_REASON", "AutoOperator", "StuckError", "answer_cli"]

NO_REASON = "the drill stops here"
"""The reason for a stop if the drill's reaction doesn't give one."""

_ASKS_FOR_A_KEY = re.compile(r"Yes\s*/\s*[^\n]*No\W*\Z")
_ASKS_FOR_A_LINE = re.compile(r"\[[yY]/[nN]\]\W*\Z")
"""What CLI 2.122 asks at `migration fetch`. Without an answer, it continues by itself after ten minutes."""
_PATIENCE = 10
"""How often one step may fail before the drill gives up. Otherwise a reaction that never helps would repeat forever."""


class StuckError(RunbookError):
    """The drill reached a place for which it has no answer: the procedure and its drill don't fit together."""


def answer_cli(printed: str) -> bytes | None:
    """Answer the CLI's own question with yes. This is allowed only in a sandbox; see `runbook.runtime.executor`."""
    asked = printed.rstrip()
    if _ASKS_FOR_A_LINE.search(asked):
        return b"y\r"
    return b"y" if _ASKS_FOR_A_KEY.search(asked) else None


@dataclass(slots=True)
class AutoOperator:
    """Answers from a drill's `answers`, by parameter name or step id, and `reactions`, by step id.

    The answers in a list are used one after the other, and the last one repeatedly. Raises StuckError if none fits.
    """

    answers: Mapping[str, Answer]
    reactions: Mapping[str, Answer] = field(default_factory=dict)
    say: Callable[[str], None] = lambda _: None
    _used: dict[str, int] = field(default_factory=dict)
    _failures: Counter[str] = field(default_factory=Counter)

    def introduce(self, procedure: Procedure, target: Callable[[], TargetSeen]) -> bool:
        """Begin as soon as the target is proved."""
        seen = target()
        self.say(f"{procedure.title}  DRILL {seen.name}  (supabase {seen.cli})")
        return True

    def give(self, parameter: Parameter, *, problem: str = "") -> str:
        """Return the answer for that parameter, or its default."""
        answer = self.answers.get(parameter.name, parameter.default)
        # A problem means that the answer was refused. Giving it again would repeat that forever.
        if answer is None or problem:
            why = f" ({problem})" if problem else ""
            raise StuckError(f"the drill has no answer for '{parameter.name}'{why}", hint=parameter.ask)
        return answer if isinstance(answer, str) else ",".join(answer)

    def decide(self, screen: Screen) -> Reply:
        """Do the step, with what the drill says a person sees, chooses or writes there.

        A reaction to a command is used when the command has failed, except for `leave`, which skips it. At a tick, a
        person judges, so it's used first.
        """
        if screen.starts_by_itself:
            return Go()
        planned = self.reactions.get(screen.step.id, "")
        comes_first = screen.action.is_seen_by_person or str(planned).startswith("leave:")
        reaction = self._next(self.reactions, screen) if comes_first else None
        if reaction not in {None, "go"}:
            return _reaction(str(reaction), screen)

        def given(*names: str, one_of: Sequence[str] = (), is_needed: bool = False) -> str | None:
            """Return the drill's answer. Raises StuckError if a needed one is missing or isn't one of the options."""
            answer = self._next(self.answers, screen, *names)
            if answer is None and is_needed:
                hint = f"Add `{screen.step.id}: …` to its answers."
                raise StuckError(f"the drill has no answer at '{screen.path}'", hint=hint)
            if answer is not None and one_of and answer not in one_of:
                hint = f"Options: {'; '.join(one_of)}"
                raise StuckError(f"the drill answers '{answer}' at '{screen.path}'", hint=hint)
            return answer

        return Go(typed=_typed(screen), value=screen.action.drill_answer(given, screen.draft))

    def pause(self, seconds: float) -> float:
        """End every pause at once."""
        del seconds
        return 0.0

    def recover(self, screen: Screen, execution: Execution) -> Reply:
        """React to a failure here as the drill says. Without a reaction, the drill has failed."""
        reaction = self._next(self.reactions, screen)
        self._failures[screen.path] += 1
        if reaction is None or self._failures[screen.path] > _PATIENCE:
            times = "" if reaction is None else f" {_PATIENCE} times more"
            last = one_line(execution.output)[-300:]
            gist = "; ".join(part for part in (execution.evidence, last) if part) or f"exit {execution.exit}"
            return Stop(f"step '{screen.step.id}' failed{times}: {gist}")
        return _reaction(reaction, screen)

    def resolve(self, screen: Screen, known: Sequence[str], *, probe: Execution | None) -> Reply:
        """Run the step's check before deciding, then trust it."""
        del known  # sentences for a person
        # A reaction is for what the check found, so it's used up only once the check has run, or if there is none.
        reaction = self._next(self.reactions, screen) if probe is not None or screen.step.verify is None else None
        if reaction not in {None, "probe"}:
            return _reaction(str(reaction), screen)
        if probe is None and screen.step.verify is not None:
            return Resolve(Undecided.PROBE)
        if probe is None:
            return Stop(f"nobody knows how step '{screen.step.id}' ended, and it has no check")
        passed = probe.outcome is Outcome.PASSED
        return Resolve(Undecided.DONE if passed else Undecided.REDO, note="by the step's own check")

    def accept(self, what: str, diff: str) -> bool:
        """Accept no change: a drill's procedure and target stay what they are."""
        self.say(f"  the {what} changed:\n{diff}")
        return False

    def take_over(self, holder: Holder) -> str | None:
        """Take over only if the drill says why."""
        del holder
        reaction = self.reactions.get("take-over")
        return reaction.removeprefix("take:").strip() if isinstance(reaction, str) else None

    def tell(self, event: Event, screen: Screen | None) -> None:
        """Print one line for each step that ended."""
        del screen
        match event:
            case StepFinished(outcome=Outcome.PASSED):
                took = f"  {event.seconds:.1f} s" if event.seconds else ""
                self.say(f"  ok       {event.step}{took}")
            case StepFinished():
                self.say(f"  {event.outcome.value:<8} {event.step}  {event.evidence}")
            case StepSkipped():
                self.say(f"  skipped  {event.step}  {event.reason}")
            case OptionChosen():
                self.say(f"  chosen   {event.step}  {event.option}")

    def _next(self, answers: Mapping[str, Answer], screen: Screen, *more: str) -> str | None:
        """Return the answer for a step, by its whole path, its path without values, its id, or another name."""
        for key in (screen.path, plain_path(screen.path), screen.step.id, *more):
            if key not in answers:
                continue
            answer = answers[key]
            if isinstance(answer, str):
                return answer
            turn = self._used.get(key, 0)
            self._used[key] = turn + 1
            return answer[min(turn, len(answer) - 1)]
        return None


def _typed(screen: Screen) -> str:
    if screen.confirmation is Confirmation.NAME:
        return screen.word
    return "yes" if screen.confirmation is Confirmation.YES else ""


def _reaction(words: str, screen: Screen) -> Reply:
    """Turn a reaction, such as `go`, `skip: why` or `switch: id`, into a reply."""
    verb, _, reason = (part.strip() for part in words.partition(":"))
    replies: dict[str, Reply] = {
        "go": Go(typed=_typed(screen)),
        "retry": Go(typed=_typed(screen)),
        "leave": Skip(reason),
        "skip": Skip(reason),
        "undo": TakeBack("yes"),
        "back": Back(),
        "done": Resolve(Undecided.DONE, note=reason),
        "redo": Resolve(Undecided.REDO, note=reason),
        "probe": Resolve(Undecided.PROBE),
        "stop": Stop(reason or NO_REASON),
        "switch": SwitchTo(reason),
    }
    if verb not in replies:
        raise StuckError(f"the drill reacts with '{words}' at '{screen.path}'", hint="One of: " + ", ".join(replies))
    return replies[verb]
