"""`include`: another procedure's steps, at this place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from runbook.filling import Values
from runbook.model import Action, Parameter, Position, Procedure, Step, Use
from runbook.model.action import Becomes, Problem
from runbook.model.fields import VALUES, ProcedureId, key
from runbook.steps import view
from runbook.steps.destination import Destination
from runbook.steps.scope import Branch, Known, Place

__all__ = ["Include"]


@dataclass(frozen=True, slots=True)
class Include(Action):
    """Another procedure's steps at this place. `values` binds its parameters to templates of this one."""

    word: ClassVar = "Another procedure"
    symbol: ClassVar = "go"
    is_container: ClassVar = True

    procedure: str = key(ProcedureId(), "The id of a procedure whose steps are done here.", name="include")
    values: Mapping[str, str] = key(VALUES, "Values for that procedure's parameters.", name="with", default=dict)
    steps: tuple[Step, ...] = ()
    """The included procedure's steps, filled in by the loader."""
    parameters: tuple[Parameter, ...] = field(default=(), repr=False)
    """The included procedure's parameters, filled in by the loader."""

    @property
    def included(self) -> str:
        """The procedure's id."""
        return self.procedure

    def binding_problems(self, included: Procedure) -> Iterator[str]:
        """Report parameters that the procedure doesn't have, and missing ones that it needs."""
        known = {parameter.name for parameter in included.parameters}
        for name in sorted(set(self.values) - known):
            yield f"'{included.id}' has no parameter '{name}'"
        for name in sorted(known - set(_defaults(included)) - set(self.values)):
            yield f"'{included.id}' needs its parameter '{name}' under 'with'"

    def with_includes(self, resolved: Callable[[str], Procedure]) -> Include:
        """Return it with the procedure's steps, and with defaults for the values that aren't given."""
        included = resolved(self.procedure)
        values = {**_defaults(included), **self.values}
        return replace(self, steps=included.steps, parameters=included.parameters, values=values)

    def enter(self, place: Place, known: Known) -> Iterator[Branch]:
        """Yield the procedure's steps, which know only the procedure's own parameters."""
        inner = f"{place.anchor}."
        given = known.found(place.path, place.step, inner)
        yield Branch(
            steps=self.steps,
            scope=place.scope.bound(self.values, self.parameters, inner).within(place.path, given),
            path=f"{place.path}/",
            number=f"{place.number}.",
            anchor=f"{place.anchor}--",
            procedure=self.procedure,
        )

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield the templates that its parameters stand for."""
        yield from (Use(value, at, Becomes.BOUND) for value in self.values.values())

    def scope_problems(
        self, names: Mapping[str, Parameter | None], resolved: Mapping[str, Procedure]
    ) -> Iterator[Problem]:
        """Report a secret given for a parameter that isn't one, a list for a single value, and the other way around."""
        included = resolved[self.procedure]
        for name, template in self.values.items():
            outer = names.get(template.strip("{}"))
            inner = included.parameter(name)
            if inner.secret != bool(outer and outer.secret):
                alike = "a secret, and this value isn't" if inner.secret else "not a secret, and this value is"
                yield f"'{name}' of '{included.id}' is {alike}", "with:", name
            if inner.many != bool(outer and outer.many):
                alike = f"{'a list' if inner.many else 'one value'}, and this value is not"
                yield f"'{name}' of '{included.id}' is {alike}", "with:", name

    def view(self, values: Values, to: Destination) -> Iterator[view.Block]:
        """Yield the procedure that the steps belong to."""
        del values, to
        yield view.Included(self.procedure, is_whole=not self.values)


def _defaults(procedure: Procedure) -> dict[str, str]:
    # A list's default is text with commas, but in an include, only {{name}} can be a list.
    return {each.name: each.default for each in procedure.parameters if each.default is not None and not each.many}
