"""`each`: the same steps, once for every value of a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from runbook.filling import Values, fill_text
from runbook.model import Action, Parameter, Position, Procedure, Step, Use
from runbook.model.action import Becomes, Problem
from runbook.model.fields import NAME, ListOf, Shaped, key
from runbook.steps import view
from runbook.steps.destination import Destination
from runbook.steps.scope import Branch, Known, Place

__all__ = ["Each"]


@dataclass(frozen=True, slots=True)
class Each(Action):
    """The same steps once for every value of the list parameter `over`, each time bound to `name`."""

    word: ClassVar = "Repeat"
    symbol: ClassVar = "repeat"
    is_container: ClassVar = True

    over: str = key(NAME, "A parameter with `many: true`: the steps are done once for each of its values.", name="each")
    name: str = key(NAME, "The name of the current value within the steps.", name="as")
    steps: tuple[Step, ...] = key(ListOf(Shaped("step")), "The steps to do for each value.")

    def branches(self) -> tuple[tuple[Step, ...], ...]:
        """Return its steps."""
        return (self.steps,)

    def with_includes(self, resolved: Callable[[str], Procedure]) -> Each:
        """Return it with the includes in its steps resolved."""
        return replace(self, steps=tuple(step.with_includes(resolved) for step in self.steps))

    def enter(self, place: Place, known: Known) -> Iterator[Branch]:
        """Yield its steps for one value after the other. A round doesn't know what the rounds before it captured."""
        scope = place.scope
        listed = scope.values.get(self.over)
        for shown, value in known.items(place.path, self.name, listed, scope.prefix):
            path = f"{place.path}[{shown}]"
            given = known.found(path, place.step, scope.prefix)
            yield Branch(
                steps=self.steps,
                scope=scope.within(path, given).with_value(self.name, value),
                path=f"{path}/",
                number=f"{place.number}.",
                anchor=place.anchor_prefix,
                procedure=place.procedure,
            )

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield the name of the list."""
        yield Use(self.over, at, Becomes.NAME)

    def scope_problems(
        self, names: Mapping[str, Parameter | None], resolved: Mapping[str, Procedure]
    ) -> Iterator[Problem]:
        """Report an `over` that isn't a list, and an `as` that is already in use."""
        del resolved
        over = names.get(self.over)
        if self.over in names and not (over and over.many):
            yield f"'{self.over}' is one value, not a list: give its parameter 'many: true'", "each:", self.over
        if self.name in names:
            yield f"'{self.name}' is already in use: choose another name", "as:", self.name

    def view(self, values: Values, to: Destination) -> Iterator[view.Block]:
        """Yield the list and the name of its values."""
        del to
        yield view.Repeat(self.name, self.over, fill_text(f"{{{{{self.over}}}}}", values))
