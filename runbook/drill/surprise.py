"""A drill that the person does not see coming: any scenario, now and then with something going wrong on top."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from runbook.errors import UsageError
from runbook.expansion import EveryWay, expand
from runbook.model import Book, Drill, Procedure, ScenarioEvent, Section
from runbook.steps.scope import Scope

__all__ = ["pick_surprise"]

_NAME = "surprise"


def _twists(push: str) -> tuple[ScenarioEvent, ...]:
    return (
        ScenarioEvent(push, "drop_connection", "after", turn=1),
        ScenarioEvent(push, "drop_connection", "before", turn=1),
        ScenarioEvent(push, "kill_cli", "after", turn=1),
        ScenarioEvent("start", "second_operator", "Ada"),
    )


def pick_surprise(book: Book, procedure: Procedure | None, random: Random) -> tuple[Procedure, Drill]:
    """Return a procedure (that one, or any for when things go wrong) and a drill under a name that tells nothing.

    About every second one has a twist: a broken line or a dead command in the middle of a push, or a colleague who
    holds the target. Raises UsageError where nothing can be drilled.
    """
    candidates = (
        [procedure] if procedure else [each for each in book.procedures.values() if each.section is Section.WRONG]
    )
    pairs = [(each, drill) for each in candidates for drill in each.drills if drill.practice]
    if not pairs:
        raise UsageError("there is no drill to pick from", hint="`runbook drill --list` shows all drills.")
    chosen, drill = random.choice(pairs)
    places = expand(chosen, EveryWay(), Scope()).places
    pushes = [place.step.id for place in places if _is_push(place.step.action.words)]
    if pushes and not drill.scenario.events and random.random() < 0.5:
        twist = random.choice(_twists(pushes[-1]))
        drill = replace(drill, scenario=replace(drill.scenario, events=(twist,)))
    return chosen, replace(drill, name=_NAME)


def _is_push(words: tuple[str, ...]) -> bool:
    return "push" in words and "--dry-run" not in words
