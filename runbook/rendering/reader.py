"""A procedure as it is read: every step at its place, what it does there, and the blocks by which it shows itself.

Whoever shows a procedure reads it here. They differ in what they know (`runbook.expansion`), in where the commands go
(`runbook.steps.destination`), and in how they draw a block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runbook.expansion import EveryWay, Expansion, expand
from runbook.filling import Shown, fill_text
from runbook.model import Action, Effect, Parameter, Policy, Procedure, Value
from runbook.steps.destination import Destination, Prepared, prepare, production
from runbook.steps.scope import Place, Scope
from runbook.steps.view import Block, EffectNote, effect_sentence, view_of

__all__ = ["Reader", "headed", "read_with_examples"]


class Reader:
    """An expanded procedure with the destination of its commands; `target` is how sentences name that, if at all."""

    def __init__(self, expansion: Expansion, to: Destination, *, target: str = "") -> None:
        self.expansion = expansion
        self.to = to
        self._target = target
        self._prepared: dict[Place, Prepared] = {}

    @property
    def procedure(self) -> Procedure:
        """The procedure that is read."""
        return self.expansion.procedure

    def action(self, place: Place) -> Action:
        """Return what is done there, on the CLI's major."""
        return place.step.action_on(self.to.major)

    def text(self, place: Place, template: str) -> str:
        """Fill one of the step's texts in; a name without a value stays as `<name>`."""
        return fill_text(template, Shown(place.scope.values))

    def title(self, place: Place) -> str:
        """Return the step's title, filled in."""
        return self.text(place, place.step.title)

    def prepared(self, place: Place) -> Prepared:
        """Return the step's action, filled in and judged once.

        Raises UsageError if a value can't stand where it is put.
        """
        if place not in self._prepared:
            values = Shown(place.scope.values)
            self._prepared[place] = prepare(self.action(place), values, self.to, care=place.step.effect)
        return self._prepared[place]

    def effect(self, place: Place) -> Effect | None:
        """Return what the step does to its target; None where nothing runs and its author says nothing of it."""
        # An edit prepares the check of its file, which says nothing of what the step does.
        return self.prepared(place).effect if self.action(place).runs else place.step.effect

    def effect_note(self, place: Place) -> EffectNote | None:
        """Return the effect with its sentence, None where the step has none."""
        effect = self.effect(place)
        return EffectNote(effect, effect_sentence(self.prepared(place), self._target)) if effect else None

    def blocks(self, place: Place, *, is_titled: bool = True) -> Iterator[Block]:
        """Yield all that is said of a step besides its title; without a title above it, what that says too."""
        yield from view_of(
            place.step,
            self.action(place),
            Shown(place.scope.values),
            Shown(place.after.values),
            self.to,
            effect=self.effect_note(place),
            is_titled=is_titled,
        )


def headed(places: Sequence[Place]) -> Iterator[tuple[str, Place]]:
    """Yield places in reading order, each behind the heading of what begins there: an answer's steps, or a phase."""
    yield from (pair for place in places for pair in _with_inner(place))


def _with_inner(place: Place, heading: str = "") -> Iterator[tuple[str, Place]]:
    yield heading or place.step.phase or "", place
    for branch in place.branches:
        letter = branch.letter.removeprefix(place.number)
        title = f"{letter}) {branch.title}" if letter else ""
        for index, inner in enumerate(branch.places):
            yield from _with_inner(inner, "" if index else title)


# --- examples -----------------------------------------------------------------------------------------------------


def read_with_examples(procedure: Procedure, policy: Policy, major: int, project_ref: str) -> Reader:
    """Return the procedure as it would run on production, with examples for its values; secrets have none."""
    names = {"project_ref": project_ref, "env_file": "<env_file>"}
    values = {one.name: _example(one) for one in procedure.parameters if not one.secret}
    secrets = {one.name: one.name for one in procedure.parameters if one.secret}
    scope = Scope(values={**names, **values}, secrets=secrets)
    expansion = expand(procedure, EveryWay(_stand_in), scope)
    return Reader(expansion, production(policy, major, names), target="production")


def _example(parameter: Parameter) -> Value:
    example = parameter.example or parameter.default or f"<{parameter.name}>"
    return tuple(part.strip() for part in example.split(",")) if parameter.many else example


def _stand_in(_prefix: str, name: str, asks: Parameter | None) -> str:
    return (asks.example if asks else "") or f"<{name}>"
