"""`wait`: pause, with a check that must pass during the pause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from runbook.filling import Values, fill_text
from runbook.model import Action, Check, Position, Role, Use
from runbook.model.fields import TEMPLATE, Duration, Shaped, key
from runbook.steps import view
from runbook.steps.destination import Destination
from runbook.steps.performing import Done, Job, Work

__all__ = ["Wait"]


@dataclass(frozen=True, slots=True)
class Wait(Action):
    """A pause of `seconds`, and its purpose. `watch` must pass at the beginning, and then every `every` seconds."""

    word: ClassVar = "Wait"
    symbol: ClassVar = "wait"
    starts_by_itself: ClassVar = True

    seconds: float = key(Duration(), "A pause.", name="wait")
    text: str = key(TEMPLATE, "What the pause is for.", name="for")
    watch: Check | None = key(
        Shaped("check"),
        "A check that must pass while the pause lasts. If it fails, the pause ends and the step fails.",
        default=None,
    )
    every: float = key(Duration(), "How long to wait between two runs of `watch`.", default=30.0, said="30s")

    @property
    def enter_does(self) -> str:  # type: ignore[override]
        """What Enter does."""
        return "to begin watching" if self.watch else "to begin waiting"

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield its purpose, and the texts of the check."""
        yield Use(self.text, at)
        if self.watch:
            yield from self.watch.uses(at)

    def commands(self) -> Iterator[tuple[Role, Action]]:
        """Yield the check."""
        if self.watch:
            yield Role.CHECK, self.watch.action

    def perform(self, work: Work, answer: str) -> None:
        """Wait, or watch, and record how long it really was."""
        del answer
        if self.watch is None:
            work.run(Job(first=lambda: Done(evidence=self._waited(work.wait(self.seconds)))))
        else:
            work.run(Job(first=lambda: self._keep_watch(work), looks=(self.watch,)))

    def _waited(self, seconds: float) -> str:
        return f"waited {seconds:.0f} s" + ("" if seconds >= self.seconds else f" of {self.seconds:g} s")

    def _keep_watch(self, work: Work) -> Done:
        """Run the check until the time is up, the operator ends the pause, or the check fails."""
        waited, looks, ends = 0.0, 1, False
        (seen,) = work.look()
        while seen.passed and waited < self.seconds and not ends:
            pause = min(self.every, self.seconds - waited)
            passed = work.wait(pause)
            waited, looks, ends = waited + passed, looks + 1, passed < pause
            (seen,) = work.look()
        return Done(
            evidence=f"{self._waited(waited)}, checked {looks} times; {seen.evidence}",
            output=seen.output,
            passed=seen.passed,
        )

    def view(self, values: Values, to: Destination) -> Iterator[view.Block]:
        """Yield the length of the pause, and its purpose."""
        yield view.Pause(self.seconds, fill_text(self.text, values))
        if self.watch:
            watched = view.Reading(f"Every {self.every:g} s", tuple(self.watch.action.view(values, to)))
            yield view.Looks((watched,))
