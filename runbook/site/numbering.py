"""Where a step stands on a page: its path as the walk names it, its anchor, its number, and what names mean there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runbook.model import Action, Choose, Each, Include, Procedure, Step
from runbook.site.value_markers import ValueScope as Scope

__all__ = ["Placed", "branches", "nested", "outline", "placed", "walked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A step at its place. `path` is the walk's path within the procedure, `[]` standing for an `each` value."""

    step: Step
    path: str
    anchor: str
    number: str
    scope: Scope
    prefix: str = ""
    """What anchors inside an included procedure begin with."""

    @property
    def title(self) -> str:
        """Return the step's title as it is written."""
        return self.step.title


def placed(procedure: Procedure) -> tuple[tuple[Placed, ...], tuple[Placed, ...]]:
    """Place a procedure's own steps: those before step 1, and the steps."""
    before = _row(procedure.before, path="before/", numbering="0.", scope=Scope(), prefix="")
    return before, _row(procedure.steps, path="", numbering="", scope=Scope(), prefix="")


def _row(steps: tuple[Step, ...], *, path: str, numbering: str, scope: Scope, prefix: str) -> tuple[Placed, ...]:
    return tuple(
        Placed(
            step=step,
            path=f"{path}{step.id}",
            anchor=f"{prefix}{step.id}",
            number=f"{numbering}{number}",
            scope=scope,
            prefix=prefix,
        )
        for number, step in enumerate(steps, start=1)
    )


def branches(at: Placed, choose: Choose) -> tuple[tuple[str, str, tuple[Placed, ...]], ...]:
    """Place the options of a question: for each its letter, what it is for, and its steps."""
    rows = []
    for index, option in enumerate(choose.options):
        letter = f"{at.number}{chr(ord('a') + index)}"
        row = _row(option.steps, path=f"{at.path}/", numbering=f"{letter}.", scope=at.scope, prefix=at.prefix)
        rows.append((letter, option.when, row))
    return tuple(rows)


def nested(at: Placed, action: Action) -> tuple[Placed, ...]:
    """Place the steps inside a repetition or an included procedure."""
    if isinstance(action, Each):
        path = f"{at.path}[]/"
        return _row(action.steps, path=path, numbering=f"{at.number}.", scope=at.scope, prefix=at.prefix)
    if isinstance(action, Include):
        scope = at.scope.inside(at.anchor, action)
        prefix = f"{at.anchor}--"
        return _row(action.steps, path=f"{at.path}/", numbering=f"{at.number}.", scope=scope, prefix=prefix)
    return ()


def walked(row: tuple[Placed, ...]) -> Iterator[Placed]:
    """Yield every step in reading order, those inside others too."""
    for at in row:
        yield at
        action = at.step.action
        inner = nested(at, action)
        if isinstance(action, Choose):
            inner = tuple(step for _, _, steps in branches(at, action) for step in steps)
        yield from walked(inner)


def outline(procedure: Procedure) -> tuple[Placed, ...]:
    """Return every step of a procedure's page in reading order."""
    before, steps = placed(procedure)
    return (*walked(before), *walked(steps))
