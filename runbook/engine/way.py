"""One run's way through a procedure: the steps in order, given the choices made and the values known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from runbook.engine.state import RunState, Status
from runbook.errors import UsageError
from runbook.expansion import expand
from runbook.model import Procedure, Step, Value
from runbook.steps.scope import Place, Scope

__all__ = ["BEFORE_TITLE", "Way", "way_of"]

BEFORE_TITLE = "Before you start"
"""Title shown for the steps that come before step 1."""


@dataclass(frozen=True, slots=True)
class Way:
    """The steps that have their own screen, first to last. Nothing is known yet after an open choice."""

    places: tuple[Place, ...]

    def find(self, path: str) -> Place | None:
        """Return the step with that path, or None if the way doesn't lead there (any more)."""
        return next((place for place in self.places if place.path == path), None)

    def named(self, step_id: str, *, before: str) -> Place:
        """Return the nearest earlier step with that id in the same list of steps, or in one around it.

        Raises UsageError if there is none.
        """
        prefix = before.rpartition("/")[0]
        while True:
            found = self.find(f"{prefix}/{step_id}" if prefix else step_id)
            if found is not None:
                return found
            if not prefix:
                raise UsageError(f"there is no step '{step_id}' to go back to from '{before}'")
            prefix = prefix.rpartition("/")[0]

    def before(self, path: str) -> Place | None:
        """Return the step before that one, None at the first."""
        index = next((index for index, place in enumerate(self.places) if place.path == path), 0)
        return self.places[index - 1] if index else None

    def number_of(self, path: str) -> tuple[int, int]:
        """Return (number, total) of a step in its part; steps before step 1 are counted separately."""
        here = self.find(path)
        part = [place.path for place in self.places if here is not None and place.is_before == here.is_before]
        return (part.index(path) + 1, len(part)) if path in part else (0, len(self.places))

    def is_open_behind(self, path: str) -> bool:
        """Tell whether a question from here on is still open, so that more steps may come than are known."""
        paths = [place.path for place in self.places]
        ahead = self.places[paths.index(path) :] if path in paths else ()
        return any(not place.branches and any(place.step.action.branches()) for place in ahead)

    def phase_of(self, path: str) -> tuple[int, int, str]:
        """Return (number, count, title) of the phase that a step is in; number 0 is before step 1."""
        number, found, titles = 0, 0, [""]
        for place in self.places:
            if not place.is_before and (place.step.phase is not None or not number):
                number += 1
                titles.append(place.step.phase or "")
            if place.path == path:
                found = number
        here = self.find(path)
        if here is None or here.is_before:
            return (0, number, BEFORE_TITLE)
        return (found, number, titles[found])

    def in_phase(self, number: int) -> list[Place]:
        """Return the steps of a phase."""
        return [place for place in self.places if not place.is_before and self.phase_of(place.path)[0] == number]


def way_of(procedure: Procedure, state: RunState, built_ins: Mapping[str, Value] | None = None) -> Way:
    """Return the way of a run; `built_ins` are the values that the walk itself fills in."""
    secrets = {parameter.name: parameter.name for parameter in procedure.parameters if parameter.secret}
    scope = Scope(values={**state.parameters, **(built_ins or {})}, secrets=secrets)
    laid_out = expand(procedure, _OfRun(state), scope)
    return Way((*_screens(laid_out.before, ""), *_screens(laid_out.steps, "")))


def _screens(places: Sequence[Place], phase: str) -> Iterator[Place]:
    """Yield the places that have a screen; the first one inside a container opens the container's phase."""
    for place in places:
        opens = phase if place is places[0] and place.step.phase is None else ""
        here = replace(place, step=replace(place.step, phase=opens)) if opens else place
        if not place.step.action.is_container:
            yield here
        for branch in place.branches:
            yield from _screens(branch.places, (here.step.phase or "") if place.step.action.is_container else "")


class _OfRun:
    """What one run knows: the options chosen, its lists, and what its steps have found."""

    def __init__(self, state: RunState) -> None:
        self._state = state

    def found(self, path: str, step: Step, prefix: str) -> Mapping[str, Value]:
        """Return what the step has captured."""
        del step, prefix
        return self._state.step(path).captured

    def taken(self, path: str, answers: Sequence[str], usual: str = "") -> Sequence[str]:
        """Return the answer given there: none while the question is open, or if the answer no longer exists."""
        del usual  # a person answers
        if self._state.step(path).status is not Status.PASSED:
            return ()
        return [answer for answer in answers if answer == self._state.choices.get(path)]

    def items(self, path: str, name: str, value: Value | None, prefix: str) -> Sequence[tuple[str, Value]]:
        """Return the values of the list."""
        del path, name, prefix
        listed = (value,) if isinstance(value, str) else value or ()
        return [(item, item) for item in listed]
