"""Check references between steps: `back_to` and `pick` name earlier steps, and surveys suggest existing answers."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject

__all__ = ["check_pick_lists", "check_suggestions", "check_ways_back"]


def check_ways_back(subject: Subject, notes: Notes) -> None:
    """Report each `back_to` that doesn't name an earlier step, in the same list of steps or in one around it."""
    for places in subject.places_by_procedure.values():
        for number, place in enumerate(places):
            earlier = {one.path for one in places[:number]}
            for step_id in place.step.action.ways_back:
                if not earlier & set(_candidates(place.path, step_id)):
                    notes.add(place.step.at, f"there is no earlier step '{step_id}' to go back to", "back_to:", step_id)


def check_pick_lists(subject: Subject, notes: Notes) -> None:
    """Report each `pick` from a step that isn't earlier. Parameters are asked for before all steps."""
    for procedure in subject.book.procedures.values():
        for parameter in procedure.parameters:
            if "/" in parameter.pick:
                notes.add(parameter.at, "no step has run when this is asked for", "pick:", parameter.pick)
    for places in subject.places_by_procedure.values():
        for number, place in enumerate(places):
            earlier = {one.path for one in places[:number]}
            for asks in (action.asks for action in place.step.actions if action.asks):
                step_id, _, path = asks.pick.partition("/")
                if path and not earlier & set(_candidates(place.path, step_id)):
                    notes.add(asks.at, f"there is no earlier step '{step_id}' to pick from", "pick:", asks.pick)


def check_suggestions(subject: Subject, notes: Notes) -> None:
    """Report suggestions of surveys that aren't answers to a question in the same procedure."""
    for places in subject.places_by_procedure.values():
        answers = {branch.title for place in places for branch in place.branches}
        for place in places:
            for option in place.step.action.suggestions:
                if option not in answers:
                    notes.add(place.step.at, f"no question has the answer '{option}'", "suggests:", option)


def _candidates(path: str, step_id: str) -> Iterator[str]:
    while path:
        path = path.rpartition("/")[0]
        yield f"{path}/{step_id}" if path else step_id
