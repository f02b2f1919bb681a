"""The only traversal: it turns a procedure and what is known into steps at their places, with path, number and scope.

The walk, the checks, the pages, `runbook show` and the drills all lay a procedure out here. They only differ in what
they know: `runbook.engine` has the answers of one run, a drill has its author's answers, and a page, which stands for
every run, goes into every branch (`EveryWay`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from runbook.filling import Values
from runbook.model import Parameter, Procedure, Step, Value
from runbook.steps.scope import Branch, Known, Place, Scope

__all__ = ["BEFORE", "EveryWay", "Expansion", "expand", "flatten", "plain_path"]

_LISTED = re.compile(r"\[[^\]]*\]")

BEFORE = "before/"
"""The start of the path of each step before step 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """The steps of a procedure at their places, as a tree: the steps inside a step are in its branches."""

    procedure: Procedure
    before: tuple[Place, ...]
    steps: tuple[Place, ...]

    @property
    def places(self) -> tuple[Place, ...]:
        """Every place in reading order, including those inside others."""
        return (*flatten(self.before), *flatten(self.steps))

    @property
    def own(self) -> tuple[Place, ...]:
        """The places of steps that are written in this procedure itself."""
        return tuple(place for place in self.places if place.procedure == self.procedure.id)


def expand(procedure: Procedure, known: Known, scope: Scope) -> Expansion:
    """Return the steps of a procedure from first to last, with the steps inside them that are gone into.

    `scope` is what is known before the first step: values and secrets of the run, or stand-ins for them.
    """
    declared = {parameter.name: parameter for parameter in procedure.parameters}
    scope = replace(scope, names={**scope.names, **declared})
    start = Branch(steps=procedure.before, scope=scope, path=BEFORE, number="0.", anchor="", procedure=procedure.id)
    before, after = _lay_out(start, known, depth=0, is_before=True)
    start = replace(start, steps=procedure.steps, scope=after, path="", number="")
    steps, _ = _lay_out(start, known, depth=0, is_before=False)
    return Expansion(procedure=procedure, before=before, steps=steps)


def _lay_out(branch: Branch, known: Known, *, depth: int, is_before: bool) -> tuple[tuple[Place, ...], Scope]:
    """Return the places of a list of steps, and what is known after the last one."""
    scope, places = branch.scope, []
    for index, step in enumerate(branch.steps, start=1):
        path = f"{branch.path}{step.id}"
        found = known.found(path, step, scope.prefix)
        place = Place(
            step=step,
            path=path,
            number=f"{branch.number}{index}",
            scope=scope,
            after=scope.learn(path, step, found),
            procedure=branch.procedure,
            anchor_prefix=branch.anchor,
            depth=depth,
            is_before=is_before,
        )
        entered, ends = [], []
        for inner in step.action.enter(place, known):
            within, end = _lay_out(inner, known, depth=depth + 1, is_before=is_before)
            entered.append(replace(inner, places=within))
            ends.append(end)
        places.append(replace(place, branches=tuple(entered)) if entered else place)
        scope = step.action.leave(scope, step, ends).learn(path, step, found)
    return tuple(places), scope


def flatten(places: Sequence[Place]) -> Iterator[Place]:
    """Yield places in reading order, each followed by those inside it."""
    for place in places:
        yield place
        for branch in place.branches:
            yield from flatten(branch.places)


def plain_path(path: str) -> str:
    """Return a path without the values of lists: `each[a]/step` becomes `each/step`, which means all of them."""
    return _LISTED.sub("", path)


class EveryWay:
    """What is known about any run: every option may be taken, a list has some value, a step finds something.

    `stand_in` returns a substitute for the value of a name. It gets the scope's prefix, the name, and the parameter if
    a person is asked for the value.
    """

    def __init__(
        self, stand_in: Callable[[str, str, Parameter | None], str] = lambda _prefix, name, _asks: name
    ) -> None:
        self._stand_in = stand_in

    def found(self, path: str, step: Step, prefix: str) -> Values:
        """Return a stand-in for each name that the step captures."""
        del path
        asked = {action.asks.name: action.asks for action in step.actions if action.asks}
        return {name: self._stand_in(prefix, name, asked.get(name)) for name in step.captures}

    def taken(self, path: str, answers: Sequence[str], usual: str = "") -> Sequence[str]:
        """Return all answers."""
        del path, usual
        return answers

    def items(self, path: str, name: str, value: Value | None, prefix: str) -> Sequence[tuple[str, Value]]:
        """Return one round, for any value."""
        del path
        first = next(iter(value), "") if isinstance(value, tuple) else ""
        return [("", first or self._stand_in(prefix, name, None))]
