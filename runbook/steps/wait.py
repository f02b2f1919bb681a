"""`wait`: a pause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from runbook.filling import Values, fill_text
from runbook.model import Action, Position, Use
from runbook.model.fields import TEMPLATE, Duration, key
from runbook.steps import view
from runbook.steps.destination import Destination
from runbook.steps.performing import Hands, Job, Work

__all__ = ["Wait"]


@dataclass(frozen=True, slots=True)
class Wait(Action):
    """A pause of `seconds`, and what it is for."""

    word: ClassVar = "Wait"
    symbol: ClassVar = "wait"
    enter_does: ClassVar = "to begin waiting"

    seconds: float = key(Duration(), "A pause.", name="wait")
    text: str = key(TEMPLATE, "What the pause is for.", name="for")

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield what it is for."""
        yield Use(self.text, at)

    def perform(self, work: Work, answer: str) -> None:
        """Wait, unless the operator has: then what was really waited goes on record."""

        def pause() -> str:
            if answer:
                return f"waited {answer} s of {self.seconds:g} s"
            work.wait(self.seconds)
            return f"waited {self.seconds:g} s"

        work.run(Job(first=pause))

    def attend(self, hands: Hands) -> str | None:
        """Show the time that is left; Enter ends the wait early."""
        return f"{hands.count_down(self.seconds):.0f}"

    def drill_answer(self, given: Callable[..., str | None], draft: str) -> str:
        """Return the whole time, without waiting for it."""
        del given, draft
        return f"{self.seconds:g}"

    def view(self, values: Values, to: Destination) -> Iterator[view.Block]:
        """Yield how long, and what for."""
        del to
        yield view.Pause(self.seconds, fill_text(self.text, values))
