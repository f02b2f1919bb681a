"""`tick`: something that only a person can do or see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from runbook.filling import Values, fill_text
from runbook.model import Action, Effect, Parameter, Position, Role, Step, Use
from runbook.model.fields import TEMPLATE, ProcedureId, Shaped, key
from runbook.steps import view
from runbook.steps.destination import Destination
from runbook.steps.performing import Job, Work

__all__ = ["Tick"]


@dataclass(frozen=True, slots=True)
class Tick(Action):
    """Something only a person can do or see. With `asks`, the value seen is checked and kept as a variable."""

    word: ClassVar = "By hand"
    symbol: ClassVar = "tick"
    places: ClassVar = frozenset({"step", "on_cli", "undo"})
    enter_does: ClassVar = "when done"
    may_come_before: ClassVar = True
    is_seen_by_person: ClassVar = True

    text: str = key(TEMPLATE, "A thing only a person can do or see.", name="tick")
    asks: Parameter | None = key(
        Shaped("asks"), "A value that the operator notes down here.", default=None, not_in=("undo",)
    )
    practise: str | None = key(
        ProcedureId(), "The id of a procedure to drill in another terminal.", default=None, not_in=("undo",)
    )

    @property
    def title(self) -> str:
        """Its text: a task that fits on one line needs no separate title."""
        return self.text

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield its text."""
        yield Use(self.text, at)

    def commands(self) -> Iterator[tuple[Role, Action]]:
        """Yield nothing: a person does it."""
        yield from ()

    def perform(self, work: Work, answer: str) -> None:
        """Keep the value that was seen. Ask again until it's accepted."""
        captured: dict[str, str] = {}
        if self.asks is not None:
            problem = work.problem_with(self.asks, answer)
            if problem:
                answer = work.ask(self.asks, problem if answer else "")
            captured = {self.asks.name: answer}
        evidence = "; ".join(f"{name}: {value}" for name, value in captured.items()) or "by hand"
        work.run(Job(captured=captured, evidence=evidence))

    def runs_dry(self, effect: Effect, *, is_complete: bool) -> bool:
        """Return True: it runs nothing, and what a person does is up to them."""
        del effect, is_complete
        return True

    @property
    def wants_answer(self) -> bool:
        """True if it asks for a value."""
        return self.asks is not None

    def read_answer(self, typed: str) -> tuple[str, str]:
        """Return the value, and the problem with it, with an example."""
        problem = self.asks.problem_with(typed) if self.asks else ""
        hint = f" For example: {self.asks.example}" if problem and self.asks and self.asks.example else ""
        return typed, f"{problem}.{hint}" if problem else ""

    def answer_problem(self, step: Step, answers: Sequence[str]) -> str:
        """Return which of a drill's answers the step doesn't accept, on any major, "" if it accepts all."""
        asked = [action.asks for action in step.actions if action.asks]
        if not asked:
            return f"step '{step.id}' asks nothing"
        wrong = [answer for answer in answers if all(asks.problem_with(answer) for asks in asked)]
        return f"'{wrong[0]}' is not a value that '{step.id}' takes" if wrong else ""

    def drill_answer(self, given: Callable[..., str | None], draft: str) -> str:
        """Return the value that the drill says is seen."""
        del draft
        return (given(self.asks.name, is_needed=True) or "") if self.asks else ""

    def view(self, values: Values, to: Destination) -> Iterator[view.Block]:
        """Yield the text, the drill to practise, and the blank for the value."""
        del to
        yield view.Prose(fill_text(self.text, values))
        if self.practise:
            yield view.CommandToRun(("runbook", "drill", self.practise), lead="In another terminal:")
        if self.asks:
            yield view.Ask(self.asks)
