"""A procedure to read: every step at its place with examples for its values, and the blocks that show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from runbook.expansion import EveryWay, Expansion, expand
from runbook.filling import Shown, fill_text
from runbook.model import Parameter, Policy, Procedure, TeamChange, Value
from runbook.steps.destination import Destination, prepare, production
from runbook.steps.scope import Place, Scope
from runbook.steps.view import Block, EffectNote, effect_sentence, view_of

__all__ = ["ShownProcedure", "change_sentence", "headed", "read_with_examples"]


@dataclass(frozen=True, slots=True)
class ShownProcedure:
    """An expanded procedure with the destination of its commands."""

    expansion: Expansion
    to: Destination
    _effects: dict[str, EffectNote | None] = field(default_factory=dict, repr=False, compare=False)
    """The effect of each step, by its path, because judging a command takes time."""

    @property
    def procedure(self) -> Procedure:
        """The procedure to read."""
        return self.expansion.procedure

    def title(self, place: Place) -> str:
        """Return the step's title, filled in; a name without a value stays as `<name>`."""
        return fill_text(place.step.title, Shown(place.scope.values))

    def effect_note(self, place: Place) -> EffectNote | None:
        """Return what the step does to its target; None if nothing runs and its author says nothing about it.

        Raises UsageError if a value can't be used where it is put.
        """
        if place.path not in self._effects:
            self._effects[place.path] = self._effect_note(place)
        return self._effects[place.path]

    def _effect_note(self, place: Place) -> EffectNote | None:
        step, action = place.step, place.step.action_on(self.to.major)
        prepared = prepare(action, Shown(place.scope.values), self.to, care=step.effect)
        # An edit prepares the check of its file, which says nothing about what the step does.
        effect = prepared.effect if action.runs else step.effect
        return EffectNote(effect, effect_sentence(prepared, "production")) if effect else None

    def blocks(self, place: Place, *, is_titled: bool = True) -> Iterator[Block]:
        """Yield everything that a step says besides its title; if it isn't titled, also what the title would say."""
        values, later = Shown(place.scope.values), Shown(place.after.values)
        action, effect = place.step.action_on(self.to.major), self.effect_note(place)
        return view_of(place.step, action, values, later, self.to, effect=effect, is_titled=is_titled)


def change_sentence(change: TeamChange) -> str:
    """Return what a team changed and why, and what has happened to its base since."""
    reason = f" Reason: {change.reason.rstrip('.')}." if change.reason else ""
    return f"{change.text}{reason}{f' Look at it again: {change.stale}.' if change.stale else ''}"


def headed(places: Sequence[Place], first: str = "") -> Iterator[tuple[str, Place]]:
    """Yield places in reading order, each after the heading of what begins there: an answer's steps, or a phase.

    `first` is the heading of the first one, instead of its phase.
    """
    for index, place in enumerate(places):
        yield (first if index == 0 else "") or place.step.phase or "", place
        for branch in place.branches:
            # `4a` below step 4 is `a)`: the number comes before its steps anyway. A loop or an include has no letter.
            letter = branch.letter.removeprefix(place.number)
            yield from headed(branch.places, f"{letter}) {branch.title}" if letter else "")


def read_with_examples(procedure: Procedure, policy: Policy, major: int, project_ref: str) -> ShownProcedure:
    """Return the procedure as it would run on production, with examples for its values; secrets have none."""

    def example(one: Parameter) -> Value:
        text = one.example or one.default or f"<{one.name}>"
        return tuple(part.strip() for part in text.split(",")) if one.many else text

    names = {"project_ref": project_ref, "env_file": "<env_file>"}
    values = {one.name: example(one) for one in procedure.parameters if not one.secret}
    # A secret is represented by its own name: the private file lists the name, and nothing else about it is shown.
    secrets = {one.name: one.name for one in procedure.parameters if one.secret}
    every_way = EveryWay(lambda _prefix, name, asks: (asks.example if asks else "") or f"<{name}>")
    expansion = expand(procedure, every_way, Scope(values={**names, **values}, secrets=secrets))
    return ShownProcedure(expansion, production(policy, major, names))
