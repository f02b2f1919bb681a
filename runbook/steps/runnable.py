"""Define the base of all kinds of steps that run one command or request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from runbook.model import Action, Effect, Role
from runbook.steps.performing import Job, Work

__all__ = ["Runnable"]


class Runnable(Action):
    """A step that runs one command or request and compares its output."""

    __slots__ = ()

    runs: ClassVar = True
    starts_by_itself: ClassVar = True
    may_come_before: ClassVar = True

    def commands(self) -> Iterator[tuple[Role, Action]]:
        """Yield itself."""
        yield Role.STEP, self

    def perform(self, work: Work, answer: str) -> None:
        """Run it, compare its output and keep what the step captures."""
        del answer
        step = work.step
        work.run(
            Job(
                expect=self.expectation(step.expect),
                capture=step.capture,
                timeout=step.timeout,
                understands=self._reader(work.fill),
            )
        )

    def _reader(self, fill: Callable[[str], str]) -> Callable[[str], str] | None:
        """Return a function that turns the printed document into the one to show and compare; None leaves it as is."""
        del fill
        return None

    def runs_dry(self, effect: Effect, *, is_complete: bool) -> bool:
        """Tell whether it only reads and all of its values are known."""
        return effect is Effect.READS and is_complete
