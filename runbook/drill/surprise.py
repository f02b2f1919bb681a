"""A drill that the person does not see coming: any scenario, now and then with something going wrong on top."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from runbook.errors import UsageError
from runbook.model import Book, Choose, Command, Drill, Each, Include, Procedure, ScenarioEvent, Section, Step

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
    pushes = [step.id for step in _all_steps(chosen.steps) if _is_push(step)]
    if pushes and not drill.scenario.events and random.random() < 0.5:
        twist = random.choice(_twists(pushes[-1]))
        drill = replace(drill, scenario=replace(drill.scenario, events=(twist,)))
    return chosen, replace(drill, name=_NAME)


def _all_steps(steps: tuple[Step, ...]) -> Iterator[Step]:
    for step in steps:
        yield step
        if isinstance(step.action, Choose):
            for option in step.action.options:
                yield from _all_steps(option.steps)
        elif isinstance(step.action, Each | Include):
            yield from _all_steps(step.action.steps)


def _is_push(step: Step) -> bool:
    return isinstance(step.action, Command) and "push" in step.action.words and "--dry-run" not in step.action.words
